//! White noise of one variance.

use super::{Cell, Parameter, Theory, WayOut};

/// Kramers (1940): white noise of fixed variance, whatever the batch and the place.
///
/// # Formula
/// `ln τ = a + b·ΔL/η`. Gradient noise of variance σ² at every step is diffusion with `D = ησ²/2` in time ηk, and
/// Arrhenius' factor is `exp(ΔL/D)`: b = 2/σ². The batch size does not enter. So over a saddle; through an edge of the loss,
/// in a bowl of n dimensions, `ln τ = a + b·ΔL/η − (n/2)·ln(ΔL/η)`. Where n is not known the form of a saddle is taken for
/// both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kramers {
    /// n, where it is known.
    pub effective_dimension: Option<f64>,
}

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
            - edge_power(cell, self.effective_dimension) * self.regressor(cell).ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.barrier / cell.learning_rate
    }
}

/// The power of ΔL/D in the prefactor, `n/2` at an edge.
pub(super) fn edge_power(cell: &Cell, effective_dimension: Option<f64>) -> f64 {
    match cell.way_out {
        WayOut::Edge => 0.5 * effective_dimension.unwrap_or(0.),
        WayOut::Saddle => 0.,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exact mean time from the middle of `½‖x‖²` in n dimensions with diffusion D to `½‖x‖² = ΔL`:
    /// `(1/D) ∫ r^{1−n} e^{r²/2D} ∫ q^{n−1} e^{−q²/2D} dq dr`, by the rule of midpoints, at ΔL/D = 20 and 40.
    #[test]
    fn the_prefactor_at_an_edge_is_that_of_the_exact_time() {
        let (d, n_steps) = (0.1, 40_000);
        for n in [1., 2., 5.] {
            let exact = |barrier: f64| {
                let step = f64::sqrt(2. * barrier) / f64::from(n_steps);
                let (mut inner, mut outer) = (0., 0.);
                for i in 0..n_steps {
                    let r = (f64::from(i) + 0.5) * step;
                    let ln_density = (n - 1.) * r.ln() - r * r / (2. * d);
                    inner += 0.5 * ln_density.exp() * step;
                    outer += (-ln_density).exp() * inner * step / d;
                    inner += 0.5 * ln_density.exp() * step;
                }
                outer.ln()
            };
            // η = 0.1 and σ² = 2: D = ησ²/2 = 0.1, b = 1.
            let predicted = |barrier, way_out| {
                let (batch_size, loss, times) = (1., 0., vec![]);
                let cell = Cell {
                    learning_rate: d,
                    batch_size,
                    loss,
                    barrier,
                    way_out,
                    times,
                    check_every: 1,
                };
                Kramers { effective_dimension: Some(n) }.ln_mean_iterations(&cell, [0., 1.])
            };
            let rise = exact(4.) - exact(2.);
            let error = |way_out| (predicted(4., way_out) - predicted(2., way_out) - rise).abs();
            assert!(error(WayOut::Edge) < 0.08, "{n}: {}", error(WayOut::Edge));
            assert!(error(WayOut::Saddle) > 0.3, "{n}: {}", error(WayOut::Saddle));
        }
    }
}
