//! Learning-rate decay against batch growth against neither, at equal epochs.
//!
//! The experiment of Battash, Wolf and Lindenbaum (2023), section 5, after Smith et al. (2018): if decay helped because
//! steps get smaller, growing the batch would not do; if it helps because the noise gets weaker, both do alike.

use serde::{Deserialize, Serialize};

use crate::data::DataSpec;
use crate::error::{SpecError, TrainError};
use crate::gradient_noise::gradient_noise;
use crate::model::ModelSpec;
use crate::objective::Objective;
use crate::optimizer::OptimizerSpec;
use crate::schedule::{Schedule, validate_multi_step};
use crate::steps_log::to_table;
use crate::streams::Streams;
use crate::table::{Table, TableError};
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
    /// One row per evaluation, as [`steps`] makes them.
    pub steps: Table,
}

/// Minibatches from which the gradient noise is found. Its relative standard error is at most 1/√(2K), which a single
/// direction of noise would have: 12 %, and less the more directions there are.
const N_NOISE_DRAWS: u64 = 32;

/// The evaluations of an arm whose training has ended: the columns of `steps.csv` and `gradient_noise`, the amplitude
/// √(Tr Σ_B) of [`gradient_noise`] at the last of them; NaN at the others.
///
/// Minibatches come from the stream `gradient_noise` of `streams`.
pub fn steps(
    rows: &[EvaluationRow],
    objective: &Objective,
    streams: &Streams,
) -> Result<Table, TrainError> {
    let mut noise = vec![f64::NAN; rows.len()];
    if let (Some(last), Some(row)) = (noise.last_mut(), rows.last()) {
        let streams = streams.named("gradient_noise");
        *last = gradient_noise(objective, row.batch_size, N_NOISE_DRAWS, &streams)?;
    }
    Ok(to_table(rows).with_reals("gradient_noise", noise))
}

impl AblationSpec {
    /// Checks every value.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let factor_holds = self.factor.is_finite() && self.factor > 1.;
        SpecError::check(factor_holds, section, "factor", self.factor, "a number above 1")?;
        validate_multi_step(section, &self.milestones, self.factor)?;
        let last = self.training.max_epochs;
        let some = !self.milestones.is_empty()
            && self.milestones.iter().all(|milestone| (1..last).contains(milestone));
        let permitted = format!("a list of epochs from 1 to below max_epochs = {last}");
        SpecError::check(some, section, "milestones", &self.milestones, permitted)?;
        let seeds = (1..=100_000).contains(&self.seeds);
        SpecError::check(seeds, section, "seeds", self.seeds, "1 to 100000")?;
        let equal_epochs = self.training.minimum.is_none();
        let permitted = "none: the arms are compared at equal epochs";
        SpecError::check(equal_epochs, section, "training.minimum", "a section", permitted)?;
        let constant = self.training.learning_rate_schedule == Schedule::Constant
            && self.training.batch_size_schedule == Schedule::Constant;
        let schedules = "no schedule of its own: the arms set it";
        SpecError::check(constant, section, "training.*_schedule", "a schedule", schedules)?;
        self.model.validate(&format!("{section}.model"))?;
        self.training.validate(&format!("{section}.training"))
    }

    /// The training of one arm.
    pub fn training(&self, arm: Arm) -> TrainingSpec {
        let mut training = self.training.clone();
        match arm {
            Arm::LearningRateDecay => {
                training.learning_rate_schedule = self.multi_step(1. / self.factor);
            }
            Arm::BatchGrowth => training.batch_size_schedule = self.multi_step(self.factor),
            Arm::Constant => {}
        }
        training
    }

    fn multi_step(&self, factor: f64) -> Schedule {
        Schedule::MultiStep { milestones: self.milestones.clone(), factor }
    }
}

/// Every evaluation of every run, with its noise scale.
///
/// The noise scale is g = η(N/B − 1) ≈ ηN/B (Smith, Kindermans, Ying and Le 2018, "Don't Decay the Learning Rate, Increase
/// the Batch Size", section 2), and with momentum μ it is g = η/(1 − μ)·(N/B − 1) ≈ ηN/(B(1 − μ)) (section 4). For AdamW,
/// which rescales its steps, it is the figure without momentum, but no theory's.
pub fn curves(
    runs: &[ArmRun],
    n_samples: usize,
    optimizer: &OptimizerSpec,
) -> Result<Table, TableError> {
    let run_curves = |run: &ArmRun| {
        let (rates, sizes) = (run.steps.reals("learning_rate")?, run.steps.integers("batch_size")?);
        let noise_scale = rates
            .iter()
            .zip(sizes)
            .map(|(&rate, &size)| noise_scale(rate, size, n_samples, optimizer));
        let mut table = Table::new()
            .with_texts("arm", rates.iter().map(|_| run.arm.name()))
            .with_integers("seed", rates.iter().map(|_| run.seed as i64))
            .with_reals("noise_scale", noise_scale);
        for (name, column) in run.steps.columns() {
            table = table.with(name, column.clone());
        }
        Ok(table)
    };
    Ok(Table::concat(runs.iter().map(run_curves).collect::<Result<Vec<_>, TableError>>()?))
}

