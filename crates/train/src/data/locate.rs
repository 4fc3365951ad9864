//! Where the files of a data set are.

use std::path::{Path, PathBuf};

use super::card::{Card, CardFile, Layout, Source};
use super::{home, hub};
use crate::error::TrainError;

/// One source of a data set whose files were found.
pub(super) struct Located<'a> {
    pub source: &'a Source,
    pub train: Vec<(&'a CardFile, FileAt)>,
    pub test: Vec<(&'a CardFile, FileAt)>,
}

/// A file, or the folder that a layout of folders asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FileAt {
    /// Part of this program.
    Embedded(&'static [u8]),
    Path(PathBuf),
}

impl Located<'_> {
    /// Whether every file of the card is there.
    pub fn is_whole(&self) -> bool {
        self.n_files() == self.source.files().count()
    }

    /// The folder of the first file; `None` where it is embedded.
    pub fn folder(&self) -> Option<&Path> {
        match &self.train[0].1 {
            FileAt::Embedded(_) => None,
            FileAt::Path(path) => path.parent(),
        }
    }

    fn n_files(&self) -> usize {
        self.train.len() + self.test.len()
    }
}

/// Finds the files of a data set: in `directory` where one is given; else in this program, in a folder of
/// [`home::data_folders`], in the cache of the Hugging Face hub.
///
/// # Errors
/// When they are nowhere; the message says how to get them.
pub(super) fn locate<'a>(
    card: &'a Card,
    directory: Option<&Path>,
) -> Result<Located<'a>, TrainError> {
    if let Some(directory) = directory.map(home::expanded).as_deref() {
        return in_folder(card, directory).ok_or_else(|| {
            let place = directory.display().to_string();
            let reason = match std::fs::read_dir(directory) {
                Err(error) => error.to_string(),
                Ok(_) if card.sources.is_empty() => {
                    format!("{} was imported and needs no directory", card.name)
                }
                Ok(_) => format!("no files of {}: {}", card.name, wanted(card)),
            };
            TrainError::data(place, reason)
        });
    }
    let folders = home::data_folders();
    let in_folders = || folders.iter().find_map(|folder| in_folder(card, &folder.join(&card.name)));
    embedded(card).or_else(in_folders).or_else(|| in_hub_cache(card)).ok_or_else(|| {
        let fetch = match card.sources.iter().any(|source| source.hub.is_some()) {
            true => format!("`noisescope data fetch {}` downloads it, or ", card.name),
            false => String::new(),
        };
        let reason = format!(
            "not on this machine; {fetch}data.directory names a folder with {}",
            wanted(card)
        );
        TrainError::data(&card.name, reason)
    })
}

/// The files of a data set that `directory`, or a folder in it, has at least in part.
///
/// Many data sets have a file `train-…`: it counts where the folder or the file has the name of the data set; for one that
/// was asked for by name, `directory` may be called anything.
pub(super) fn all_in<'a>(card: &'a Card, directory: &Path, by_name: bool) -> Vec<Located<'a>> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir()))
        .collect();
    folders.sort();
    folders.insert(0, directory.to_owned());
    let of_card = |folder: &PathBuf| {
        let located = in_folder(card, folder)?;
        let file = &located.train[0].0.name;
        let full = folder.canonicalize().ok()?;
        let name = full.file_name()?.to_string_lossy();
        let named = is_named(&name, &card.name) || is_named(&card.name, file);
        (named || (by_name && folder == directory)).then_some(located)
    };
    folders.iter().filter_map(of_card).collect()
}

/// Whether `name` is that of a data set, or longer or shorter by words: `cifar-10-batches-bin` and `cifar10_subset` are
/// names for `cifar10`, and `cifar100` is none.
fn is_named(name: &str, card: &str) -> bool {
    let words = |name: &str| -> Vec<String> {
        let stem = name.split('.').next().unwrap_or_default().to_lowercase();
        stem.split(['-', '_']).map(str::to_owned).collect()
    };
    let begins = |long: &[String], short: &[String]| {
        (1..=long.len()).any(|n_words| long[..n_words].concat() == short.concat())
    };
    let (name, card) = (words(name), words(card));
    begins(&name, &card) || begins(&card, &name)
}

