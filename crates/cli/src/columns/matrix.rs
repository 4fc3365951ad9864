//! Matrices of numbers in a binary file, read a block of columns at a time.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use train::data::Element;

use super::{Heading, LeftOut, Problem, Source};

/// How one number is stored.
#[derive(Clone, Copy)]
pub(super) struct Scalar {
    pub element: Element,
    pub big_endian: bool,
}

/// Which numbers lie next to each other.
#[derive(Clone, Copy)]
pub(super) enum Order {
    ByRow,
    ByColumn,
}

/// Where a matrix `[n_samples, n_series]` lies in a file.
pub(super) struct Matrix {
    pub offset: u64,
    pub n_rows: usize,
    pub n_columns: usize,
    pub order: Order,
    pub scalar: Scalar,
}

/// Matrices one after the other, whose columns are counted through.
pub(super) struct Matrices<R> {
    pub file: R,
    pub matrices: Vec<Matrix>,
}

/// One series per vector, `name`, and one per column of a matrix, `name[column]`; a single heading for what is neither, or
/// has no numbers, for the reason in `scalar`.
pub(super) fn headings(
    name: &str,
    shape: &[usize],
    scalar: &Result<Scalar, String>,
) -> Vec<Heading> {
    let (n_values, n_columns) = match *shape {
        [n_rows] => (n_rows, None),
        [n_rows, n_columns] if n_rows > 0 => (n_rows, Some(n_columns)),
        _ => {
            let left_out = Some(LeftOut::Shape(shape.to_vec()));
            return vec![Heading { name: name.to_owned(), n_values: 0, left_out }];
        }
    };
    let heading = |name: String| {
        let left_out = scalar.as_ref().err().map(|reason| LeftOut::NotNumbers(reason.clone()));
        Heading { name, n_values, left_out }
    };
    match n_columns {
        None => vec![heading(name.to_owned())],
        Some(n_columns) => {
            (0..n_columns).map(|column| heading(format!("{name}[{column}]"))).collect()
        }
    }
}

impl Matrix {
    /// That has the series of [`headings`], in this order.
    pub fn of(shape: &[usize], offset: u64, scalar: &Result<Scalar, String>) -> Self {
        let (n_rows, n_columns) = match *shape {
            [n_rows] => (n_rows, 1),
            [n_rows, n_columns] if n_rows > 0 => (n_rows, n_columns),
            _ => (0, 1),
        };
        let order = if n_columns > 1 { Order::ByRow } else { Order::ByColumn };
        // Never read where there is none: the column is left out.
        let none = Scalar { element: Element::F64, big_endian: false };
        let scalar = *scalar.as_ref().unwrap_or(&none);
        Self { offset, n_rows, n_columns, order, scalar }
    }

    fn read(
        &self,
        file: &mut (impl Read + Seek),
        columns: Range<usize>,
    ) -> std::io::Result<Vec<Vec<f64>>> {
        let Scalar { element, big_endian } = self.scalar;
        let n_bytes = element.size();
        let decode = |bytes: &[u8]| element.value(bytes, big_endian);
        let start = |n_values: usize| SeekFrom::Start(self.offset + (n_values * n_bytes) as u64);
        let mut series = vec![Vec::with_capacity(self.n_rows); columns.len()];
        match self.order {
            Order::ByRow => {
                let mut bytes = vec![0; columns.len() * n_bytes];
                let skipped = ((self.n_columns - columns.len()) * n_bytes) as i64;
                file.seek(start(columns.start))?;
                for row in 0..self.n_rows {
                    if row > 0 {
                        file.seek_relative(skipped)?;
                    }
                    file.read_exact(&mut bytes)?;
                    for (series, value) in series.iter_mut().zip(bytes.chunks_exact(n_bytes)) {
                        series.push(decode(value));
                    }
                }
            }
            Order::ByColumn => {
                let mut bytes = vec![0; self.n_rows * n_bytes];
                file.seek(start(columns.start * self.n_rows))?;
                for series in &mut series {
                    file.read_exact(&mut bytes)?;
                    series.extend(bytes.chunks_exact(n_bytes).map(decode));
                }
            }
        }
        Ok(series)
    }
}

impl<R: Read + Seek> Source for Matrices<R> {
    fn read(&mut self, columns: &[usize]) -> Result<Vec<Vec<f64>>, Problem> {
        let mut series = Vec::with_capacity(columns.len());
        let mut first = 0;
        for matrix in &self.matrices {
            let of_matrix = first..first + matrix.n_columns;
            let begin = columns.partition_point(|&column| column < of_matrix.start);
            let end = columns.partition_point(|&column| column < of_matrix.end);
            for run in columns[begin..end].chunk_by(|a, b| a + 1 == *b) {
                let run = run[0] - first..run[0] - first + run.len();
                series.extend(matrix.read(&mut self.file, run)?);
            }
            first = of_matrix.end;
        }
        Ok(series)
    }

    fn place(&self, row: usize) -> String {
        format!("row {}", row + 1)
    }
}
