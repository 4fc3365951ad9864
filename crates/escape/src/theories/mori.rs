//! Noise in proportion to the Hessian and to the loss.

use super::edge::{growing_noise, seen_ratio};
use super::{Cell, Parameter, Theory, WayOut};

/// Mori, Ziyin, Liu and Ueda (2022): a power law in the ratio of losses.
///
/// # Formula
/// `ln τ = a + (b·B/η + 1 − n/2)·ln(L_s/L*)` with `L_s = L* + ΔL` and `b = 1/h*`, the inverse curvature along the way
/// out: one over their rate `κ = √(h* h^s)/2π · [L_s/L*]^{−(B/(ηh*) + 1 − n/2)}`. The noise has covariance `(2L(w)/B)·H`
/// near a minimum of the squared error. The effective dimension n is measured. Not defined at L* = 0.
///
/// That is the way over a saddle. Through an edge of the loss, in a bowl of n dimensions with the same noise,
/// `ln τ = a + (b·B/η + 1)·ln R − (n/2)·ln(R − 1)` with `R = L_s/L*`: the same far up, and flatter below. Discrete steps see
/// the edge further out: `R = 1 + (√(L_s/L* − 1) + 0.5826·ηh·√(L_s/(L*B)))²`, where the curvature h is known.
///
/// # Units
/// The loss of the paper is `½(f − y)²`. Ours of K outputs is 2/K times that ([`train::Loss`]): a step size η there is ηK/2
/// here. The covariance `(2L/B)·H` holds with one output only, in the units of either loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mori {
    /// n: the number of outlier eigenvalues of the Hessian at the minimum.
    pub effective_dimension: f64,
    /// h: the largest eigenvalue of the Hessian, where it is known.
    pub curvature: Option<f64>,
}

impl Mori {
    pub(super) const NAME: &str = "Mori et al.";

    /// L_s/L*, at an edge as steps see it.
    fn ratio(&self, cell: &Cell) -> f64 {
        let ratio = 1. + cell.barrier / cell.loss;
        match (cell.way_out, self.curvature) {
            (WayOut::Edge, Some(h)) => {
                seen_ratio(ratio, cell.learning_rate * h / cell.batch_size.sqrt())
            }
            _ => ratio,
        }
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
        let (ratio, n) = (self.ratio(cell), self.effective_dimension);
        let power = match cell.way_out {
            WayOut::Edge => growing_noise(ratio, n),
            WayOut::Saddle => (1. - 0.5 * n) * ratio.ln(),
        };
        power - cell.learning_rate.ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.batch_size / cell.learning_rate * self.ratio(cell).ln()
    }
}