fn embedded(card: &Card) -> Option<Located<'_>> {
    card.sources.iter().find_map(|source| {
        let located = find(source, &|file| card.embedded(file).map(FileAt::Embedded));
        located.is_whole().then_some(located)
    })
}

/// The source of which the folder has all files, or the one of which it has most.
fn in_folder<'a>(card: &'a Card, folder: &Path) -> Option<Located<'a>> {
    let at = |file: &CardFile| {
        let base = Path::new(&file.name).file_name().unwrap_or_default().to_string_lossy();
        let unpacked = base.strip_suffix(".gz").unwrap_or(&base);
        // As Kaggle has it.
        let dotted = unpacked.replace("-idx", ".idx");
        let names = [&*file.name, &*base, unpacked, &*dotted];
        names.into_iter().map(|name| folder.join(name)).find(|path| path.exists()).map(FileAt::Path)
    };
    let found = card.sources.iter().map(|source| find(source, &at));
    let found: Vec<Located<'a>> = found.filter(|located| !located.train.is_empty()).collect();
    let whole = found.iter().position(Located::is_whole);
    let most = || (0..found.len()).max_by_key(|&idx| (found[idx].n_files(), usize::MAX - idx));
    let idx = whole.or_else(most)?;
    found.into_iter().nth(idx)
}

fn in_hub_cache(card: &Card) -> Option<Located<'_>> {
    card.sources.iter().find_map(|source| {
        let hub = source.hub.as_ref()?;
        let located = find(source, &|file| hub::cached(&hub.file(file)).map(FileAt::Path));
        located.is_whole().then_some(located)
    })
}

fn find<'a>(source: &'a Source, at: &dyn Fn(&CardFile) -> Option<FileAt>) -> Located<'a> {
    let find = |files: &'a [CardFile]| {
        files.iter().filter_map(|file| Some((file, at(file)?))).collect::<Vec<_>>()
    };
    let train = find(&source.train);
    // Labels without images are no data.
    let test = find(&source.test);
    let whole_pairs = |found: &Vec<_>, files: &[CardFile]| match source.layout {
        Layout::Idx => found.len() == files.len(),
        _ => true,
    };
    let train = if whole_pairs(&train, &source.train) { train } else { vec![] };
    let test = if whole_pairs(&test, &source.test) { test } else { vec![] };
    Located { source, train, test }
}

/// The files that would do.
fn wanted(card: &Card) -> String {
    let names = |source: &Source| source.files().map(|file| file.name.clone()).collect::<Vec<_>>();
    let sources = card.sources.iter().map(|source| names(source).join(", "));
    sources.collect::<Vec<_>>().join("; or with ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MNIST as it is published, unpacked, and as Kaggle has it.
    #[test]
    fn files_may_be_unpacked() {
        let card = Card::find("mnist").unwrap();
        for (dash, end) in [("-idx", ".gz"), ("-idx", ""), (".idx", "")] {
            let dir = tempfile::tempdir().unwrap();
            for (what, n) in [("images", 3), ("labels", 1)] {
                for split in ["train", "t10k"] {
                    let name = format!("{split}-{what}{dash}{n}-ubyte{end}");
                    std::fs::write(dir.path().join(name), "").unwrap();
                }
            }
            let located = locate(&card, Some(dir.path())).unwrap();
            assert!(located.is_whole() && located.source.layout == Layout::Idx, "{dash} {end}");
        }
    }

    #[test]
    fn names() {
        for (name, card) in [
            ("cifar10-subset", "cifar10"),
            ("cifar100", "cifar100-coarse"),
            ("MNIST", "mnist"),
            ("cifar-10-batches-bin", "cifar10"),
            ("cifar-100-binary", "cifar100"),
            ("ionosphere.mat", "ionosphere-odds"),
        ] {
            assert!(is_named(name, card), "{name} {card}");
        }
        for (name, card) in [
            ("cifar100", "cifar10"),
            ("cifar-100-binary", "cifar10"),
            ("mnist", "fashion-mnist"),
            ("odds", "cardio"),
        ] {
            assert!(!is_named(name, card), "{name} {card}");
        }
    }
}
