//! Columns of safetensors files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::matrix::{Matrices, Matrix, Order, Scalar, scalar};
use super::{Content, Heading, text};

/// One series per vector, and one per column of a matrix, `name[column]`; other tensors are left out.
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
    // What `SafeTensors::read_metadata` does, which wants the whole file in memory.
    let metadata: Metadata = serde_json::from_slice(&header).map_err(text)?;

    let start = 8 + header_size;
    let mut tensors: Vec<_> = metadata.tensors().into_iter().collect();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (mut headings, mut matrices) = (Vec::new(), Vec::new());
    for (name, tensor) in tensors {
        if start + tensor.data_offsets.1 as u64 > n_bytes {
            return Err(format!("`{name}` is cut off"));
        }
        let (n_rows, n_columns) = match tensor.shape[..] {
            [n_rows] => (n_rows, 1),
            [n_rows, n_columns] if n_rows > 0 => (n_rows, n_columns),
            _ => continue,
        };
        let is_vector = tensor.shape.len() == 1;
        let scalar = scalar_of(tensor.dtype);
        headings.extend((0..n_columns).map(|column| Heading {
            name: if is_vector { name.clone() } else { format!("{name}[{column}]") },
            n_values: n_rows,
            not_numbers: scalar.is_none().then(|| format!("values of type {}", tensor.dtype)),
        }));
        matrices.push(Matrix {
            offset: start + tensor.data_offsets.0 as u64,
            n_rows,
            n_columns,
            order: if n_columns > 1 { Order::ByRow } else { Order::ByColumn },
            // Never read: the column is left out.
            scalar: scalar.unwrap_or(scalar!(f64, from_le_bytes)),
        });
    }
    Ok(Content { headings, source: Box::new(Matrices { file, matrices }) })
}

fn scalar_of(dtype: Dtype) -> Option<Scalar> {
    Some(match dtype {
        Dtype::F64 => scalar!(f64, from_le_bytes),
        Dtype::F32 => scalar!(f32, from_le_bytes),
        Dtype::F16 => Scalar { n_bytes: 2, decode: |b| f16::from_le_bytes([b[0], b[1]]).to_f64() },
        Dtype::BF16 => {
            Scalar { n_bytes: 2, decode: |b| bf16::from_le_bytes([b[0], b[1]]).to_f64() }
        }
        Dtype::I64 => scalar!(i64, from_le_bytes),
        Dtype::I32 => scalar!(i32, from_le_bytes),
        Dtype::U8 => scalar!(u8, from_le_bytes),
        _ => return None,
    })
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
        let apart = read(&path, &["v", "m[1]"]).unwrap().0;
        assert_eq!(apart, [expected[3].clone(), expected[4].clone()]);
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
