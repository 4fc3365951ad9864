//! White noise of one variance.

use super::{Cell, Parameter, Theory};

/// Kramers (1940): white noise of fixed variance, whatever the batch and the place.
///
/// # Formula
/// `ln τ = a + b·ΔL/η`. Gradient noise of variance σ² at every step is diffusion with `D = ησ²/2` in time ηk, and
/// Arrhenius' factor is `exp(ΔL/D)`: b = 2/σ². The batch size does not enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kramers;

impl Kramers {
    pub(super) const NAME: &str = "Kramers";
}

impl Theory for Kramers {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Kramers (1940), Physica 7, 284"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::free("a"), Parameter::not_negative("b")]
    }

    fn offset(&self, cell: &Cell) -> f64 {
        -cell.learning_rate.ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.barrier / cell.learning_rate
    }
}
