//! A researcher's own files, made a data set that experiments call by name.

use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::card::{Card, cards};
use super::digest::SampleDigests;
use super::formats::array::{LabelledArray, Values};
use super::formats::delimited::LabelColumn;
use super::formats::table::LabelledTable;
use super::formats::text_table::{Header, TextTable};
use super::formats::{delimited, image_folder, npy, parquet_table, tensors};
use super::home;
use super::prepared;
use super::read::{RawData, Verdict, open_file};
use super::samples::RawSplit;
use crate::error::{SpecError, TrainError};

/// What is to be imported.
///
/// Tables (`.csv`, `.tsv`, `.parquet`) have one row per sample and a column of labels; arrays (`.npz`, `.safetensors`) have
/// samples along the first axis of `inputs`, `[N, …]`, and labels `[N]`; a folder has a folder of PNG images for each
/// class. Arrays `[N, C, H, W]` or `[N, H, W]` are images: whole numbers from 0 to 255 are pixels, others are taken as they
/// are, and pictures of them want the range from 0 to 1.
#[derive(Debug, Clone)]
pub struct ImportSpec {
    /// The name that experiments will use: letters, digits, `-` and `_`.
    pub name: String,
    /// File or folder of the training set.
    pub train: PathBuf,
    /// The same for a test set.
    pub test: Option<PathBuf>,
    /// Column or array of the labels; not for folders.
    pub label: Option<String>,
    /// Array of the inputs.
    pub inputs: Option<String>,
    /// Whether line 1 of a `.csv` or `.tsv` names the columns.
    pub header: Header,
    /// Under which terms the data may be used; goes into manifests.
    pub licence: String,
    /// How to cite them.
    pub citation: String,
}

/// A data set that was imported.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Its card.
    pub card: Card,
    /// What was assumed about the files and what of them was left out, each in a sentence without its end.
    pub notes: Vec<String>,
}

/// Samples of one split with what describes them.
struct Found {
    split: RawSplit,
    n_features: usize,
    image: Option<[usize; 3]>,
    columns: Vec<String>,
    classes: Vec<String>,
    notes: Vec<String>,
}

/// More classes than these are no labels.
const MOST_CLASSES: usize = 10_000;

/// Reads the files and keeps their samples in [`home::imported`]: as `f32`, or as `f64` where a column lies so close
/// together for its size that `f32` would round it by more than 10⁻⁵ of its deviation.
///
/// # Errors
/// When a file can't be read, the splits don't match, not even `f64` tells the values of a column apart, or the name is
/// taken by a data set of this program. One that was imported before is replaced.
pub fn import(spec: &ImportSpec) -> Result<Imported, TrainError> {
    let characters = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let holds = (1..=100).contains(&spec.name.len()) && spec.name.chars().all(characters);
    let ours = cards().iter().any(|card| card.name == spec.name && !card.sources.is_empty());
    let permitted = match ours {
        true => "a name that no data set of this program has",
        false => "1 to 100 letters, digits, - and _",
    };
    SpecError::check(holds && !ours, "import", "name", &spec.name, permitted)?;
    let home = home::imported().ok_or_else(|| {
        TrainError::data(&spec.name, "no place to keep it: HOME and XDG_DATA_HOME are not set")
    })?;
    let train = find(spec, &spec.train, None)?;
    let test = spec.test.as_ref().map(|test| find(spec, test, Some(&train.classes))).transpose()?;
    if let Some((found, path)) = test.as_ref().zip(spec.test.as_ref())
        && (found.n_features, found.image) != (train.n_features, train.image)
    {
        let reason = format!(
            "{} features per sample, {} in the training set",
            found.n_features, train.n_features
        );
        return Err(TrainError::data(path.display().to_string(), reason));
    }
    check_classes(&train.classes)
        .map_err(|reason| TrainError::data(spec.train.display().to_string(), reason))?;
    let Found { split, n_features, image, columns, classes, mut notes } = train;
    let (train, test) = match test {
        Some(test) => {
            notes.extend(
                test.notes.into_iter().filter(|note| !notes.contains(note)).collect::<Vec<_>>(),
            );
            (split, Some(test.split))
        }
        None => (split, None),
    };
    let mut card = Card {
        name: spec.name.clone(),
        title: spec.name.clone(),
        origin: spec.train.display().to_string(),
        licence: spec.licence.clone(),
        citation: spec.citation.clone(),
        notes: "Imported.".to_owned(),
        n_train: train.labels.len(),
        n_test: test.as_ref().map_or(0, |test| test.labels.len()),
        n_features,
        image,
        columns,
        classes,
        mean: vec![],
        deviation: vec![],
        samples_sha256: None,
        sources: vec![],
    };
    if let Some(group) = train.first_lost(n_features, card.n_groups()) {
        let reason = format!(
            "{}: values so close together for their size that double precision does not tell them apart; subtract a number from them",
            card.group_name(group)
        );
        return Err(TrainError::data(spec.train.display().to_string(), reason));
    }
    let (train, test) = match train.first_coarse(n_features, card.n_groups()) {
        Some(_) => (train, test),
        None => (train.rounded(), test.map(RawSplit::rounded)),
    };
    let digests = SampleDigests::of(&train, test.as_ref());
    let moments = train.moments(n_features, card.n_groups());
    let raw = RawData { train, test, digests, moments, verdict: Verdict::SameSamples };
    (card.mean, card.deviation) = raw.figures(&card).into_iter().unzip();
    card.samples_sha256 = Some(raw.digests.any_order.clone());
    prepared::write(&home.join(format!("{}.safetensors", spec.name)), &card, &raw)?;
    Ok(Imported { card, notes })
}

