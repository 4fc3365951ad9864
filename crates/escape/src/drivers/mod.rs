//! The dynamics, one file each. All are of the form `w ← w − η (∇L(w) + ξ)`: they differ in the noise ξ of the gradient.
//!
//! As the Euler–Maruyama scheme of `dw = −∇L dt + σ dW` with a step of η, such a dynamics has `σσᵀ = η Cov ξ`: a
//! gradient noise of fixed covariance is a temperature in proportion to η.

use nalgebra::{Dyn, SymmetricEigen};

mod brownian;
mod decoupled;
mod minibatch_sgd;
mod multiplicative;
mod stable;
mod state_dependent;

pub use brownian::{Brownian, Covariance, MinibatchNoise};
pub use decoupled::Decoupled;
pub use minibatch_sgd::MinibatchSgd;
pub use multiplicative::Multiplicative;
pub use stable::StableNoise;
pub use state_dependent::StateDependent;

/// Columns r_j with Σ_j r_j r_jᵀ the matrix of these eigenvalues; those below 0 are taken for rounding.
fn columns_of_root(eigen: &SymmetricEigen<f64, Dyn>) -> Vec<Vec<f64>> {
    let column = |j: usize| {
        let root = eigen.eigenvalues[j].max(0.).sqrt();
        eigen.eigenvectors.column(j).iter().map(|v| v * root).collect()
    };
    (0..eigen.eigenvalues.len()).map(column).collect()
}

/// `w ← w − η g`.
fn descend(w: &mut [f64], gradient: &[f64], learning_rate: f64) {
    for (w, g) in w.iter_mut().zip(gradient) {
        *w -= learning_rate * g;
    }
}
