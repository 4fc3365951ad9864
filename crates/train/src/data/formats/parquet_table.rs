//! Tables in Parquet: columns of numbers as features, and one of labels.

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, get_typed_column_reader};
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::inflate;
use super::parquet_pages::{self, guarded};
use super::table::{LabelledTable, Labels, quoted, some_of};

/// All columns but the label must be of numbers and without nulls; the label is a number, a text or a boolean.
///
/// Holds features within [`inflate::limit`], and one page at a time, likewise.
pub(crate) fn parse(
    file: Bytes,
    label: &str,
    known: Option<&[String]>,
) -> Result<LabelledTable, String> {
    let limit = inflate::limit(file.len());
    parquet_pages::check_footer(&file)?;
    let reader = SerializedFileReader::new(file.clone()).map_err(text)?;
    let metadata = reader.metadata();
    parquet_pages::check(&file, metadata, limit)?;
    let schema = metadata.file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|column| column.path().string()).collect();
    let label = names
        .iter()
        .position(|name| name == label)
        .ok_or_else(|| format!("no column {}; there are {}", quoted(label), some_of(&names)))?;
    for (idx, column) in schema.columns().iter().enumerate() {
        let in_column = |reason: String| format!("column {}: {reason}", quoted(&names[idx]));
        if column.path().parts().len() != 1 || column.max_rep_level() != 0 {
            return Err(in_column("nested".to_owned()));
        }
        let is_known = is_number(column) || idx == label && is_text_or_flag(column);
        if !is_known {
            return Err(in_column(format!("values of type {}", kind(column))));
        }
    }
    let mut group_rows = metadata.row_groups().iter().map(|group| group.num_rows());
    let n_rows = group_rows
        .try_fold(0usize, |sum, rows| sum.checked_add(rows.try_into().ok()?))
        .filter(|rows| rows.checked_mul(4 * names.len()).is_some_and(|size| size <= limit))
        .ok_or("promises more rows than a file of its size can hold")?;
    let n_features = names.len() - 1;
    if n_rows == 0 || n_features == 0 {
        return Err(format!("{n_rows} rows of {n_features} features"));
    }

    let mut features = vec![0.; n_rows * n_features];
    let mut labels = Labels::new(known);
    let mut rows_left = &mut features[..];
    let mut first = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(text)?;
        let n_rows = group.metadata().num_rows() as usize;
        let (rows, rest) = rows_left.split_at_mut(n_rows * n_features);
        rows_left = rest;
        for (idx, name) in names.iter().enumerate() {
            let max_level = schema.column(idx).max_def_level();
            let chunk = Chunk { first, n_rows, max_level };
            let column = group.get_column_reader(idx).map_err(text);
            let read = if idx == label {
                column.and_then(|column| chunk.classes(column, &mut labels))
            } else {
                let column_idx = if idx < label { idx } else { idx - 1 };
                let mut targets = rows.iter_mut().skip(column_idx).step_by(n_features);
                column.and_then(|column| {
                    chunk.numbers(column, |value| {
                        let rounded = value as f32;
                        if !rounded.is_finite() {
                            return Err(format!("{value:e} is not finite in f32"));
                        }
                        targets.next().into_iter().for_each(|target| *target = rounded);
                        Ok(())
                    })
                })
            };
            read.map_err(|reason| format!("column {}: {reason}", quoted(name)))?;
        }
        first += n_rows;
    }
    let (labels, classes) = labels.finish();
    let mut columns = names;
    columns.remove(label);
    Ok(LabelledTable { features, n_features, columns, labels, classes })
}

/// Numbers as they are; not dates, times and decimals that are stored as whole numbers.
fn is_number(column: &ColumnDescriptor) -> bool {
    use ConvertedType::{INT_8, INT_16, INT_32, INT_64, NONE, UINT_8, UINT_16};
    use PhysicalType::{DOUBLE, FLOAT, INT32, INT64};
    [DOUBLE, FLOAT, INT32, INT64].contains(&column.physical_type())
        && [NONE, INT_8, INT_16, INT_32, INT_64, UINT_8, UINT_16].contains(&column.converted_type())
        // Times in nanoseconds have no converted type.
        && matches!(column.logical_type_ref(), None | Some(LogicalType::Integer { .. }))
}

fn is_text_or_flag(column: &ColumnDescriptor) -> bool {
    let converted = [ConvertedType::NONE, ConvertedType::UTF8];
    match column.physical_type() {
        PhysicalType::BOOLEAN => true,
        PhysicalType::BYTE_ARRAY => converted.contains(&column.converted_type()),
        _ => false,
    }
}

