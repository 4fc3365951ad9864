//! What a pass leaves for the pass back.

use super::aligned::{Aligned, padded, row_step};
use super::perceptron::Layer;

/// The matrices of all layers for up to so many samples.
///
/// A gradient is needed in two ways: row by row for the update, and transposed for the layer before. Padding behind the
/// outputs is 0 in the rows of gradients and stays so; what stands behind the samples of a smaller minibatch is never
/// part of a sum.
pub struct Workspace {
    /// How many samples there is room for.
    pub capacity: usize,
    /// From row to row of a transposed gradient.
    pub sample_step: usize,
    /// The inputs of every layer `[B, in]` with a 1 behind each row, and the outputs of the last one.
    pub inputs: Vec<Matrix>,
    /// The gradients with respect to the sums of every layer, `[B, out]`.
    pub gradients: Vec<Matrix>,
    /// The same, `[out, B]`, with rows of 0 up to a multiple of eight.
    pub transposed: Vec<Aligned>,
}

/// A matrix with padded rows.
pub struct Matrix {
    pub numbers: Aligned,
    pub step: usize,
}

impl Matrix {
    fn zeros(n_rows: usize, n_columns: usize) -> Self {
        let step = row_step(n_columns);
        Self { numbers: Aligned::zeros(n_rows * step), step }
    }

    /// The first numbers of a row.
    pub fn row(&self, row: usize, n: usize) -> &[f32] {
        &self.numbers[row * self.step..][..n]
    }

    /// The first numbers of a row, to be changed.
    pub fn row_mut(&mut self, row: usize, n: usize) -> &mut [f32] {
        &mut self.numbers[row * self.step..][..n]
    }
}

impl Workspace {
    /// Room for minibatches of up to `n_samples`.
    pub fn new(layers: &[Layer], n_samples: usize) -> Self {
        let capacity = padded(n_samples);
        let sample_step = row_step(capacity);
        let n_outputs = layers.last().map(|layer| layer.n_out);
        let widths = layers.iter().map(|layer| layer.n_in).chain(n_outputs);
        let of_outputs = |layer: &Layer| Matrix::zeros(capacity, layer.n_out);
        let mut inputs: Vec<_> =
            widths.clone().map(|width| Matrix::zeros(capacity, width + 1)).collect();
        for (inputs, width) in inputs.iter_mut().zip(widths) {
            (0..capacity).for_each(|sample| inputs.row_mut(sample, width + 1)[width] = 1.);
        }
        Self {
            capacity,
            sample_step,
            inputs,
            gradients: layers.iter().map(of_outputs).collect(),
            transposed: layers
                .iter()
                .map(|layer| Aligned::zeros(padded(layer.n_out) * sample_step))
                .collect(),
        }
    }
}
