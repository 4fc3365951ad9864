//! Some columns of a matrix.

use candle_core::{Result, Tensor};

/// The columns of `[N, M]` at `positions`, `[N, K]`.
///
/// # Errors
/// When there is no such column.
pub fn columns(matrix: &Tensor, positions: &[usize]) -> Result<Tensor> {
    let positions: Vec<u32> = positions.iter().map(|&position| position as u32).collect();
    let positions = Tensor::new(positions, matrix.device())?;
    matrix.index_select(&positions, 1)
}