/// One row per arm: the last evaluation, mean and sample standard deviation over repetitions.
///
/// `gradient_noise` is √(Tr Σ_B), `step_noise` is η√(Tr Σ_B): how far the noise of one minibatch moves the weights, where
/// steps are neither accumulated by momentum nor rescaled.
pub fn summary(
    runs: &[ArmRun],
    n_samples: usize,
    optimizer: &OptimizerSpec,
) -> Result<Table, TableError> {
    let mut arms = Vec::new();
    for arm in Arm::ALL {
        let runs: Vec<&Table> =
            runs.iter().filter(|run| run.arm == arm).map(|run| &run.steps).collect();
        let Some(last) = runs.first().and_then(|steps| steps.n_rows().checked_sub(1)) else {
            continue;
        };
        let rate = runs[0].reals("learning_rate")?[last];
        let size = runs[0].integers("batch_size")?[last];
        let mut table = Table::new()
            .with_texts("arm", [arm.name()])
            .with_integers("n_seeds", [runs.len() as i64])
            .with_integers("epochs", [runs[0].integers("epoch")?[last]])
            .with_integers("updates", [runs[0].integers("step")?[last]])
            .with_reals("noise_scale", [noise_scale(rate, size, n_samples, optimizer)]);
        for (name, of, factor) in [
            ("gradient_noise", "gradient_noise", 1.),
            ("step_noise", "gradient_noise", rate),
            ("loss", "loss", 1.),
            ("accuracy", "accuracy", 1.),
            ("test_loss", "test_loss", 1.),
            ("test_accuracy", "test_accuracy", 1.),
        ] {
            let final_values = runs.iter().map(|steps| Ok(factor * steps.reals(of)?[last]));
            let final_values = final_values.collect::<Result<Vec<f64>, TableError>>()?;
            let (mean, deviation) = mean_and_deviation(&final_values);
            table = table
                .with_reals(&format!("{name}_mean"), [mean])
                .with_reals(&format!("{name}_std"), [deviation]);
        }
        arms.push(table);
    }
    Ok(Table::concat(arms))
}

/// One row per pair of arms and quantity: the mean over repetitions of the first less the second at the last evaluation, and
/// its standard error (NaN of a single repetition).
///
/// A repetition has the same initial weights and the same stream of minibatches in every arm, so that the difference is taken
/// within each and its spread is that of the differences.
pub fn differences(runs: &[ArmRun]) -> Result<Table, TableError> {
    let at_the_end = |arm: Arm, quantity: &str| -> Result<Vec<(u64, f64)>, TableError> {
        let of_run =
            |run: &ArmRun| Ok((run.seed, *run.steps.reals(quantity)?.last().unwrap_or(&f64::NAN)));
        runs.iter().filter(|run| run.arm == arm).map(of_run).collect()
    };
    let pairs = Arm::ALL.iter().enumerate();
    let pairs = pairs
        .flat_map(|(idx, &first)| Arm::ALL[idx + 1..].iter().map(move |&second| (first, second)));
    let mut rows = Vec::new();
    for (first, second) in pairs {
        for quantity in ["loss", "accuracy", "test_loss", "test_accuracy"] {
            let subtracted = at_the_end(second, quantity)?;
            let of_seed = |(seed, value): (u64, f64)| {
                let other = subtracted.iter().find(|(other, _)| *other == seed)?;
                Some(value - other.1)
            };
            let differences: Vec<f64> =
                at_the_end(first, quantity)?.into_iter().filter_map(of_seed).collect();
            let (mean, deviation) = mean_and_deviation(&differences);
            let n_seeds = differences.len();
            rows.push(
                Table::new()
                    .with_texts("first", [first.name()])
                    .with_texts("second", [second.name()])
                    .with_texts("quantity", [quantity])
                    .with_integers("n_seeds", [n_seeds as i64])
                    .with_reals("difference", [mean])
                    .with_reals("standard_error", [deviation / (n_seeds as f64).sqrt()]),
            );
        }
    }
    Ok(Table::concat(rows))
}

fn noise_scale(
    learning_rate: f64,
    batch_size: i64,
    n_samples: usize,
    optimizer: &OptimizerSpec,
) -> f64 {
    let effective = match optimizer {
        OptimizerSpec::Sgd(sgd) => learning_rate / (1. - sgd.momentum),
        OptimizerSpec::AdamW(_) => learning_rate,
    };
    effective * (n_samples as f64 / batch_size as f64 - 1.)
}

