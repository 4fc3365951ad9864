//! The covariance of many parameters by its leading eigenvectors and its diagonal.

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use crate::noise_matrix::NoiseMatrix;

/// Leading eigenvalues and eigenvectors of the covariance `C = (1/n) Σ u uᵀ` of the watched parameters about 0, and its
/// diagonal: what is needed for `C ≈ V Λ Vᵀ + diag(d − diag(V Λ Vᵀ))`.
///
/// For more than 1000 parameters all of it is of the first 500 draws.
pub struct LowRank {
    batch_size: usize,
    eigenvalues: Vec<f64>,
    /// One eigenvector after the other.
    eigenvectors: Vec<f64>,
    diagonal: Vec<f64>,
    /// `w/√(nλ)` for each eigenvector w of the Gram matrix, `[n, n_eigenvectors]`: what [`fill`](Self::fill) multiplies with.
    of_draws: DMatrix<f64>,
}

impl LowRank {
    /// From `vectors`, `[n_parameters, n_eigenvectors]`.
    pub(super) fn complete(
        batch_size: usize,
        eigenvalues: Vec<f64>,
        vectors: DMatrix<f64>,
        diagonal: DVector<f64>,
    ) -> Self {
        Self {
            batch_size,
            eigenvalues,
            eigenvectors: vectors.data.into(),
            diagonal: diagonal.data.into(),
            of_draws: DMatrix::zeros(0, 0),
        }
    }

    /// From eigenvectors of the Gram matrix `(1/n) U Uᵀ`, `[n, n_eigenvectors]`: if w is one of them with the eigenvalue λ,
    /// then `v = Uᵀ w/√(nλ)` is one of C with the same.
    pub(super) fn of_draws(
        batch_size: usize,
        n_parameters: usize,
        eigenvalues: Vec<f64>,
        mut vectors: DMatrix<f64>,
    ) -> Self {
        let n_draws = vectors.nrows() as f64;
        for (mut vector, lambda) in vectors.column_iter_mut().zip(&eigenvalues) {
            vector /= (n_draws * lambda).sqrt();
        }
        Self {
            batch_size,
            eigenvectors: vec![0.; eigenvalues.len() * n_parameters],
            eigenvalues,
            diagonal: vec![0.; n_parameters],
            of_draws: vectors,
        }
    }

    /// Computes the entries at a block of parameters that begins at place `start`, from the draws that the Gram matrix was
    /// made of.
    pub fn fill(&mut self, start: usize, noise: &NoiseMatrix) {
        let (weights, n_parameters) = (&self.of_draws, self.diagonal.len());
        let entries = |place: usize| {
            let draws = &noise.column(place)[..weights.nrows()];
            let product = |weights: &[f64]| weights.iter().zip(draws).map(|(w, u)| w * u).sum();
            let of_vectors = weights.as_slice().chunks_exact(draws.len()).map(product);
            let square = draws.iter().map(|u| u * u).sum::<f64>() / draws.len() as f64;
            (of_vectors.collect::<Vec<f64>>(), square)
        };
        let block: Vec<_> = (0..noise.n_coordinates()).into_par_iter().map(entries).collect();
        for (place, (entries, square)) in (start..).zip(block) {
            self.diagonal[place] = square;
            for (rank, entry) in entries.into_iter().enumerate() {
                self.eigenvectors[rank * n_parameters + place] = entry;
            }
        }
    }

    /// Minibatch size B.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// In falling order.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// All eigenvectors, `[n_eigenvectors, n_parameters]` in row-major order, each of length 1 and of either sign.
    pub fn eigenvectors(&self) -> &[f64] {
        &self.eigenvectors
    }

    /// The eigenvector of one eigenvalue, `[n_parameters]`.
    pub fn eigenvector(&self, rank: usize) -> &[f64] {
        &self.eigenvectors[rank * self.diagonal.len()..][..self.diagonal.len()]
    }

    /// The variances, `[n_parameters]`.
    pub fn diagonal(&self) -> &[f64] {
        &self.diagonal
    }
}