fn kind(column: &ColumnDescriptor) -> String {
    match (column.converted_type(), column.logical_type_ref()) {
        (ConvertedType::NONE, Some(logical)) => format!("{logical:?}"),
        (ConvertedType::NONE, None) => column.physical_type().to_string(),
        (converted, _) => converted.to_string(),
    }
}

/// A column in a group of rows.
struct Chunk {
    /// Rows before this group.
    first: usize,
    n_rows: usize,
    max_level: i16,
}

impl Chunk {
    fn numbers(
        &self,
        column: ColumnReader,
        mut visit: impl FnMut(f64) -> Result<(), String>,
    ) -> Result<(), String> {
        match column {
            ColumnReader::DoubleColumnReader(_) => self.each::<DoubleType>(column, |&v| visit(v)),
            ColumnReader::FloatColumnReader(_) => {
                self.each::<FloatType>(column, |&v| visit(v.into()))
            }
            ColumnReader::Int32ColumnReader(_) => {
                self.each::<Int32Type>(column, |&v| visit(v.into()))
            }
            _ => self.each::<Int64Type>(column, |&v| visit(v as f64)),
        }
    }

    fn classes(&self, column: ColumnReader, labels: &mut Labels) -> Result<(), String> {
        match column {
            ColumnReader::BoolColumnReader(_) => {
                self.each::<BoolType>(column, |v| labels.push(&v.to_string()))
            }
            ColumnReader::ByteArrayColumnReader(_) => self.each::<ByteArrayType>(column, |v| {
                labels.push(std::str::from_utf8(v.data()).map_err(|_| "not UTF-8")?)
            }),
            ColumnReader::Int32ColumnReader(_) => {
                self.each::<Int32Type>(column, |v| labels.push(&v.to_string()))
            }
            ColumnReader::Int64ColumnReader(_) => {
                self.each::<Int64Type>(column, |v| labels.push(&v.to_string()))
            }
            _ => self.numbers(column, |value| {
                if value.is_finite() {
                    labels.push(&value.to_string())
                } else {
                    Err(format!("{value} is not finite"))
                }
            }),
        }
    }

    /// Visits the values of all rows; errors name the row.
    fn each<T: DataType>(
        &self,
        column: ColumnReader,
        mut visit: impl FnMut(&T::T) -> Result<(), String>,
    ) -> Result<(), String> {
        const BATCH: usize = 1 << 14;
        let mut reader = get_typed_column_reader::<T>(column);
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut n_read = 0;
        while n_read < self.n_rows {
            values.clear();
            levels.clear();
            let wanted = BATCH.min(self.n_rows - n_read);
            let (n_records, _, _) = guarded(|| {
                reader.read_records(wanted, Some(&mut levels), None, &mut values).map_err(text)
            })?;
            if n_records == 0 {
                return Err(format!(
                    "{} rows, not {}",
                    self.first + n_read,
                    self.first + self.n_rows
                ));
            }
            let at = |row: usize| self.first + n_read + row + 1;
            if let Some(row) = levels.iter().position(|&level| level < self.max_level) {
                return Err(format!("row {}: null", at(row)));
            }
            for (row, value) in values.iter().enumerate() {
                visit(value).map_err(|reason| format!("row {}: {reason}", at(row)))?;
            }
            n_read += n_records;
        }
        Ok(())
    }
}

