//! Columns of NumPy's `.npy` files.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::{RawColumn, checked, text};

/// One series from a vector, one per column from a matrix `[n_samples, n_series]`.
pub(super) fn read(path: &Path) -> Result<Vec<RawColumn>, String> {
    let file = BufReader::new(File::open(path).map_err(text)?);
    let npy = npyz::NpyFile::new(file).map_err(text)?;
    let n_bytes = std::fs::metadata(path).map_err(text)?.len();
    let n_values = npy.shape().iter().try_fold(1u64, |product, &size| product.checked_mul(size));
    if n_values.is_none_or(|n_values| n_values > n_bytes) {
        return Err(format!("shape {:?} does not fit into {n_bytes} bytes", npy.shape()));
    }
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
    let column = |column: usize| {
        let values = (0..n_rows).map(|row| at(row, column)).collect();
        checked((column + 1).to_string(), values, "row")
    };
    Ok((0..n_columns).map(column).collect())
}

fn widened<T: Into<f64>>(values: Vec<T>) -> Vec<f64> {
    values.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use crate::columns::read;
    use crate::columns::tests::column;

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
            assert_eq!(read(&path, &[]).unwrap().0, expected);
        }
    }

    #[test]
    fn a_shape_that_the_file_cannot_hold_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        let text = String::from_utf8_lossy(&npy(false, &[])).into_owned();
        assert!(text.contains("(2, 3)"));
        let mut bytes = npy(false, &[]);
        let at = bytes.windows(6).position(|window| window == b"(2, 3)").unwrap();
        bytes.splice(at..at + 6, *b"(9999999999999999999,)");
        let excess = "(9999999999999999999,)".len() - 6;
        bytes.drain(127 - excess..127);
        std::fs::write(&path, bytes).unwrap();
        let message = read(&path, &[]).unwrap_err().to_string();
        assert!(message.contains("does not fit into"), "{message}");
    }
}
