//! Columns of Parquet files.

use std::fs::File;
use std::path::Path;

use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::{Content, Heading, Problem, Source, text};

/// Reads the chunks of a column, one per group of rows.
struct Chunks {
    reader: SerializedFileReader<File>,
}

/// One series per column of numbers at the top level.
pub(super) fn open(path: &Path) -> Result<Content, String> {
    let reader = SerializedFileReader::new(File::open(path).map_err(text)?).map_err(text)?;
    let metadata = reader.metadata().file_metadata();
    let n_values = metadata.num_rows() as usize;
    let headings = metadata.schema_descr().columns().iter().map(|column| Heading {
        name: column.path().string(),
        n_values,
        not_numbers: (!is_number(column)).then(|| format!("values of type {}", kind(column))),
    });
    Ok(Content { headings: headings.collect(), source: Box::new(Chunks { reader }) })
}

/// Numbers as they are; not dates, times and decimals that are stored as whole numbers, and no lists.
fn is_number(column: &ColumnDescriptor) -> bool {
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16};
    let kinds = [NONE, INT_8, INT_16, INT_32, INT_64, UINT_8, UINT_16];
    use parquet::basic::Type::{DOUBLE, FLOAT, INT32, INT64};
    let types = [DOUBLE, FLOAT, INT32, INT64];
    types.contains(&column.physical_type())
        && kinds.contains(&column.converted_type())
        && column.max_rep_level() == 0
        // Times in nanoseconds have no converted type.
        && matches!(column.logical_type_ref(), None | Some(LogicalType::Integer { .. }))
}

fn kind(column: &ColumnDescriptor) -> String {
    match column.converted_type() {
        ConvertedType::NONE => column.physical_type().to_string(),
        converted => converted.to_string(),
    }
}

impl Source for Chunks {
    fn read(&mut self, columns: &[usize]) -> Result<Vec<Vec<f64>>, Problem> {
        columns.iter().map(|&column| self.series(column)).collect()
    }

    fn place(&self, row: usize) -> String {
        format!("row {}", row + 1)
    }
}

impl Chunks {
    fn series(&self, column: usize) -> Result<Vec<f64>, Problem> {
        let mut series = Vec::new();
        for group in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(group)?;
            let n_rows = group.metadata().num_rows() as usize;
            let shape = (n_rows, group.metadata().column(column).column_descr().max_def_level());
            let (values, missing) = match group.get_column_reader(column)? {
                reader @ ColumnReader::DoubleColumnReader(_) => {
                    chunk::<DoubleType>(reader, shape, |v| v)
                }
                reader @ ColumnReader::FloatColumnReader(_) => {
                    chunk::<FloatType>(reader, shape, f64::from)
                }
                reader @ ColumnReader::Int32ColumnReader(_) => {
                    chunk::<Int32Type>(reader, shape, f64::from)
                }
                reader => chunk::<Int64Type>(reader, shape, |v| v as f64),
            }?;
            if let Some(row) = missing {
                let row = series.len() + row + 1;
                return Err(Problem::of(column, format!("row {row}: null is not a number")));
            }
            series.extend(values);
        }
        Ok(series)
    }
}

/// The values of a chunk, and the row of the first that is missing.
fn chunk<T: DataType>(
    reader: ColumnReader,
    (n_rows, max_level): (usize, i16),
    widen: fn(T::T) -> f64,
) -> Result<(Vec<f64>, Option<usize>), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let mut reader = get_typed_column_reader::<T>(reader);
    reader.read_records(n_rows, Some(&mut levels), None, &mut values)?;
    let missing = levels.iter().position(|&level| level < max_level);
    Ok((values.into_iter().map(widen).collect(), missing))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::{Repetition, Type as PhysicalType};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::types::Type;

    use super::*;
    use crate::columns::tests::{column, read};
    use train::Table;

    #[test]
    fn numeric_columns_are_read_and_others_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let table = Table::new()
            .with_reals("u", [0.5, -1e-9])
            .with_texts("kind", ["a", "b"])
            .with_integers("k", [3, 4]);
        std::fs::write(&path, table.to_parquet()).unwrap();
        let (columns, left_out) = read(&path, &[]).unwrap();
        assert_eq!(columns, [column("u", &[0.5, -1e-9]), column("k", &[3., 4.])]);
        assert_eq!(left_out, ["kind"]);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        assert!(read(&path, &[]).is_err());
    }

    /// As other tools write columns: nullable, in several groups of rows.
    #[test]
    fn nullable_columns_in_groups() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let write = |groups: &[(&[f32], &[i16])]| {
            let column = Type::primitive_type_builder("u", PhysicalType::FLOAT)
                .with_repetition(Repetition::OPTIONAL)
                .build();
            let root = Type::group_type_builder("root").with_fields(vec![column.unwrap().into()]);
            let root = Arc::new(root.build().unwrap());
            let file = File::create(&path).unwrap();
            let mut writer = SerializedFileWriter::new(file, root, Arc::default()).unwrap();
            for (values, levels) in groups {
                let mut group = writer.next_row_group().unwrap();
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<FloatType>().write_batch(values, Some(levels), None).unwrap();
                column.close().unwrap();
                group.close().unwrap();
            }
            writer.close().unwrap();
        };
        write(&[(&[1., 2.], &[1, 1]), (&[3.], &[1])]);
        assert_eq!(read(&path, &[]).unwrap().0, [column("u", &[1., 2., 3.])]);
        write(&[(&[1., 2.], &[1, 1]), (&[3.], &[1, 0])]);
        let message = read(&path, &[]).unwrap_err();
        assert_eq!(message, "column `u`, row 4: null is not a number");
    }

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let table = Table::new().with_reals("u", [0.5, f64::NAN]);
        std::fs::write(&path, table.to_parquet()).unwrap();
        let message = read(&path, &[]).unwrap_err();
        assert_eq!(message, "column `u`, row 2: NaN is not finite");
    }
}
