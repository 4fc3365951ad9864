//! Cards: origin, licence, digest and shape of each data set, and the embedded files.

use serde::Deserialize;

use crate::error::TrainError;

/// `datasets/<name>.toml`: everything that is known about a data set without opening its files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The name that experiments use.
    pub name: String,
    /// What it is called in full.
    pub title: String,
    /// How its files are read.
    pub layout: Layout,
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
    pub image: Option<[usize; 3]>,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// Mean over all features of the training set, before standardisation.
    pub mean: f64,
    /// Population standard deviation over the same.
    pub deviation: f64,
    /// The files, in the order in which the layout wants them.
    pub files: Vec<CardFile>,
}

/// One file of a data set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFile {
    /// Name without folders.
    pub name: String,
    /// Size.
    pub bytes: usize,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// How files become samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Lines of comma-separated numbers, the class last.
    UciTable,
    /// Gzipped idx files: training images and labels, test images and labels. Pixels are divided by 255.
    Idx,
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

const EMBEDDED: &[Embedded] = &[
    Embedded {
        card: include_str!(datasets!("ionosphere.toml")),
        files: &[("ionosphere.data", include_bytes!(datasets!("ionosphere/ionosphere.data")))],
    },
    Embedded {
        card: include_str!(datasets!("fashion-mnist-6k.toml")),
        files: &[
            (
                "train-images-idx3-ubyte.gz",
                include_bytes!(datasets!("fashion-mnist-6k/train-images-idx3-ubyte.gz")),
            ),
            (
                "train-labels-idx1-ubyte.gz",
                include_bytes!(datasets!("fashion-mnist-6k/train-labels-idx1-ubyte.gz")),
            ),
            (
                "t10k-images-idx3-ubyte.gz",
                include_bytes!(datasets!("fashion-mnist-6k/t10k-images-idx3-ubyte.gz")),
            ),
            (
                "t10k-labels-idx1-ubyte.gz",
                include_bytes!(datasets!("fashion-mnist-6k/t10k-labels-idx1-ubyte.gz")),
            ),
        ],
    },
];

/// The cards of all data sets.
pub fn cards() -> Vec<Card> {
    EMBEDDED.iter().map(|embedded| parse(embedded.card)).collect()
}

impl Card {
    /// The card of that name.
    ///
    /// # Errors
    /// When there is none; the message lists those that are there.
    pub fn find(name: &str) -> Result<Card, TrainError> {
        let cards = cards();
        let known: Vec<&str> = cards.iter().map(|card| card.name.as_str()).collect();
        let unknown = format!("unknown data set; known are {}", known.join(", "));
        let card = cards.iter().find(|card| card.name == name).cloned();
        card.ok_or_else(|| TrainError::data(name, unknown))
    }

    /// The bytes of a file that is part of this program.
    pub(super) fn embedded(&self, file: &CardFile) -> Option<&'static [u8]> {
        let embedded = EMBEDDED.iter().find(|embedded| parse(embedded.card).name == self.name)?;
        embedded.files.iter().find(|(name, _)| *name == file.name).map(|(_, bytes)| *bytes)
    }
}

fn parse(card: &str) -> Card {
    toml::from_str(card).expect("embedded cards are tested")
}
