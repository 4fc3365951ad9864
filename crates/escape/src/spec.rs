//! What an experiment says about escaping.

mod driver_keys;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stats::SymmetricStable;
use train::{Sampling, Schedule, SpecError};

use crate::basin::Basin;
use crate::driver::Driver;
use crate::drivers::{
    Brownian, Covariance, Decoupled, MinibatchSgd, Multiplicative, StableNoise, StateDependent,
};
use crate::error::EscapeError;
use crate::exit_time::Watch;
use crate::landscape::Landscape;
use crate::landscapes::LandscapeSpec;

/// `[escape]` of an experiment: how a minimum is left, and when it counts as left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscapeSpec {
    /// What is moved on; the trained network by default.
    #[serde(default, skip_serializing_if = "LandscapeSpec::is_network")]
    pub landscape: LandscapeSpec,
    /// What moves; minibatch SGD by default.
    #[serde(default)]
    pub driver: DriverSpec,
    /// Weights to begin at instead of trained ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<PathBuf>,
    /// Minibatch sizes B of the perturbed dynamics; empty for a driver without minibatches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batch_sizes: Vec<usize>,
    /// Step sizes η. Each pair of B and η gets an ensemble of its own.
    pub learning_rates: Vec<f64>,
    /// Multiplier s_t of the step size, by the number t of the iteration: `constant` or `exponential`.
    #[serde(default, skip_serializing_if = "is_constant")]
    pub learning_rate_schedule: Schedule,
    /// Trials of each ensemble.
    pub seeds: u64,
    /// Iterations after which a trial is censored.
    pub horizon: u64,
    /// Iterations between checks.
    #[serde(default = "one")]
    pub check_every: u64,
    /// The neighbourhoods to leave, all timed in the same trials.
    pub basins: Vec<Basin>,
    /// Stability index of the gradient noise, which a theory needs: without it, that of the driver, or the mean over parameters
    /// that a probe of the same run found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise_alpha: Option<f64>,
    /// How many of the largest eigenvalues of the Hessian the certificate of the minimum has.
    #[serde(default = "ten")]
    pub hessian_eigenvalues: usize,
}

/// `escape.driver` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", try_from = "driver_keys::Keys")]
pub enum DriverSpec {
    /// [`MinibatchSgd`].
    MinibatchSgd {
        /// Momentum μ.
        momentum: f64,
        /// How minibatches are drawn.
        sampling: Sampling,
    },
    /// [`Brownian`].
    Brownian {
        /// Covariance of the gradient noise.
        covariance: Covariance,
    },
    /// [`StableNoise`].
    Stable {
        /// Stability indices α: one, one for each coordinate, or a list of such lists, each with an ensemble of its own.
        alpha: Indices,
        /// Scale γ of the gradient noise.
        scale: f64,
    },
    /// [`StateDependent`].
    StateDependent {
        /// Variance at the minimum, σ_g.
        at_minimum: f64,
        /// Growth with the squared distance, σ_H.
        growth: f64,
    },
    /// [`Multiplicative`].
    Multiplicative {},
    /// [`Decoupled`].
    Decoupled {},
}

/// Stability indices as an experiment writes them.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "permitted is a number, a list of numbers, or a list of such lists")]
pub enum Indices {
    /// The same for all coordinates.
    Common(f64),
    /// One for each.
    Each(Vec<f64>),
    /// Several settings, of one for each.
    Settings(Vec<Vec<f64>>),
}

/// Conditions under which an ensemble runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Conditions {
    /// Minibatch size B; `None` for a driver without minibatches.
    pub batch_size: Option<usize>,
    /// Step size η.
    pub learning_rate: f64,
    /// Stability indices of stable noise, one for each coordinate or one for all; empty for other drivers.
    pub alpha: Vec<f64>,
}

impl Default for DriverSpec {
    fn default() -> Self {
        DriverSpec::MinibatchSgd { momentum: 0., sampling: Sampling::default() }
    }
}

