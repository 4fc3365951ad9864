//! Where the weights that a command begins at come from: an experiment, or a checkpoint and what it is.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::args::SourceArgs;
use crate::experiment;
use crate::failure::Failure;

/// The experiment, and the file that is to blame for it.
pub fn experiment_of(args: &SourceArgs) -> Result<(PathBuf, Table), Failure> {
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

/// A checkpoint as the value of a key.
pub fn checkpoint(args: &SourceArgs) -> Result<Option<String>, Failure> {
    let text = |path: &PathBuf| {
        let path = path.to_str().ok_or_else(|| Failure::in_file(path, "not a name in UTF-8"))?;
        Ok(Value::from(path).to_string())
    };
    args.checkpoint.as_ref().map(text).transpose()
}

/// A list as the value of a key; `None` for an empty one.
pub fn list(items: impl IntoIterator<Item = String>) -> Option<String> {
    let items: Vec<String> = items.into_iter().collect();
    (!items.is_empty()).then(|| format!("[{}]", items.join(", ")))
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
