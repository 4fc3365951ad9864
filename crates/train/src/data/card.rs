//! Cards: origin, licence, digests and shape of each data set, and the embedded files.

use serde::{Deserialize, Serialize};

use super::formats::table::quoted;
use super::hub::HubFile;
use super::prepared;
use crate::error::TrainError;

/// `datasets/<name>.toml`: everything that is known about a data set without opening its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The name that experiments use.
    pub name: String,
    /// What it is called in full.
    pub title: String,
    /// Where it comes from.
    pub origin: String,
    /// Under which terms.
    pub licence: String,
    /// How to cite it.
    pub citation: String,
    /// What a user should know.
    pub notes: String,
    /// Samples in the training set.
    pub n_train: usize,
    /// Samples in the test set; 0 where there is none.
    pub n_test: usize,
    /// Features per sample.
    pub n_features: usize,
    /// Channels, height and width, where samples are images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<[usize; 3]>,
    /// Names of the features, where they have names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// Mean of the training set before standardisation: of each channel of images, of all features of a table.
    pub mean: Vec<f64>,
    /// Population standard deviation over the same.
    pub deviation: Vec<f64>,
    /// Digest of all samples, whatever their order ([`SampleDigests::any_order`](super::SampleDigests::any_order)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_sha256: Option<String>,
    /// The forms in which it is published, the preferred one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
}

/// One form in which a data set is published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// How its files are read.
    pub layout: Layout,
    /// Where the Hugging Face hub has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<Repository>,
    /// The files of the training set, in the order in which the layout wants them.
    pub train: Vec<CardFile>,
    /// Those of the test set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test: Vec<CardFile>,
}

/// A data set of the Hugging Face hub as it was at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Owner and name.
    pub name: String,
    /// The commit.
    pub revision: String,
}

/// One file of a data set, or the folder of a layout that has folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFile {
    /// Its path in the repository or the folder.
    pub name: String,
    /// Size in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// SHA-256 in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// How files become samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Layout {
    /// Lines of comma-separated numbers, the class last, no header.
    UciTable,
    /// Comma-separated numbers with a header.
    Csv {
        /// The column of the classes.
        label: String,
    },
    /// MATLAB v5 with the variables `X` and `y`, as ODDS publishes.
    Mat,
    /// Gzipped idx files, images and labels. Pixels are divided by 255.
    Idx,
    /// Records of CIFAR-10 and CIFAR-100.
    CifarBinary {
        /// Bytes before each image.
        label_bytes: usize,
        /// Which of them is the label.
        label_at: usize,
    },
    /// Parquet with images as PNG.
    ParquetImages {
        /// The column of the images.
        image: String,
        /// The column of the labels.
        label: String,
    },
    /// A folder of PNG files for each class.
    ImageFolder,
    /// Sentences of CoLA, as hashed words.
    Cola,
}

struct Embedded {
    card: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

macro_rules! datasets {
    ($path:literal) => {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../datasets/", $path)
    };
}

macro_rules! embedded {
    ($card:literal $(, $folder:literal: $($file:literal),*)?) => {
        Embedded {
            card: include_str!(datasets!($card)),
            files: &[$($(($file, include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/../../datasets/", $folder, "/", $file
            )))),*)?],
        }
    };
}

const CARDS: &[Embedded] = &[
    embedded!("ionosphere.toml", "ionosphere": "ionosphere.data"),
    embedded!(
        "fashion-mnist-6k.toml",
        "fashion-mnist-6k": "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz"
    ),
    embedded!("mnist.toml"),
    embedded!("fashion-mnist.toml"),
    embedded!("cifar10.toml"),
    embedded!("cifar100.toml"),
    embedded!("cifar100-coarse.toml"),
    embedded!("cinic10.toml"),
    embedded!("cardio.toml"),
    embedded!("ionosphere-odds.toml"),
    embedded!("musk.toml"),
    embedded!("cola.toml"),
];

/// The cards of all data sets that this program knows, then those that were imported.
pub fn cards() -> Vec<Card> {
    let imported = prepared::imported().into_iter().map(|(_, card)| card);
    CARDS.iter().map(|embedded| parse(embedded.card)).chain(imported).collect()
}

impl Card {
    /// The card of that name.
    ///
    /// # Errors
    /// When there is none; the message lists those that are there.
    pub fn find(name: &str) -> Result<Card, TrainError> {
        let cards = cards();
        let known: Vec<&str> = cards.iter().map(|card| card.name.as_str()).collect();
        let unknown = match prepared::is_damaged(name) {
            true => "imported, but its file is damaged: import it again".to_owned(),
            false => format!("unknown data set; known are {}", known.join(", ")),
        };
        let card = cards.iter().find(|card| card.name == name).cloned();
        card.ok_or_else(|| TrainError::data(name, unknown))
    }

    /// Groups of features that are standardised together: the channels of images, or each feature by itself.
    pub fn n_groups(&self) -> usize {
        self.image.map_or(self.n_features, |[channels, ..]| channels)
    }

    /// What a group of features that are standardised together is called in a message.
    pub(super) fn group_name(&self, group: usize) -> String {
        match (self.image, self.columns.get(group)) {
            (Some(_), _) => format!("channel {}", group + 1),
            (None, Some(name)) => format!("column {}", quoted(name)),
            (None, None) => format!("feature {}", group + 1),
        }
    }

    /// The bytes of a file that is part of this program.
    pub(super) fn embedded(&self, file: &CardFile) -> Option<&'static [u8]> {
        let embedded = CARDS.iter().find(|embedded| parse(embedded.card).name == self.name)?;
        embedded.files.iter().find(|(name, _)| *name == file.name).map(|(_, bytes)| *bytes)
    }
}

impl Source {
    /// All its files.
    pub fn files(&self) -> impl Iterator<Item = &CardFile> {
        self.train.iter().chain(&self.test)
    }

    /// Its files on the Hugging Face hub; none where the hub does not have it.
    pub fn hub_files(&self) -> Vec<HubFile<'_>> {
        let hub = self.hub.iter();
        hub.flat_map(|hub| self.files().map(|file| hub.file(file))).collect()
    }

    /// Size in bytes, where the card knows it.
    pub fn bytes(&self) -> Option<u64> {
        self.files().map(|file| file.bytes).sum()
    }
}

impl Repository {
    pub(super) fn file<'a>(&'a self, file: &'a CardFile) -> HubFile<'a> {
        HubFile {
            repository: &self.name,
            revision: &self.revision,
            path: &file.name,
            sha256: file.sha256.as_deref(),
            bytes: file.bytes,
        }
    }
}

impl Layout {
    /// Whether decoding takes so long that its result is kept.
    pub(super) fn is_slow(&self) -> bool {
        matches!(self, Layout::Idx | Layout::ParquetImages { .. } | Layout::ImageFolder)
    }
}

fn parse(card: &str) -> Card {
    toml::from_str(card).expect("the cards of this program are tested")
}
