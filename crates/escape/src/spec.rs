//! What an experiment says about escaping.

use serde::{Deserialize, Serialize};
use train::{Sampling, SpecError};

use crate::basin::Basin;
use crate::exit_time::Watch;

/// `[escape]` of an experiment: SGD from the certified minimum with another batch size and learning rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscapeSpec {
    /// Minibatch size B of the perturbed dynamics.
    pub batch_size: usize,
    /// Step sizes η; each gets an ensemble of its own.
    pub learning_rates: Vec<f64>,
    /// Trials per step size.
    pub seeds: usize,
    /// Iterations after which a trial is censored.
    pub horizon: u64,
    /// Iterations between checks.
    pub check_every: u64,
    /// How minibatches are drawn.
    pub sampling: Sampling,
    /// The neighbourhood to leave.
    pub basin: Basin,
}

impl EscapeSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let check_every = (1..=self.horizon.max(1)).contains(&self.check_every);
        SpecError::check(
            self.batch_size >= 1,
            section,
            "batch_size",
            self.batch_size,
            "1 or more",
        )?;
        let rates = !self.learning_rates.is_empty()
            && self.learning_rates.iter().all(|rate| rate.is_finite() && *rate > 0.);
        let permitted = "a list of numbers above 0";
        SpecError::check(rates, section, "learning_rates", &self.learning_rates, permitted)?;
        SpecError::check_distinct(&self.learning_rates, section, "learning_rates", "numbers")?;
        let seeds = (1..=10_000_000).contains(&self.seeds);
        SpecError::check(seeds, section, "seeds", self.seeds, "1 to 10000000")?;
        let horizon = (1..=1_000_000_000_000).contains(&self.horizon);
        SpecError::check(horizon, section, "horizon", self.horizon, "1 to 10^12")?;
        let permitted = "1 to the horizon";
        SpecError::check(check_every, section, "check_every", self.check_every, permitted)?;
        self.basin.validate(section)
    }

    /// Checks what depends on the data.
    pub fn validate_against(&self, section: &str, n_samples: usize) -> Result<(), SpecError> {
        let permitted = format!("at most the {n_samples} training samples");
        let holds = self.batch_size <= n_samples;
        SpecError::check(holds, section, "batch_size", self.batch_size, permitted)
    }

    /// What to look for.
    pub fn watch(&self) -> Watch {
        Watch { basin: self.basin, check_every: self.check_every, horizon: self.horizon }
    }
}
