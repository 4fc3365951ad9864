//! Loading: bytes held to their digest, parsed, standardised, and placed on the device.

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::card::{Card, CardFile, Layout};
use super::{idx, uci_table};
use crate::error::{SpecError, TrainError};
use crate::streams::Streams;

/// `[data]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Which data set; `noisescope data list` shows them.
    pub name: String,
    /// Subtract the mean and divide by the population standard deviation of the training set: per feature for
    /// tables, over all pixels for images. Constant features become 0.
    pub standardise: bool,
    /// Read the files from here and not from this program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// Keep only so many training samples, the first in the order of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Give so many training samples, the last of those that are kept, a label drawn from all classes alike: the
    /// "tweaked" sets of Zhu et al. (2019) have 1200 samples, 200 of them with random labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random_labels: Option<usize>,
}

impl DataSpec {
    /// A data set that ships with this program, standardised.
    pub fn embedded(name: &str) -> Self {
        let name = name.to_owned();
        Self { name, standardise: true, directory: None, samples: None, random_labels: None }
    }

    /// Checks what depends on the size of the training set; `section` is the name this has in the experiment.
    pub fn validate_against(&self, section: &str, n_train: usize) -> Result<(), SpecError> {
        if let Some(samples) = self.samples {
            let permitted = format!("1 to {n_train}, the training samples");
            SpecError::check(
                (1..=n_train).contains(&samples),
                section,
                "samples",
                samples,
                permitted,
            )?;
        }
        let n_kept = self.samples.unwrap_or(n_train);
        let n_random = self.random_labels.unwrap_or(0);
        let permitted = format!("0 to {n_kept}, the training samples that are kept");
        SpecError::check(n_random <= n_kept, section, "random_labels", n_random, permitted)
    }
}

/// A data set in memory.
pub struct Dataset {
    /// The name on its card.
    pub name: String,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// Channels, height and width, where samples are images; features are then pixels in this order.
    pub image: Option<[usize; 3]>,
    /// The training set.
    pub train: Split,
    /// The test set, where there is one.
    pub test: Option<Split>,
    /// What a manifest says of it; `None` for data made in memory.
    pub digest: Option<DataDigest>,
}

/// Inputs `[N, n_features]` in `f32` and labels `[N]` in `u32`.
pub struct Split {
    /// Features, one sample per row.
    pub inputs: Tensor,
    /// Class of each sample.
    pub labels: Tensor,
}

/// The identity of the data that a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataDigest {
    /// The name on its card.
    pub name: String,
    /// Digest of the digests of its files, in the order of the card.
    pub sha256: String,
    /// Under which terms.
    pub licence: String,
    /// How to cite it.
    pub citation: String,
}

/// What verifying a data set found; every figure is computed from the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// Samples in the training set.
    pub n_train: usize,
    /// Samples in the test set.
    pub n_test: usize,
    /// Features per sample.
    pub n_features: usize,
    /// Training samples per class.
    pub class_counts: Vec<usize>,
    /// Mean over all features of the training set.
    pub mean: f64,
    /// Population standard deviation over the same.
    pub deviation: f64,
    /// The identity of the files.
    pub digest: DataDigest,
}

