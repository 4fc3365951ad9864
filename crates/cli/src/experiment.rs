//! Experiments on two levels: as written in TOML, and as meant.

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use escape::EscapeSpec;
use probe::{FitSpec, ProbeSpec};
use serde::{Deserialize, Serialize};
use serde_path_to_error::Segment;
use sha2::{Digest, Sha256};
use toml::{Table, Value};
use train::ablation::AblationSpec;
use train::data::{self, DataDigest, DataSpec, Dataset};
use train::{
    Model, ModelSpec, Objective, SpecError, Streams, TrainError, TrainingSpec, checkpoint, device,
};

use crate::failure::Failure;
use crate::overrides;

/// An experiment exactly as it is written, every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentFile {
    /// Names the folder of its runs.
    pub name: String,
    /// The seed of all random streams.
    pub seed: u64,
    /// `cpu` or `cuda:N`.
    #[serde(default = "cpu")]
    pub device: String,
    /// Whether products on the GPU may be rounded to TF32.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tf32: bool,
    /// What is learnt; not needed for an ablation, which has its own, or an escape from a landscape of formulas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataSpec>,
    /// What learns it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSpec>,
    /// How; not needed where the weights come from a checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingSpec>,
    /// Whose noise is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeSpec>,
    /// How noise is fitted.
    #[serde(default)]
    pub fit: FitSpec,
    /// How the minimum is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escape: Option<EscapeSpec>,
    /// Decay against growth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablation: Option<AblationSpec>,
}

/// One run to be made: a point of the sweep, or the experiment itself.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `base`, or the swept values: `batch_size=64`.
    pub point: String,
    /// What the experiment says at this point.
    pub file: ExperimentFile,
}

/// An experiment as meant: values checked against each other, data loaded, device opened.
pub struct Experiment {
    /// What was written.
    pub file: ExperimentFile,
    /// All randomness.
    pub streams: Streams,
    /// The objective at its initial weights, or at those of the checkpoint; `None` where there is no network.
    objective: Option<Objective>,
    /// Data and model of the ablation.
    pub ablation: Option<(Arc<Dataset>, Arc<dyn Model>)>,
    /// The data that is used.
    pub digests: Vec<DataDigest>,
    /// SHA-256 of the checkpoint that is probed, if one is given.
    pub checkpoint: Option<String>,
}

/// Reads an experiment file.
pub fn read(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::in_file(path, error))?;
    text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        Failure::in_file(path, format!("line {line}: {}", error.message()))
    })
}

/// Applies overrides to an experiment that was read from `path`, and expands its sweep.
///
/// `[sweep]` maps dotted keys to lists of values: one run per combination. A key that is set on the command line is no
/// longer swept.
pub fn plans(path: &Path, mut table: Table, assignments: &[String]) -> Result<Vec<Plan>, Failure> {
    for assignment in assignments {
        let key = overrides::apply(&mut table, assignment)?;
        if let Some(Value::Table(sweep)) = table.get_mut("sweep") {
            sweep.remove(&key);
        }
    }
    let sweep = table.remove("sweep");
    let points = expand(table, sweep).map_err(|reason| Failure::in_file(path, reason))?;
    points
        .into_iter()
        .map(|(point, table)| {
            let file: ExperimentFile = serde_path_to_error::deserialize(table.clone())
                .map_err(|error| Failure::in_file(path, complaint(&table, &error)))?;
            file.validate().map_err(|error| Failure::in_file(path, error))?;
            Ok(Plan { point, file })
        })
        .collect()
}

