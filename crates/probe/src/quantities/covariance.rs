//! The covariance of noise over parameters, its eigenvalues and its leading eigenvectors.

use nalgebra::{DMatrix, DMatrixView, SymmetricEigen};
use rayon::prelude::*;
use train::Table;

use super::low_rank::LowRank;
use crate::coordinates::Coordinates;
use crate::noise_matrix::NoiseMatrix;

/// Draws of which a Gram matrix is made: the greatest rank that is seen.
pub(crate) const MOST_DRAWS: usize = 500;

/// Parameters whose share of a Gram matrix is computed at once.
const PARAMETERS_AT_ONCE: usize = 4096;

/// Eigenvalues that a table holds.
const MOST_EIGENVALUES: usize = 100;

/// Parameters whose covariances a table holds.
const MOST_COVARIANCES: usize = 200;

/// Eigenvalues below this share of the greatest are rounding, and have no eigenvectors.
const LEAST_SHARE: f64 = 1e-12;

/// The covariance `C = (1/n) Σ u uᵀ` of the watched parameters, about 0: noise is centred on the full-batch gradient.
pub struct Covariance {
    batch_size: usize,
    n_parameters: usize,
    n_draws: usize,
    matrix: Matrix,
}

enum Matrix {
    /// `C`, `[n_parameters, n_parameters]`.
    OfParameters(DMatrix<f64>),
    /// The Gram matrix `(1/n) U Uᵀ`, `[n, n]`, which has the same eigenvalues other than 0.
    OfDraws(DMatrix<f64>),
}

impl Covariance {
    /// The dense covariance, for no more parameters than such a matrix has room for.
    pub fn dense(noise: &NoiseMatrix) -> Self {
        let n_draws = noise.n_draws();
        let columns = DMatrixView::from_slice(noise.columns(), n_draws, noise.n_coordinates());
        Self {
            batch_size: noise.batch_size(),
            n_parameters: noise.n_coordinates(),
            n_draws,
            matrix: Matrix::OfParameters(columns.tr_mul(&columns) / n_draws as f64),
        }
    }

    /// For more parameters, whose noise is then [added](Self::add) block by block.
    ///
    /// The eigenvalues of `C` other than 0 are those of `(1/n) U Uᵀ`, `[n, n]`, a sum over parameters; U are the first 500
    /// draws, `[n, n_parameters]`. This is the covariance of 500 draws: no more than its greatest eigenvalues is near that of
    /// all.
    pub fn of_draws(batch_size: usize, n_parameters: usize, n_draws: usize) -> Self {
        let n_draws = n_draws.min(MOST_DRAWS);
        let matrix = Matrix::OfDraws(DMatrix::zeros(n_draws, n_draws));
        Self { batch_size, n_parameters, n_draws, matrix }
    }

    /// Adds a block of parameters.
    ///
    /// # Panics
    /// When the covariance is dense, which has all its parameters.
    pub fn add(&mut self, noise: &NoiseMatrix) {
        let Matrix::OfDraws(gram) = &mut self.matrix else {
            panic!("a dense covariance has all its parameters")
        };
        let (n_all, n_draws) = (noise.n_draws(), self.n_draws);
        let shares = noise.columns().par_chunks(n_all * PARAMETERS_AT_ONCE).map(|block| {
            let columns = DMatrixView::from_slice(block, n_all, block.len() / n_all);
            let rows = columns.rows(0, n_draws);
            rows * rows.transpose() / n_draws as f64
        });
        // In the order of the blocks: the number of threads changes nothing.
        for share in shares.collect::<Vec<_>>() {
            *gram += share;
        }
    }

    /// The `n` greatest eigenvalues with their eigenvectors, or as many as there are above 10⁻¹² of the greatest.
    ///
    /// Of a dense covariance they are complete; of the Gram matrix of draws, the noise of all parameters has to be
    /// [filled](LowRank::fill) in once more.
    pub fn leading(&self, n: usize) -> LowRank {
        let eigen = SymmetricEigen::new(self.matrix().clone());
        let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        let least = LEAST_SHARE * eigen.eigenvalues[order[0]];
        order.retain(|&idx| eigen.eigenvalues[idx] > least);
        order.truncate(n);
        let values: Vec<f64> = order.iter().map(|&idx| eigen.eigenvalues[idx]).collect();
        let vectors = eigen.eigenvectors.select_columns(&order);
        match &self.matrix {
            Matrix::OfParameters(matrix) => {
                LowRank::complete(self.batch_size, values, vectors, matrix.diagonal())
            }
            Matrix::OfDraws(_) => {
                LowRank::of_draws(self.batch_size, self.n_parameters, values, vectors)
            }
        }
    }

