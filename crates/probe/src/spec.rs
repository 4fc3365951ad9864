//! What an experiment says about probing and fitting.

use serde::{Deserialize, Serialize};
use train::SpecError;

use crate::frozen::Statistics;

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
    /// How the gradients of minibatches are found: `"minibatch"` or `"per_sample"`.
    #[serde(default, skip_serializing_if = "Method::is_minibatch")]
    pub method: Method,
    /// By which statistics batch normalisation normalises: `"minibatch"`, `"running"` or `"full_batch"`. `per_sample` needs one
    /// of the latter two where the network has batch normalisation; a network without has no use for it.
    #[serde(default, skip_serializing_if = "Statistics::is_minibatch")]
    pub statistics: Statistics,
}

/// How the gradients of minibatches are found. Both ways draw the same minibatches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A pass there and back for each: right for every network.
    #[default]
    Minibatch,
    /// As means of the gradients of single samples, from one pass over the training set for all minibatches of all sizes.
    PerSample,
}

impl Method {
    /// The name that it has in an experiment.
    pub fn name(self) -> &'static str {
        match self {
            Method::Minibatch => "minibatch",
            Method::PerSample => "per_sample",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    fn is_minibatch(&self) -> bool {
        *self == Method::Minibatch
    }
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
        has_batch_norm: bool,
    ) -> Result<(), SpecError> {
        let permitted = format!("at most the network's {n_parameters}");
        let enough = self.parameters <= n_parameters;
        SpecError::check(enough, section, "parameters", self.parameters, permitted)?;
        let permitted = format!("sizes below the {n_samples} training samples");
        let fit = self.batch_sizes.iter().all(|&size| size < n_samples);
        SpecError::check(fit, section, "batch_sizes", &self.batch_sizes, permitted)?;
        let coupled = has_batch_norm && self.statistics == Statistics::Minibatch;
        let permitted = "running or full_batch with method per_sample: by the statistics of the minibatch, batch \
                         normalisation makes its samples depend on each other";
        let holds = self.method == Method::Minibatch || !coupled;
        SpecError::check(holds, section, "statistics", self.statistics.name(), permitted)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_samples_need_frozen_statistics_where_there_is_batch_normalisation() {
        let check = |method, statistics, has_batch_norm| {
            let (batch_sizes, save_draws) = (vec![8], false);
            let spec =
                ProbeSpec { parameters: 1, batch_sizes, draws: 50, save_draws, method, statistics };
            spec.validate_against("probe", 100, 10, has_batch_norm).map_err(|e| e.to_string())
        };
        let refused = check(Method::PerSample, Statistics::Minibatch, true).unwrap_err();
        let expected = "probe.statistics = \"minibatch\": permitted is running or full_batch with";
        assert!(refused.starts_with(expected), "{refused}");
        assert!(check(Method::PerSample, Statistics::Minibatch, false).is_ok());
        assert!(check(Method::PerSample, Statistics::FullBatch, true).is_ok());
        assert!(check(Method::Minibatch, Statistics::Minibatch, true).is_ok());
    }
}