fn expand(base: Table, sweep: Option<Value>) -> Result<Vec<(String, Table)>, String> {
    let sweep = match sweep {
        None => return Ok(vec![("base".to_owned(), base)]),
        Some(Value::Table(sweep)) if sweep.is_empty() => {
            return Ok(vec![("base".to_owned(), base)]);
        }
        Some(Value::Table(sweep)) => sweep,
        Some(other) => {
            return Err(format!("sweep = {other}: permitted are keys with lists of values"));
        }
    };
    let mut points = vec![(String::new(), base)];
    for (key, values) in &sweep {
        let values = values.as_array().filter(|values| !values.is_empty());
        let values = values.ok_or(format!("sweep.{key}: permitted is a list of values"))?;
        let short = key.rsplit('.').next().unwrap_or(key);
        let mut expanded = Vec::new();
        for (point, table) in &points {
            for value in values {
                let mut table = table.clone();
                overrides::set(&mut table, key, value.clone())?;
                let separator = if point.is_empty() { "" } else { "_" };
                expanded.push((format!("{point}{separator}{short}={}", folder_name(value)), table));
            }
        }
        points = expanded;
    }
    // The hash tells points apart; their names only have to fit into a file system.
    Ok(points
        .into_iter()
        .map(|(point, table)| (point.chars().take(120).collect(), table))
        .collect())
}

/// What is wrong where; a message that says what is permitted gets the value beside the key, as in a [`SpecError`].
fn complaint(table: &Table, error: &serde_path_to_error::Error<toml::de::Error>) -> String {
    let (key, message) = (error.path().to_string(), in_plain_words(error.inner().message()));
    match value_at(table, error.path()).filter(|_| message.starts_with("permitted is")) {
        Some(value) => format!("{key} = {value}: {message}"),
        None if key == "." => message,
        None => format!("{key}: {message}"),
    }
}

/// The value at a path, if something is there.
fn value_at<'a>(table: &'a Table, path: &serde_path_to_error::Path) -> Option<&'a Value> {
    let mut segments = path.iter();
    let Segment::Map { key } = segments.next()? else { return None };
    segments.try_fold(table.get(key)?, |value, segment| match segment {
        Segment::Seq { index } => value.get(*index),
        Segment::Map { key } | Segment::Enum { variant: key } => value.get(key),
        Segment::Unknown => None,
    })
}

/// Rust's names of types mean nothing to who writes an experiment.
fn in_plain_words(message: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected struct", "expected the section of a"),
        ("expected a sequence", "expected a list"),
    ];
    words.iter().fold(message.to_owned(), |text, (rust, plain)| text.replace(rust, plain))
}

/// A value as part of a folder's name.
fn folder_name(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !".-+_".contains(c));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

impl ExperimentFile {
    fn validate(&self) -> Result<(), SpecError> {
        let characters = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let name_holds = !self.name.is_empty() && self.name.chars().all(characters);
        if !name_holds {
            let permitted = "letters, digits, - and _".to_owned();
            let (key, value) = ("name".to_owned(), format!("{:?}", self.name));
            return Err(SpecError { key, value, permitted });
        }
        let no_network = !self.has_network();
        let permitted = "a section, except where there is only an ablation, which has its own, or an escape from a landscape of formulas";
        for (key, is_there) in [("data", self.data.is_some()), ("model", self.model.is_some())] {
            let both_or_none = is_there || (no_network && self.data.is_none());
            SpecError::check(both_or_none, "experiment", key, "none", permitted)?;
        }
        if let Some(model) = &self.model {
            model.validate("model")?;
        }
        self.fit.validate("fit")?;
        let checkpoint = self.checkpoint();
        match &self.training {
            Some(training) => training.validate("training")?,
            None => {
                let given = "a section, or a checkpoint with trained weights";
                let holds = checkpoint.is_some() || no_network;
                SpecError::check(holds, "experiment", "training", "none", given)?;
            }
        }
        if let Some(probe) = &self.probe {
            probe.validate("probe")?;
            if let Some(checkpoint) = checkpoint {
                let permitted = "nothing beside probe.during, which looks at a training";
                let alone = probe.during.is_none();
                SpecError::check(alone, "probe", "checkpoint", checkpoint, permitted)?;
            }
        }
        if let Some(escape) = &self.escape {
            escape.validate("escape")?;
            if let Some(probe) = self.probe.as_ref().filter(|_| escape.landscape.is_network()) {
                let permitted = "the same as probe.checkpoint";
                let same = escape.checkpoint == probe.checkpoint;
                SpecError::check(same, "escape", "checkpoint", &escape.checkpoint, permitted)?;
            }
            let minimum = self.training.as_ref().and_then(|training| training.minimum.as_ref());
            let begins =
                minimum.is_some() || checkpoint.is_some() || !escape.landscape.is_network();
            let permitted =
                "a section [training.minimum], since an escape begins at a certified minimum";
            SpecError::check(begins, "training", "minimum", "none", permitted)?;
        }
        self.ablation.as_ref().map_or(Ok(()), |ablation| ablation.validate("ablation"))
    }