    /// One row per eigenvalue, the greatest 100 in falling order, each with its share of the trace. `participation` is
    /// (Σλ)²/Σλ²: so many equal eigenvalues would be as spread out.
    pub fn spectrum(&self) -> Table {
        let trace = self.matrix().trace();
        let eigenvalues = self.matrix().symmetric_eigenvalues();
        // Rounding may leave a zero below zero.
        let mut eigenvalues: Vec<f64> = eigenvalues.iter().map(|value| value.max(0.)).collect();
        eigenvalues.sort_unstable_by(|a, b| b.total_cmp(a));
        let squares: f64 = eigenvalues.iter().map(|value| value * value).sum();
        let participation = trace * trace / squares;
        eigenvalues.truncate(MOST_EIGENVALUES.min(self.n_draws));
        let rows = || eigenvalues.iter().enumerate();
        Table::new()
            .with_integers("batch_size", rows().map(|_| self.batch_size as i64))
            .with_integers("n_parameters", rows().map(|_| self.n_parameters as i64))
            .with_integers("n_draws", rows().map(|_| self.n_draws as i64))
            .with_integers("rank", rows().map(|(idx, _)| idx as i64 + 1))
            .with_reals("eigenvalue", rows().map(|(_, &value)| value))
            .with_reals("share", rows().map(|(_, &value)| value / trace))
            .with_reals("trace", rows().map(|_| trace))
            .with_reals("participation", rows().map(|_| participation))
    }

    /// One row per pair of the parameters, the second not behind the first; `None` for more than 200 parameters.
    pub fn pairs(&self, coordinates: &Coordinates) -> Option<Table> {
        let Matrix::OfParameters(matrix) = &self.matrix else { return None };
        if self.n_parameters > MOST_COVARIANCES {
            return None;
        }
        let pairs = || {
            (0..self.n_parameters).flat_map(|first| (0..=first).map(move |second| (first, second)))
        };
        let name = |idx: usize| coordinates.entries()[idx].name.as_str();
        Some(
            Table::new()
                .with_integers("batch_size", pairs().map(|_| self.batch_size as i64))
                .with_texts("parameter", pairs().map(|(first, _)| name(first)))
                .with_texts("other_parameter", pairs().map(|(_, second)| name(second)))
                .with_reals("covariance", pairs().map(|pair| matrix[pair])),
        )
    }

    fn matrix(&self) -> &DMatrix<f64> {
        match &self.matrix {
            Matrix::OfParameters(matrix) | Matrix::OfDraws(matrix) => matrix,
        }
    }
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
        let dense = Covariance::dense(&noise);
        let pairs = dense.pairs(noise.coordinates()).unwrap();
        assert_eq!(pairs.n_rows(), 70 * 71 / 2);
        // Row 2 + 1 is that of (2, 0).
        for (row, (i, j)) in [(0, (0, 0)), (3, (2, 0)), (5, (2, 2))] {
            let found = pairs.reals("covariance").unwrap()[row];
            assert!((found - mean(i, j)).abs() < 1e-14, "{i} {j}");
        }

        let dense = dense.spectrum();
        let mut by_blocks = Covariance::of_draws(8, 70, 60);
        by_blocks.add(&noise.at(&(0..41).collect::<Vec<_>>()));
        by_blocks.add(&noise.at(&(41..70).collect::<Vec<_>>()));
        let of_draws = by_blocks.spectrum();
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

    /// Those of the dense matrix against those of draws in one block and in three, up to sign; and what defines them:
    /// C v = λ v, with C by a loop.
    #[test]
    fn draws_have_the_eigenvectors_of_parameters() {
        const N: usize = 12;
        let noise = noise(70, 60);
        let dense = Covariance::dense(&noise).leading(N);
        let of_draws = |n_in_block: usize| {
            let places: Vec<usize> = (0..70).collect();
            let blocks: Vec<_> =
                places.chunks(n_in_block).map(|block| (block[0], noise.at(block))).collect();
            let mut covariance = Covariance::of_draws(8, 70, 60);
            blocks.iter().for_each(|(_, block)| covariance.add(block));
            let mut leading = covariance.leading(N);
            blocks.iter().rev().for_each(|(start, block)| leading.fill(*start, block));
            leading
        };
        let mean = |i: usize, j: usize| {
            let products = noise.column(i).iter().zip(noise.column(j)).map(|(u, v)| u * v);
            products.sum::<f64>() / 60.
        };
        for found in [of_draws(70), of_draws(27)] {
            assert_eq!(found.eigenvalues().len(), N);
            for rank in 0..N {
                let (v, expected) = (found.eigenvector(rank), dense.eigenvector(rank));
                let product: f64 = v.iter().zip(expected).map(|(v, w)| v * w).sum();
                for (v, expected) in v.iter().zip(expected) {
                    assert!((v - product.signum() * expected).abs() < 1e-9, "{rank}");
                }
                let lambda = found.eigenvalues()[rank];
                for i in 0..70 {
                    let image: f64 = (0..70).map(|j| mean(i, j) * v[j]).sum();
                    assert!((image - lambda * v[i]).abs() < 1e-12, "{rank}, {i}");
                }
            }
            for i in 0..70 {
                assert!((found.diagonal()[i] - mean(i, i)).abs() < 1e-14);
                assert!((dense.diagonal()[i] - mean(i, i)).abs() < 1e-14);
            }
        }
        // Of 60 draws no more than 60 eigenvalues differ from 0.
        assert_eq!(Covariance::dense(&noise).leading(70).eigenvalues().len(), 60);
    }
}
