//! `data`.

use train::data::{Card, cards, verify};

use crate::args::DataCommand;
use crate::failure::Failure;
use crate::plot::number::significant;
use crate::terminal::{aligned, print};

/// Lists or verifies data sets.
pub fn run(command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::List => list(),
        DataCommand::Verify { names, directory } => {
            let cards = match names.is_empty() {
                true => cards(),
                false => names.iter().map(|name| Card::find(name)).collect::<Result<_, _>>()?,
            };
            for card in cards {
                let found = verify(&card, directory.as_deref())?;
                let counts: Vec<String> = card
                    .classes
                    .iter()
                    .zip(&found.class_counts)
                    .map(|(class, count)| format!("{class} {count}"))
                    .collect();
                print(&format!(
                    "{}: verified\n  {} + {} samples of {} features; mean {}, deviation {}\n  training classes: {}\n  sha256 {}\n",
                    card.name,
                    found.n_train,
                    found.n_test,
                    found.n_features,
                    significant(found.mean, 6),
                    significant(found.deviation, 6),
                    counts.join(", "),
                    found.digest.sha256
                ))?;
            }
            Ok(())
        }
    }
}

fn list() -> Result<(), Failure> {
    let header = ["name", "train", "test", "features", "classes", "kB", "licence"];
    let rows = cards().into_iter().map(|card| {
        let bytes: usize = card.files.iter().map(|file| file.bytes).sum();
        vec![
            card.name,
            card.n_train.to_string(),
            card.n_test.to_string(),
            card.n_features.to_string(),
            card.classes.len().to_string(),
            (bytes / 1000).to_string(),
            card.licence,
        ]
    });
    print(&aligned(&header, &rows.collect::<Vec<_>>()))
}
