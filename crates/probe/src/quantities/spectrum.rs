//! The covariance of noise over parameters, and its eigenvalues.

use nalgebra::{DMatrix, DMatrixView};
use rayon::prelude::*;
use train::Table;

use crate::noise_matrix::NoiseMatrix;

/// Draws of which a Gram matrix is made: the greatest rank that is seen.
const MOST_DRAWS: usize = 500;

/// Parameters whose share of a Gram matrix is computed at once.
const PARAMETERS_AT_ONCE: usize = 4096;

/// Eigenvalues that a table holds.
const MOST_EIGENVALUES: usize = 100;

/// Parameters whose covariances a table holds.
const MOST_COVARIANCES: usize = 200;

/// The covariance `C = (1/n) Σ u uᵀ` of the watched parameters, about 0: noise is centred on the full-batch gradient.
pub struct Spectrum {
    batch_size: usize,
    n_parameters: usize,
    n_draws: usize,
    /// The sum of all variances.
    trace: f64,
    /// `C`, or a Gram matrix with the same eigenvalues.
    matrix: DMatrix<f64>,
}

impl Spectrum {
    /// Of the dense covariance, `[n_parameters, n_parameters]`.
    pub fn dense(noise: &NoiseMatrix) -> Self {
        let matrix = covariance(noise);
        Self {
            batch_size: noise.batch_size(),
            n_parameters: noise.n_coordinates(),
            n_draws: noise.n_draws(),
            trace: matrix.trace(),
            matrix,
        }
    }

    /// For more parameters than a dense matrix has room for, whose noise is then [added](Self::add) block by block.
    ///
    /// The eigenvalues of `C` other than 0 are those of `(1/n) U Uᵀ`, `[n, n]`, a sum over parameters; U are the first 500
    /// draws, `[n, n_parameters]`. This is the covariance of 500 draws: no more than its greatest eigenvalues is near that of
    /// all.
    pub fn of_draws(batch_size: usize, n_parameters: usize, n_draws: usize) -> Self {
        let n_draws = n_draws.min(MOST_DRAWS);
        let matrix = DMatrix::zeros(n_draws, n_draws);
        Self { batch_size, n_parameters, n_draws, trace: 0., matrix }
    }

    /// Adds a block of parameters.
    pub fn add(&mut self, noise: &NoiseMatrix) {
        let n_all = noise.n_draws();
        let shares = noise.columns().par_chunks(n_all * PARAMETERS_AT_ONCE).map(|block| {
            let columns = DMatrixView::from_slice(block, n_all, block.len() / n_all);
            let rows = columns.rows(0, self.n_draws);
            rows * rows.transpose() / self.n_draws as f64
        });
        // In the order of the blocks: the number of threads changes nothing.
        for share in shares.collect::<Vec<_>>() {
            self.matrix += share;
        }
        self.trace = self.matrix.trace();
    }

    /// One row per eigenvalue, the greatest 100 in falling order, each with its share of the trace. `participation` is
    /// (Σλ)²/Σλ²: so many equal eigenvalues would be as spread out.
    pub fn table(&self) -> Table {
        let eigenvalues = self.matrix.symmetric_eigenvalues();
        // Rounding may leave a zero below zero.
        let mut eigenvalues: Vec<f64> = eigenvalues.iter().map(|value| value.max(0.)).collect();
        eigenvalues.sort_unstable_by(|a, b| b.total_cmp(a));
        let squares: f64 = eigenvalues.iter().map(|value| value * value).sum();
        let participation = self.trace * self.trace / squares;
        eigenvalues.truncate(MOST_EIGENVALUES.min(self.n_draws));
        let rows = || eigenvalues.iter().enumerate();
        Table::new()
            .with_integers("batch_size", rows().map(|_| self.batch_size as i64))
            .with_integers("n_parameters", rows().map(|_| self.n_parameters as i64))
            .with_integers("n_draws", rows().map(|_| self.n_draws as i64))
            .with_integers("rank", rows().map(|(idx, _)| idx as i64 + 1))
            .with_reals("eigenvalue", rows().map(|(_, &value)| value))
            .with_reals("share", rows().map(|(_, &value)| value / self.trace))
            .with_reals("trace", rows().map(|_| self.trace))
            .with_reals("participation", rows().map(|_| participation))
    }
}

