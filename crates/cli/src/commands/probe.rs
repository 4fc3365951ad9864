//! `probe`: an experiment, or a checkpoint and what it is.

use toml::Value;

use super::run::run_plans;
use super::source::{checkpoint, experiment_of, list};
use crate::args::ProbeArgs;
use crate::experiment;
use crate::failure::Failure;
use crate::stages::Stage;

/// What is measured where nothing is said.
const DEFAULTS: [(&str, &str); 3] =
    [("parameters", "100"), ("batch_sizes", "[8, 32, 128]"), ("draws", "1000")];

/// Measures noise at the weights that are asked for.
pub fn run(args: &ProbeArgs) -> Result<(), Failure> {
    let (source, mut table) = experiment_of(&args.source)?;
    let mut assignments = Vec::new();
    if !table.contains_key("probe") {
        assignments.extend(DEFAULTS.map(|(key, value)| format!("probe.{key}={value}")));
    }
    if args.source.checkpoint.is_some() {
        for stage in ["escape", "ablation"] {
            table.remove(stage);
        }
        if let Some(Value::Table(probe)) = table.get_mut("probe") {
            probe.remove("during");
        }
    }
    assignments.extend(from_flags(args)?);
    assignments.extend(args.options.assignments());
    let plans = experiment::plans(&source, table, &assignments)?;
    let trains = plans.iter().any(|plan| plan.file.checkpoint().is_none());
    let wanted: &[Stage] = if trains { &[Stage::Train, Stage::Probe] } else { &[Stage::Probe] };
    run_plans(&source, plans, &args.options.out, wanted)
}

/// Flags as keys of the experiment.
fn from_flags(args: &ProbeArgs) -> Result<Vec<String>, Failure> {
    let text = |value: &str| Value::from(value).to_string();
    let parameters = args.params.as_ref().map(|params| {
        let per_layer = params.strip_prefix("per-layer:").and_then(|n| n.parse::<usize>().ok());
        match (params.parse::<usize>(), per_layer) {
            (Ok(n), _) => Ok(n.to_string()),
            (_, Some(n)) => Ok(format!("{{ per_layer = {n} }}")),
            _ if params == "all" => Ok(text(params)),
            _ => {
                let permitted = "a number, all, or per-layer:N";
                Err(Failure::BadInput(format!("--params {params}: permitted are {permitted}")))
            }
        }
    });
    let flags = [
        ("checkpoint", checkpoint(&args.source)?),
        ("parameters", parameters.transpose()?),
        ("layers", list(args.layers.iter().map(|layer| text(layer)))),
        ("batch_sizes", list(args.batch_size.iter().map(usize::to_string))),
        ("draws", args.draws.map(|draws| draws.to_string())),
        ("method", args.method.as_deref().map(text)),
        ("statistics", args.statistics.as_deref().map(text)),
    ];
    let given = flags.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Ok(given.map(|(key, value)| format!("probe.{key}={value}")).collect())
}
