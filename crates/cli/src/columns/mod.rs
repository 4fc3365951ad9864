//! Columns of numbers from files of others: CSV, .npy, safetensors.

use std::fmt::Display;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use crate::failure::Failure;

/// A named series.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the file, or its number from 1.
    pub name: String,
    /// Its values.
    pub values: Vec<f64>,
}

/// Reads the columns named in `wanted`, or every numeric one.
///
/// # Errors
/// When the file can't be read, a wanted column is absent or not numeric, or no column is; the message names file,
/// line and column.
pub fn read(path: &Path, wanted: &[String]) -> Result<Vec<Column>, Failure> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let columns = match extension.to_ascii_lowercase().as_str() {
        "csv" => read_csv(path, wanted),
        "npy" => read_npy(path),
        "safetensors" => read_safetensors(path),
        _ => Err("unknown kind of file; known are .csv, .npy and .safetensors".to_owned()),
    };
    let columns = columns.map_err(|reason| Failure::in_file(path, reason))?;
    if wanted.is_empty() {
        return match columns.is_empty() {
            true => Err(Failure::in_file(path, "no numeric column")),
            false => Ok(columns),
        };
    }
    let find = |name: &String| {
        let column = columns.iter().find(|column| column.name == *name).cloned();
        let known = || {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            Failure::in_file(path, format!("no column `{name}`; there are {}", shortened(&names)))
        };
        column.ok_or_else(known)
    };
    wanted.iter().map(find).collect()
}

/// A column is numeric when each of its cells is a number. The first line is a header unless all its cells are numbers.
fn read_csv(path: &Path, wanted: &[String]) -> Result<Vec<Column>, String> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).trim(csv::Trim::All).from_path(path);
    let mut records = reader.map_err(text)?.into_records();
    let first = records.next().ok_or("the file is empty")?.map_err(text)?;
    let has_header = !first.iter().all(|cell| cell.parse::<f64>().is_ok());
    let name = |(idx, cell): (usize, &str)| match has_header {
        true => cell.to_owned(),
        false => (idx + 1).to_string(),
    };
    let names: Vec<String> = first.iter().enumerate().map(name).collect();
    let mut columns: Vec<Result<Vec<f64>, String>> = vec![Ok(Vec::new()); names.len()];
    let rows = (!has_header).then_some(Ok(first)).into_iter().chain(records);
    for record in rows {
        let record = record.map_err(text)?;
        let line = record.position().map_or(1, csv::Position::line);
        for (cell, column) in record.iter().zip(&mut columns) {
            let Ok(values) = column else { continue };
            match cell.parse::<f64>() {
                Ok(value) if value.is_finite() => values.push(value),
                Ok(value) => *column = Err(format!("line {line}: {value} is not finite")),
                Err(_) => *column = Err(format!("line {line}: `{cell}` is not a number")),
            }
        }
    }
    let mut numeric = Vec::new();
    for (name, column) in names.into_iter().zip(columns) {
        match column {
            Ok(values) => numeric.push(Column { name, values }),
            // NaN is a number that went wrong and is never passed over; text is left out unless asked for.
            Err(reason) if wanted.contains(&name) || reason.ends_with("is not finite") => {
                return Err(format!("column `{name}`, {reason}"));
            }
            Err(_) => {}
        }
    }
    Ok(numeric)
}

/// One series from a vector, one per column from a matrix `[n_samples, n_series]`.
fn read_npy(path: &Path) -> Result<Vec<Column>, String> {
    let file = BufReader::new(File::open(path).map_err(text)?);
    let npy = npyz::NpyFile::new(file).map_err(text)?;
    let (shape, order, dtype) = (npy.shape().to_vec(), npy.order(), npy.dtype().descr());
    let values: Vec<f64> = match dtype.trim_matches(['\'', '"']) {
        "<f8" | ">f8" => npy.into_vec::<f64>().map_err(text)?,
        "<f4" | ">f4" => widened(npy.into_vec::<f32>().map_err(text)?),
        "<i4" | ">i4" => widened(npy.into_vec::<i32>().map_err(text)?),
        "<i8" | ">i8" => npy.into_vec::<i64>().map_err(text)?.iter().map(|&v| v as f64).collect(),
        other => return Err(format!("values of type {other}; known are f4, f8, i4 and i8")),
    };
    let (n_rows, n_columns) = match shape[..] {
        [n_rows] => (n_rows as usize, 1),
        [n_rows, n_columns] => (n_rows as usize, n_columns as usize),
        _ => return Err(format!("shape {shape:?}; known are [n] and [n, columns]")),
    };
    let at = |row: usize, column: usize| match order {
        npyz::Order::C => values[row * n_columns + column],
        npyz::Order::Fortran => values[column * n_rows + row],
    };
    (0..n_columns)
        .map(|column| {
            let name = (column + 1).to_string();
            finite(name, (0..n_rows).map(|row| at(row, column)).collect())
        })
        .collect()
}