fn covariance(noise: &NoiseMatrix) -> DMatrix<f64> {
    let n_draws = noise.n_draws();
    let columns = DMatrixView::from_slice(noise.columns(), n_draws, noise.n_coordinates());
    columns.tr_mul(&columns) / n_draws as f64
}

/// One row per pair of parameters, the second not behind the first; `None` for more than 200 parameters.
pub fn covariances(noise: &NoiseMatrix) -> Option<Table> {
    let entries = noise.coordinates().entries();
    if entries.len() > MOST_COVARIANCES {
        return None;
    }
    let matrix = covariance(noise);
    let pairs =
        || (0..entries.len()).flat_map(|first| (0..=first).map(move |second| (first, second)));
    let name = |idx: usize| entries[idx].name.as_str();
    Some(
        Table::new()
            .with_integers("batch_size", pairs().map(|_| noise.batch_size() as i64))
            .with_texts("parameter", pairs().map(|(first, _)| name(first)))
            .with_texts("other_parameter", pairs().map(|(_, second)| name(second)))
            .with_reals("covariance", pairs().map(|pair| matrix[pair])),
    )
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use train::Streams;

    use super::*;
    use crate::Method;
    use crate::coordinates::tests::anonymous;
    use crate::minibatches::Sampling;

    /// Draws with a few strong common directions.
    fn noise(n_parameters: usize, n_draws: usize) -> NoiseMatrix {
        let mut rng = Streams::new(1).rng(0);
        let common: Vec<f64> = (0..n_draws).map(|_| rng.random::<f64>() - 0.5).collect();
        let columns = (0..n_parameters).flat_map(|parameter| {
            let strength = 1. + (parameter % 3) as f64;
            common.iter().map(move |c| strength * c).collect::<Vec<_>>()
        });
        let columns = columns.collect::<Vec<_>>();
        let columns = columns.into_iter().map(|c| c + 0.1 * (rng.random::<f64>() - 0.5)).collect();
        let way = (Method::Minibatch, None, Sampling::WithoutReplacement);
        NoiseMatrix::from_columns(way, 8, n_draws, anonymous(n_parameters), columns)
    }

    /// The dense covariance against loops, and its eigenvalues against those of the draws: two ways to one spectrum.
    #[test]
    fn draws_have_the_spectrum_of_parameters() {
        let noise = noise(70, 60);
        let mean = |i: usize, j: usize| {
            let products = noise.column(i).iter().zip(noise.column(j)).map(|(u, v)| u * v);
            products.sum::<f64>() / 60.
        };
        let pairs = covariances(&noise).unwrap();
        assert_eq!(pairs.n_rows(), 70 * 71 / 2);
        // Row 2 + 1 is that of (2, 0).
        for (row, (i, j)) in [(0, (0, 0)), (3, (2, 0)), (5, (2, 2))] {
            let found = pairs.reals("covariance").unwrap()[row];
            assert!((found - mean(i, j)).abs() < 1e-14, "{i} {j}");
        }

        let dense = Spectrum::dense(&noise).table();
        let mut by_blocks = Spectrum::of_draws(8, 70, 60);
        by_blocks.add(&noise.at(&(0..41).collect::<Vec<_>>()));
        by_blocks.add(&noise.at(&(41..70).collect::<Vec<_>>()));
        let of_draws = by_blocks.table();
        let trace: f64 = (0..70).map(|i| mean(i, i)).sum();
        for name in ["eigenvalue", "share", "trace", "participation"] {
            let (dense, of_draws) = (dense.reals(name).unwrap(), of_draws.reals(name).unwrap());
            assert_eq!(of_draws.len(), 60);
            for (dense, of_draws) in dense.iter().zip(of_draws) {
                assert!((dense - of_draws).abs() < 1e-11 * trace, "{name}: {dense} {of_draws}");
            }
        }
        assert!((dense.reals("trace").unwrap()[0] - trace).abs() < 1e-12 * trace);
        let shares = dense.reals("share").unwrap();
        assert!(shares[0] > 0.9 && shares[1] < 0.01, "{shares:?}");
        assert!((shares.iter().sum::<f64>() - 1.).abs() < 1e-12);
    }
}