impl Split {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.elem_count()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Dataset {
    /// Features per sample.
    pub fn n_features(&self) -> usize {
        self.train.inputs.dims()[1]
    }
}

/// Loads a data set and places it on `device`.
///
/// # Errors
/// When the name is unknown, a file is missing, its SHA-256 is not the card's, or its content is not what the card
/// says.
pub fn load(spec: &DataSpec, device: &Device) -> Result<Dataset, TrainError> {
    let card = Card::find(&spec.name)?;
    spec.validate_against("data", card.n_train)?;
    let mut raw = RawData::read(&card, spec.directory.as_deref())?;
    raw.train.keep(spec.samples.unwrap_or(card.n_train));
    raw.train.randomise_labels(spec.random_labels.unwrap_or(0), card.classes.len());
    if spec.standardise {
        raw.standardise(card.layout);
    }
    let n_features = card.n_features;
    let split = |part: RawSplit| -> Result<Split, TrainError> {
        let n_samples = part.labels.len();
        let inputs = Tensor::from_vec(part.features, (n_samples, n_features), device)?;
        Ok(Split { inputs, labels: Tensor::from_vec(part.labels, n_samples, device)? })
    };
    Ok(Dataset {
        train: split(raw.train)?,
        test: raw.test.map(split).transpose()?,
        digest: Some(raw.digest),
        name: card.name,
        classes: card.classes,
        image: card.image,
    })
}

/// Reads a data set from this program, or from `directory`, and computes what its card says of it.
///
/// # Errors
/// As [`load`]; also when mean or deviation differ from the card's by more than 1e-6.
pub fn verify(card: &Card, directory: Option<&Path>) -> Result<Verification, TrainError> {
    let raw = RawData::read(card, directory)?;
    let (mean, deviation) = mean_and_deviation(raw.train.features.iter().copied());
    for (what, got, expected) in
        [("mean", mean, card.mean), ("deviation", deviation, card.deviation)]
    {
        if (got - expected).abs() > 1e-6 {
            let reason = format!("{what} is {got}, the card says {expected}");
            return Err(TrainError::data(&card.name, reason));
        }
    }
    let mut class_counts = vec![0; card.classes.len()];
    raw.train.labels.iter().for_each(|&label| class_counts[label as usize] += 1);
    Ok(Verification {
        n_train: raw.train.labels.len(),
        n_test: raw.test.map_or(0, |test| test.labels.len()),
        n_features: card.n_features,
        class_counts,
        mean,
        deviation,
        digest: raw.digest,
    })
}

struct RawData {
    train: RawSplit,
    test: Option<RawSplit>,
    digest: DataDigest,
}

struct RawSplit {
    features: Vec<f32>,
    labels: Vec<u32>,
}

impl RawData {
    fn read(card: &Card, directory: Option<&Path>) -> Result<Self, TrainError> {
        let mut digest = Sha256::new();
        let mut contents = Vec::new();
        for file in &card.files {
            let (place, bytes) = read_file(card, file, directory)?;
            digest.update(&file.sha256);
            contents.push((place, bytes));
        }
        let file = |idx: usize| (contents[idx].0.as_str(), contents[idx].1.as_slice());
        let (train, test) = match card.layout {
            Layout::UciTable => {
                let (place, bytes) = file(0);
                let text = String::from_utf8_lossy(bytes);
                let parsed = uci_table::parse(&text, &card.classes);
                let (features, labels) =
                    parsed.map_err(|reason| TrainError::data(place, reason))?;
                (RawSplit { features, labels }, None)
            }
            Layout::Idx => {
                let train = RawSplit::from_idx(file(0), file(1), card.classes.len())?;
                (train, Some(RawSplit::from_idx(file(2), file(3), card.classes.len())?))
            }
        };
        train.check(card, card.n_train)?;
        test.as_ref().map_or(Ok(()), |test| test.check(card, card.n_test))?;
        let digest = DataDigest {
            name: card.name.clone(),
            sha256: hex(&digest.finalize()),
            licence: card.licence.clone(),
            citation: card.citation.clone(),
        };
        Ok(Self { train, test, digest })
    }

    /// Uses the training set's figures for both splits.
    fn standardise(&mut self, layout: Layout) {
        let n_features = self.train.features.len() / self.train.labels.len();
        let features = &self.train.features;
        let scales: Vec<(f64, f64)> = match layout {
            Layout::UciTable => (0..n_features)
                .map(|feature| {
                    mean_and_deviation(features.iter().skip(feature).step_by(n_features).copied())
                })
                .collect(),
            Layout::Idx => vec![mean_and_deviation(features.iter().copied()); n_features],
        };
        for split in [Some(&mut self.train), self.test.as_mut()].into_iter().flatten() {
            for row in split.features.chunks_exact_mut(n_features) {
                for (value, (mean, deviation)) in row.iter_mut().zip(&scales) {
                    let centred = f64::from(*value) - mean;
                    *value = if *deviation > 0. { (centred / deviation) as f32 } else { 0. };
                }
            }
        }
    }
}

impl RawSplit {
    /// Keeps the first samples.
    fn keep(&mut self, n_samples: usize) {
        let n_features = self.features.len() / self.labels.len();
        self.labels.truncate(n_samples);
        self.features.truncate(n_samples * n_features);
    }

