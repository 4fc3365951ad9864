//! `data import`.

use train::data::{ImportSpec, import};

use crate::args::ImportArgs;
use crate::failure::Failure;
use crate::terminal::print;

/// Makes a data set of files.
pub fn run(args: &ImportArgs) -> Result<(), Failure> {
    let card = import(&ImportSpec {
        name: args.name.clone(),
        train: args.train.clone(),
        test: args.test.clone(),
        label: args.label.clone(),
        inputs: args.inputs.clone(),
        licence: args.licence.clone().unwrap_or_else(|| "not stated".to_owned()),
        citation: args.citation.clone().unwrap_or_else(|| "not stated".to_owned()),
    })?;
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
