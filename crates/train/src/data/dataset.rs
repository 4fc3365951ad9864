//! Loading: files found, read or mapped, standardised, and placed on the device.

use std::path::{Path, PathBuf};

use candle_core::Device;
use serde::{Deserialize, Serialize};

use super::card::Card;
use super::digest::{DataDigest, SampleDigests};
use super::locate::{self, Located};
use super::prepared;
use super::read::{RawData, Verdict};
use super::samples::{RawSplit, Split};
use crate::error::{SpecError, TrainError};

/// `[data]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Which data set; `noisescope data list` shows them.
    pub name: String,
    /// Subtract the mean and divide by the population standard deviation of the training set: per feature for
    /// tables, per channel for images. Constant features become 0.
    pub standardise: bool,
    /// Read the files from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// Be content with a part of the samples that the card promises.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub part: bool,
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
        Self {
            name: name.to_owned(),
            standardise: true,
            directory: None,
            part: false,
            samples: None,
            random_labels: None,
        }
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

impl Dataset {
    /// Features per sample.
    pub fn n_features(&self) -> usize {
        self.train.n_features()
    }
}

/// Loads a data set.
///
/// Images that took long to decode are kept decoded ([`home::cache`](super::home::cache)) and are mapped from there the
/// next time, as long as their files have not changed.
///
/// # Errors
/// When the name is unknown, a file is missing or damaged, or the samples are not those of the card.
pub fn load(spec: &DataSpec, device: &Device) -> Result<Dataset, TrainError> {
    let card = Card::find(&spec.name)?;
    let raw = read(&card, spec.directory.as_deref(), spec.part)?;
    let n_train = raw.train.labels.len();
    spec.validate_against("data", n_train)?;
    let RawData { mut train, test, digests, mut moments, .. } = raw;
    let n_kept = spec.samples.unwrap_or(n_train);
    if n_kept < n_train {
        train.keep(n_kept);
        moments = train.moments(card.n_features, card.n_groups());
    }
    train.randomise_labels(spec.random_labels.unwrap_or(0), card.classes.len());
    if !spec.standardise {
        if let Some(group) = train.first_coarse(card.n_features, card.n_groups()) {
            let permitted = format!(
                "true, since f32 does not tell apart what lies so close together for its size: {}",
                card.group_name(group)
            );
            SpecError::check(false, "data", "standardise", false, permitted)?;
        }
        moments = vec![(0., 1.); card.n_groups()];
    }
    let split = |raw: RawSplit| Split::scaled(raw, card.n_features, &moments, device);
    Ok(Dataset {
        train: split(train)?,
        test: test.map(split).transpose()?,
        digest: Some(digest_of(&card, &digests)),
        name: card.name.clone(),
        image: card.image,
        classes: card.classes,
    })
}

/// The features of the training set as they were read, one after the other, for data sets of any size in memory; pixels
/// from 0 to 1.
///
/// # Errors
/// As [`load`], where a part of the samples will do.
pub fn features(card: &Card, directory: Option<&Path>) -> Result<Vec<Vec<f64>>, TrainError> {
    let train = read(card, directory, true)?.train;
    Ok((0..card.n_features).map(|feature| train.feature(feature, card.n_features)).collect())
}

fn read(card: &Card, directory: Option<&Path>, part: bool) -> Result<RawData, TrainError> {
    if let Some(path) = prepared::imported_path(&card.name).filter(|_| directory.is_none()) {
        return prepared::read(&path);
    }
    let located = locate::locate(card, directory)?;
    match kept(card, &located) {
        Some(raw) if part || raw.verdict != Verdict::Part => Ok(raw),
        _ => read_and_keep(card, &located, part),
    }
}

/// What these files decoded to, if it was kept.
fn kept(card: &Card, located: &Located<'_>) -> Option<RawData> {
    prepared::read(&prepared::path_for(card, located)?).ok()
}

fn read_and_keep(card: &Card, located: &Located<'_>, part: bool) -> Result<RawData, TrainError> {
    let before = prepared::path_for(card, located);
    let raw = RawData::read(card, located, part)?;
    // Files that changed meanwhile may not pass for what was read.
    if let Some(path) =
        before.filter(|path| prepared::path_for(card, located).as_ref() == Some(path))
    {
        // Without a place to keep it, it is decoded again the next time.
        let _ = prepared::write(&path, card, &raw);
    }
    Ok(raw)
}

fn digest_of(card: &Card, digests: &SampleDigests) -> DataDigest {
    DataDigest {
        name: card.name.clone(),
        sha256: digests.in_order.clone(),
        licence: card.licence.clone(),
        citation: card.citation.clone(),
    }
}