    /// The weights that are looked at instead of trained ones.
    pub fn checkpoint(&self) -> Option<&Path> {
        let probed = self.probe.as_ref().and_then(|probe| probe.checkpoint.as_deref());
        probed.or_else(|| self.escape.as_ref().and_then(|escape| escape.checkpoint.as_deref()))
    }

    /// Whether anything in it needs the network of `[data]` and `[model]`; so does an experiment of nothing at all.
    fn has_network(&self) -> bool {
        let is_left = match &self.escape {
            Some(escape) => escape.landscape.is_network(),
            None => self.ablation.is_none(),
        };
        is_left || self.training.is_some() || self.probe.is_some()
    }

    /// The experiment as TOML that gives the same run again.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("specs serialise")
    }

    /// Identifies the run: the first eight hexadecimal digits of the SHA-256 of [`to_toml`](Self::to_toml) on the CPU. A run
    /// that was stopped on one device goes on on another.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(Self { device: cpu(), ..self.clone() }.to_toml());
        digest[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Opens the device, loads the data and draws the initial weights.
    pub fn resolve(self) -> Result<Experiment, Failure> {
        let device = device::open(&self.device, self.tf32)?;
        let streams = Streams::new(self.seed);
        let network = match (&self.data, &self.model) {
            (Some(data), Some(model)) => Some(self.network(data, model, &streams, &device)?),
            _ => None,
        };
        let ablation = match &self.ablation {
            None => None,
            Some(spec) => {
                let data = Arc::new(data::load(&spec.data, &device)?);
                spec.model.validate_against("ablation.model", &data)?;
                spec.training.validate_against("ablation.training", &data)?;
                let model = spec.model.build(&data);
                Some((data, Arc::from(model)))
            }
        };
        let of_network = network.as_ref().and_then(|network| network.data().digest.as_ref());
        let of_ablation = ablation.as_ref().and_then(|(data, _)| data.digest.as_ref());
        let mut digests: Vec<DataDigest> =
            of_network.into_iter().chain(of_ablation).cloned().collect();
        digests.dedup();
        let checkpoint = match self.checkpoint() {
            None => None,
            Some(path) => {
                let bad = |error: TrainError| Failure::BadInput(error.to_string());
                let network = network.as_ref().expect("a checkpoint is that of a network");
                Some(checkpoint::load(path, network.params()).map_err(bad)?)
            }
        };
        Ok(Experiment { file: self, streams, objective: network, ablation, digests, checkpoint })
    }

    /// The network at its initial weights, with its data.
    fn network(
        &self,
        data: &DataSpec,
        model: &ModelSpec,
        streams: &Streams,
        device: &Device,
    ) -> Result<Objective, Failure> {
        let data = Arc::new(data::load(data, device)?);
        model.validate_against("model", &data)?;
        if let Some(training) = &self.training {
            training.validate_against("training", &data)?;
        }
        let model: Arc<dyn Model> = model.build(&data).into();
        let params = model.init(&streams.named("init"), device)?;
        let n_samples = data.train.len();
        if let Some(probe) = &self.probe {
            probe.validate_against("probe", n_samples, &params)?;
            if let (Some(during), Some(training)) = (&probe.during, &self.training) {
                during.validate_against("probe.during", training)?;
            }
        }
        if let Some(escape) = self.escape.as_ref().filter(|escape| escape.landscape.is_network()) {
            escape.validate_against("escape", n_samples)?;
            escape.validate_network("escape", params.n_parameters())?;
        }
        let objective = Objective::new(model, data, params)?;
        Ok(match &self.training {
            Some(training) => {
                objective.with_loss(training.loss).with_micro_batch(training.micro_batch)
            }
            None => objective,
        })
    }
}

