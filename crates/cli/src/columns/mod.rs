//! Columns of numbers from files of others, one file per format.
//!
//! A file is opened for its headings; values are then read a block of columns at a time, so that a file larger than the
//! memory can be fitted. Only CSV, which has no other order than by line, is held whole.

mod csv_file;
mod matrix;
mod npy;
mod parquet_file;
mod safetensors;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Values in a block, 32 MiB of them, unless a single column has more.
const BLOCK_VALUES: usize = 4 << 20;

/// A named series.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the file, or its number from 1.
    pub name: String,
    /// Its values, all finite.
    pub values: Vec<f64>,
}

/// The columns of a file that are to be fitted.
pub struct Columns {
    path: PathBuf,
    content: Content,
    chosen: Vec<usize>,
    left_out: Vec<String>,
    n_read: usize,
}

/// What a format finds in a file.
struct Content {
    headings: Vec<Heading>,
    source: Box<dyn Source>,
}

/// A column as it is announced.
struct Heading {
    name: String,
    n_values: usize,
    /// Why it does not hold numbers, where it does not.
    not_numbers: Option<String>,
}

/// Where the values of columns come from.
trait Source {
    /// The values of the columns with these indices, which increase; finite or not. Each column is asked for once.
    fn read(&mut self, columns: &[usize]) -> Result<Vec<Vec<f64>>, Problem>;

    /// What value number `row` of a column is called in a message: line 17, row 16.
    fn place(&self, row: usize) -> String;
}

/// What is wrong with a file, and in which column if it is but one.
struct Problem {
    column: Option<usize>,
    reason: String,
}

impl Problem {
    fn of(column: usize, reason: String) -> Self {
        Self { column: Some(column), reason }
    }
}

impl<E: std::error::Error> From<E> for Problem {
    fn from(error: E) -> Self {
        Self { column: None, reason: error.to_string() }
    }
}

impl Columns {
    /// Opens a file for the columns named in `wanted`, or for every numeric one.
    ///
    /// # Errors
    /// When the file can't be read, a wanted column is absent or not numeric, or no column is.
    pub fn open(path: &Path, wanted: &[String]) -> Result<Self, Failure> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let content =
            match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
                "csv" => csv_file::open(path),
                "npy" => npy::open(path),
                "parquet" => parquet_file::open(path),
                "safetensors" => safetensors::open(path),
                _ => Err("unknown kind of file; known are .csv, .npy, .parquet and .safetensors"
                    .to_owned()),
            };
        let content = content.map_err(|reason| Failure::in_file(path, reason))?;
        let headings = &content.headings;
        if let Some(absent) = wanted.iter().find(|name| headings.iter().all(|c| c.name != **name)) {
            let reason = format!("no column `{absent}`; there are {}", shortened(headings));
            return Err(Failure::in_file(path, reason));
        }
        let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
        for (idx, Heading { name, not_numbers, .. }) in headings.iter().enumerate() {
            match not_numbers {
                _ if !wanted.is_empty() && !wanted.contains(name) => {}
                None => chosen.push(idx),
                Some(_) if wanted.is_empty() => left_out.push(name.clone()),
                Some(reason) => {
                    return Err(Failure::in_file(path, format!("column `{name}`, {reason}")));
                }
            }
        }
        if chosen.is_empty() {
            return Err(Failure::in_file(path, "no numeric column"));
        }
        Ok(Self { path: path.to_owned(), content, chosen, left_out, n_read: 0 })
    }

    /// How many columns there are to be fitted.
    pub fn len(&self) -> usize {
        self.chosen.len()
    }

    /// Names of the columns that nobody asked for and that are not numbers.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// All columns at once.
    ///
    /// # Errors
    /// As of [`Columns::next_block`].
    pub fn read_all(mut self) -> Result<Vec<Column>, Failure> {
        let mut columns = Vec::new();
        while let Some(block) = self.next_block()? {
            columns.extend(block);
        }
        Ok(columns)
    }

    /// The next columns, in the order of the file; `None` after the last.
    ///
    /// # Errors
    /// When the file can't be read or a value is missing or not finite; the message names file, column and line.
    pub fn next_block(&mut self) -> Result<Option<Vec<Column>>, Failure> {
        let rest = &self.chosen[self.n_read..];
        let headings = &self.content.headings;
        let mut n_values = 0;
        let n_columns = rest.iter().take_while(|&&column| {
            let is_first = n_values == 0;
            n_values += headings[column].n_values;
            is_first || n_values <= BLOCK_VALUES
        });
        let n_columns = n_columns.count();
        if n_columns == 0 {
            return Ok(None);
        }
        let block = &rest[..n_columns];
        let source = &mut self.content.source;
        let values = source.read(block).map_err(|Problem { column, reason }| match column {
            Some(column) => {
                let name = &headings[column].name;
                Failure::in_file(&self.path, format!("column `{name}`, {reason}"))
            }
            None => Failure::in_file(&self.path, reason),
        })?;
        self.n_read += n_columns;
        let names = block.iter().map(|&column| &headings[column].name);
        let column = |(name, values): (&String, Vec<f64>)| {
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                let (place, value) = (source.place(row), values[row]);
                let reason = format!("column `{name}`, {place}: {value} is not finite");
                return Err(Failure::in_file(&self.path, reason));
            }
            Ok(Column { name: name.clone(), values })
        };
        names.zip(values).map(column).collect::<Result<_, _>>().map(Some)
    }
}

fn shortened(headings: &[Heading]) -> String {
    let names = |n: usize| {
        let names: Vec<&str> = headings.iter().take(n).map(|h| h.name.as_str()).collect();
        names.join(", ")
    };
    match headings.len() {
        0..=12 => names(12),
        n => format!("{}, … ({n} in all)", names(10)),
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn column(name: &str, values: &[f64]) -> Column {
        Column { name: name.into(), values: values.into() }
    }

    /// Every column, and the names of those left out; a message without the path.
    pub(super) fn read(path: &Path, wanted: &[&str]) -> Result<(Vec<Column>, Vec<String>), String> {
        let wanted: Vec<String> = wanted.iter().map(|name| name.to_string()).collect();
        let read = || {
            let columns = Columns::open(path, &wanted)?;
            let left_out = columns.left_out().to_vec();
            Ok((columns.read_all()?, left_out))
        };
        read().map_err(|failure: Failure| {
            let message = failure.to_string();
            message.strip_prefix(&format!("{}: ", path.display())).expect("names the file").into()
        })
    }
}
