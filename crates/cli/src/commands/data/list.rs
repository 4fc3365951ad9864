//! `data list`: what there is, and what of it is here.

use std::path::Path;

use train::data::{Card, candidates, cards};

use super::{check_directory, verdict};
use crate::failure::Failure;
use crate::terminal::{aligned_left, print};

/// One line per data set and place.
pub fn run(directory: Option<&Path>) -> Result<(), Failure> {
    check_directory(directory)?;
    let header = ["name", "train", "test", "features", "classes", "here", "where", "licence"];
    let mut rows = Vec::new();
    for card in cards() {
        for [here, place] in places(&card, directory) {
            let numbers = [card.n_train, card.n_test, card.n_features, card.classes.len()];
            let numbers = numbers.map(|number| number.to_string());
            let texts = vec![here, place, card.licence.clone()];
            rows.push([vec![card.name.clone()], numbers.to_vec(), texts].concat());
        }
    }
    print(&aligned_left(&header, &rows, &[0, 5, 6, 7]))
}

/// Whether a data set is here, and where it is or can be had.
fn places(card: &Card, directory: Option<&Path>) -> Vec<[String; 2]> {
    let in_this_program =
        candidates(card, None, false).iter().any(|found| found.folder().is_none());
    let directory = directory.filter(|_| !in_this_program && !card.sources.is_empty());
    let (good, bad): (Vec<_>, Vec<_>) = candidates(card, directory, false)
        .iter()
        .map(|candidate| {
            let here = match candidate.known() {
                Some(Ok(found)) => verdict(card, &found),
                Some(Err(_)) => return Err(candidate.folder().map(Path::to_owned)),
                None => "yes, not read yet".to_owned(),
            };
            let folder = candidate.folder().map(|folder| folder.display().to_string());
            Ok([here, folder.unwrap_or_else(|| "this program".to_owned())])
        })
        .partition(Result::is_ok);
    if good.is_empty() {
        let folder = bad.into_iter().find_map(|place| place.err().flatten());
        return vec![match folder {
            Some(folder) => ["damaged: see data verify".to_owned(), folder.display().to_string()],
            None => ["no".to_owned(), where_from(card)],
        }];
    }
    good.into_iter().flatten().collect()
}

fn where_from(card: &Card) -> String {
    let hub = card.sources.iter().find(|source| source.hub.is_some());
    match hub.map(|source| source.bytes()) {
        None => card.origin.clone(),
        Some(None) => format!("data fetch {}", card.name),
        Some(Some(bytes)) => format!("data fetch {} ({} MB)", card.name, bytes / 1_000_000),
    }
}
