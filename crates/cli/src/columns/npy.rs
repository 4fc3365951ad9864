//! Columns of NumPy's `.npy` and `.npz` files.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use train::data::{NpyHeader, npz_members};

use super::matrix::{Matrices, Matrix, Order, Scalar, headings};
use super::{Content, Heading, text};

/// More than any header of numbers takes.
const LONGEST_HEADER: u64 = 1 << 20;

/// One series from a vector, one per column from a matrix `[n_samples, n_series]`.
pub(super) fn open(path: &Path) -> Result<Content, String> {
    let mut file = BufReader::new(File::open(path).map_err(text)?);
    let mut beginning = Vec::new();
    file.by_ref().take(LONGEST_HEADER).read_to_end(&mut beginning).map_err(text)?;
    let n_bytes = std::fs::metadata(path).map_err(text)?.len();
    let (shape, matrix) = matrix(&beginning, 0, n_bytes)?;
    if !matches!(*shape, [_] | [_, _]) || shape.len() == 2 && shape[0] == 0 {
        return Err(format!("shape {shape:?}; known are [n] and [n, columns]"));
    }
    let heading = |column: usize| Heading {
        name: (column + 1).to_string(),
        n_values: matrix.n_rows,
        left_out: None,
    };
    Ok(Content {
        headings: (0..matrix.n_columns).map(heading).collect(),
        source: Box::new(Matrices { file, matrices: vec![matrix] }),
        assumptions: vec![],
    })
}

/// One series per vector, and one per column of a matrix, `name[column]`, of all arrays. The archive is unpacked in memory.
pub(super) fn open_archive(path: &Path) -> Result<Content, String> {
    let members = npz_members(&std::fs::read(path).map_err(text)?)?;
    let (mut columns, mut matrices, mut unpacked) = (Vec::new(), Vec::new(), Vec::new());
    for (name, member) in members {
        let offset = unpacked.len() as u64;
        match matrix(&member, offset, member.len() as u64) {
            Ok((shape, matrix)) => {
                columns.extend(headings(&name, &shape, &Ok(matrix.scalar)));
                matrices.push(matrix);
                unpacked.extend(member);
            }
            // Texts and records; a series without values stands for it.
            Err(reason) => {
                columns.extend(headings(&name, &[0], &Err(reason.clone())));
                matrices.push(Matrix::of(&[0], 0, &Err(reason)));
            }
        }
    }
    let source = Box::new(Matrices { file: Cursor::new(unpacked), matrices });
    Ok(Content { headings: columns, source, assumptions: vec![] })
}

/// The array of a file that begins so, `n_bytes` long and at `offset` in what will be read.
fn matrix(beginning: &[u8], offset: u64, n_bytes: u64) -> Result<(Vec<usize>, Matrix), String> {
    let (header, start) = NpyHeader::read(beginning)?;
    let NpyHeader { element, big_endian, fortran_order, shape } = header;
    let n_values = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size as u64));
    let end = n_values
        .and_then(|n| n.checked_mul(element.size() as u64))
        .and_then(|n| n.checked_add(start as u64));
    if end.is_none_or(|end| end > n_bytes) {
        return Err(format!("shape {shape:?} does not fit into {n_bytes} bytes"));
    }
    let scalar = Ok(Scalar { element, big_endian });
    let mut matrix = Matrix::of(&shape, offset + start as u64, &scalar);
    if fortran_order {
        matrix.order = Order::ByColumn;
    }
    Ok((shape, matrix))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::columns::tests::{column, read};

    /// What `numpy.save` writes for `[[1, 2, 3], [4, 5, 6]]`, in either order.
    fn npy(fortran: bool, values: &[f32]) -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let order = if fortran { "True" } else { "False" };
        with_header(
            format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': (2, 3), }}"),
            &bytes,
        )
    }

    fn file(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        with_header(
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"),
            bytes,
        )
    }

    fn with_header(mut header: String, data: &[u8]) -> Vec<u8> {
        header += &" ".repeat(127 - 10 - header.len());
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
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

    /// What `numpy.save` writes of other types: half precision, bytes, and what Python 2 wrote.
    #[test]
    fn all_types_of_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npy");
        let of = |descr: &str, shape: &str, bytes: &[u8]| {
            std::fs::write(&path, file(descr, shape, bytes)).unwrap();
            read(&path, &[]).map(|(columns, _)| columns)
        };
        let halves = [[0, 0x3c], [0, 0xc0]].concat();
        assert_eq!(of("<f2", "(2,)", &halves).unwrap(), [column("1", &[1., -2.])]);
        assert_eq!(of("|b1", "(2,)", &[1, 0]).unwrap(), [column("1", &[1., 0.])]);
        assert_eq!(of("|i1", "(2,)", &[1, 255]).unwrap(), [column("1", &[1., -1.])]);
        assert_eq!(of(">u2", "(1L, 2L)", &[1, 0, 0, 1]).unwrap().len(), 2);
        assert_eq!(
            of("<u8", "(1,)", &[255; 8]).unwrap(),
            [column("1", &[1.844_674_407_370_955_2e19])]
        );
        let long = of("<f16", "(1,)", &[0; 16]).unwrap_err();
        assert_eq!(long, "header: values of type `<f16`; known are numbers");
    }

    #[test]
    fn arrays_of_an_archive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.npz");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, file) in [
            ("w", file("<f2", "(2, 2)", &[0, 0x3c, 0, 0xc0, 0, 0, 0, 0x38])),
            ("step", file("<i4", "()", &[7, 0, 0, 0])),
            ("names", file("<U1", "(1,)", &[65, 0, 0, 0])),
            ("b", file("|u1", "(3,)", &[4, 5, 6])),
        ] {
            archive
                .start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default())
                .unwrap();
            archive.write_all(&file).unwrap();
        }
        archive.finish().unwrap();
        let (columns, notes) = read(&path, &[]).unwrap();
        let expected =
            [column("w[0]", &[1., 0.]), column("w[1]", &[-2., 0.5]), column("b", &[4., 5., 6.])];
        assert_eq!(columns, expected);
        assert_eq!(
            notes,
            [
                "left out, since they are not numbers: names",
                "left out, neither vectors nor matrices: step"
            ]
        );
        assert_eq!(read(&path, &["b"]).unwrap().0, expected[2..]);
    }
}
