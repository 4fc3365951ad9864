//! Columns of Parquet files.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};

use train::data::pandas::index_columns;
use train::data::parquet_numbers::{Chunk, is_number, type_name};

use super::{Content, Heading, LeftOut, Problem, Source, text};

/// Reads the chunks of a column, one per group of rows.
struct Chunks {
    reader: SerializedFileReader<File>,
}

/// One series per column of numbers at the top level.
pub(super) fn open(path: &Path) -> Result<Content, String> {
    let reader = SerializedFileReader::new(File::open(path).map_err(text)?).map_err(text)?;
    let metadata = reader.metadata().file_metadata();
    let n_values = metadata.num_rows() as usize;
    let index = index_columns(metadata);
    let headings = metadata.schema_descr().columns().iter().map(|column| {
        let name = column.path().string();
        let left_out = match is_number(column) && column.max_rep_level() == 0 {
            false => Some(LeftOut::NotNumbers(format!("values of type {}", type_name(column)))),
            true if index.contains(&name) => Some(LeftOut::Index),
            true => None,
        };
        Heading { name, n_values, left_out }
    });
    let headings = headings.collect();
    Ok(Content { headings, source: Box::new(Chunks { reader }), assumptions: vec![] })
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
            let descriptor = group.metadata().column(column).column_descr_ptr();
            let chunk = Chunk::of(&descriptor, series.len(), n_rows);
            let read = chunk.numbers(group.get_column_reader(column)?, |value| {
                series.push(value);
                Ok(())
            });
            read.map_err(|reason| Problem::of(column, reason))?;
        }
        Ok(series)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::{Repetition, Type as PhysicalType};
    use parquet::data_type::{DoubleType, FloatType, Int64Type};
    use parquet::file::metadata::KeyValue;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use parquet::schema::types::Type;

    use super::*;
    use crate::columns::tests::{column as named, read};
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
        let (columns, notes) = read(&path, &[]).unwrap();
        assert_eq!(columns, [named("u", &[0.5, -1e-9]), named("k", &[3., 4.])]);
        assert_eq!(notes, ["left out, since they are not numbers: kind"]);
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
        assert_eq!(read(&path, &[]).unwrap().0, [named("u", &[1., 2., 3.])]);
        write(&[(&[1., 2.], &[1, 1]), (&[3.], &[1, 0])]);
        let message = read(&path, &[]).unwrap_err();
        assert_eq!(message, "column `u`, row 4: null");
    }

    /// As `DataFrame.to_parquet` writes a table whose index is no range.
    #[test]
    fn the_index_of_pandas_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let schema = "message schema { required double a; required int64 __index_level_0__; }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let pandas = r#"{"index_columns": ["__index_level_0__"], "columns": []}"#;
        let pandas = KeyValue::new("pandas".to_owned(), pandas.to_owned());
        let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![pandas]));
        let file = File::create(&path).unwrap();
        let properties = Arc::new(properties.build());
        let mut writer = SerializedFileWriter::new(file, schema, properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[0.5, 0.25], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[7, 3], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        let (columns, notes) = read(&path, &[]).unwrap();
        assert_eq!(columns, [named("a", &[0.5, 0.25])]);
        assert_eq!(notes, ["left out, an index of the rows: __index_level_0__"]);
        let index = read(&path, &["__index_level_0__"]).unwrap().0;
        assert_eq!(index, [named("__index_level_0__", &[7., 3.])]);
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
