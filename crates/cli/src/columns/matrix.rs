//! Matrices of numbers in a binary file, read a block of columns at a time.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

use super::{Problem, Source};

/// How one number is stored.
#[derive(Clone, Copy)]
pub(super) struct Scalar {
    pub n_bytes: usize,
    pub decode: fn(&[u8]) -> f64,
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
pub(super) struct Matrices {
    pub file: BufReader<File>,
    pub matrices: Vec<Matrix>,
}

impl Matrix {
    fn read(
        &self,
        file: &mut BufReader<File>,
        columns: Range<usize>,
    ) -> std::io::Result<Vec<Vec<f64>>> {
        let Scalar { n_bytes, decode } = self.scalar;
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

impl Source for Matrices {
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

/// A scalar of a Rust type, in the given byte order.
macro_rules! scalar {
    ($type:ty, $from_bytes:ident) => {
        $crate::columns::matrix::Scalar {
            n_bytes: size_of::<$type>(),
            decode: |bytes| {
                #[allow(clippy::cast_lossless)]
                let value = <$type>::$from_bytes(bytes.try_into().expect("one number")) as f64;
                value
            },
        }
    };
}
pub(super) use scalar;
