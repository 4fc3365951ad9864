//! Tables in Parquet: columns of numbers as features, and one of labels.

use bytes::Bytes;
use parquet::basic::{ConvertedType, Type as PhysicalType};
use parquet::column::reader::ColumnReader;
use parquet::data_type::{BoolType, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::inflate;
use super::pandas;
use super::parquet_numbers::{Chunk, is_number, type_name};
use super::parquet_pages;
use super::table::{LabelledTable, Labels, in_f32, index_left_out, quoted, some_of};

/// All columns but the label must be of numbers and without nulls; the label is a number, a text or a boolean. An index
/// that pandas wrote is left out.
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
    let index = pandas::index_columns(metadata.file_metadata());
    let is_index = |idx: usize| idx != label && index.contains(&names[idx]);
    for (idx, column) in schema.columns().iter().enumerate().filter(|(idx, _)| !is_index(*idx)) {
        let in_column = |reason: String| format!("column {}: {reason}", quoted(&names[idx]));
        if column.path().parts().len() != 1 || column.max_rep_level() != 0 {
            return Err(in_column("nested".to_owned()));
        }
        let is_known = is_number(column) || idx == label && is_text_or_flag(column);
        if !is_known {
            return Err(in_column(format!("values of type {}", type_name(column))));
        }
    }
    let mut group_rows = metadata.row_groups().iter().map(|group| group.num_rows());
    let n_rows = group_rows
        .try_fold(0usize, |sum, rows| sum.checked_add(rows.try_into().ok()?))
        .filter(|rows| rows.checked_mul(8 * names.len()).is_some_and(|size| size <= limit))
        .ok_or("promises more rows than a file of its size can hold")?;
    let feature_columns: Vec<usize> =
        (0..names.len()).filter(|&idx| idx != label && !is_index(idx)).collect();
    let n_features = feature_columns.len();
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
        for (idx, name) in names.iter().enumerate().filter(|(idx, _)| !is_index(*idx)) {
            let chunk = Chunk::of(&schema.column(idx), first, n_rows);
            let column = group.get_column_reader(idx).map_err(text);
            let read = if idx == label {
                column.and_then(|column| classes(&chunk, column, &mut labels))
            } else {
                let feature = feature_columns.partition_point(|&column| column < idx);
                let mut targets = rows.iter_mut().skip(feature).step_by(n_features);
                column.and_then(|column| {
                    chunk.numbers(column, |value| {
                        let value = in_f32(value)
                            .ok_or_else(|| format!("{value:e} is not finite in f32"))?;
                        targets.next().into_iter().for_each(|target| *target = value);
                        Ok(())
                    })
                })
            };
            read.map_err(|reason| format!("column {}: {reason}", quoted(name)))?;
        }
        first += n_rows;
    }
    let (labels, classes) = labels.finish();
    let of_index: Vec<String> =
        (0..names.len()).filter(|&idx| is_index(idx)).map(|idx| names[idx].clone()).collect();
    let columns = feature_columns.iter().map(|&idx| names[idx].clone()).collect();
    let notes = index_left_out(&of_index).into_iter().collect();
    Ok(LabelledTable { features, n_features, columns, labels, classes, notes })
}

fn is_text_or_flag(column: &ColumnDescriptor) -> bool {
    let converted = [ConvertedType::NONE, ConvertedType::UTF8];
    match column.physical_type() {
        PhysicalType::BOOLEAN => true,
        PhysicalType::BYTE_ARRAY => converted.contains(&column.converted_type()),
        _ => false,
    }
}

/// The classes of a column of labels in a group of rows.
fn classes(chunk: &Chunk, column: ColumnReader, labels: &mut Labels) -> Result<(), String> {
    match column {
        ColumnReader::BoolColumnReader(_) => {
            chunk.each::<BoolType>(column, |v| labels.push(&v.to_string()))
        }
        ColumnReader::ByteArrayColumnReader(_) => chunk.each::<ByteArrayType>(column, |v| {
            labels.push(std::str::from_utf8(v.data()).map_err(|_| "not UTF-8")?)
        }),
        ColumnReader::Int32ColumnReader(_) if chunk.is_plain() => {
            chunk.each::<Int32Type>(column, |v| labels.push(&v.to_string()))
        }
        ColumnReader::Int64ColumnReader(_) if chunk.is_plain() => {
            chunk.each::<Int64Type>(column, |v| labels.push(&v.to_string()))
        }
        _ => chunk.numbers(column, |value| {
            if value.is_finite() {
                labels.push(&value.to_string())
            } else {
                Err(format!("{value} is not finite"))
            }
        }),
    }
}