impl DriverSpec {
    /// Its name in an experiment.
    fn kind(&self) -> &'static str {
        match self {
            DriverSpec::MinibatchSgd { .. } => "minibatch_sgd",
            DriverSpec::Brownian { .. } => "brownian",
            DriverSpec::Stable { .. } => "stable",
            DriverSpec::StateDependent { .. } => "state_dependent",
            DriverSpec::Multiplicative {} => "multiplicative",
            DriverSpec::Decoupled {} => "decoupled",
        }
    }

    /// The stability index that all coordinates share in all ensembles, of stable noise.
    pub fn common_alpha(&self) -> Option<f64> {
        match self {
            DriverSpec::Stable { alpha, .. } => {
                let settings = alpha.settings();
                let first = settings[0][0];
                settings.iter().flatten().all(|alpha| *alpha == first).then_some(first)
            }
            _ => None,
        }
    }

    /// Whether a batch size means something to it.
    pub fn has_batches(&self) -> bool {
        match self {
            DriverSpec::Decoupled {} => true,
            _ => self.needs_samples(),
        }
    }

    /// Whether it asks for gradients of samples.
    fn needs_samples(&self) -> bool {
        match self {
            DriverSpec::MinibatchSgd { .. } | DriverSpec::Multiplicative {} => true,
            DriverSpec::Brownian { covariance } => matches!(covariance, Covariance::Minibatch(_)),
            _ => false,
        }
    }

    /// The driver under given conditions.
    ///
    /// # Errors
    /// As [`Brownian::new`].
    pub fn build(
        &self,
        conditions: &Conditions,
        landscape: &dyn Landscape,
    ) -> Result<Box<dyn Driver>, EscapeError> {
        let batch_size = conditions.batch_size.unwrap_or(1);
        Ok(match self {
            DriverSpec::MinibatchSgd { momentum, sampling } => {
                let (momentum, sampling) = (*momentum, *sampling);
                Box::new(MinibatchSgd { batch_size, sampling, momentum })
            }
            DriverSpec::Brownian { covariance } => {
                Box::new(Brownian::new(covariance, landscape, batch_size)?)
            }
            DriverSpec::Stable { scale, .. } => {
                let law = |i: usize| {
                    let alpha = conditions.alpha[i % conditions.alpha.len()];
                    SymmetricStable::new(alpha, *scale, 0.).expect("the spec was checked")
                };
                Box::new(StableNoise { laws: (0..landscape.minimum().len()).map(law).collect() })
            }
            DriverSpec::StateDependent { at_minimum, growth } => {
                Box::new(StateDependent { at_minimum: *at_minimum, growth: *growth })
            }
            DriverSpec::Multiplicative {} => Box::new(Multiplicative { batch_size }),
            DriverSpec::Decoupled {} => Box::new(Decoupled::new(landscape, batch_size)?),
        })
    }

    fn validate(&self, section: &str) -> Result<(), SpecError> {
        let not_negative = |value: f64| value.is_finite() && value >= 0.;
        let check = |holds, key, value: f64, permitted| {
            SpecError::check(holds, section, key, value, permitted)
        };
        match self {
            DriverSpec::MinibatchSgd { momentum, .. } => {
                let holds = (0. ..1.).contains(momentum);
                check(holds, "momentum", *momentum, "a number from 0 to below 1")
            }
            DriverSpec::Brownian { covariance } => {
                let holds = match covariance {
                    Covariance::Isotropic(variance) => not_negative(*variance),
                    Covariance::Diagonal(all) => all.iter().all(|&variance| not_negative(variance)),
                    Covariance::Full(rows) => is_covariance(rows),
                    Covariance::Minibatch(_) => true,
                };
                let permitted = "variances of 0 or more, or a symmetric matrix without negative \
                                 eigenvalues";
                SpecError::check(holds, section, "covariance", covariance, permitted)
            }
            DriverSpec::Stable { alpha, scale } => {
                let holds =
                    alpha.settings().iter().flatten().all(|alpha| *alpha > 0. && *alpha <= 2.);
                let permitted = "numbers above 0, up to 2";
                let settings = alpha.settings();
                let holds =
                    holds && !settings.is_empty() && settings.iter().all(|own| !own.is_empty());
                SpecError::check(holds, section, "alpha", alpha, permitted)?;
                SpecError::check_distinct(&settings, section, "alpha", "settings")?;
                check(not_negative(*scale), "scale", *scale, "a number, 0 or above")
            }
            DriverSpec::StateDependent { at_minimum, growth } => {
                let permitted = "a number, 0 or above";
                check(not_negative(*at_minimum), "at_minimum", *at_minimum, permitted)?;
                check(not_negative(*growth), "growth", *growth, permitted)
            }
            DriverSpec::Multiplicative {} | DriverSpec::Decoupled {} => Ok(()),
        }
    }

    /// Checks what depends on the number of coordinates.
    fn validate_against(&self, section: &str, dimension: usize) -> Result<(), SpecError> {
        let each = format!("for each of the {dimension} coordinates");
        let fits = |n: usize| n == dimension;
        match self {
            DriverSpec::Brownian { covariance } => {
                let holds = match covariance {
                    Covariance::Diagonal(all) => fits(all.len()),
                    Covariance::Full(rows) => fits(rows.len()),
                    Covariance::Isotropic(_) | Covariance::Minibatch(_) => true,
                };
                let permitted = format!("a variance, or a row, {each}");
                SpecError::check(holds, section, "covariance", covariance, permitted)
            }
            DriverSpec::Stable { alpha, .. } => {
                let holds = alpha.settings().iter().all(|own| fits(own.len()) || own.len() == 1);
                SpecError::check(holds, section, "alpha", alpha, format!("one, or one {each}"))
            }
            DriverSpec::Decoupled {} => {
                let permitted = "landscapes of at most 1000 coordinates, for this driver";
                SpecError::check(dimension <= 1000, section, "kind", "decoupled", permitted)
            }
            _ => Ok(()),
        }
    }
}

