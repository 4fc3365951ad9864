//! What an experiment says about probing and fitting.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use train::{ParamSet, SpecError};

use crate::coordinates::{Amount, PerLayer, chosen_layers};
use crate::during::During;
use crate::frozen::Statistics;
use crate::minibatches::Sampling;

/// `[probe]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSpec {
    /// How many parameters: a number drawn uniformly at random without replacement (the paper's is 100), `"all"`, or
    /// `{ per_layer = n }`.
    pub parameters: Amount,
    /// The layers that they are taken from, by name; `*` stands for any text. Without any, all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// Minibatch sizes B.
    pub batch_sizes: Vec<usize>,
    /// Minibatches per size, independent of each other.
    pub draws: usize,
    /// How the samples of a minibatch are drawn: `"without_replacement"` or `"with_replacement"`.
    #[serde(default, skip_serializing_if = "Sampling::is_default")]
    pub sampling: Sampling,
    /// In which format the raw noise is kept, in `draws/`: `"safetensors"` or `"npy"`. Without it, it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_draws: Option<DrawFormat>,
    /// So many eigenvectors of the covariance over parameters are kept for each batch size, those of the greatest
    /// eigenvalues, in `draws/covariance-b<B>.safetensors`: `eigenvalues [k]` in falling order, `eigenvectors
    /// [k, n_parameters]`, each of length 1 and of either sign, `diagonal [n_parameters]`, the variances; the parameters in
    /// the order of the table `noise`, the covariance about 0. For more than 1000 parameters all three are of the first 500
    /// draws. Fewer are kept where fewer eigenvalues are above 10⁻¹² of the greatest; without the key, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eigenvectors: Option<usize>,
    /// How the gradients of minibatches are found: `"minibatch"` or `"per_sample"`.
    #[serde(default, skip_serializing_if = "Method::is_minibatch")]
    pub method: Method,
    /// By which statistics batch normalisation normalises: `"minibatch"`, `"running"` or `"full_batch"`. `per_sample` needs one
    /// of the latter two where the network has batch normalisation; a network without has no use for it.
    #[serde(default, skip_serializing_if = "Statistics::is_minibatch")]
    pub statistics: Statistics,
    /// When noise is measured during training, beside the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<During>,
    /// Weights to be probed instead of trained ones: a checkpoint, or a state dict of PyTorch saved as safetensors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<PathBuf>,
    /// MiB of noise that are held at once. Where the parameters need more, they are taken in blocks, each with passes of its
    /// own. Beside it, fits and tables take some 3 kB per parameter and batch size, and with `per_sample` the minibatches
    /// 4 bytes per draw and sample.
    #[serde(default = "default_memory", skip_serializing_if = "is_default_memory")]
    pub memory_mib: usize,
}

