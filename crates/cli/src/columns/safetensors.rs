//! Columns of safetensors files.

use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::{RawColumn, checked, text};

/// One series per vector, and one per column of a matrix, `name[column]`; other tensors are left out.
pub(super) fn read(path: &Path) -> Result<Vec<RawColumn>, String> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu).map_err(text)?;
    let mut tensors: Vec<(String, Tensor)> = tensors.into_iter().collect();
    tensors.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut columns = Vec::new();
    for (name, tensor) in tensors {
        let tensor = tensor.to_dtype(DType::F64).map_err(text)?;
        match tensor.dims() {
            [_] => columns.push(checked(name, tensor.to_vec1().map_err(text)?, "value")),
            [_, n_columns] => {
                for column in 0..*n_columns {
                    let series =
                        tensor.narrow(1, column, 1).and_then(|series| series.flatten_all());
                    let series = series.and_then(|series| series.to_vec1()).map_err(text)?;
                    columns.push(checked(format!("{name}[{column}]"), series, "row"));
                }
            }
            _ => {}
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::read;
    use crate::columns::tests::column;

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
        assert_eq!(read(&path, &[]).unwrap().0, expected);
    }
}