    /// Draws the last labels anew, the same for every run.
    fn randomise_labels(&mut self, n_random: usize, n_classes: usize) {
        let mut rng = Streams::new(1).named("random_labels").rng(0);
        let first = self.labels.len() - n_random;
        for label in &mut self.labels[first..] {
            *label = rng.random_range(0..n_classes as u32);
        }
    }

    fn from_idx(
        (images_file, images): (&str, &[u8]),
        (labels_file, labels): (&str, &[u8]),
        n_classes: usize,
    ) -> Result<Self, TrainError> {
        let parsed = idx::parse(images, 3);
        let (_, pixels) = parsed.map_err(|reason| TrainError::data(images_file, reason))?;
        let parsed = idx::parse(labels, 1);
        let (_, labels) = parsed.map_err(|reason| TrainError::data(labels_file, reason))?;
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= n_classes) {
            let reason = format!("label {label}, there are {n_classes} classes");
            return Err(TrainError::data(labels_file, reason));
        }
        let features = pixels.iter().map(|&pixel| f32::from(pixel) / 255.).collect();
        Ok(Self { features, labels: labels.into_iter().map(u32::from).collect() })
    }

    fn check(&self, card: &Card, n_samples: usize) -> Result<(), TrainError> {
        let (got, expected) =
            ((self.labels.len(), self.features.len()), (n_samples, n_samples * card.n_features));
        if got != expected {
            let reason = format!("{got:?} labels and features, the card says {expected:?}");
            return Err(TrainError::data(&card.name, reason));
        }
        Ok(())
    }
}

