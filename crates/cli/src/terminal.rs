//! What is written to standard output.

use std::io::{ErrorKind, Write};

use train::Table;

use crate::failure::Failure;
use crate::plot::number::significant;

/// Writes text; a reader that went away ends the process quietly.
pub fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// Writes bytes, likewise.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::Run(format!("standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Rows of cells under a header, columns aligned: the first to the left, numbers to the right.
pub fn aligned(header: &[&str], rows: &[Vec<String>]) -> String {
    aligned_left(header, rows, &[0])
}

/// The same with some columns aligned to the left.
pub fn aligned_left(header: &[&str], rows: &[Vec<String>], left: &[usize]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).enumerate().map(|(column, (cell, &width))| {
            let space = " ".repeat(width - cell.chars().count());
            if left.contains(&column) { format!("{cell}{space}") } else { format!("{space}{cell}") }
        });
        format!("  {}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    let mut text = line(&mut header.iter().copied());
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    // Names in files of others may hold escape sequences.
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

/// A whole table, reals to four significant digits.
pub fn table(table: &Table) -> String {
    let header: Vec<&str> = table.columns().iter().map(|(name, _)| name.as_str()).collect();
    let rows: Vec<Vec<String>> = (0..table.n_rows())
        .map(|row| {
            let columns = table.columns().iter();
            columns
                .map(|(_, column)| match column {
                    train::Column::Real(values) => significant(values[row], 4),
                    other => other.cell(row),
                })
                .collect()
        })
        .collect();
    aligned(&header, &rows)
}

/// Mean ± standard deviation.
pub fn mean_and_deviation(mean: f64, deviation: f64) -> String {
    if deviation.is_nan() {
        return significant(mean, 3);
    }
    format!("{} ± {}", significant(mean, 3), significant(deviation, 2))
}
