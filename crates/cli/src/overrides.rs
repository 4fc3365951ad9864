//! `--set section.key=value`.

use toml::{Table, Value};

use crate::failure::Failure;

/// Sets a key of an experiment and returns it. The value is TOML; what is not TOML is text, so that quotes can be left
/// out.
pub fn apply(experiment: &mut Table, assignment: &str) -> Result<String, Failure> {
    let bad = |reason: &str| Failure::BadInput(format!("--set {assignment}: {reason}"));
    let (key, value) =
        assignment.split_once('=').ok_or_else(|| bad("expected section.key=value"))?;
    let value = value.trim();
    let parsed = format!("value = {value}").parse::<Table>().ok();
    let value = parsed.and_then(|mut table| table.remove("value"));
    let value = value.unwrap_or_else(|| {
        Value::String(assignment.split_once('=').expect("checked above").1.trim().to_owned())
    });
    set(experiment, key.trim(), value).map_err(|reason| bad(&reason))?;
    Ok(key.trim().to_owned())
}

/// Puts a value at a dotted key, making the sections on the way.
pub fn set(experiment: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let mut path: Vec<&str> = key.split('.').map(str::trim).collect();
    if path.iter().any(|part| part.is_empty()) {
        return Err("a part of the key is empty".into());
    }
    let last = path.pop().expect("split gives at least one part");
    let mut table = experiment;
    for part in path {
        let entry = table.entry(part).or_insert_with(|| Value::Table(Table::new()));
        table = entry.as_table_mut().ok_or_else(|| format!("`{part}` is not a section"))?;
    }
    table.insert(last.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(assignment: &str, expected: &str) {
        let mut experiment: Table = "name = \"x\"\n[training]\nbatch_size = 1".parse().unwrap();
        match apply(&mut experiment, assignment) {
            Ok(_) => assert_eq!(experiment, expected.parse::<Table>().unwrap(), "{assignment}"),
            Err(failure) => assert_eq!(failure.to_string(), expected),
        }
    }

    #[test]
    fn values_are_toml_or_text() {
        check("training.batch_size=64", "name = \"x\"\n[training]\nbatch_size = 64");
        check("training.lr = 0.5", "name = \"x\"\n[training]\nbatch_size = 1\nlr = 0.5");
        check("name=some text", "name = \"some text\"\n[training]\nbatch_size = 1");
        check(
            "probe.sizes=[1, 2]",
            "name = \"x\"\n[training]\nbatch_size = 1\n[probe]\nsizes = [1, 2]",
        );
    }

    #[test]
    fn errors_show_the_assignment() {
        check("training", "--set training: expected section.key=value");
        check("name.x=1", "--set name.x=1: `name` is not a section");
        check(".x=1", "--set .x=1: a part of the key is empty");
    }
}
