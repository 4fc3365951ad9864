//! When noise is measured while a network trains.

use serde::{Deserialize, Serialize};
use train::{SpecError, TrainingSpec};

/// When to measure during training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum During {
    /// After every so many steps.
    EverySteps(u64),
    /// At the end of every so many epochs.
    EveryEpochs(u64),
    /// After these steps.
    Steps(Vec<u64>),
    /// When so many epochs are finished.
    Epochs(Vec<u64>),
    /// So many times in each decade of steps, at equal distances of their logarithm: with 3 after 1, 2, 5, 10, 22, 46, 100, ….
    LogSpaced(u32),
    /// So many epochs before and after each milestone of the schedules of learning rate and batch size: Battash, Wolf and
    /// Lindenbaum (2023), Figure 2, has 1 around the milestone 280.
    AroundMilestones(u64),
}

impl During {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let at_least_1 = |key: &str, n: u64| SpecError::check(n >= 1, section, key, n, "1 or more");
        let some = |key: &str, list: &[u64]| {
            let holds = !list.is_empty() && list.iter().all(|&n| n >= 1);
            SpecError::check(holds, section, key, list, "a list of numbers of 1 or more")
        };
        match self {
            During::EverySteps(n) => at_least_1("every_steps", *n),
            During::EveryEpochs(n) => at_least_1("every_epochs", *n),
            During::Steps(steps) => some("steps", steps),
            During::Epochs(epochs) => some("epochs", epochs),
            During::LogSpaced(n) => {
                SpecError::check((1..=1000).contains(n), section, "log_spaced", n, "1 to 1000")
            }
            During::AroundMilestones(n) => at_least_1("around_milestones", *n),
        }
    }

    /// Checks what depends on the training.
    pub fn validate_against(
        &self,
        section: &str,
        training: &TrainingSpec,
    ) -> Result<(), SpecError> {
        let n_epochs = training.max_epochs;
        let permitted = format!("at most training.max_epochs = {n_epochs}");
        match self {
            During::EveryEpochs(n) => {
                SpecError::check(*n <= n_epochs, section, "every_epochs", n, permitted)
            }
            During::Epochs(epochs) => {
                let holds = epochs.iter().all(|&epoch| epoch <= n_epochs);
                SpecError::check(holds, section, "epochs", epochs, permitted)
            }
            During::AroundMilestones(n) => {
                let permitted = "for a schedule `multi_step` of learning rate or batch size";
                let holds = milestones(training).next().is_some();
                SpecError::check(holds, section, "around_milestones", n, permitted)
            }
            During::EverySteps(_) | During::Steps(_) | During::LogSpaced(_) => Ok(()),
        }
    }

    /// Whether noise is measured after `step` steps; `finished` is the number of finished epochs if this step ended one.
    pub fn is_due(&self, step: u64, finished: Option<u64>, training: &TrainingSpec) -> bool {
        let at_end = |holds: &dyn Fn(u64) -> bool| finished.is_some_and(holds);
        match self {
            During::EverySteps(n) => step.is_multiple_of(*n),
            During::EveryEpochs(n) => at_end(&|epoch| epoch.is_multiple_of(*n)),
            During::Steps(steps) => steps.contains(&step),
            During::Epochs(epochs) => at_end(&|epoch| epochs.contains(&epoch)),
            During::LogSpaced(n) => {
                let place = f64::from(*n) * (step as f64).log10();
                let is_step = |k: f64| 10f64.powf(k / f64::from(*n)).round() as u64 == step;
                is_step(place.floor()) || is_step(place.ceil())
            }
            During::AroundMilestones(n_epochs) => {
                at_end(&|epoch| milestones(training).any(|m| m.abs_diff(epoch) == *n_epochs))
            }
        }
    }
}

fn milestones(training: &TrainingSpec) -> impl Iterator<Item = u64> {
    let schedules = [&training.learning_rate_schedule, &training.batch_size_schedule];
    schedules.into_iter().flat_map(|schedule| schedule.milestones().iter().copied())
}

#[cfg(test)]
mod tests {
    use train::Schedule;

    use super::*;

    /// Steps at which noise is measured, with three steps an epoch.
    fn due(during: &str, training: &TrainingSpec) -> Vec<u64> {
        let during: During = toml::from_str(during).unwrap();
        during.validate("probe.during").unwrap();
        let is_due = |step: &u64| {
            let finished = step.is_multiple_of(3).then_some(step / 3);
            during.is_due(*step, finished, training)
        };
        (1..=120).filter(is_due).collect()
    }

    #[test]
    fn every_way_to_say_when() {
        let mut training = TrainingSpec::new(0.1, 1, 40);
        assert_eq!(due("every_steps = 50", &training), [50, 100]);
        assert_eq!(due("every_epochs = 20", &training), [60, 120]);
        assert_eq!(due("steps = [1, 7]", &training), [1, 7]);
        assert_eq!(due("epochs = [1, 7]", &training), [3, 21]);
        assert_eq!(due("log_spaced = 3", &training), [1, 2, 5, 10, 22, 46, 100]);
        assert_eq!(due("log_spaced = 5", &training), [1, 2, 3, 4, 6, 10, 16, 25, 40, 63, 100]);
        let (milestones, factor) = (vec![10, 30], 0.1);
        training.learning_rate_schedule = Schedule::MultiStep { milestones, factor };
        assert_eq!(due("around_milestones = 1", &training), [27, 33, 87, 93]);
    }

    #[test]
    fn epochs_have_to_come() {
        let refused = During::Epochs(vec![3, 50]);
        let refused = refused.validate_against("probe.during", &TrainingSpec::new(0.1, 1, 40));
        let message = refused.unwrap_err().to_string();
        let expected =
            "probe.during.epochs = [3, 50]: permitted is at most training.max_epochs = 40";
        assert_eq!(message, expected);
    }

    #[test]
    fn milestones_have_to_be_there() {
        let during = During::AroundMilestones(1);
        let refused = during.validate_against("probe.during", &TrainingSpec::new(0.1, 1, 40));
        let message = refused.unwrap_err().to_string();
        assert!(
            message.starts_with("probe.during.around_milestones = 1: permitted is for"),
            "{message}"
        );
    }
}
