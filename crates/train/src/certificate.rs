//! What is known about the point where training stopped.

use serde::{Deserialize, Serialize};

use crate::error::SpecError;
use crate::table::Table;

/// `[training.minimum]` of an experiment: when a point counts as a minimum. At least one criterion is given.
///
/// *Why does either suffice where both are given?* So it is with the tolerances of numerical optimisers: the norm says
/// that the point is nearly stationary, the plateau that training on is in vain, as it is where the noise of the
/// minibatches keeps the norm above its limit. The certificate says which was met. Neither makes a minimum where there
/// is none: on separable data the loss falls like 1/t for ever, and both criteria are met at a point that they choose.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumSpec {
    /// Largest permitted Euclidean norm of the full-batch gradient (of the loss, without weight decay).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_norm: Option<f64>,
    /// The full-batch loss no longer falls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
}

/// A plateau of the full-batch loss: in so many evaluations it did not fall below `1 − relative_improvement` times the
/// loss of the last evaluation that did (PyTorch's `ReduceLROnPlateau` with `threshold_mode = "rel"`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// Evaluations without improvement, at the cadence of `training.evaluate`.
    pub evaluations: u64,
    /// The share of the loss by which it has to fall to have improved.
    pub relative_improvement: f64,
}

/// What the criterion of a plateau has seen; part of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PlateauState {
    /// Loss of the last evaluation that improved.
    pub reference: f64,
    /// Evaluations since.
    pub evaluations: u64,
}

impl Plateau {
    /// The state after one more evaluation; the first is its own reference.
    pub fn after(&self, state: Option<PlateauState>, loss: f64) -> PlateauState {
        let improved = |reference: f64| loss < reference * (1. - self.relative_improvement);
        match state {
            Some(state) if !improved(state.reference) => {
                PlateauState { evaluations: state.evaluations + 1, ..state }
            }
            _ => PlateauState { reference: loss, evaluations: 0 },
        }
    }
}

impl MinimumSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        if self.gradient_norm.is_none() && self.plateau.is_none() {
            let permitted = "gradient_norm, plateau, or both".to_owned();
            return Err(SpecError { key: section.to_owned(), value: "{}".to_owned(), permitted });
        }
        if let Some(limit) = self.gradient_norm {
            let holds = limit.is_finite() && limit > 0.;
            SpecError::check(holds, section, "gradient_norm", limit, "a number above 0")?;
        }
        if let Some(Plateau { evaluations, relative_improvement }) = self.plateau {
            let section = &format!("{section}.plateau");
            SpecError::check(evaluations >= 1, section, "evaluations", evaluations, "1 or more")?;
            let share = (0. ..1.).contains(&relative_improvement);
            let (value, permitted) = (relative_improvement, "a number from 0 to below 1");
            SpecError::check(share, section, "relative_improvement", value, permitted)?;
        }
        Ok(())
    }

    /// The criteria that are met, in words.
    pub(crate) fn criteria_met(
        &self,
        gradient_norm: f64,
        plateau: Option<PlateauState>,
    ) -> Option<String> {
        let norm = self.gradient_norm.filter(|limit| gradient_norm <= *limit);
        let norm = norm.map(|limit| format!("gradient norm ≤ {limit}"));
        let met =
            |spec: &Plateau| plateau.is_some_and(|state| state.evaluations >= spec.evaluations);
        let plateau = self.plateau.filter(met).map(|spec| {
            let Plateau { evaluations, relative_improvement } = spec;
            format!("plateau: {evaluations} evaluations without a loss lower by a share of {relative_improvement}")
        });
        match (norm, plateau) {
            (Some(norm), Some(plateau)) => Some(format!("{norm}; {plateau}")),
            (norm, plateau) => norm.or(plateau),
        }
    }
}

/// The certificate of a minimum: figures of the full training set at the weights where training stopped.
///
/// By the norm of the gradient it certifies a nearly stationary point of the full-batch loss, by a plateau only that
/// this training had come to rest. It does not certify a strict minimum: that needs the Hessian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Steps of training.
    pub step: u64,
    /// Epochs finished.
    pub epoch: u64,
    /// Full-batch loss.
    pub loss: f64,
    /// Euclidean norm of the full-batch gradient.
    pub gradient_norm: f64,
    /// Steps since the evaluation with the lowest full-batch loss.
    pub steps_since_improvement: u64,
    /// Training accuracy.
    pub accuracy: f64,
    /// The criterion that was met, in words, or both.
    pub criterion: String,
}

impl Certificate {
    /// The certificate as a table of one row.
    pub fn to_table(&self) -> Table {
        Table::new()
            .with_integers("step", [self.step as i64])
            .with_integers("epoch", [self.epoch as i64])
            .with_reals("loss", [self.loss])
            .with_reals("gradient_norm", [self.gradient_norm])
            .with_integers("steps_since_improvement", [self.steps_since_improvement as i64])
            .with_reals("accuracy", [self.accuracy])
            .with_texts("criterion", [self.criterion.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLATEAU: Plateau = Plateau { evaluations: 3, relative_improvement: 0.1 };

    fn spec(gradient_norm: Option<f64>, plateau: Option<Plateau>) -> MinimumSpec {
        MinimumSpec { gradient_norm, plateau }
    }

    /// The number of the evaluation at which the plateau is met, counted from 0.
    fn met_at(losses: &[f64]) -> Option<usize> {
        let mut state = None;
        losses.iter().position(|&loss| {
            state = Some(PLATEAU.after(state, loss));
            spec(None, Some(PLATEAU)).criteria_met(1., state).is_some()
        })
    }

    #[test]
    fn a_plateau_is_a_loss_that_did_not_improve_by_its_share() {
        assert_eq!(met_at(&[1., 0.95, 0.91, 0.9, 0.5]), Some(3), "0.9 is not below 0.9");
        assert_eq!(met_at(&[1., 0.95, 0.91, 0.89, 0.85, 0.81, 0.80]), None);
        assert_eq!(met_at(&[1., 0.95, 0.91, 0.89, 0.85, 0.81, 0.9]), Some(6));
        assert_eq!(met_at(&[1., 2., 3.]), None);
        assert_eq!(met_at(&[1., 2., 3., 4.]), Some(3));
        assert_eq!(met_at(&[1., 2., 0.8, 2., 2., 2.]), Some(5));
        assert_eq!(met_at(&[0., 0., 0., 0.]), Some(3));
    }

    #[test]
    fn either_criterion_suffices_and_is_named() {
        let both = spec(Some(0.5), Some(PLATEAU));
        let flat = Some(PlateauState { reference: 1., evaluations: 3 });
        let falling = Some(PlateauState { reference: 1., evaluations: 2 });
        assert_eq!(both.criteria_met(0.6, falling), None);
        assert_eq!(both.criteria_met(0.5, falling).unwrap(), "gradient norm ≤ 0.5");
        let plateau = "plateau: 3 evaluations without a loss lower by a share of 0.1";
        assert_eq!(both.criteria_met(0.6, flat).unwrap(), plateau);
        let expected = format!("gradient norm ≤ 0.5; {plateau}");
        assert_eq!(both.criteria_met(0.4, flat).unwrap(), expected);
        assert_eq!(spec(Some(0.5), None).criteria_met(0.6, flat), None);
    }
}
