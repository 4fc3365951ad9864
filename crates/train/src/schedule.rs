//! Schedules: pure functions of the progress of training, the same for learning rate and batch size.

use serde::{Deserialize, Serialize};

use crate::error::SpecError;

/// A multiplier of the learning rate or of the batch size; the base value stands in the experiment.
///
/// Decay of the one and growth of the other are twins: for B ≪ N, dividing η by a and multiplying B by a change the
/// noise scale g = η(N/B − 1) alike (Smith et al. 2018, eq. 1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always 1.
    #[default]
    Constant,
    /// `factor^m` after `m` milestones have been passed.
    MultiStep {
        /// Epochs at whose beginning the value changes, increasing.
        milestones: Vec<u64>,
        /// What the value is multiplied by at each milestone.
        factor: f64,
    },
}

impl Schedule {
    /// The multiplier in an epoch, counted from 0.
    pub fn multiplier(&self, epoch: u64) -> f64 {
        match self {
            Schedule::Constant => 1.,
            Schedule::MultiStep { milestones, factor } => factor
                .powi(milestones.iter().filter(|&&milestone| milestone <= epoch).count() as i32),
        }
    }

    /// Checks every value; `section` is the schedule's own name in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let Schedule::MultiStep { milestones, factor } = self else { return Ok(()) };
        let increasing = milestones.windows(2).all(|pair| pair[0] < pair[1]);
        SpecError::check(increasing, section, "milestones", milestones, "increasing epochs")?;
        let positive = factor.is_finite() && *factor > 0.;
        SpecError::check(positive, section, "factor", factor, "a number above 0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_step_changes_at_the_beginning_of_an_epoch() {
        let schedule = Schedule::MultiStep { milestones: vec![2, 5], factor: 0.5 };
        let values: Vec<f64> = (0..7).map(|epoch| schedule.multiplier(epoch)).collect();
        assert_eq!(values, [1., 1., 0.5, 0.5, 0.5, 0.25, 0.25]);
    }
}