fn text(error: ParquetError) -> String {
    format!("Parquet: {error}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::ByteArray;
    use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use parquet::schema::parser::parse_message_type;

    use super::*;

    type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

    fn parquet(columns: &str, groups: &[&dyn Fn(&mut Group)]) -> Bytes {
        let schema = parse_message_type(&format!("message schema {{ {columns} }}")).unwrap();
        let mut writer =
            SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).unwrap();
        for fill in groups {
            let mut group = writer.next_row_group().unwrap();
            fill(&mut group);
            group.close().unwrap();
        }
        writer.into_inner().unwrap().into()
    }

    fn put<T: DataType>(group: &mut Group, values: &[T::T], levels: Option<&[i16]>) {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<T>().write_batch(values, levels, None).unwrap();
        column.close().unwrap();
    }

    #[test]
    fn numbers_of_all_types_in_groups_of_rows() {
        let schema = "required double a; required int32 y; optional float b; required int64 c; required int32 d;";
        let file = parquet(
            schema,
            &[
                &|group| {
                    put::<DoubleType>(group, &[0.1, 0.2], None);
                    put::<Int32Type>(group, &[10, 9], None);
                    put::<FloatType>(group, &[0.5, 1.5], Some(&[1, 1]));
                    put::<Int64Type>(group, &[-7, 8], None);
                    put::<Int32Type>(group, &[1, 2], None);
                },
                &|group| {
                    put::<DoubleType>(group, &[0.3], None);
                    put::<Int32Type>(group, &[10], None);
                    put::<FloatType>(group, &[2.5], Some(&[1]));
                    put::<Int64Type>(group, &[9], None);
                    put::<Int32Type>(group, &[3], None);
                },
            ],
        );
        let table = parse(file, "y", None).unwrap();
        let expected = [0.1, 0.5, -7., 1., 0.2, 1.5, 8., 2., 0.3, 2.5, 9., 3.];
        assert_eq!((table.features.as_slice(), table.n_features), (&expected[..], 4));
        assert_eq!((table.labels, table.classes), (vec![1, 0, 1], vec!["9".into(), "10".into()]));
        assert_eq!(table.columns, ["a", "b", "c", "d"]);
    }

    #[test]
    fn labels_are_texts_booleans_or_numbers() {
        let texts = parquet(
            "required int32 x; required binary y (utf8);",
            &[&|group| {
                put::<Int32Type>(group, &[1, 2], None);
                put::<ByteArrayType>(group, &[ByteArray::from("g"), ByteArray::from("b")], None);
            }],
        );
        let table = parse(texts.clone(), "y", None).unwrap();
        assert_eq!((table.labels, table.classes), (vec![1, 0], vec!["b".into(), "g".into()]));
        let known = ["b".to_owned()];
        let message = parse(texts, "y", Some(&known)).unwrap_err();
        assert_eq!(message, "column `y`: row 1: unknown class `g`; known are `b`");
        let flags = parquet(
            "required int32 x; required boolean y;",
            &[&|group| {
                put::<Int32Type>(group, &[1, 2], None);
                put::<BoolType>(group, &[true, false], None);
            }],
        );
        let table = parse(flags, "y", None).unwrap();
        assert_eq!(
            (table.labels, table.classes),
            (vec![1, 0], vec!["false".into(), "true".into()])
        );
        let reals = parquet(
            "required int32 x; required double y;",
            &[&|group| {
                put::<Int32Type>(group, &[1, 2], None);
                put::<DoubleType>(group, &[1., 0.], None);
            }],
        );
        assert_eq!(parse(reals, "y", None).unwrap().classes, ["0", "1"]);
    }

    #[test]
    fn errors_name_row_and_column() {
        let with = |values: &[f32], levels: &[i16], label: &str| {
            let file = parquet(
                "optional float x; required int32 y;",
                &[
                    &|group| {
                        put::<FloatType>(group, &[1.], Some(&[1]));
                        put::<Int32Type>(group, &[0], None);
                    },
                    &|group| {
                        put::<FloatType>(group, values, Some(levels));
                        put::<Int32Type>(group, &[0, 1], None);
                    },
                ],
            );
            parse(file, label, None).unwrap_err()
        };
        assert_eq!(with(&[2.], &[1, 0], "y"), "column `x`: row 3: null");
        let nan = with(&[2., f32::NAN], &[1, 1], "y");
        assert_eq!(nan, "column `x`: row 3: NaN is not finite in f32");
        assert_eq!(with(&[2., 3.], &[1, 1], "z"), "no column `z`; there are `x`, `y`");
        let nested = parquet("required group g { required int32 x; } required int32 y;", &[]);
        assert_eq!(parse(nested, "y", None).unwrap_err(), "column `g.x`: nested");
        let list = parquet("repeated int32 x; required int32 y;", &[]);
        assert_eq!(parse(list, "y", None).unwrap_err(), "column `x`: nested");
        let date = parquet("required int32 x (date); required int32 y;", &[]);
        assert_eq!(parse(date, "y", None).unwrap_err(), "column `x`: values of type DATE");
        let empty = parquet("required int32 x; required int32 y;", &[]);
        assert_eq!(parse(empty.clone(), "y", None).unwrap_err(), "0 rows of 1 features");
        let cut = empty.slice(..empty.len() - 3);
        assert_eq!(parse(cut, "y", None).unwrap_err(), "not a Parquet file, or cut off");
    }
}
