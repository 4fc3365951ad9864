//! `escape`: an experiment, or a checkpoint and what it is.

use toml::Value;

use super::run::run_plans;
use super::source::{checkpoint, experiment_of, list};
use crate::args::EscapeArgs;
use crate::experiment;
use crate::failure::Failure;
use crate::stages::Stage;

/// What is timed where nothing is said.
const DEFAULTS: [(&str, &str); 5] = [
    ("batch_sizes", "[8]"),
    ("learning_rates", "[0.1]"),
    ("seeds", "100"),
    ("horizon", "10000"),
    ("basins", "[{ loss_ratio = 10.0 }]"),
];

/// Times escapes from the weights that are asked for.
pub fn run(args: &EscapeArgs) -> Result<(), Failure> {
    let (source, mut table) = experiment_of(&args.source)?;
    let mut assignments = Vec::new();
    let flags = from_flags(args)?;
    if !table.contains_key("escape") && !flags.is_empty() {
        assignments.extend(DEFAULTS.map(|(key, value)| format!("escape.{key}={value}")));
    }
    if args.source.checkpoint.is_some() {
        for stage in ["probe", "ablation"] {
            table.remove(stage);
        }
    }
    assignments.extend(flags);
    assignments.extend(args.options.assignments());
    let plans = experiment::plans(&source, table, &assignments)?;
    let trains = plans.iter().any(|plan| Stage::Train.is_in(&plan.file));
    let wanted: &[Stage] = if trains { &[Stage::Train, Stage::Escape] } else { &[Stage::Escape] };
    run_plans(&source, plans, &args.options.out, wanted)
}

/// Flags as keys of the experiment.
fn from_flags(args: &EscapeArgs) -> Result<Vec<String>, Failure> {
    let flags = [
        ("checkpoint", checkpoint(&args.source)?),
        ("batch_sizes", list(args.batch_size.iter().map(usize::to_string))),
        ("learning_rates", list(args.lr.iter().map(|lr| Value::from(*lr).to_string()))),
        ("seeds", args.seeds.map(|seeds| seeds.to_string())),
        ("horizon", args.horizon.map(|horizon| horizon.to_string())),
    ];
    let given = flags.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Ok(given.map(|(key, value)| format!("escape.{key}={value}")).collect())
}