impl Experiment {
    /// The objective at its initial weights, or at those of the checkpoint.
    ///
    /// # Panics
    /// Where there is no network; only stages that need one ask.
    pub fn objective(&self) -> &Objective {
        self.objective.as_ref().expect("the experiment was checked")
    }
}

fn cpu() -> String {
    "cpu".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"
name = "minimal"
seed = 1
data = { name = "ionosphere", standardise = true }
model = { kind = "mlp", hidden = [4] }
training = { learning_rate = 0.1, batch_size = 16, max_epochs = 2 }
"#;

    fn plans(extra: &str) -> Result<Vec<Plan>, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        std::fs::write(&path, format!("{MINIMAL}{extra}")).unwrap();
        super::plans(&path, read(&path)?, &[])
    }

    fn message(extra: &str) -> String {
        let message = plans(extra).unwrap_err().to_string();
        message.split_once("x.toml: ").unwrap().1.to_owned()
    }

    #[test]
    fn the_resolved_file_is_a_fixed_point() {
        let file = plans("").unwrap().remove(0).file;
        let again: ExperimentFile = toml::from_str(&file.to_toml()).unwrap();
        assert_eq!(again, file);
        assert_eq!(again.hash(), file.hash());
        assert_eq!(ExperimentFile { device: "cuda:0".into(), ..again }.hash(), file.hash());
        assert!(!file.to_toml().contains("optimizer"), "older experiments keep their hashes");
    }

    #[test]
    fn a_sweep_is_the_product_of_its_lists() {
        let plans = plans("[sweep]\n\"training.batch_size\" = [8, 16]\n\"seed\" = [1, 2]").unwrap();
        let points: Vec<&str> = plans.iter().map(|plan| plan.point.as_str()).collect();
        let expected = [
            "seed=1_batch_size=8",
            "seed=1_batch_size=16",
            "seed=2_batch_size=8",
            "seed=2_batch_size=16",
        ];
        assert_eq!(points, expected);
        for plan in &plans {
            let (seed, size) = (plan.file.seed, plan.file.training.as_ref().unwrap().batch_size);
            assert_eq!(plan.point, format!("seed={seed}_batch_size={size}"));
        }
    }

    #[test]
    fn points_of_a_sweep_make_plain_names() {
        let schedules = "[\"constant\", { multi_step = { milestones = [15], factor = 0.1 } }]";
        let plans = plans(&format!("[sweep]\n\"training.learning_rate_schedule\" = {schedules}"));
        let points: Vec<String> = plans.unwrap().into_iter().map(|plan| plan.point).collect();
        let decay = "learning_rate_schedule=multi_step-factor-0.1-milestones-15";
        assert_eq!(points, ["learning_rate_schedule=constant", decay]);
    }

    #[test]
    fn messages_name_key_value_and_permitted_range() {
        assert_eq!(message("[fit]\nlevel = 2.0"), "fit.level = 2.0: permitted is between 0 and 1");
        assert!(message("[probe]\nsizes = [1]").starts_with("probe.sizes: unknown field `sizes`"));
        assert!(
            message("[fit]\nlevel = \"high\"")
                .starts_with("fit.level: invalid type: string \"high\""),
        );
        assert_eq!(message("[probe"), "line 7: unclosed table, expected `]`");
        assert_eq!(message("[sweep]\nseed = 3"), "sweep.seed: permitted is a list of values");
    }
}
