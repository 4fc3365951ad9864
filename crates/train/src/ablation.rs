//! Learning-rate decay against batch growth against neither, at equal epochs.
//!
//! The experiment of Battash, Wolf and Lindenbaum (2023), section 5, after Smith et al. (2018): if decay helped because
//! steps get smaller, growing the batch would not do; if it helps because the noise gets weaker, both do alike.

use serde::{Deserialize, Serialize};

use crate::data::DataSpec;
use crate::error::SpecError;
use crate::model::ModelSpec;
use crate::schedule::Schedule;
use crate::table::Table;
use crate::trainer::{EvaluationRow, TrainingSpec};

/// `[ablation]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AblationSpec {
    /// Epochs at whose beginning the learning rate is divided or the batch size multiplied.
    pub milestones: Vec<u64>,
    /// By how much.
    pub factor: f64,
    /// Independent repetitions of each arm; repetition `s` begins at the same weights in each.
    pub seeds: u64,
    /// The data.
    pub data: DataSpec,
    /// The network.
    pub model: ModelSpec,
    /// What the arms have in common.
    pub training: TrainingSpec,
}

/// One of the three ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// η is divided at each milestone.
    LearningRateDecay,
    /// B is multiplied at each milestone.
    BatchGrowth,
    /// Neither.
    Constant,
}

impl Arm {
    /// All arms, in the order of the tables.
    pub const ALL: [Arm; 3] = [Arm::LearningRateDecay, Arm::BatchGrowth, Arm::Constant];

    /// Its name in tables and plots.
    pub fn name(self) -> &'static str {
        match self {
            Arm::LearningRateDecay => "learning-rate decay",
            Arm::BatchGrowth => "batch growth",
            Arm::Constant => "constant",
        }
    }
}

/// The evaluations of one arm and repetition.
#[derive(Debug, Clone)]
pub struct ArmRun {
    /// Which arm.
    pub arm: Arm,
    /// Which repetition.
    pub seed: u64,
    /// One row per evaluation.
    pub rows: Vec<EvaluationRow>,
}

impl AblationSpec {
    /// Checks every value.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let factor_holds = self.factor.is_finite() && self.factor > 1.;
        SpecError::check(factor_holds, section, "factor", self.factor, "a number above 1")?;
        SpecError::check(self.seeds >= 1, section, "seeds", self.seeds, "1 or more")?;
        let constant = self.training.learning_rate_schedule == Schedule::Constant
            && self.training.batch_size_schedule == Schedule::Constant;
        let schedules = "no schedule of its own: the arms set it";
        SpecError::check(constant, section, "training.*_schedule", "multi_step", schedules)?;
        self.model.validate(&format!("{section}.model"))?;
        self.training(Arm::LearningRateDecay).validate(&format!("{section}.training"))
    }

    /// The training of one arm.
    pub fn training(&self, arm: Arm) -> TrainingSpec {
        let multi_step =
            |factor| Schedule::MultiStep { milestones: self.milestones.clone(), factor };
        let mut training = self.training.clone();
        match arm {
            Arm::LearningRateDecay => {
                training.learning_rate_schedule = multi_step(1. / self.factor);
            }
            Arm::BatchGrowth => training.batch_size_schedule = multi_step(self.factor),
            Arm::Constant => {}
        }
        training
    }
}

/// Every evaluation of every run, with the noise scale g = η(N/B − 1) (Smith et al. 2018, eq. 1).
pub fn curves(runs: &[ArmRun], n_samples: usize) -> Table {
    Table::concat(runs.iter().map(|run| {
        let rows = &run.rows;
        Table::new()
            .with_texts("arm", rows.iter().map(|_| run.arm.name()))
            .with_integers("seed", rows.iter().map(|_| run.seed as i64))
            .with_integers("epoch", rows.iter().map(|row| row.epoch as i64))
            .with_integers("step", rows.iter().map(|row| row.step as i64))
            .with_reals("learning_rate", rows.iter().map(|row| row.learning_rate))
            .with_integers("batch_size", rows.iter().map(|row| row.batch_size as i64))
            .with_reals("noise_scale", rows.iter().map(|row| noise_scale(row, n_samples)))
            .with_reals("loss", rows.iter().map(|row| row.loss))
            .with_reals("accuracy", rows.iter().map(|row| row.accuracy))
            .with_reals("test_loss", rows.iter().map(|row| row.test_loss))
            .with_reals("test_accuracy", rows.iter().map(|row| row.test_accuracy))
    }))
}

/// One row per arm: the last evaluation, mean and sample standard deviation over repetitions.
pub fn summary(runs: &[ArmRun], n_samples: usize) -> Table {
    Table::concat(Arm::ALL.into_iter().filter_map(|arm| {
        let last: Vec<&EvaluationRow> =
            runs.iter().filter(|run| run.arm == arm).filter_map(|run| run.rows.last()).collect();
        let first = last.first()?;
        let mut table = Table::new()
            .with_texts("arm", [arm.name()])
            .with_integers("n_seeds", [last.len() as i64])
            .with_integers("epochs", [first.epoch as i64])
            .with_integers("updates", [first.step as i64])
            .with_reals("noise_scale", [noise_scale(first, n_samples)]);
        let quantities: [(&str, fn(&EvaluationRow) -> f64); 4] = [
            ("loss", |row| row.loss),
            ("accuracy", |row| row.accuracy),
            ("test_loss", |row| row.test_loss),
            ("test_accuracy", |row| row.test_accuracy),
        ];
        for (name, quantity) in quantities {
            let (mean, deviation) = mean_and_deviation(last.iter().map(|row| quantity(row)));
            table = table
                .with_reals(&format!("{name}_mean"), [mean])
                .with_reals(&format!("{name}_std"), [deviation]);
        }
        Some(table)
    }))
}

fn noise_scale(row: &EvaluationRow, n_samples: usize) -> f64 {
    row.learning_rate * (n_samples as f64 / row.batch_size as f64 - 1.)
}

/// Mean and sample standard deviation (NaN of a single value).
fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n_values = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n_values;
    let squares = values.map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n_values - 1.)).sqrt())
}