/// One series per vector, and one per column of a matrix, `name[column]`; other tensors are left out.
fn read_safetensors(path: &Path) -> Result<Vec<Column>, String> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu).map_err(text)?;
    let mut tensors: Vec<(String, Tensor)> = tensors.into_iter().collect();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut columns = Vec::new();
    for (name, tensor) in tensors {
        let tensor = tensor.to_dtype(DType::F64).map_err(text)?;
        match tensor.dims() {
            [_] => columns.push(finite(name, tensor.to_vec1().map_err(text)?)?),
            [_, n_columns] => {
                for column in 0..*n_columns {
                    let series =
                        tensor.narrow(1, column, 1).and_then(|series| series.flatten_all());
                    let series = series.and_then(|series| series.to_vec1()).map_err(text)?;
                    columns.push(finite(format!("{name}[{column}]"), series)?);
                }
            }
            _ => {}
        }
    }
    Ok(columns)
}

fn finite(name: String, values: Vec<f64>) -> Result<Column, String> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => {
            Err(format!("column `{name}`, value {}: {} is not finite", row + 1, values[row]))
        }
        None => Ok(Column { name, values }),
    }
}

fn widened<T: Into<f64>>(values: Vec<T>) -> Vec<f64> {
    values.into_iter().map(Into::into).collect()
}

fn shortened(names: &[&str]) -> String {
    match names.len() {
        0..=12 => names.join(", "),
        n => format!("{}, … ({n} in all)", names[..10].join(", ")),
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(content: &str, wanted: &[&str]) -> Result<Vec<Column>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, content).unwrap();
        let wanted: Vec<String> = wanted.iter().map(|name| name.to_string()).collect();
        read(&path, &wanted)
            .map_err(|failure| failure.to_string().split_once("x.csv: ").unwrap().1.to_owned())
    }

    fn column(name: &str, values: &[f64]) -> Column {
        Column { name: name.into(), values: values.into() }
    }

    #[test]
    fn csv_with_and_without_a_header() {
        let both = [column("a", &[1., 3.]), column("b", &[2., 4e-3])];
        assert_eq!(csv("a, b,kind\n1,2,x\n3,4e-3,y\n", &[]).unwrap(), both);
        assert_eq!(csv("a,b\n1,2\n3,4e-3\n", &["b"]).unwrap(), both[1..]);
        assert_eq!(csv("1\n3\n", &[]).unwrap(), [column("1", &[1., 3.])]);
    }

    #[test]
    fn csv_errors_name_line_and_column() {
        let kind = csv("a,kind\n1,x\n", &["kind"]).unwrap_err();
        assert_eq!(kind, "column `kind`, line 2: `x` is not a number");
        let nan = csv("a,b\n1,2\nNaN,3\n", &[]).unwrap_err();
        assert_eq!(nan, "column `a`, line 3: NaN is not finite");
        assert_eq!(csv("a,b\n1,2\n", &["c"]).unwrap_err(), "no column `c`; there are a, b");
        assert!(csv("a,b\n1\n", &[]).unwrap_err().contains("line: 2"));
        assert_eq!(csv("", &[]).unwrap_err(), "the file is empty");
        assert_eq!(csv("kind\nx\n", &[]).unwrap_err(), "no numeric column");
    }

    /// What `numpy.save` writes for `[[1, 2, 3], [4, 5, 6]]`, in either order.
    fn npy(fortran: bool, values: &[f32]) -> Vec<u8> {
        let order = if fortran { "True" } else { "False" };
        let mut header = format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': (2, 3), }}");
        header += &" ".repeat(127 - 10 - header.len());
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    #[test]
    fn npy_matrices_are_columns_in_either_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        let expected = [column("1", &[1., 4.]), column("2", &[2., 5.]), column("3", &[3., 6.])];
        for (fortran, values) in
            [(false, [1f32, 2., 3., 4., 5., 6.]), (true, [1., 4., 2., 5., 3., 6.])]
        {
            std::fs::write(&path, npy(fortran, &values)).unwrap();
            assert_eq!(read(&path, &[]).unwrap(), expected);
        }
    }

    #[test]
    fn safetensors_vectors_and_matrices() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let matrix = Tensor::new(&[[1f32, 2.], [3., 4.]], &Device::Cpu).unwrap();
        let vector = Tensor::new(&[5f64, 6., 7.], &Device::Cpu).unwrap();
        let tensors = std::collections::HashMap::from([("m", matrix), ("v", vector)]);
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let expected =
            [column("m[0]", &[1., 3.]), column("m[1]", &[2., 4.]), column("v", &[5., 6., 7.])];
        assert_eq!(read(&path, &[]).unwrap(), expected);
    }
}