/// Mean and sample standard deviation (NaN of a single value).
fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
    let n_values = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n_values;
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (mean, (squares / (n_values - 1.)).sqrt())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Device;

    use super::*;
    use crate::data::tests::blobs;
    use crate::optimizer::Sgd;
    use crate::schedule::Progress;

    fn spec() -> AblationSpec {
        AblationSpec {
            milestones: vec![2, 4],
            factor: 5.,
            seeds: 2,
            data: DataSpec::embedded("blobs"),
            model: ModelSpec::mlp(&[4]),
            training: TrainingSpec::new(0.1, 10, 6),
        }
    }

    #[test]
    fn decay_and_growth_are_twins() {
        let (decay, growth) =
            (spec().training(Arm::LearningRateDecay), spec().training(Arm::BatchGrowth));
        let n_samples = 100_000;
        for epoch in 0..6 {
            let at = Progress { step: 10 * epoch, epoch, fraction: 0. };
            let decayed = decay.learning_rate_at(&at) / decay.batch_size_at(&at, n_samples) as f64;
            let grown = growth.learning_rate_at(&at) / growth.batch_size_at(&at, n_samples) as f64;
            assert!((decayed / grown - 1.).abs() < 1e-12, "epoch {epoch}");
        }
    }

    fn row(step: u64, loss: f64) -> EvaluationRow {
        EvaluationRow {
            step,
            epoch: step,
            learning_rate: 0.1,
            batch_size: 10,
            loss,
            gradient_norm: 1.,
            accuracy: 0.5,
            test_loss: f64::NAN,
            test_accuracy: f64::NAN,
        }
    }

    #[test]
    fn summary_is_over_the_last_rows_of_an_arm() {
        let runs = [(0, 1.), (1, 3.)].map(|(seed, loss)| ArmRun {
            arm: Arm::Constant,
            seed,
            steps: to_table(&[row(1, 9.), row(2, loss)])
                .with_reals("gradient_noise", [f64::NAN, 2. * loss]),
        });
        let plain = OptimizerSpec::default();
        let table = summary(&runs, 110, &plain).unwrap();
        assert_eq!(table.texts("arm").unwrap(), ["constant"]);
        assert_eq!(table.integers("updates").unwrap(), [2]);
        assert_eq!(table.reals("loss_mean").unwrap(), [2.]);
        assert!((table.reals("loss_std").unwrap()[0] - 2f64.sqrt()).abs() < 1e-12);
        assert!((table.reals("noise_scale").unwrap()[0] - 1.).abs() < 1e-12);
        assert_eq!(table.reals("gradient_noise_mean").unwrap(), [4.]);
        assert!((table.reals("gradient_noise_std").unwrap()[0] - 8f64.sqrt()).abs() < 1e-12);
        assert!((table.reals("step_noise_mean").unwrap()[0] - 0.4).abs() < 1e-12);
        assert_eq!(curves(&runs, 110, &plain).unwrap().n_rows(), 4);
        let momentum = OptimizerSpec::Sgd(Sgd { momentum: 0.75, ..Sgd::default() });
        let table = summary(&runs, 110, &momentum).unwrap();
        assert!((table.reals("noise_scale").unwrap()[0] - 4.).abs() < 1e-12);
    }

    /// Differences of −1, −2 and −6 by hand: mean −3, standard deviation √7. Unpaired the standard error would be 3.4.
    #[test]
    fn differences_are_within_repetitions() {
        let run =
            |arm, seed, loss| ArmRun { arm, seed, steps: to_table(&[row(1, 50.), row(2, loss)]) };
        let decay =
            [(2, 4.), (0, 1.), (1, 9.)].map(|(seed, loss)| run(Arm::LearningRateDecay, seed, loss));
        let growth =
            [(0, 2.), (1, 11.), (2, 10.)].map(|(seed, loss)| run(Arm::BatchGrowth, seed, loss));
        let table = differences(&[decay, growth].concat()).unwrap();
        assert_eq!(table.n_rows(), 3 * 4);
        assert_eq!(table.texts("quantity").unwrap()[0], "loss");
        assert_eq!(
            (table.integers("n_seeds").unwrap()[0], table.reals("difference").unwrap()[0]),
            (3, -3.)
        );
        let error = table.reals("standard_error").unwrap()[0];
        assert!((error - f64::sqrt(7. / 3.)).abs() < 1e-12, "{error}");
        // Equal accuracies of all arms.
        assert_eq!(table.reals("difference").unwrap()[1], 0.);
        assert!(table.reals("difference").unwrap()[4].is_nan(), "no runs of the third arm");
    }

    #[test]
    fn gradient_noise_is_that_of_the_last_batch_size() {
        let model = spec().model.build(&blobs(40));
        let streams = Streams::new(1);
        let params = model.init(&streams.named("init"), &Device::Cpu).unwrap();
        let objective = Objective::new(model.into(), Arc::new(blobs(40)), params).unwrap();
        let noise = |last: EvaluationRow| {
            let steps = steps(&[row(1, 9.), last], &objective, &streams).unwrap();
            let noise = steps.reals("gradient_noise").unwrap();
            assert!(noise[0].is_nan() && noise.len() == 2);
            noise[1]
        };
        assert!(noise(row(2, 1.)) > 1e-3);
        assert!(noise(EvaluationRow { batch_size: 40, ..row(2, 1.) }) < 1e-6);
    }

    #[test]
    fn arms_set_the_schedules_alone() {
        let mut spec = spec();
        assert!(spec.validate("ablation").is_ok());
        spec.training.learning_rate_schedule =
            Schedule::MultiStep { milestones: vec![1], factor: 0.1 };
        assert!(spec.validate("ablation").unwrap_err().to_string().contains("the arms set it"));
    }
}
