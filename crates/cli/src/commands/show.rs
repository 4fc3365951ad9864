//! `show`.

use train::{Table, steps_log};

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::run::tables_in;
use crate::tables;
use crate::terminal::{self, print};

/// Prints the results of a run, or one of its tables.
pub fn run(args: &ShowArgs) -> Result<(), Failure> {
    let directory = &args.run;
    let manifest = super::report::manifest(directory)?;
    let Some(name) = &args.table else {
        let summary = tables::summary(&tables::read(directory)?)?;
        let status = manifest["status"].as_str().unwrap_or("unknown");
        let names = tables_in(directory)?.join(", ");
        return print(&format!("Status: {status}\n\n{summary}Tables: {names}\n"));
    };
    let table = read(args, name)?;
    print(&if args.csv { table.to_csv() } else { terminal::table(&table) })
}

fn read(args: &ShowArgs, name: &str) -> Result<Table, Failure> {
    let stem = name.strip_suffix(".parquet").or(name.strip_suffix(".csv")).unwrap_or(name);
    let steps = args.run.join("steps.csv");
    if stem == "steps" && steps.exists() {
        return Ok(steps_log::read(&steps)?);
    }
    let known = || tables_in(&args.run).map(|names| names.join(", ")).unwrap_or_default();
    let unknown =
        || Failure::in_file(&args.run, format!("no table `{name}`; there are {}", known()));
    train::read_table(&args.run, stem)?.ok_or_else(unknown)
}