fn text(error: ParquetError) -> String {
    format!("Parquet: {error}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, DataType, DoubleType, FixedLenByteArrayType, FloatType};
    use parquet::file::metadata::KeyValue;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use parquet::schema::parser::parse_message_type;

    use super::*;

    type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

    fn parquet(columns: &str, groups: &[&dyn Fn(&mut Group)]) -> Bytes {
        parquet_with(columns, WriterProperties::default(), groups)
    }

    fn parquet_with(
        columns: &str,
        properties: WriterProperties,
        groups: &[&dyn Fn(&mut Group)],
    ) -> Bytes {
        let schema = parse_message_type(&format!("message schema {{ {columns} }}")).unwrap();
        let (schema, properties) = (Arc::new(schema), Arc::new(properties));
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, properties).unwrap();
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

    /// What pandas says of an index that is stored, here of texts, and of a range.
    #[test]
    fn the_index_of_pandas_is_no_feature() {
        let schema = "required int32 x; required binary __index_level_0__ (utf8); required int32 y; required int64 z;";
        let with = |pandas: &str, label| {
            let pandas = KeyValue::new("pandas".to_owned(), pandas.to_owned());
            let properties =
                WriterProperties::builder().set_key_value_metadata(Some(vec![pandas])).build();
            let file = parquet_with(
                schema,
                properties,
                &[&|group| {
                    put::<Int32Type>(group, &[1, 2], None);
                    let names = ["r1", "r2"].map(ByteArray::from);
                    put::<ByteArrayType>(group, &names, None);
                    put::<Int32Type>(group, &[0, 1], None);
                    put::<Int64Type>(group, &[3, 4], None);
                }],
            );
            parse(file, label, None)
        };
        let index = r#"{"index_columns": ["__index_level_0__"], "pandas_version": "2.2.3"}"#;
        let table = with(index, "y").unwrap();
        assert_eq!((table.n_features, table.features), (2, vec![1., 3., 2., 4.]));
        assert_eq!(table.columns, ["x", "z"]);
        assert_eq!(table.notes, ["left out as an index of the rows: `__index_level_0__`"]);
        // Whoever asks for its labels gets them.
        assert!(with(index, "__index_level_0__").unwrap().notes.is_empty());
        let range = r#"{"index_columns": [{"kind": "range", "start": 0, "stop": 2, "step": 1}]}"#;
        let message = "column `__index_level_0__`: values of type UTF8";
        assert_eq!(with(range, "y").unwrap_err(), message);
        assert_eq!(with("no JSON", "y").unwrap_err(), message);
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

    /// Half precision, whole numbers from 0, and decimals in each of their storages: values by pyarrow.
    #[test]
    fn numbers_of_rarer_types() {
        let schema = "required fixed_len_byte_array(2) h (FLOAT16); required int32 u (INTEGER(32, false)); \
            required int64 w (INTEGER(64, false)); required int32 d (DECIMAL(9, 2)); \
            required fixed_len_byte_array(16) e (DECIMAL(38, 3)); required int32 y;";
        let file = parquet(
            schema,
            &[&|group| {
                let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec()).into();
                put::<FixedLenByteArrayType>(group, &[bytes(&[0, 0x3c]), bytes(&[0, 0xc0])], None);
                put::<Int32Type>(group, &[-1, 7], None);
                put::<Int64Type>(group, &[-1, 7], None);
                put::<Int32Type>(group, &[-1234, 5], None);
                let [minus, plus] = [-1500i128, 12345].map(|value| bytes(&value.to_be_bytes()));
                put::<FixedLenByteArrayType>(group, &[minus, plus], None);
                put::<Int32Type>(group, &[0, 1], None);
            }],
        );
        let table = parse(file, "y", None).unwrap();
        let first = [1., 4_294_967_295., 1.844_674_407_370_955_2e19, -12.34, -1.5];
        let second = [-2., 7., 7., 0.05, 12.345];
        assert_eq!(table.features, [first, second].concat());
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