/// As in an experiment.
impl fmt::Debug for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Indices::Common(alpha) => alpha.fmt(f),
            Indices::Each(alpha) => alpha.fmt(f),
            Indices::Settings(settings) => settings.fmt(f),
        }
    }
}

/// Symmetric, and without negative eigenvalues beyond rounding.
fn is_covariance(rows: &[Vec<f64>]) -> bool {
    let n = rows.len();
    if n == 0 || rows.iter().any(|row| row.len() != n || row.iter().any(|v| !v.is_finite())) {
        return false;
    }
    let matrix = nalgebra::DMatrix::from_fn(n, n, |i, j| rows[i][j]);
    let scale = matrix.amax();
    let smallest = matrix.clone().symmetric_eigenvalues().min();
    matrix == matrix.transpose() && smallest >= -1e-12 * scale
}

impl Indices {
    /// One list for each ensemble; a list of one is for all coordinates.
    fn settings(&self) -> Vec<Vec<f64>> {
        match self {
            Indices::Common(alpha) => vec![vec![*alpha]],
            Indices::Each(alpha) => vec![alpha.clone()],
            Indices::Settings(settings) => settings.clone(),
        }
    }
}

impl Conditions {
    /// As in formulas: `η = 0.1, B = 8`, `η = 0.1, α = 1.5, 1.8`.
    pub fn name(&self) -> String {
        let mut name = format!("η = {}", self.learning_rate);
        if let Some(batch_size) = self.batch_size {
            name += &format!(", B = {batch_size}");
        }
        if !self.alpha.is_empty() {
            let alpha: Vec<String> = self.alpha.iter().map(f64::to_string).collect();
            name += &format!(", α = {}", alpha.join(", "));
        }
        name
    }
}

