//! What an experiment says about probing and fitting.

use serde::{Deserialize, Serialize};
use train::SpecError;

/// `[probe]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSpec {
    /// How many parameters, drawn uniformly at random without replacement (the paper's is 100).
    pub parameters: usize,
    /// Minibatch sizes B.
    pub batch_sizes: Vec<usize>,
    /// Minibatches per size. Each is drawn independently of the others, without replacement inside it.
    pub draws: usize,
    /// Whether the raw noise is kept, as safetensors in `draws/`.
    #[serde(default)]
    pub save_draws: bool,
}

/// `[fit]` of an experiment: how each series is fitted and judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitSpec {
    /// Whether the location of both laws is estimated or held at zero.
    pub location: FittedLocation,
    /// Bins of the paper's SSE, equal on [min, max].
    pub histogram_bins: usize,
    /// Level of the false-discovery rate and of the χ² test.
    pub level: f64,
}

/// Where a fitted law is centred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FittedLocation {
    /// Estimated.
    #[default]
    Free,
    /// Held at 0.
    Zero,
}

impl Default for FitSpec {
    fn default() -> Self {
        Self { location: FittedLocation::Free, histogram_bins: 100, level: 0.05 }
    }
}

impl From<FittedLocation> for stats::Location {
    fn from(location: FittedLocation) -> Self {
        match location {
            FittedLocation::Free => stats::Location::Free,
            FittedLocation::Zero => stats::Location::Fixed(0.),
        }
    }
}

impl ProbeSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        SpecError::check(
            self.parameters >= 1,
            section,
            "parameters",
            self.parameters,
            "1 or more",
        )?;
        let some = !self.batch_sizes.is_empty() && self.batch_sizes.iter().all(|&size| size >= 1);
        let permitted = "a list of sizes of 1 or more";
        SpecError::check(some, section, "batch_sizes", &self.batch_sizes, permitted)?;
        SpecError::check_distinct(&self.batch_sizes, section, "batch_sizes", "sizes")?;
        let draws = (50..=10_000_000).contains(&self.draws);
        SpecError::check(draws, section, "draws", self.draws, "50 to 10000000")
    }

    /// Checks what depends on the data and the network.
    pub fn validate_against(
        &self,
        section: &str,
        n_samples: usize,
        n_parameters: usize,
    ) -> Result<(), SpecError> {
        let permitted = format!("at most the network's {n_parameters}");
        let enough = self.parameters <= n_parameters;
        SpecError::check(enough, section, "parameters", self.parameters, permitted)?;
        let permitted = format!("sizes below the {n_samples} training samples");
        let fit = self.batch_sizes.iter().all(|&size| size < n_samples);
        SpecError::check(fit, section, "batch_sizes", &self.batch_sizes, permitted)
    }
}

impl FitSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let bins = (2..=100_000).contains(&self.histogram_bins);
        SpecError::check(bins, section, "histogram_bins", self.histogram_bins, "2 to 100000")?;
        let level = self.level > 0. && self.level < 1.;
        SpecError::check(level, section, "level", self.level, "between 0 and 1")
    }
}
