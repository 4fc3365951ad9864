//! Exponential in the inverse step size.

use super::{Cell, Parameter, Theory};

/// Hu, Li, Li and Liu (2017): the number of iterations is exponential in 1/η.
///
/// # Formula
/// `ln k = a + b·B/η` in iterations. The abstract gives the exponential dependence on 1/η, by the theory of large
/// deviations; B enters with the noise `√(η/B)` of the diffusion. The height of the edge does not enter: b belongs to
/// one basin. Large deviations fix b and leave the prefactor open, so that a power of η beside it, as the 1/η between
/// iterations and time, is neither predicted nor excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hu;

impl Hu {
    pub(super) const NAME: &str = "Hu et al.";
}

impl Theory for Hu {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Hu, Li, Li, Liu (2017), arXiv:1705.07562, abstract"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::free("a"), Parameter::not_negative("b")]
    }

    fn offset(&self, _cell: &Cell) -> f64 {
        0.
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.batch_size / cell.learning_rate
    }
}