fn read_file(
    card: &Card,
    file: &CardFile,
    directory: Option<&Path>,
) -> Result<(String, Vec<u8>), TrainError> {
    let (place, bytes) = match directory {
        Some(directory) => {
            let path = directory.join(&file.name);
            let place = path.display().to_string();
            let bytes =
                std::fs::read(&path).map_err(|e| TrainError::data(&place, e.to_string()))?;
            (place, bytes)
        }
        None => {
            let place = format!("datasets/{}/{}", card.name, file.name);
            let bytes = card.embedded(file);
            let absent = || TrainError::data(&place, "not embedded; give data.directory");
            let bytes = bytes.ok_or_else(absent)?.to_vec();
            (place, bytes)
        }
    };
    let sha256 = hex(&Sha256::digest(&bytes));
    if sha256 != file.sha256 {
        let reason = format!(
            "{} bytes with sha256 {sha256}, the card of {} says {} bytes with {}",
            bytes.len(),
            card.name,
            file.bytes,
            file.sha256
        );
        return Err(TrainError::data(place, reason));
    }
    Ok((place, bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Mean and population standard deviation, in two passes.
fn mean_and_deviation(values: impl Iterator<Item = f32> + Clone) -> (f64, f64) {
    let n_values = values.clone().count() as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / n_values;
    let squares = values.map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>();
    (mean, (squares / n_values).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cards;

    /// The files stay as they are; the digest is theirs.
    #[test]
    fn subsets_and_random_labels() {
        let whole = DataSpec { standardise: false, ..DataSpec::embedded("ionosphere") };
        let spec = DataSpec { samples: Some(120), random_labels: Some(60), ..whole.clone() };
        let [whole, part, again] =
            [&whole, &spec, &spec].map(|spec| load(spec, &Device::Cpu).unwrap());
        assert_eq!((part.train.len(), part.digest == whole.digest), (120, true));
        let labels = |data: &Dataset| data.train.labels.to_vec1::<u32>().unwrap();
        assert_eq!(labels(&part), labels(&again));
        assert_eq!(labels(&part)[..60], labels(&whole)[..60]);
        let n_changed = (60..120).filter(|&i| labels(&part)[i] != labels(&whole)[i]).count();
        assert!((15..45).contains(&n_changed), "half of the labels, on average: {n_changed}");
        let features =
            |data: &Dataset| data.train.inputs.get(119).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(features(&part), features(&whole));
        let message = |samples, random_labels| {
            let spec = DataSpec { samples, random_labels, ..spec.clone() };
            load(&spec, &Device::Cpu).err().unwrap().to_string()
        };
        assert_eq!(
            message(Some(0), None),
            "data.samples = 0: permitted is 1 to 351, the training samples"
        );
        let random = message(Some(10), Some(11));
        assert!(random.starts_with("data.random_labels = 11: permitted is 0 to 10"), "{random}");
    }

    fn spec(name: &str, standardise: bool) -> DataSpec {
        DataSpec { standardise, ..DataSpec::embedded(name) }
    }

    #[test]
    fn every_card_is_true() {
        for card in cards() {
            let found = verify(&card, None).unwrap();
            let expected = (card.n_train, card.n_test, card.n_features);
            assert_eq!((found.n_train, found.n_test, found.n_features), expected, "{}", card.name);
        }
    }

    #[test]
    fn ionosphere_to_the_number() {
        let data = load(&spec("ionosphere", false), &Device::Cpu).unwrap();
        let row = data.train.inputs.get(1).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(row[..5], [1., 0., 1., -0.18829, 0.93035]);
        let labels = data.train.labels.to_vec1::<u32>().unwrap();
        assert_eq!(labels[..4], [1, 0, 1, 0]);
        assert_eq!(labels.iter().filter(|&&label| label == 0).count(), 126);
    }

    #[test]
    fn fashion_mnist_to_the_pixel() {
        let data = load(&spec("fashion-mnist-6k", false), &Device::Cpu).unwrap();
        // Read from the original archive: the first image is an ankle boot.
        let image = data.train.inputs.get(0).unwrap().to_vec1::<f32>().unwrap();
        let pixel = |row: usize, column: usize| (image[28 * row + column] * 255.).round() as u8;
        assert_eq!((pixel(0, 0), pixel(3, 12), pixel(3, 13), pixel(4, 15)), (0, 1, 0, 136));
        let labels = data.train.labels.to_vec1::<u32>().unwrap();
        assert_eq!(labels[..8], [9, 0, 0, 3, 0, 2, 7, 2]);
    }

    #[test]
    fn standardised_features_have_mean_0_and_deviation_1_or_are_0() {
        let data = load(&spec("ionosphere", true), &Device::Cpu).unwrap();
        let rows = data.train.inputs.to_vec2::<f32>().unwrap();
        for feature in 0..34 {
            let (mean, deviation) = mean_and_deviation(rows.iter().map(|row| row[feature]));
            let expected = if feature == 1 { 0. } else { 1. };
            assert!(mean.abs() < 1e-6 && (deviation - expected).abs() < 1e-6, "{feature}");
        }
    }

    #[test]
    fn a_changed_or_missing_file_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = spec("ionosphere", true);
        spec.directory = Some(dir.path().to_owned());
        let message = |spec| load(spec, &Device::Cpu).err().unwrap().to_string();
        assert!(message(&spec).contains("ionosphere.data: No such file"), "{}", message(&spec));
        let card = Card::find("ionosphere").unwrap();
        let mut bytes = card.embedded(&card.files[0]).unwrap().to_vec();
        bytes[100] ^= 1;
        std::fs::write(dir.path().join("ionosphere.data"), bytes).unwrap();
        assert!(message(&spec).contains("the card of ionosphere says"), "{}", message(&spec));
    }
}
