//! From files to samples, held to the card.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::card::{Card, CardFile, Layout};
use super::digest::{SampleDigests, hex};
use super::formats::delimited::LabelColumn;
use super::formats::table::LabelledTable;
use super::formats::text_table::TextTable;
use super::formats::{cifar_binary, cola, delimited, idx, image_folder, mat, parquet_images};
use super::locate::{FileAt, Located};
use super::samples::RawSplit;
use crate::error::TrainError;

/// A data set as it was read.
pub(super) struct RawData {
    pub train: RawSplit,
    pub test: Option<RawSplit>,
    pub digests: SampleDigests,
    /// Mean and population standard deviation of each group of features of the training set, see [`Card::n_groups`].
    pub moments: Vec<(f64, f64)>,
    pub verdict: Verdict,
}

/// How it is known that files are what their card says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Each has the SHA-256 of the card.
    SameFiles,
    /// They hold the samples of the card, perhaps packed otherwise or in another order.
    SameSamples,
    /// Counts, means and deviations are those of the card, which has no digest for files of this kind.
    SameFigures,
    /// They hold only a part of the samples.
    Part,
}

/// What the digests of files say.
enum Files {
    /// All are those of the card.
    Same,
    /// One is not.
    Different { file: String, how: String },
    /// The card has none.
    Unknown,
}

/// The content of a file.
#[derive(Clone)]
enum Content {
    Embedded(&'static [u8]),
    Mapped(Arc<Mmap>),
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        match self {
            Content::Embedded(bytes) => bytes,
            Content::Mapped(map) => map,
        }
    }
}

impl RawData {
    /// Reads and verifies.
    ///
    /// # Errors
    /// When a file is damaged, or the samples are not those of the card; with `part`, fewer samples than the card's are
    /// no error.
    pub fn read(card: &Card, located: &Located<'_>, part: bool) -> Result<Self, TrainError> {
        let files = check_files(card, located)?;
        let split = |files_at: &[(&CardFile, FileAt)]| {
            let split = read_split(card, &located.source.layout, files_at);
            split.map_err(|error| match &files {
                Files::Different { file, how } => {
                    let reason = error.to_string();
                    let reason = reason.strip_prefix(&format!("{file}: ")).unwrap_or(&reason);
                    TrainError::data(file, format!("{how}; {reason}"))
                }
                _ => error,
            })
        };
        let train = split(&located.train)?;
        let test = match located.test.is_empty() {
            true => None,
            false => Some(split(&located.test)?),
        };
        let digests = SampleDigests::of(&train, test.as_ref());
        let moments = train.moments(card.n_features, card.n_groups());
        let mut raw = Self { train, test, digests, moments, verdict: Verdict::Part };
        let place = located.folder().unwrap_or(Path::new(&card.name)).display().to_string();
        raw.verdict = raw.judge(card, place, files, part)?;
        Ok(raw)
    }

    /// Samples in the training and in the test set.
    pub fn counts(&self) -> (usize, usize) {
        (self.train.labels.len(), self.test.as_ref().map_or(0, |test| test.labels.len()))
    }

    /// Mean and deviation as cards have them.
    pub fn figures(&self, card: &Card) -> Vec<(f64, f64)> {
        match card.image {
            Some(_) => self.moments.clone(),
            None => self.train.moments(card.n_features, 1),
        }
    }

    fn judge(
        &self,
        card: &Card,
        place: String,
        files: Files,
        part: bool,
    ) -> Result<Verdict, TrainError> {
        let (counts, expected) = (self.counts(), (card.n_train, card.n_test));
        if counts != expected {
            let fewer = counts.0 <= expected.0 && counts.1 <= expected.1;
            if part && fewer {
                return Ok(Verdict::Part);
            }
            let advice = if fewer { "; data.part = true accepts a part" } else { "" };
            let reason = format!(
                "{} + {} samples, the card of {} says {} + {}{advice}",
                counts.0, counts.1, card.name, expected.0, expected.1
            );
            return Err(TrainError::data(place, reason));
        }
        match (files, &card.samples_sha256) {
            (Files::Same, _) => Ok(Verdict::SameFiles),
            (_, Some(digest)) if *digest == self.digests.any_order => Ok(Verdict::SameSamples),
            (Files::Different { file, how }, _) => Err(TrainError::data(file, how)),
            (Files::Unknown, Some(digest)) => {
                let found = &self.digests.any_order;
                let reason =
                    format!("samples with sha256 {found}, the card of {} says {digest}", card.name);
                Err(TrainError::data(place, reason))
            }
            (Files::Unknown, None) => {
                self.check_figures(card).map_err(|reason| TrainError::data(place, reason))?;
                Ok(Verdict::SameFigures)
            }
        }
    }

    /// Holds means and deviations to the card.
    pub fn check_figures(&self, card: &Card) -> Result<(), String> {
        let found = self.figures(card).into_iter().zip(card.mean.iter().zip(&card.deviation));
        for (channel, ((mean, deviation), (expected_mean, expected_deviation))) in found.enumerate()
        {
            let near = |found: f64, expected: &f64| (found - expected).abs() <= 1e-6;
            if !near(mean, expected_mean) || !near(deviation, expected_deviation) {
                return Err(format!(
                    "mean {mean}, deviation {deviation} of channel {channel}, the card of {} says {expected_mean}, {expected_deviation}",
                    card.name
                ));
            }
        }
        Ok(())
    }
}

