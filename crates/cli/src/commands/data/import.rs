//! `data import`.

use train::data::{ImportSpec, Imported, import};

use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::terminal::print;

/// Makes a data set of files.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let Imported { card, notes } = import(&ImportSpec {
        name: args.name.clone(),
        train: args.train.clone(),
        test: args.test.clone(),
        label: args.label.clone(),
        inputs: args.inputs.clone(),
        header: args.header.into(),
        licence: args.licence.clone().unwrap_or_else(|| "not stated".to_owned()),
        citation: args.citation.clone().unwrap_or_else(|| "not stated".to_owned()),
    })?;
    notes.iter().for_each(|note| eprintln!("{note}"));
    print(&format!(
        "{}: {} + {} samples of {} features, {} classes; [data] name = \"{}\" uses it\n",
        card.name,
        card.n_train,
        card.n_test,
        card.n_features,
        card.classes.len(),
        card.name
    ))
}
