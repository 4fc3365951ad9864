//! Noise in proportion to the Hessian and to the loss.

use super::{Cell, Parameter, Theory};

/// Mori, Ziyin, Liu and Ueda (2022): a power law in the ratio of losses.
///
/// # Formula
/// `ln τ = a + (b·B/η + 1 − n/2)·ln(L_s/L*)` with `L_s = L* + ΔL` and `b = 1/h*`, the inverse curvature along the way
/// out: one over their rate `κ = √(h* h^s)/2π · [L_s/L*]^{−(B/(ηh*) + 1 − n/2)}`. The noise has covariance `(2L(w)/B)·H`
/// near a minimum of the squared error. The effective dimension n is measured. Not defined at L* = 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mori {
    /// n: the number of outlier eigenvalues of the Hessian at the minimum.
    pub effective_dimension: f64,
}

impl Mori {
    pub(super) const NAME: &str = "Mori et al.";

    fn ln_ratio(cell: &Cell) -> f64 {
        (cell.barrier / cell.loss).ln_1p()
    }
}

impl Theory for Mori {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Mori, Ziyin, Liu, Ueda (2022), arXiv:2105.09557, escape rate of the main result"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::free("a"), Parameter::not_negative("1/h*")]
    }

    fn offset(&self, cell: &Cell) -> f64 {
        (1. - self.effective_dimension / 2.) * Self::ln_ratio(cell) - cell.learning_rate.ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.batch_size / cell.learning_rate * Self::ln_ratio(cell)
    }
}