/// ResNet-20 has 270,000 parameters: room for 1000 draws of each.
fn default_memory() -> usize {
    2560
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_default_memory(memory_mib: &usize) -> bool {
    *memory_mib == default_memory()
}

/// A format of files for raw noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrawFormat {
    /// One tensor `[n_draws]` for each parameter, under its name.
    Safetensors,
    /// One array `[n_draws, n_parameters]`, its columns in the order of the table `noise`.
    Npy,
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
    /// Series that are simulated for each p-value of the tests in `noise_tests`: distances of the distribution function,
    /// aggregation, bootstrap. Without it they are left out; they take seconds per parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicates: Option<usize>,
    /// Whether the laws beside the Gaussian and the stable one are fitted. Without them a fit takes half of the time, and
    /// verdicts leave open whether a law of finite variance does as well.
    #[serde(skip_serializing_if = "is_true")]
    pub rivals: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_true(value: &bool) -> bool {
    *value
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
        Self {
            location: FittedLocation::Free,
            histogram_bins: 100,
            level: 0.05,
            replicates: None,
            rivals: true,
        }
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
        let (key, n) = match self.parameters {
            Amount::Uniform(n) => ("parameters", n),
            Amount::Stratified(PerLayer { per_layer }) => ("parameters.per_layer", per_layer),
            Amount::All(_) => ("parameters", 1),
        };
        SpecError::check(n >= 1, section, key, n, "1 or more")?;
        let some = !self.batch_sizes.is_empty() && self.batch_sizes.iter().all(|&size| size >= 1);
        let permitted = "a list of sizes of 1 or more";
        SpecError::check(some, section, "batch_sizes", &self.batch_sizes, permitted)?;
        SpecError::check_distinct(&self.batch_sizes, section, "batch_sizes", "sizes")?;
        let draws = (50..=10_000_000).contains(&self.draws);
        SpecError::check(draws, section, "draws", self.draws, "50 to 10000000")?;
        let n = self.eigenvectors.unwrap_or(1);
        SpecError::check((1..=500).contains(&n), section, "eigenvectors", n, "1 to 500")?;
        let memory = self.memory_mib >= 1;
        SpecError::check(memory, section, "memory_mib", self.memory_mib, "1 or more")?;
        self.during.as_ref().map_or(Ok(()), |during| during.validate(&format!("{section}.during")))
    }

    /// Checks what depends on the data and the network.
    pub fn validate_against(
        &self,
        section: &str,
        n_samples: usize,
        params: &ParamSet,
    ) -> Result<(), SpecError> {
        for pattern in &self.layers {
            let names = params.named_tensors().map(|(name, _)| name);
            let permitted = format!("names of layers: {}", names.collect::<Vec<_>>().join(", "));
            let found = !chosen_layers(params, std::slice::from_ref(pattern)).is_empty();
            SpecError::check(found, section, "layers", pattern, permitted)?;
        }
        if let Amount::Uniform(n) = self.parameters {
            let layers = chosen_layers(params, &self.layers);
            let n_parameters: usize = layers.iter().map(|(_, span)| span.len()).sum();
            let whose = if self.layers.is_empty() { "the network's" } else { "those layers'" };
            let permitted = format!("at most {whose} {n_parameters}");
            SpecError::check(n <= n_parameters, section, "parameters", n, permitted)?;
        }
        let (fit, permitted) = match self.sampling {
            Sampling::WithoutReplacement => {
                let fit = self.batch_sizes.iter().all(|&size| size < n_samples);
                (fit, format!("sizes below the {n_samples} training samples"))
            }
            Sampling::WithReplacement => {
                (self.batch_sizes.iter().all(|&size| size <= 1 << 24), "sizes up to 2^24".into())
            }
        };
        SpecError::check(fit, section, "batch_sizes", &self.batch_sizes, permitted)?;
        let coupled = params.has_batch_norm() && self.statistics == Statistics::Minibatch;
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
        SpecError::check(level, section, "level", self.level, "between 0 and 1")?;
        let n = self.replicates.unwrap_or(19);
        SpecError::check((19..=1_000_000).contains(&n), section, "replicates", n, "19 to 1000000")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coordinates::All;
    use candle_core::{DType, Device, Tensor};

    fn parse(keys: &str) -> Result<ProbeSpec, String> {
        let text = format!("parameters = 2\nbatch_sizes = [8]\ndraws = 50\n{keys}");
        toml::from_str(&text).map_err(|error| error.message().to_owned())
    }

    /// Of 6 parameters, with or without batch normalisation.
    fn check(keys: &str, has_batch_norm: bool) -> Result<(), String> {
        let tensor = |n: usize| Tensor::zeros(n, DType::F32, &Device::Cpu).unwrap();
        let named = vec![("fc1.weight".into(), tensor(4)), ("fc1.bias".into(), tensor(2))];
        let mut params = ParamSet::new(named).unwrap();
        if has_batch_norm {
            let buffers = vec![("bn1.running_mean".into(), tensor(2))];
            params = params.with_buffers(buffers).unwrap();
        }
        let spec = parse(keys)?;
        let valid =
            spec.validate("probe").and_then(|()| spec.validate_against("probe", 100, &params));
        valid.map_err(|error| error.to_string())
    }

    #[test]
    fn single_samples_need_frozen_statistics_where_there_is_batch_normalisation() {
        let refused = check("method = \"per_sample\"", true).unwrap_err();
        let expected = "probe.statistics = \"minibatch\": permitted is running or full_batch with";
        assert!(refused.starts_with(expected), "{refused}");
        assert_eq!(check("method = \"per_sample\"", false), Ok(()));
        assert_eq!(check("method = \"per_sample\"\nstatistics = \"full_batch\"", true), Ok(()));
        assert_eq!(check("", true), Ok(()));
    }

    #[test]
    fn layers_and_numbers_are_held_against_the_network() {
        assert_eq!(check("layers = [\"*.bias\"]", false), Ok(()));
        let refused = check("layers = [\"fc2\"]", false).unwrap_err();
        assert!(
            refused.ends_with("permitted is names of layers: fc1.weight, fc1.bias"),
            "{refused}"
        );
        let spec = "parameters = 3\nbatch_sizes = [200]\ndraws = 50\nlayers = [\"fc1.bias\"]";
        let spec: ProbeSpec = toml::from_str(spec).unwrap();
        let bias = Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap();
        let params = ParamSet::new(vec![("fc1.bias".into(), bias)]).unwrap();
        let refused = |spec: &ProbeSpec| {
            spec.validate_against("probe", 100, &params).unwrap_err().to_string()
        };
        assert_eq!(refused(&spec), "probe.parameters = 3: permitted is at most those layers' 2");
        let spec = ProbeSpec { parameters: Amount::Uniform(1), ..spec };
        assert!(refused(&spec).ends_with("sizes below the 100 training samples"));
        let spec = ProbeSpec { sampling: Sampling::WithReplacement, ..spec };
        assert!(spec.validate_against("probe", 100, &params).is_ok());
    }

    #[test]
    fn amounts_are_a_number_or_words() {
        let amount = |text: &str| {
            let text = format!("parameters = {text}\nbatch_sizes = [8]\ndraws = 50");
            toml::from_str::<ProbeSpec>(&text).map(|spec| spec.parameters)
        };
        assert_eq!(amount("7").unwrap(), Amount::Uniform(7));
        assert_eq!(amount("\"all\"").unwrap(), Amount::All(All::All));
        let per_layer = Amount::Stratified(PerLayer { per_layer: 5 });
        assert_eq!(amount("{ per_layer = 5 }").unwrap(), per_layer);
        let message = amount("\"some\"").unwrap_err().to_string();
        assert!(message.contains("permitted are a number, \"all\""), "{message}");
    }
}
