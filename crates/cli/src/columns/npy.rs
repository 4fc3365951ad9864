//! Columns of NumPy's `.npy` files.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;

use npyz::NpyHeader;

use super::matrix::{Matrices, Matrix, Order, Scalar, scalar};
use super::{Content, Heading, text};

/// One series from a vector, one per column from a matrix `[n_samples, n_series]`.
pub(super) fn open(path: &Path) -> Result<Content, String> {
    let mut file = BufReader::new(File::open(path).map_err(text)?);
    let header = NpyHeader::from_reader(&mut file).map_err(|e| format!("not a .npy file: {e}"))?;
    let offset = file.stream_position().map_err(text)?;
    let scalar = scalar_named(header.dtype().descr().trim_matches(['\'', '"']))?;
    let shape = header.shape();
    let (n_rows, n_columns) = match *shape {
        [n_rows] => (n_rows, 1),
        [n_rows, n_columns] if n_rows > 0 => (n_rows, n_columns),
        _ => return Err(format!("shape {shape:?}; known are [n] and [n, columns]")),
    };
    let n_bytes = std::fs::metadata(path).map_err(text)?.len();
    let n_values = n_rows.checked_mul(n_columns);
    let end = n_values
        .and_then(|n| n.checked_mul(scalar.n_bytes as u64))
        .and_then(|n| n.checked_add(offset));
    if end.is_none_or(|end| end > n_bytes) {
        return Err(format!("shape {shape:?} does not fit into {n_bytes} bytes"));
    }
    let (n_rows, n_columns) = (n_rows as usize, n_columns as usize);
    let order = match header.order() {
        npyz::Order::C if n_columns > 1 => Order::ByRow,
        _ => Order::ByColumn,
    };
    let heading = |column: usize| Heading {
        name: (column + 1).to_string(),
        n_values: n_rows,
        not_numbers: None,
    };
    let matrices = vec![Matrix { offset, n_rows, n_columns, order, scalar }];
    Ok(Content {
        headings: (0..n_columns).map(heading).collect(),
        source: Box::new(Matrices { file, matrices }),
    })
}

fn scalar_named(dtype: &str) -> Result<Scalar, String> {
    Ok(match dtype {
        "<f8" => scalar!(f64, from_le_bytes),
        ">f8" => scalar!(f64, from_be_bytes),
        "<f4" => scalar!(f32, from_le_bytes),
        ">f4" => scalar!(f32, from_be_bytes),
        "<i4" => scalar!(i32, from_le_bytes),
        ">i4" => scalar!(i32, from_be_bytes),
        "<i8" => scalar!(i64, from_le_bytes),
        ">i8" => scalar!(i64, from_be_bytes),
        other => return Err(format!("values of type {other}; known are f4, f8, i4 and i8")),
    })
}

#[cfg(test)]
mod tests {
    use crate::columns::tests::{column, read};

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
            let apart = read(&path, &["1", "3"]).unwrap().0;
            assert_eq!(apart, [expected[0].clone(), expected[2].clone()]);
        }
    }

    #[test]
    fn a_shape_that_the_file_cannot_hold_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        std::fs::write(&path, npy(false, &[1., 2., 3., 4., 5.])).unwrap();
        let message = read(&path, &[]).unwrap_err();
        assert_eq!(message, "shape [2, 3] does not fit into 148 bytes");
        let mut bytes = npy(false, &[]);
        let at = bytes.windows(6).position(|window| window == b"(2, 3)").unwrap();
        bytes.splice(at..at + 6, *b"(9999999999999999999,)");
        let excess = "(9999999999999999999,)".len() - 6;
        bytes.drain(127 - excess..127);
        std::fs::write(&path, bytes).unwrap();
        let message = read(&path, &[]).unwrap_err();
        assert!(message.contains("does not fit into"), "{message}");
        std::fs::write(&path, "no such file").unwrap();
        assert!(read(&path, &[]).unwrap_err().starts_with("not a .npy file"));
    }
}
