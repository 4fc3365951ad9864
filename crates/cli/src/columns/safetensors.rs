//! Columns of safetensors files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use train::data::TensorsHeader;

use super::matrix::{Matrices, Matrix, Scalar, headings};
use super::{Content, text};

/// One series per vector, and one per column of a matrix, `name[column]`.
pub(super) fn open(path: &Path) -> Result<Content, String> {
    let mut file = BufReader::new(File::open(path).map_err(text)?);
    let n_bytes = std::fs::metadata(path).map_err(text)?.len();
    let mut header_size = [0; 8];
    file.read_exact(&mut header_size).map_err(text)?;
    let header_size = u64::from_le_bytes(header_size);
    if header_size > n_bytes - 8 {
        return Err("the header is cut off".into());
    }
    let mut header = vec![0; header_size as usize];
    file.read_exact(&mut header).map_err(text)?;
    let start = 8 + header_size;
    let (mut columns, mut matrices) = (Vec::new(), Vec::new());
    for (name, tensor) in TensorsHeader::parse(&header)?.tensors {
        let (first, end) = tensor.data_offsets;
        if end as u64 > n_bytes - start {
            return Err(format!("`{name}` is cut off"));
        }
        let scalar = tensor.element().map(|element| Scalar { element, big_endian: false });
        if let Ok(Scalar { element, .. }) = scalar {
            tensor.check(element).map_err(|reason| format!("`{name}`: {reason}"))?;
        }
        // A shape of numbers that are not read is not held against anything.
        let shape = if scalar.is_ok() || tensor.shape.len() > 2 { &tensor.shape[..] } else { &[0] };
        columns.extend(headings(&name, shape, &scalar));
        matrices.push(Matrix::of(shape, start + first as u64, &scalar));
    }
    let source = Box::new(Matrices { file, matrices });
    Ok(Content { headings: columns, source, assumptions: vec![] })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use candle_core::{DType, Device, Tensor};

    use crate::columns::tests::{column, read};

    #[test]
    fn safetensors_vectors_and_matrices() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let matrix = Tensor::new(&[[1f32, 2.], [3., 4.]], &Device::Cpu).unwrap();
        let vector = Tensor::new(&[5f64, 6., 7.], &Device::Cpu).unwrap();
        let halves = |dtype| vector.to_dtype(dtype).unwrap();
        let tensors = HashMap::from([
            ("m", matrix),
            ("v", vector.clone()),
            ("h", halves(DType::F16)),
            ("b", halves(DType::BF16)),
            ("deep", vector.reshape((1, 1, 3)).unwrap()),
        ]);
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let thrice = [5., 6., 7.];
        let expected = [
            column("b", &thrice),
            column("h", &thrice),
            column("m[0]", &[1., 3.]),
            column("m[1]", &[2., 4.]),
            column("v", &thrice),
        ];
        assert_eq!(read(&path, &[]).unwrap().0, expected);
        let notes = read(&path, &[]).unwrap().1;
        assert_eq!(notes, ["left out, neither vectors nor matrices: deep"]);
        let deep = read(&path, &["deep"]).unwrap_err();
        assert_eq!(deep, "column `deep`, shape [1, 1, 3]; known are [n] and [n, columns]");
        let apart = read(&path, &["v", "m[1]"]).unwrap().0;
        assert_eq!(apart, [expected[3].clone(), expected[4].clone()]);
    }

    #[test]
    fn tensors_that_are_too_short_do_not_keep_others_from_being_fitted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
        let tensors = HashMap::from([
            ("conv.weight", zeros(&[50, 2])),
            ("fc.bias", zeros(&[49])),
            ("empty", zeros(&[0])),
            ("none", zeros(&[0, 3])),
        ]);
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let (columns, notes) = read(&path, &[]).unwrap();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["conv.weight[0]", "conv.weight[1]"]);
        assert_eq!(
            notes,
            [
                "left out, neither vectors nor matrices: none",
                "left out, with fewer than 50 samples: empty, fc.bias"
            ]
        );
        // Asked for, it is fitted, which will say what is wrong with it.
        assert_eq!(read(&path, &["fc.bias"]).unwrap().0[0].values.len(), 49);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let vector = Tensor::new(&[5f64, 6., 7.], &Device::Cpu).unwrap();
        candle_core::safetensors::save(&HashMap::from([("v", vector)]), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for (n_bytes, expected) in
            [(bytes.len() - 1, "`v` is cut off"), (20, "the header is cut off")]
        {
            std::fs::write(&path, &bytes[..n_bytes]).unwrap();
            assert_eq!(read(&path, &[]).unwrap_err(), expected);
        }
    }
}