/// What verifying a data set found; every figure is computed from the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Verification {
    /// How the files compare with the card.
    pub verdict: Verdict,
    /// Where they are; `None` where they are part of this program.
    pub folder: Option<PathBuf>,
    /// Samples in the training set.
    pub n_train: usize,
    /// Samples in the test set.
    pub n_test: usize,
    /// Training samples per class.
    pub class_counts: Vec<usize>,
    /// Mean and population standard deviation of the training set: of each channel, or of all features of a table.
    pub figures: Vec<(f64, f64)>,
    /// Digests of the samples.
    pub digests: SampleDigests,
}

/// Where a data set was found, to be verified.
pub struct Candidate<'a> {
    card: &'a Card,
    place: Place<'a>,
}

enum Place<'a> {
    Files(Located<'a>),
    Imported(PathBuf),
}

impl Candidate<'_> {
    /// The folder, or the file of imported data; `None` where the files are part of this program.
    pub fn folder(&self) -> Option<&Path> {
        match &self.place {
            Place::Files(located) => located.folder(),
            Place::Imported(path) => Some(path),
        }
    }

    /// What is known without much work: tables are read, images only if they were kept decoded.
    pub fn known(&self) -> Option<Result<Verification, TrainError>> {
        match &self.place {
            Place::Files(located)
                if located.source.layout.is_slow() && located.folder().is_some() =>
            {
                kept(self.card, located).map(|raw| Ok(self.describe(raw)))
            }
            _ => Some(self.verify()),
        }
    }

    /// Reads all files and computes what the card says of them.
    ///
    /// # Errors
    /// As [`load`]; also when mean or deviation of a whole data set differ from the card's by more than 1e-6.
    pub fn verify(&self) -> Result<Verification, TrainError> {
        let raw = match &self.place {
            Place::Files(located) => read_and_keep(self.card, located, true)?,
            Place::Imported(path) => prepared::read(path)?,
        };
        if raw.verdict != Verdict::Part {
            let checked = raw.check_figures(self.card);
            checked.map_err(|reason| TrainError::data(&self.card.name, reason))?;
        }
        Ok(self.describe(raw))
    }

    fn describe(&self, raw: RawData) -> Verification {
        let mut class_counts = vec![0; self.card.classes.len()];
        raw.train.labels.iter().for_each(|&label| class_counts[label as usize] += 1);
        let (n_train, n_test) = raw.counts();
        Verification {
            verdict: raw.verdict,
            folder: self.folder().map(Path::to_owned),
            n_train,
            n_test,
            class_counts,
            figures: raw.figures(self.card),
            digests: raw.digests,
        }
    }
}

