//! The covariance of noise over parameters, by its eigenvalues.

use nalgebra::{DMatrix, DMatrixView};
use rayon::prelude::*;
use train::Table;

use crate::noise_matrix::NoiseMatrix;

/// Up to so many parameters the covariance is the dense one; of more, draws are compared in place of parameters.
const MOST_DENSE: usize = 1000;

/// Draws that are compared where there are more parameters than [`MOST_DENSE`]: the greatest rank that is seen.
const GREATEST_RANK: usize = 500;

/// Parameters whose share of a Gram matrix is computed at once.
const PARAMETERS_AT_ONCE: usize = 4096;

/// Eigenvalues that a table holds.
const MOST_ROWS: usize = 100;

/// The covariance `C = (1/n) Σ u uᵀ` of the watched parameters, about 0: noise is centred on the full-batch gradient.
///
/// For many parameters its eigenvalues other than 0 are those of the Gram matrix `(1/n) U Uᵀ` of the draws, `[n, n]`, a sum
/// over parameters, so that they can come block by block.
pub struct Spectrum {
    batch_size: usize,
    n_parameters: usize,
    /// Σ over all parameters of their variance: the trace over all draws.
    trace: f64,
    n_draws: usize,
    gram: DMatrix<f64>,
    is_dense: bool,
}

impl Spectrum {
    /// Of `n_parameters` in all, whose noise is to come block by block.
    pub fn new(batch_size: usize, n_parameters: usize, n_draws: usize) -> Self {
        let is_dense = n_parameters <= MOST_DENSE;
        let (n_draws, size) = match is_dense {
            true => (n_draws, n_parameters),
            false => (n_draws.min(GREATEST_RANK), n_draws.min(GREATEST_RANK)),
        };
        let gram = DMatrix::zeros(size, size);
        Self { batch_size, n_parameters, trace: 0., n_draws, gram, is_dense }
    }

    /// Adds a block of parameters; where the covariance is dense, the only one.
    pub fn add(&mut self, noise: &NoiseMatrix) {
        let n_all = noise.n_draws();
        let squares = noise.columns().iter().map(|u| u * u).sum::<f64>();
        self.trace += squares / n_all as f64;
        if self.is_dense {
            let columns = DMatrixView::from_slice(noise.columns(), n_all, noise.n_coordinates());
            self.gram = columns.tr_mul(&columns) / n_all as f64;
            return;
        }
        let shares = noise.columns().par_chunks(n_all * PARAMETERS_AT_ONCE).map(|block| {
            let columns = DMatrixView::from_slice(block, n_all, block.len() / n_all);
            let rows = columns.rows(0, self.n_draws);
            rows * rows.transpose() / self.n_draws as f64
        });
        // In the order of the blocks: the number of threads changes nothing.
        for share in shares.collect::<Vec<_>>() {
            self.gram += share;
        }
    }

    /// The dense covariance, `[n_parameters, n_parameters]`; `None` for more than 1000 parameters.
    pub fn covariance(&self) -> Option<&DMatrix<f64>> {
        self.is_dense.then_some(&self.gram)
    }

    /// One row per eigenvalue, the greatest 100 in falling order, with its share of the trace. `n_draws` of them went in;
    /// `participation` is (Σλ)²/Σλ², the number of equal eigenvalues that would be as spread out.
    pub fn table(&self) -> Table {
        let mut eigenvalues: Vec<f64> = self.gram.symmetric_eigenvalues().iter().copied().collect();
        eigenvalues.sort_unstable_by(|a, b| b.total_cmp(a));
        let sum: f64 = eigenvalues.iter().sum();
        let participation = sum * sum / eigenvalues.iter().map(|value| value * value).sum::<f64>();
        eigenvalues.truncate(MOST_ROWS.min(self.n_draws));
        let rows = || eigenvalues.iter().enumerate();
        Table::new()
            .with_integers("batch_size", rows().map(|_| self.batch_size as i64))
            .with_integers("n_parameters", rows().map(|_| self.n_parameters as i64))
            .with_integers("n_draws", rows().map(|_| self.n_draws as i64))
            .with_integers("rank", rows().map(|(idx, _)| idx as i64 + 1))
            // Rounding may leave a zero below zero.
            .with_reals("eigenvalue", rows().map(|(_, &value)| value.max(0.)))
            .with_reals("share", rows().map(|(_, &value)| value.max(0.) / sum))
            .with_reals("trace", rows().map(|_| self.trace))
            .with_reals("participation", rows().map(|_| participation))
    }
}
