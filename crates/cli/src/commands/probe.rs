//! `probe`: an experiment, or a checkpoint and what it is.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::run::run_plans;
use crate::args::ProbeArgs;
use crate::experiment;
use crate::failure::Failure;
use crate::stages::Stage;

/// What is measured where nothing is said.
const DEFAULTS: [(&str, &str); 3] =
    [("parameters", "100"), ("batch_sizes", "[8, 32, 128]"), ("draws", "1000")];

/// Measures noise at the weights that are asked for.
pub fn run(args: &ProbeArgs) -> Result<(), Failure> {
    let (source, mut table) = experiment_of(args)?;
    let mut assignments = Vec::new();
    if !table.contains_key("probe") {
        assignments.extend(DEFAULTS.map(|(key, value)| format!("probe.{key}={value}")));
    }
    if args.checkpoint.is_some() {
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

/// The experiment, and the file that is to blame for it.
fn experiment_of(args: &ProbeArgs) -> Result<(PathBuf, Table), Failure> {
    if let Some(path) = &args.experiment {
        return Ok((path.clone(), experiment::read(path)?));
    }
    let checkpoint = args.checkpoint.as_ref().expect("one of the two is asked for");
    if let (Some(data), Some(model)) = (&args.data, &args.model) {
        let model = model_of(model)?;
        let stem = checkpoint.file_stem().unwrap_or_default().to_string_lossy();
        let name = stem.replace(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c), "-");
        let data = Table::from_iter([
            ("name".to_owned(), Value::from(data.as_str())),
            ("standardise".to_owned(), Value::from(true)),
        ]);
        let keys = [
            ("name", Value::from(name)),
            ("seed", Value::from(1)),
            ("data", Value::Table(data)),
            ("model", Value::Table(model)),
        ];
        let table = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        return Ok((checkpoint.clone(), table));
    }
    let absolute = std::path::absolute(checkpoint).unwrap_or_else(|_| checkpoint.clone());
    let folder = absolute.parent().filter(|folder| folder.ends_with("checkpoints"));
    let resolved = folder.and_then(Path::parent).map(|run| run.join("experiment.toml"));
    let Some(resolved) = resolved.filter(|resolved| resolved.exists()) else {
        let reason = "it lies in no run directory; say what it is with an experiment, or with \
                      --data and --model";
        return Err(Failure::in_file(checkpoint, reason));
    };
    let table = experiment::read(&resolved)?;
    Ok((resolved, table))
}

fn model_of(name: &str) -> Result<Table, Failure> {
    let keys = match name.split_once(':') {
        Some(("mlp", widths)) => format!("kind = \"mlp\"\nhidden = [{widths}]"),
        None if name == "zhu" => "kind = \"zhu\"".to_owned(),
        None => match name.strip_prefix("resnet") {
            Some(depth @ ("18" | "34" | "50")) => format!("kind = \"resnet\"\ndepth = {depth}"),
            Some(depth) => format!("kind = \"cifar_resnet\"\ndepth = {depth}"),
            None => String::new(),
        },
        Some(_) => String::new(),
    };
    keys.parse::<Table>().ok().filter(|keys| !keys.is_empty()).ok_or_else(|| {
        let permitted = "resnet18, 34, 50, resnet20, 32, 44, 56, 110, zhu, mlp:WIDTH,WIDTH,…";
        Failure::BadInput(format!("--model {name}: permitted are {permitted}"))
    })
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
    let checkpoint = args.checkpoint.as_ref().map(|path| {
        let path = path.to_str().ok_or_else(|| Failure::in_file(path, "not a name in UTF-8"));
        path.map(text)
    });
    let list = |items: Vec<String>| (!items.is_empty()).then(|| format!("[{}]", items.join(", ")));
    let flags = [
        ("checkpoint", checkpoint.transpose()?),
        ("parameters", parameters.transpose()?),
        ("layers", list(args.layers.iter().map(|layer| text(layer)).collect())),
        ("batch_sizes", list(args.batch_size.iter().map(usize::to_string).collect())),
        ("draws", args.draws.map(|draws| draws.to_string())),
        ("method", args.method.as_deref().map(text)),
        ("statistics", args.statistics.as_deref().map(text)),
    ];
    let given = flags.into_iter().filter_map(|(key, value)| Some((key, value?)));
    Ok(given.map(|(key, value)| format!("probe.{key}={value}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_by_name() {
        let kind = |name: &str| {
            let keys = model_of(name).map_err(|failure| failure.to_string())?;
            let spec: train::ModelSpec = keys.try_into().map_err(|_| "keys".to_owned())?;
            spec.validate("model").map_err(|error| error.to_string())
        };
        for name in ["resnet18", "resnet20", "resnet110", "zhu", "mlp:100,100", "mlp:"] {
            assert_eq!(kind(name), Ok(()), "{name}");
        }
        assert!(kind("resnet21").unwrap_err().starts_with("model.depth = 21: permitted is 6n + 2"));
        for name in ["vgg16", "mlp", "mlp:a", "resnet"] {
            let refused = kind(name).unwrap_err();
            assert!(refused.starts_with(&format!("--model {name}: permitted are")), "{refused}");
        }
    }
}