/// Every place where a data set is: in `directory` and the folders in it, or where [`load`] looks.
///
/// Where it was not asked for `by_name`, the folder or its files must have its name.
pub fn candidates<'a>(
    card: &'a Card,
    directory: Option<&Path>,
    by_name: bool,
) -> Vec<Candidate<'a>> {
    let places: Vec<Place<'a>> = match directory {
        Some(directory) => {
            let located = locate::all_in(card, directory, by_name);
            located.into_iter().map(Place::Files).collect()
        }
        None => match prepared::imported_path(&card.name) {
            Some(path) => vec![Place::Imported(path)],
            None => locate::locate(card, None).into_iter().map(Place::Files).collect(),
        },
    };
    places.into_iter().map(|place| Candidate { card, place }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cards;

    fn spec(name: &str, standardise: bool) -> DataSpec {
        DataSpec { standardise, ..DataSpec::embedded(name) }
    }

    fn sample(data: &Dataset, sample: usize) -> Vec<f32> {
        data.train.range(sample..sample + 1).unwrap().0.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// The files stay as they are; the digest is theirs.
    #[test]
    fn subsets_and_random_labels() {
        let whole = DataSpec { standardise: false, ..DataSpec::embedded("ionosphere") };
        let spec = DataSpec { samples: Some(120), random_labels: Some(60), ..whole.clone() };
        let [whole, part, again] =
            [&whole, &spec, &spec].map(|spec| load(spec, &Device::Cpu).unwrap());
        assert_eq!((part.train.len(), part.digest == whole.digest), (120, true));
        let labels = |data: &Dataset| data.train.labels().to_vec();
        assert_eq!(labels(&part), labels(&again));
        assert_eq!(labels(&part)[..60], labels(&whole)[..60]);
        let n_changed = (60..120).filter(|&i| labels(&part)[i] != labels(&whole)[i]).count();
        assert!((15..45).contains(&n_changed), "half of the labels, on average: {n_changed}");
        assert_eq!(sample(&part, 119), sample(&whole, 119));
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

    #[test]
    fn every_card_is_true_of_the_files_in_this_program() {
        for name in ["ionosphere", "fashion-mnist-6k"] {
            let card = Card::find(name).unwrap();
            let found = candidates(&card, None, true)[0].verify().unwrap();
            assert_eq!(found.verdict, Verdict::SameFiles);
            assert_eq!(found.digests.any_order, card.samples_sha256.unwrap());
            assert_eq!((found.n_train, found.n_test), (card.n_train, card.n_test), "{name}");
        }
    }

    #[test]
    fn cards_are_of_one_piece() {
        for card in cards() {
            let [n_mean, n_deviation] = [&card.mean, &card.deviation].map(Vec::len);
            assert_eq!((n_mean, n_deviation), (card.image.map_or(1, |image| image[0]), n_mean));
            assert!(
                card.image.is_none_or(|image| image.iter().product::<usize>() == card.n_features)
            );
            assert!(!card.sources.is_empty() && card.sources.iter().all(|s| !s.train.is_empty()));
            let hubs = card.sources.iter().filter_map(|source| source.hub.as_ref());
            assert!(hubs.into_iter().all(|hub| hub.revision.len() == 40), "{}", card.name);
        }
    }

    #[test]
    fn ionosphere_to_the_number() {
        let data = load(&spec("ionosphere", false), &Device::Cpu).unwrap();
        assert_eq!(sample(&data, 1)[..5], [1., 0., 1., -0.18829, 0.93035]);
        assert_eq!(data.train.labels()[..4], [1, 0, 1, 0]);
        assert_eq!(data.train.labels().iter().filter(|&&label| label == 0).count(), 126);
    }

    #[test]
    fn fashion_mnist_to_the_pixel() {
        let data = load(&spec("fashion-mnist-6k", false), &Device::Cpu).unwrap();
        // Read from the original archive: the first image is an ankle boot.
        let image = sample(&data, 0);
        let pixel = |row: usize, column: usize| (image[28 * row + column] * 255.).round() as u8;
        assert_eq!((pixel(0, 0), pixel(3, 12), pixel(3, 13), pixel(4, 15)), (0, 1, 0, 136));
        assert_eq!(data.train.labels()[..8], [9, 0, 0, 3, 0, 2, 7, 2]);
    }

    #[test]
    fn standardised_features_have_mean_0_and_deviation_1_or_are_0() {
        let data = load(&spec("ionosphere", true), &Device::Cpu).unwrap();
        let rows = data.train.range(0..351).unwrap().0.flatten_all().unwrap().to_vec1().unwrap();
        let moments = RawSplit::reals(rows, vec![0; 351]).moments(34, 34);
        for (feature, (mean, deviation)) in moments.into_iter().enumerate() {
            let expected = if feature == 1 { 0. } else { 1. };
            assert!(mean.abs() < 1e-6 && (deviation - expected).abs() < 1e-6, "{feature}");
        }
    }

    #[test]
    fn a_changed_or_missing_file_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut spec = spec("ionosphere", true);
        spec.directory = Some(dir.path().to_owned());
        let message = |spec: &DataSpec| load(spec, &Device::Cpu).err().unwrap().to_string();
        let missing = message(&spec);
        assert!(missing.ends_with("no files of ionosphere: ionosphere.data"), "{missing}");
        let card = Card::find("ionosphere").unwrap();
        let mut bytes = card.embedded(&card.sources[0].train[0]).unwrap().to_vec();
        for (at, byte) in [(100, 1), (0, b'x' ^ bytes[0])] {
            bytes[at] ^= byte;
            std::fs::write(dir.path().join("ionosphere.data"), &bytes).unwrap();
            let changed = message(&spec);
            assert!(changed.contains("the card of ionosphere says"), "{changed}");
        }
        spec.directory = Some(dir.path().join("nowhere"));
        assert!(message(&spec).contains("nowhere: No such file"), "{}", message(&spec));
        let absent = message(&DataSpec { directory: None, name: "cinic10".into(), ..spec });
        assert!(absent.contains("data.directory names a folder with train, test"), "{absent}");
    }

    #[test]
    fn a_part_is_accepted_if_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let records: Vec<u8> =
            (0..7 * 3073).map(|i| (i * i % 251) as u8 * u8::from(i % 3073 > 0)).collect();
        std::fs::write(dir.path().join("data_batch_2.bin"), &records).unwrap();
        let spec = DataSpec { directory: Some(dir.path().to_owned()), ..spec("cifar10", true) };
        let message = load(&spec, &Device::Cpu).err().unwrap().to_string();
        let expected = "7 + 0 samples, the card of cifar10 says 50000 + 10000; data.part = true accepts a part";
        assert!(message.ends_with(expected), "{message}");
        let data = load(&DataSpec { part: true, ..spec }, &Device::Cpu).unwrap();
        assert_eq!((data.train.len(), data.test.is_none()), (7, true));
    }
}
