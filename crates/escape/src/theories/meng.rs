//! Noise that grows with the height from a floor.

use super::{Cell, Parameter, Theory};

/// Meng, Gong, Chen, Ma and Liu (2020): a power law in one plus the barrier.
///
/// # Formula
/// `ln τ = a + (b·B/η − ½)·ln(1 + sΔL)`. The noise has variance `(σ_g + σ_H (w − w*)²)/B`, so that its trace grows as
/// `1 + s·(L − L*)` with `s = 2σ_H/(Hσ_g)`, which is measured, and `b = H/σ_H`. Arrhenius' factor is
/// `exp(∫ H x dx/D) = (1 + sΔL)^{bB/η}` with `D = η(σ_g + σ_H x²)/2B`. The abstract gives a power of the barrier; the −½
/// is of the prefactor, and was not checked against the text.
///
/// With `s = 1/L*` the noise is Mori's, and so is the formula of dimension 3; at another n the two differ by a constant
/// power of L_s/L*.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meng {
    /// s, in units of 1/loss.
    pub noise_slope: f64,
}

impl Meng {
    pub(super) const NAME: &str = "Meng et al.";

    fn ln_ratio(&self, cell: &Cell) -> f64 {
        (self.noise_slope * cell.barrier).ln_1p()
    }
}

impl Theory for Meng {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Meng, Gong, Chen, Ma, Liu (2020), arXiv:2006.13719, mean escaping time of the power-law dynamic"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::free("a"), Parameter::not_negative("b")]
    }

    fn offset(&self, cell: &Cell) -> f64 {
        -0.5 * self.ln_ratio(cell) - cell.learning_rate.ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.batch_size / cell.learning_rate * self.ln_ratio(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theories::Mori;

    fn cell(learning_rate: f64, barrier: f64) -> Cell {
        let (batch_size, loss, times) = (2., 0.3, vec![]);
        Cell { learning_rate, batch_size, loss, barrier, times, check_every: 1 }
    }

    #[test]
    fn mori_in_three_dimensions_where_noise_is_in_proportion_to_the_loss() {
        for (learning_rate, barrier) in [(0.1, 0.5), (0.02, 3.)] {
            let cell = cell(learning_rate, barrier);
            let meng = Meng { noise_slope: 1. / 0.3 }.ln_mean_iterations(&cell, [1.3, 0.4]);
            let mori = Mori { effective_dimension: 3. }.ln_mean_iterations(&cell, [1.3, 0.4]);
            assert!((meng - mori).abs() < 1e-9);
            // By hand: (0.4·2/η − ½)·ln(1 + ΔL/0.3) + 1.3 − ln η.
            let power = 0.8 / learning_rate - 0.5;
            let expected = power * (1. + barrier / 0.3).ln() + 1.3 - learning_rate.ln();
            assert!((meng - expected).abs() < 1e-9);
        }
    }

    /// The exact mean exit time of dx = −Hx dt + √(η(σ_g + σ_H x²)/B) dW from (−d, d), by the scale function and the
    /// speed measure (Gardiner 2009, section 5.5.2), at two barriers. Ends are where the path is absorbed, so only the
    /// power `bB/η` is compared, which is 200: the prefactor's power of order one is 1 %.
    #[test]
    fn the_power_is_that_of_the_exact_mean_exit_time() {
        let (h, sigma_g, sigma_h, eta, batch_size): (f64, f64, f64, f64, f64) =
            (1.5, 0.4, 0.15, 0.1, 2.);
        let kappa = h * batch_size / (eta * sigma_h);
        let noise = |x: f64| eta * (sigma_g + sigma_h * x * x) / batch_size;
        let ln_scale = |x: f64| kappa * (1. + sigma_h / sigma_g * x * x).ln();
        let ln_tau = |barrier: f64| {
            let d = (2. * barrier / h).sqrt();
            let n = 20_000;
            let dx = d / f64::from(n);
            let (mut inner, mut outer) = (0., 0.);
            for i in 0..n {
                let x = (f64::from(i) + 0.5) * dx;
                inner += 2. / noise(x) * (-ln_scale(x)).exp() * dx;
                outer += ln_scale(x).exp() * inner * dx;
            }
            outer.ln()
        };
        let meng = Meng { noise_slope: 2. * sigma_h / (h * sigma_g) };
        let parameters = [0., h / sigma_h];
        let predicted = |barrier: f64| meng.ln_mean_iterations(&cell(eta, barrier), parameters);
        let exact = ln_tau(1.) - ln_tau(0.4);
        let ratio = exact / (predicted(1.) - predicted(0.4));
        assert!((ratio - 1.).abs() < 0.02, "{ratio}");
    }
}
