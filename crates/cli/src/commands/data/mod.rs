//! `data`.

mod fetch;
mod import;
mod list;
mod picture;
mod show;

use std::path::Path;

use train::data::{Card, Verdict, Verification, candidates, cards};

use crate::args::DataCommand;
use crate::failure::Failure;
use crate::plot::number::significant;
use crate::terminal::print;

/// Lists, fetches, verifies, shows or imports data sets.
pub fn run(command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::List { directory } => list::run(directory.as_deref()),
        DataCommand::Fetch { names } => fetch::run(names),
        DataCommand::Verify { names, directory } => verify(names, directory.as_deref()),
        DataCommand::Show { name, directory, picture } => {
            show::run(name, directory.as_deref(), picture.as_deref())
        }
        DataCommand::Import(args) => import::run(args),
    }
}

fn chosen(names: &[String]) -> Result<Vec<Card>, Failure> {
    match names.is_empty() {
        true => Ok(cards()),
        false => Ok(names.iter().map(|name| Card::find(name)).collect::<Result<_, _>>()?),
    }
}

fn verify(names: &[String], directory: Option<&Path>) -> Result<(), Failure> {
    check_directory(directory)?;
    let (mut n_found, mut bad) = (0, vec![]);
    for card in chosen(names)? {
        for candidate in candidates(&card, directory, !names.is_empty()) {
            n_found += 1;
            match candidate.verify() {
                Ok(found) => print(&description(&card, &found))?,
                Err(error) => {
                    print(&format!("{}: NOT verified\n  {error}\n", card.name))?;
                    bad.push(card.name.clone());
                }
            }
        }
    }
    if n_found == 0 {
        let place = directory.map_or_else(String::new, |directory| {
            format!(" in {} or in a folder in it", directory.display())
        });
        return Err(Failure::BadInput(format!("none of these data sets is here{place}")));
    }
    match bad.is_empty() {
        true => Ok(()),
        false => Err(Failure::BadInput(format!("not what their cards say: {}", bad.join(", ")))),
    }
}

/// Looking in a folder that is not there would find nothing, and say so as if it had looked.
fn check_directory(directory: Option<&Path>) -> Result<(), Failure> {
    let Some(directory) = directory else { return Ok(()) };
    let read = std::fs::read_dir(directory).map(drop);
    read.map_err(|error| Failure::in_file(directory, error))
}

/// What verifying found, in a few lines.
fn description(card: &Card, found: &Verification) -> String {
    let place = match &found.folder {
        Some(folder) => folder.display().to_string(),
        None => "part of this program".to_owned(),
    };
    let shape = match card.image {
        Some([channels, height, width]) => format!("{channels} × {height} × {width} pixels"),
        None => format!("{} features", card.n_features),
    };
    let figures = found.figures.iter().map(|(mean, deviation)| {
        format!("{} ± {}", significant(*mean, 6), significant(*deviation, 6))
    });
    let figures: Vec<String> = figures.collect();
    format!(
        "{}: {}\n  {place}\n  {} + {} samples of {shape}; mean ± deviation {}\n  training classes: {}\n  sha256 of the samples {}\n",
        card.name,
        verdict(card, found),
        found.n_train,
        found.n_test,
        figures.join(", "),
        balance(card, found),
        found.digests.in_order
    )
}

fn balance(card: &Card, found: &Verification) -> String {
    let (least, most) = (found.class_counts.iter().min(), found.class_counts.iter().max());
    if let (true, Some(least), Some(most)) = (card.classes.len() > 20, least, most) {
        return match least == most {
            true => format!("{} of {least} each", card.classes.len()),
            false => format!("{} of {least} to {most}", card.classes.len()),
        };
    }
    let counts = card.classes.iter().zip(&found.class_counts);
    counts.map(|(class, count)| format!("{class} {count}")).collect::<Vec<_>>().join(", ")
}

fn verdict(card: &Card, found: &Verification) -> String {
    match found.verdict {
        Verdict::SameFiles => "verified".to_owned(),
        Verdict::SameSamples => "verified by its samples".to_owned(),
        Verdict::SameFigures => "agrees with its card".to_owned(),
        Verdict::Part => {
            format!(
                "a part, {} + {} of {} + {}",
                found.n_train, found.n_test, card.n_train, card.n_test
            )
        }
    }
}
