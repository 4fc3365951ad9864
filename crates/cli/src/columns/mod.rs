//! Columns of numbers from files of others, one file per format.

mod csv_file;
mod npy;
mod parquet_file;
mod safetensors;

use std::fmt::Display;
use std::path::Path;

use crate::failure::Failure;

/// A named series.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the file, or its number from 1.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

/// A column as it stands in a file.
struct RawColumn {
    name: String,
    values: Result<Vec<f64>, Problem>,
}

/// Why a column cannot be fitted.
#[derive(Debug, Clone, PartialEq)]
enum Problem {
    /// It holds something else than numbers; where nobody asked for it, it is left out.
    NotNumbers(String),
    /// Some numbers, and something among them that is not: never passed over.
    Broken(String),
}

/// Reads the columns named in `wanted`, or every numeric one; also returns the names of those left out.
///
/// # Errors
/// When the file can't be read, a wanted column is absent or not numeric, or no column is; the message names file,
/// line and column.
pub fn read(path: &Path, wanted: &[String]) -> Result<(Vec<Column>, Vec<String>), Failure> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let columns = match extension.to_ascii_lowercase().as_str() {
        "csv" => csv_file::read(path),
        "npy" => npy::read(path),
        "parquet" => parquet_file::read(path),
        "safetensors" => safetensors::read(path),
        _ => {
            Err("unknown kind of file; known are .csv, .npy, .parquet and .safetensors".to_owned())
        }
    };
    let columns = columns.map_err(|reason| Failure::in_file(path, reason))?;
    if let Some(absent) = wanted.iter().find(|name| columns.iter().all(|c| c.name != **name)) {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let reason = format!("no column `{absent}`; there are {}", shortened(&names));
        return Err(Failure::in_file(path, reason));
    }
    let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
    for RawColumn { name, values } in columns {
        let is_wanted = wanted.contains(&name);
        if !wanted.is_empty() && !is_wanted {
            continue;
        }
        match values {
            Ok(values) => chosen.push(Column { name, values }),
            Err(Problem::NotNumbers(_)) if !is_wanted => left_out.push(name),
            Err(Problem::NotNumbers(reason) | Problem::Broken(reason)) => {
                return Err(Failure::in_file(path, format!("column `{name}`, {reason}")));
            }
        }
    }
    if chosen.is_empty() {
        return Err(Failure::in_file(path, "no numeric column"));
    }
    Ok((chosen, left_out))
}

/// A column of numbers, checked; `place` says what its values are called: value, row.
fn checked(name: String, values: Vec<f64>, place: &str) -> RawColumn {
    let problem = values
        .iter()
        .position(|value| !value.is_finite())
        .map(|row| Problem::Broken(format!("{place} {}: {} is not finite", row + 1, values[row])));
    RawColumn { name, values: problem.map_or(Ok(values), Err) }
}

fn shortened(names: &[&str]) -> String {
    match names.len() {
        0..=12 => names.join(", "),
        n => format!("{}, … ({n} in all)", names[..10].join(", ")),
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::Column;

    pub(super) fn column(name: &str, values: &[f64]) -> Column {
        Column { name: name.into(), values: values.into() }
    }
}