impl EscapeSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        self.landscape.validate(&format!("{section}.landscape"))?;
        let of_driver = format!("{section}.driver");
        self.driver.validate(&of_driver)?;
        if let Some((n_samples, dimension)) = self.landscape.shape() {
            self.driver.validate_against(&of_driver, dimension)?;
            let permitted = "a driver that needs no samples, since the loss of this landscape is no \
                             mean over any";
            let holds = n_samples.is_some() || !self.driver.needs_samples();
            SpecError::check(holds, &of_driver, "kind", self.driver.kind(), permitted)?;
            if let Some(n_samples) = n_samples {
                self.validate_against(section, n_samples)?;
            }
            let holds = self.checkpoint.is_none();
            let permitted = "nothing beside a landscape that is no network";
            let checkpoint = self.checkpoint.as_deref().unwrap_or(Path::new(""));
            SpecError::check(holds, section, "checkpoint", checkpoint, permitted)?;
            let holds = !self.basins.iter().any(|basin| matches!(basin, Basin::Accuracy(_)));
            let permitted = "basins of other kinds: nothing is classified on this landscape";
            let written: Vec<String> = self.basins.iter().map(Basin::to_string).collect();
            SpecError::check(holds, section, "basins", written, permitted)?;
        }
        let batches = self.driver.has_batches() != self.batch_sizes.is_empty();
        let permitted = match self.driver.has_batches() {
            true => "a list of numbers above 0",
            false => "nothing with a driver without minibatches",
        };
        SpecError::check(batches, section, "batch_sizes", &self.batch_sizes, permitted)?;
        let holds = self.batch_sizes.iter().all(|&size| size >= 1);
        SpecError::check(holds, section, "batch_sizes", &self.batch_sizes, permitted)?;
        SpecError::check_distinct(&self.batch_sizes, section, "batch_sizes", "numbers")?;
        let rates = !self.learning_rates.is_empty()
            && self.learning_rates.iter().all(|rate| *rate > 0. && *rate <= 1e6);
        let permitted = "a list of numbers above 0, up to 10^6";
        SpecError::check(rates, section, "learning_rates", &self.learning_rates, permitted)?;
        SpecError::check_distinct(&self.learning_rates, section, "learning_rates", "numbers")?;
        let schedule = &self.learning_rate_schedule;
        schedule.validate(&format!("{section}.learning_rate_schedule"))?;
        let by_step = matches!(schedule, Schedule::Constant | Schedule::Exponential { .. });
        let permitted = "constant or exponential: an escape is counted in iterations";
        SpecError::check(by_step, section, "learning_rate_schedule", schedule, permitted)?;
        let (n, holds) = (self.hessian_eigenvalues, self.hessian_eigenvalues <= 200);
        SpecError::check(holds, section, "hessian_eigenvalues", n, "0 to 200")?;
        let holds = self.noise_alpha.is_none_or(|alpha| alpha > 0. && alpha <= 2.);
        let permitted = "a number above 0, up to 2";
        SpecError::check(holds, section, "noise_alpha", self.noise_alpha, permitted)?;
        let seeds = (1..=10_000_000).contains(&self.seeds);
        SpecError::check(seeds, section, "seeds", self.seeds, "1 to 10000000")?;
        let horizon = (1..=1_000_000_000_000).contains(&self.horizon);
        SpecError::check(horizon, section, "horizon", self.horizon, "1 to 10^12")?;
        let check_every = (1..=self.horizon).contains(&self.check_every);
        let permitted = "1 to the horizon";
        SpecError::check(check_every, section, "check_every", self.check_every, permitted)?;
        let permitted = "a list of one or more";
        SpecError::check(!self.basins.is_empty(), section, "basins", &self.basins, permitted)?;
        SpecError::check_distinct(&self.basins, section, "basins", "basins")?;
        let section = format!("{section}.basins");
        self.basins.iter().try_for_each(|basin| basin.validate(&section))
    }

    /// Checks what depends on the data.
    pub fn validate_against(&self, section: &str, n_samples: usize) -> Result<(), SpecError> {
        let permitted = format!("at most the {n_samples} training samples");
        let holds = self.batch_sizes.iter().all(|&size| size <= n_samples);
        SpecError::check(holds, section, "batch_sizes", &self.batch_sizes, permitted)
    }

    /// Checks what depends on the network.
    pub fn validate_network(&self, section: &str, n_parameters: usize) -> Result<(), SpecError> {
        self.driver.validate_against(&format!("{section}.driver"), n_parameters)
    }

    /// The conditions of all ensembles: every α, every B, every η.
    pub fn conditions(&self) -> Vec<Conditions> {
        let alphas = match &self.driver {
            DriverSpec::Stable { alpha, .. } => alpha.settings(),
            _ => vec![vec![]],
        };
        let batch_sizes: Vec<Option<usize>> = match self.batch_sizes.is_empty() {
            true => vec![None],
            false => self.batch_sizes.iter().copied().map(Some).collect(),
        };
        let mut all = Vec::new();
        for alpha in &alphas {
            for &batch_size in &batch_sizes {
                for &learning_rate in &self.learning_rates {
                    all.push(Conditions { batch_size, learning_rate, alpha: alpha.clone() });
                }
            }
        }
        all
    }

    /// Whether one of the batch sizes is all of `n_samples`, drawn without replacement: SGD has no noise then.
    pub fn has_full_batch(&self, n_samples: usize) -> bool {
        matches!(self.driver, DriverSpec::MinibatchSgd { sampling: Sampling::Reshuffled, .. })
            && self.batch_sizes.contains(&n_samples)
    }

    /// Whether all ensembles keep their step size and share one kind of noise, as theories of the mean exit time have it.
    pub fn is_uniform(&self) -> bool {
        let conditions = self.conditions();
        is_constant(&self.learning_rate_schedule)
            && conditions.iter().all(|own| own.alpha == conditions[0].alpha)
    }

    /// What to look for at one step size.
    pub fn watch(&self, learning_rate: f64) -> Watch {
        Watch {
            basins: self.basins.clone(),
            learning_rate,
            schedule: self.learning_rate_schedule.clone(),
            check_every: self.check_every,
            horizon: self.horizon,
        }
    }
}

fn is_constant(schedule: &Schedule) -> bool {
    *schedule == Schedule::Constant
}

fn one() -> u64 {
    1
}

fn ten() -> usize {
    10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_batch_is_one_without_replacement() {
        let has_full_batch = |driver: &str, n_samples| {
            let json = format!(
                r#"{{"driver": {{"kind": {driver}}}, "batch_sizes": [8, 100], "learning_rates": [0.1], "seeds": 1,
                    "horizon": 9, "basins": [{{"distance": 1}}]}}"#
            );
            serde_json::from_str::<EscapeSpec>(&json).unwrap().has_full_batch(n_samples)
        };
        assert!(has_full_batch(r#""minibatch_sgd""#, 100));
        assert!(!has_full_batch(r#""minibatch_sgd""#, 101));
        assert!(!has_full_batch(r#""minibatch_sgd", "sampling": "with_replacement""#, 100));
        assert!(!has_full_batch(r#""multiplicative""#, 100));
    }
}