fn check_files(card: &Card, located: &Located<'_>) -> Result<Files, TrainError> {
    for (file, at) in located.train.iter().chain(&located.test) {
        let Some(expected) = &file.sha256 else {
            return Ok(Files::Unknown);
        };
        let bytes = open(at)?;
        let sha256 = hex(&Sha256::digest(&bytes));
        if sha256 != *expected {
            let how = format!(
                "{} bytes with sha256 {sha256}, the card of {} says {} bytes with {expected}",
                bytes.as_ref().len(),
                card.name,
                file.bytes.map_or("?".to_owned(), |bytes| bytes.to_string()),
            );
            return Ok(Files::Different { file: name(at, file), how });
        }
    }
    Ok(Files::Same)
}

fn read_split(
    card: &Card,
    layout: &Layout,
    files: &[(&CardFile, FileAt)],
) -> Result<RawSplit, TrainError> {
    let image = || card.image.expect("cards of images say their size");
    let mut split = RawSplit::empty(card.image.is_some());
    match layout {
        Layout::Idx => {
            let [images, labels] = files else {
                return Err(TrainError::data(&card.name, "images without labels"));
            };
            let [_, height, width] = image();
            let (sizes, pixels) = parsed(images, |bytes| idx::parse(bytes, 3))?;
            if sizes[1..] != [height, width] {
                let reason =
                    format!("images of {} × {}, not {height} × {width}", sizes[1], sizes[2]);
                return Err(TrainError::data(name(&images.1, images.0), reason));
            }
            let (_, labels) = parsed(labels, |bytes| idx::parse(bytes, 1))?;
            split.append_pixels(pixels, labels.into_iter().map(u32::from).collect());
        }
        Layout::UciTable | Layout::Csv { .. } | Layout::Mat | Layout::Cola => {
            for file in files {
                let table = parsed(file, |bytes| read_table(card, layout, bytes))?;
                split.append_reals(table.features, table.labels);
            }
        }
        Layout::CifarBinary { label_bytes, label_at } => {
            for file in files {
                let (pixels, labels) =
                    parsed(file, |bytes| cifar_binary::parse(bytes, *label_bytes, *label_at))?;
                split.append_pixels(pixels, labels);
            }
        }
        Layout::ParquetImages { image: images, label } => {
            for (file, at) in files {
                let bytes = bytes::Bytes::from_owner(open(at)?);
                let (pixels, labels) = parquet_images::parse(bytes, (images, label), image())
                    .map_err(|reason| TrainError::data(name(at, file), reason))?;
                split.append_pixels(pixels, labels);
            }
        }
        Layout::ImageFolder => {
            for (_, at) in files {
                let FileAt::Path(folder) = at else {
                    unreachable!("no folder is embedded");
                };
                let (pixels, labels) = image_folder::read(folder, &card.classes, image()).map_err(
                    |(path, reason)| TrainError::data(path.display().to_string(), reason),
                )?;
                split.append_pixels(pixels, labels);
            }
        }
    }
    check(card, &split, files)?;
    Ok(split)
}

fn read_table(card: &Card, layout: &Layout, bytes: &[u8]) -> Result<LabelledTable, String> {
    // ODDS numbers its classes.
    let numbers: Vec<String> = (0..card.classes.len()).map(|label| label.to_string()).collect();
    let table = |has_header| TextTable::known(bytes, b',', has_header);
    match layout {
        Layout::UciTable => {
            delimited::parse(&table(false)?, &LabelColumn::Last, Some(&card.classes))
        }
        Layout::Csv { label } => {
            delimited::parse(&table(true)?, &LabelColumn::Name(label.clone()), Some(&numbers))
        }
        Layout::Mat => mat::parse(bytes, "X", "y", Some(&numbers)),
        _ => cola::parse(bytes, card.n_features),
    }
}

fn check(card: &Card, split: &RawSplit, files: &[(&CardFile, FileAt)]) -> Result<(), TrainError> {
    let n_samples = split.labels.len();
    let place = || files.first().map_or(card.name.clone(), |(file, at)| name(at, file));
    if n_samples == 0 || split.n_values() != n_samples * card.n_features {
        let reason = format!(
            "{} features for {n_samples} labels, the card of {} says {} each",
            split.n_values(),
            card.name,
            card.n_features
        );
        return Err(TrainError::data(place(), reason));
    }
    let n_classes = card.classes.len();
    if let Some(label) = split.labels.iter().find(|&&label| label as usize >= n_classes) {
        let reason = format!("label {label}, the card of {} says {n_classes} classes", card.name);
        return Err(TrainError::data(place(), reason));
    }
    Ok(())
}

fn parsed<T>(
    (file, at): &(&CardFile, FileAt),
    parse: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, TrainError> {
    let content = open(at)?;
    parse(content.as_ref()).map_err(|reason| TrainError::data(name(at, file), reason))
}

fn open(at: &FileAt) -> Result<Content, TrainError> {
    match at {
        FileAt::Embedded(bytes) => Ok(Content::Embedded(bytes)),
        FileAt::Path(path) => {
            // SAFETY: a file that somebody changes while it is read may give wrong samples, which the digest tells, or
            // end this program; it holds no references into it.
            let map = open_file(path).and_then(|file| unsafe { Mmap::map(&file) });
            let map =
                map.map_err(|e| TrainError::data(path.display().to_string(), e.to_string()))?;
            Ok(Content::Mapped(Arc::new(map)))
        }
    }
}

/// Opens a file, and nothing that could keep the reader waiting.
pub(super) fn open_file(path: &Path) -> std::io::Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(std::io::Error::other("not a file")),
    }
}

fn name(at: &FileAt, file: &CardFile) -> String {
    match at {
        FileAt::Embedded(_) => file.name.clone(),
        FileAt::Path(path) => path.display().to_string(),
    }
}
