//! Noise in proportion to the Hessian, the same at every height.

use super::kramers::edge_power;
use super::{Cell, Parameter, Theory};

/// Xie, Sato and Sugiyama (2021): Gaussian noise of covariance H/B, constant along the path.
///
/// # Formula
/// `ln τ = a + b·B·ΔL/η`, from `τ = 2π/|H_b| · exp[(2BΔL/η)(s/H_a + (1 − s)/|H_b|)]` with the curvatures H_a at the
/// minimum and H_b at the saddle along the way out, and s in (0, 1); not checked against the text. Through an edge of the
/// loss, in a bowl of n dimensions, `ln τ = a + b·BΔL/η − (n/2)·ln(BΔL/η)`; where n is not known the form of a saddle is
/// taken for both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Xie {
    /// n, where it is known.
    pub effective_dimension: Option<f64>,
}

impl Xie {
    pub(super) const NAME: &str = "Xie et al.";
}

impl Theory for Xie {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Xie, Sato, Sugiyama (2021), arXiv:2002.03495, mean escape time of SGD"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::free("a"), Parameter::not_negative("b")]
    }

    fn offset(&self, cell: &Cell) -> f64 {
        -cell.learning_rate.ln()
            - edge_power(cell, self.effective_dimension) * self.regressor(cell).ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.batch_size * cell.barrier / cell.learning_rate
    }
}
