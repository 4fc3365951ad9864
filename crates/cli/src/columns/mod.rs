//! Columns of numbers from files of others, one file per format.
//!
//! A file is opened for its headings; values are then read a block of columns at a time, so that a file larger than the
//! memory can be fitted. Only text, which has no other order than by line, is held whole.

mod matrix;
mod npy;
mod parquet_file;
mod safetensors;
mod text_file;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use stats::MIN_SAMPLES;
use train::data::Header;

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
    notes: Vec<String>,
    n_read: usize,
}

/// What a format finds in a file.
struct Content {
    headings: Vec<Heading>,
    source: Box<dyn Source>,
    /// What was assumed about the file, each in a sentence without its end.
    assumptions: Vec<String>,
}

/// A column as it is announced.
struct Heading {
    name: String,
    n_values: usize,
    /// Why it is not fitted unless it is asked for.
    left_out: Option<LeftOut>,
}

/// Why a column is left out.
enum LeftOut {
    /// It does not hold numbers, for this reason.
    NotNumbers(String),
    /// It is no series, since it has this shape.
    Shape(Vec<usize>),
    /// It merely counts or names the rows.
    Index,
    /// No law can be fitted to so few.
    TooShort,
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
    /// Opens a file for the columns named in `wanted`, or for every numeric one that is no index of the rows and has enough
    /// samples; `header` is for text.
    ///
    /// # Errors
    /// When the file can't be read, a wanted column is absent or not numeric, or no column is.
    pub fn open(path: &Path, wanted: &[String], header: Header) -> Result<Self, Failure> {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        if header != Header::Auto && !["csv", "tsv"].contains(&extension.as_str()) {
            return Err(Failure::in_file(path, "--header is for .csv and .tsv"));
        }
        let content = match extension.as_str() {
            "csv" => text_file::open(path, None, header, wanted),
            "tsv" => text_file::open(path, Some(b'\t'), header, wanted),
            "npy" => npy::open(path),
            "npz" => npy::open_archive(path),
            "parquet" => parquet_file::open(path),
            "safetensors" => safetensors::open(path),
            _ => Err(
                "unknown kind of file; known are .csv, .tsv, .npy, .npz, .parquet and .safetensors"
                    .to_owned(),
            ),
        };
        let content = content.map_err(|reason| Failure::in_file(path, reason))?;
        let headings = &content.headings;
        if let Some(absent) = wanted.iter().find(|name| headings.iter().all(|c| c.name != **name)) {
            let names: Vec<&str> = headings.iter().map(|h| h.name.as_str()).collect();
            let reason = format!("no column `{absent}`; there are {}", shortened(&names));
            return Err(Failure::in_file(path, reason));
        }
        let is_long = |heading: &Heading| heading.n_values >= MIN_SAMPLES;
        // Where all are too short, they are no exceptions.
        let has_long = headings.iter().any(|h| h.left_out.is_none() && is_long(h));
        let (mut chosen, mut left_out) = (Vec::new(), Vec::new());
        for (idx, heading) in headings.iter().enumerate() {
            let Heading { name, left_out: reason, .. } = heading;
            let column =
                |reason: String| Failure::in_file(path, format!("column `{name}`, {reason}"));
            match reason {
                _ if !wanted.is_empty() && !wanted.contains(name) => {}
                Some(reason) if wanted.is_empty() => left_out.push((reason, name.as_str())),
                None if wanted.is_empty() && has_long && !is_long(heading) => {
                    left_out.push((&LeftOut::TooShort, name));
                }
                Some(LeftOut::NotNumbers(reason)) => return Err(column(reason.clone())),
                Some(LeftOut::Shape(shape)) => {
                    return Err(column(format!("shape {shape:?}; known are [n] and [n, columns]")));
                }
                _ => chosen.push(idx),
            }
        }
        if chosen.is_empty() {
            return Err(Failure::in_file(path, "no numeric column"));
        }
        let notes = notes(&content.assumptions, &left_out);
        Ok(Self { path: path.to_owned(), content, chosen, notes, n_read: 0 })
    }

    /// How many columns there are to be fitted.
    pub fn len(&self) -> usize {
        self.chosen.len()
    }

    /// What was assumed about the file, and what of it is left out, a line each.
    pub fn notes(&self) -> &[String] {
        &self.notes
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

fn notes(assumptions: &[String], left_out: &[(&LeftOut, &str)]) -> Vec<String> {
    let line = |what: &str, is_meant: fn(&LeftOut) -> bool| {
        let meant = left_out.iter().filter(|(reason, _)| is_meant(reason));
        let names: Vec<&str> = meant.map(|(_, name)| *name).collect();
        (!names.is_empty()).then(|| format!("left out, {what}: {}", shortened(&names)))
    };
    let too_short = format!("with fewer than {MIN_SAMPLES} samples");
    let lines = [
        line("since they are not numbers", |reason| matches!(reason, LeftOut::NotNumbers(_))),
        line("neither vectors nor matrices", |reason| matches!(reason, LeftOut::Shape(_))),
        line("an index of the rows", |reason| matches!(reason, LeftOut::Index)),
        line(&too_short, |reason| matches!(reason, LeftOut::TooShort)),
    ];
    assumptions.iter().cloned().chain(lines.into_iter().flatten()).collect()
}

fn shortened(names: &[&str]) -> String {
    let text = match names.len() {
        0..=12 => names.join(", "),
        n => format!("{}, … ({n} in all)", names[..10].join(", ")),
    };
    // Names in files of others may hold escape sequences.
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
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

    /// Every column, and what is said of the file; a message without the path.
    pub(super) fn read(path: &Path, wanted: &[&str]) -> Result<(Vec<Column>, Vec<String>), String> {
        read_with(path, wanted, Header::Auto)
    }

    pub(super) fn read_with(
        path: &Path,
        wanted: &[&str],
        header: Header,
    ) -> Result<(Vec<Column>, Vec<String>), String> {
        let wanted: Vec<String> = wanted.iter().map(|name| name.to_string()).collect();
        let read = || {
            let columns = Columns::open(path, &wanted, header)?;
            let notes = columns.notes().to_vec();
            Ok((columns.read_all()?, notes))
        };
        read().map_err(|failure: Failure| {
            let message = failure.to_string();
            message.strip_prefix(&format!("{}: ", path.display())).expect("names the file").into()
        })
    }
}