fn find(spec: &ImportSpec, path: &Path, classes: Option<&[String]>) -> Result<Found, TrainError> {
    let bad = |reason: String| TrainError::data(path.display().to_string(), reason);
    if spec.test.is_some() && path.is_dir() != spec.train.is_dir() {
        return Err(bad("training and test set must both be folders, or both be files".to_owned()));
    }
    if path.is_dir() {
        return folder(path, classes);
    }
    let text = |error: std::io::Error| bad(error.to_string());
    let file = open_file(path).map_err(text)?;
    // SAFETY: it holds no references into it, and what is read is checked.
    let map = unsafe { Mmap::map(&file) }.map_err(text)?;
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
    let label = || {
        spec.label
            .clone()
            .ok_or_else(|| bad("--label is missing: which column has the labels?".to_owned()))
    };
    let arrays = || {
        let names = spec.inputs.as_deref().zip(spec.label.as_deref());
        names.ok_or_else(|| {
            bad("--inputs or --label is missing: which arrays have them?".to_owned())
        })
    };
    let found = match end.as_str() {
        "csv" | "tsv" => {
            let delimiter = (end == "tsv").then_some(b'\t');
            let wanted = [label()?];
            let table = TextTable::open(&map, delimiter, spec.header, &wanted);
            let label = LabelColumn::Name(wanted[0].clone());
            table.and_then(|table| delimited::parse(&table, &label, classes)).map(Found::from)
        }
        "parquet" => {
            let bytes = bytes::Bytes::from_owner(map);
            parquet_table::parse(bytes, &label()?, classes).map(Found::from)
        }
        "npz" => {
            let (inputs, labels) = arrays()?;
            npy::parse_npz(&map, inputs, labels, classes).and_then(Found::try_from)
        }
        "safetensors" => {
            let (inputs, labels) = arrays()?;
            tensors::parse(&map, inputs, labels, classes).and_then(Found::try_from)
        }
        _ => {
            Err("permitted are .csv, .tsv, .parquet, .npz, .safetensors and folders of PNG images"
                .to_owned())
        }
    };
    found.map_err(bad)
}

impl From<LabelledTable> for Found {
    fn from(table: LabelledTable) -> Self {
        Self {
            split: RawSplit::doubles(table.features, table.labels),
            n_features: table.n_features,
            image: None,
            columns: table.columns,
            classes: table.classes,
            notes: table.notes,
        }
    }
}

impl TryFrom<LabelledArray> for Found {
    type Error = String;

    fn try_from(found: LabelledArray) -> Result<Self, String> {
        let shape = &found.inputs.shape;
        let image = match shape[1..] {
            [height, width] => Some([1, height, width]),
            [channels @ (1 | 3), height, width] => Some([channels, height, width]),
            [_, _, _] => {
                return Err(format!(
                    "shape {shape:?}: permitted are 1 or 3 channels, [N, C, H, W]"
                ));
            }
            [_] => None,
            _ => return Err(format!("shape {shape:?}: permitted are 2, 3 or 4 axes")),
        };
        let split = match (found.inputs.values, image) {
            (Values::Bytes(bytes), Some(_)) => RawSplit::pixels(bytes, found.labels),
            (Values::Bytes(bytes), None) => {
                RawSplit::doubles(bytes.into_iter().map(f64::from).collect(), found.labels)
            }
            (Values::Integers(values), Some(_)) if values.iter().all(|v| (0..256).contains(v)) => {
                RawSplit::pixels(values.into_iter().map(|v| v as u8).collect(), found.labels)
            }
            (Values::Integers(values), _) => {
                RawSplit::doubles(values.into_iter().map(|v| v as f64).collect(), found.labels)
            }
            (Values::Reals(values), _) => RawSplit::doubles(values, found.labels),
        };
        let n_features = shape[1..].iter().product();
        let (columns, notes) = (vec![], vec![]);
        Ok(Self { split, n_features, image, columns, classes: found.classes, notes })
    }
}

/// Labels that can be learnt: whole numbers or names, of two classes or more.
fn check_classes(classes: &[String]) -> Result<(), String> {
    let numbers: Option<Vec<f64>> = classes.iter().map(|class| class.parse().ok()).collect();
    let real = numbers.is_some_and(|numbers| numbers.iter().any(|x: &f64| x.fract() != 0.));
    match classes.len() {
        0 | 1 => Err(format!("labels of a single class, {}", classes.join(""))),
        MOST_CLASSES.. => Err(format!("{} classes, permitted are {MOST_CLASSES}", classes.len())),
        _ if real => Err("labels that are real numbers, and not whole numbers or names".to_owned()),
        _ => Ok(()),
    }
}

/// A folder per class; all images have the size of the first.
fn folder(path: &Path, classes: Option<&[String]>) -> Result<Found, TrainError> {
    let bad =
        |(path, reason): (PathBuf, String)| TrainError::data(path.display().to_string(), reason);
    let there = image_folder::classes(path).map_err(bad)?;
    let classes = classes.map_or_else(|| there.clone(), <[String]>::to_vec);
    if let Some(class) = there.iter().find(|class| !classes.contains(class)) {
        let reason = format!("unknown class; known are {}", classes.join(", "));
        return Err(bad((path.join(class), reason)));
    }
    image_folder::check(path).map_err(bad)?;
    let image = image_folder::shape(path, &classes).map_err(bad)?;
    let (pixels, labels) = image_folder::read(path, &classes, image).map_err(bad)?;
    let n_features = image.iter().product();
    let split = RawSplit::pixels(pixels, labels);
    Ok(Found { split, n_features, image: Some(image), columns: vec![], classes, notes: vec![] })
}
