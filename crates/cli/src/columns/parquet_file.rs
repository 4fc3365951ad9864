//! Columns of Parquet files.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use super::{Problem, RawColumn, checked, text};

/// One series per flat column.
pub(super) fn read(path: &Path) -> Result<Vec<RawColumn>, String> {
    let reader = SerializedFileReader::new(File::open(path).map_err(text)?).map_err(text)?;
    let fields = reader.metadata().file_metadata().schema().get_fields();
    let mut columns: Vec<Result<Vec<f64>, Problem>> = vec![Ok(Vec::new()); fields.len()];
    for (row_idx, row) in reader.get_row_iter(None).map_err(text)?.enumerate() {
        let row = row.map_err(text)?;
        for ((_, field), column) in row.get_column_iter().zip(&mut columns) {
            let Ok(values) = column else { continue };
            match number(field) {
                Some(value) => values.push(value),
                None => {
                    let reason = format!("row {}: {field} is not a number", row_idx + 1);
                    *column = Err(Problem::NotNumbers(reason));
                }
            }
        }
    }
    let columns = fields.iter().zip(columns).map(|(field, values)| match values {
        Ok(values) => checked(field.name().to_owned(), values, "row"),
        Err(problem) => RawColumn { name: field.name().to_owned(), values: Err(problem) },
    });
    Ok(columns.collect())
}

fn number(field: &Field) -> Option<f64> {
    Some(match *field {
        Field::Double(value) => value,
        Field::Float(value) => value.into(),
        Field::Float16(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value as f64,
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value as f64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::columns::read;
    use crate::columns::tests::column;
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

    #[test]
    fn a_value_that_is_not_finite_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.parquet");
        let table = Table::new().with_reals("u", [0.5, f64::NAN]);
        std::fs::write(&path, table.to_parquet()).unwrap();
        let message = read(&path, &[]).unwrap_err().to_string();
        assert!(message.ends_with("column `u`, row 2: NaN is not finite"), "{message}");
    }
}
