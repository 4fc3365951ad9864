//! Noise that grows with the height from a floor.

use super::edge::{growing_noise, seen_ratio};
use super::{Cell, Parameter, Theory, WayOut};

/// Meng, Gong, Chen, Ma and Liu (2020): a power law in one plus the barrier.
///
/// # Formula
/// `ln τ = a + (b·B/η + ½)·ln(1 + sΔL)` over a saddle. The noise has variance `(σ_g + σ_H (w − w*)²)/B`, so that its trace
/// grows as `1 + s·(L − L*)` with `s = 2σ_H/(Hσ_g)`, which is measured or known of the driver, and `b = H/σ_H`. Arrhenius'
/// factor is `exp(∫ H x dx/D) = (1 + sΔL)^{bB/η}` with `D = η(σ_g + σ_H x²)/2B`.
///
/// The paper has −½ in place of ½: it follows from `∂p = ∇(p∇L) + (η/2)∇(C∇p)`, the calculus of Hänggi and Klimontovich.
/// The noise of SGD depends on where a step begins, which is Itô's: its stationary law is smaller by one more power of C, and
/// ln τ greater by one more of `ln(1 + sΔL)`.
///
/// Through an edge of the loss, in a bowl of n dimensions,
/// `ln τ = a + (b·B/η + 1)·ln R − (n/2)·ln(R − 1)` with `R = 1 + sΔL`; where n is not known the form of a saddle is taken
/// for both. Where σ_H is known, too, R is that of the edge as discrete steps see it, `√(R − 1)` being greater by
/// `0.5826·η·√(σ_H R/B)`.
///
/// With `s = 1/L*` the noise is [Mori's](super::Mori): over a saddle the formula is his of dimension 1, through an edge that
/// of the same dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meng {
    /// s, in units of 1/loss.
    pub noise_slope: f64,
    /// σ_H, where it is known.
    pub noise_growth: Option<f64>,
    /// n, where it is known.
    pub effective_dimension: Option<f64>,
}

impl Meng {
    pub(super) const NAME: &str = "Meng et al.";

    /// 1 + sΔL, at an edge as steps see it.
    fn ratio(&self, cell: &Cell) -> f64 {
        let ratio = 1. + self.noise_slope * cell.barrier;
        match (cell.way_out, self.noise_growth) {
            (WayOut::Edge, Some(growth)) => {
                seen_ratio(ratio, cell.learning_rate * (growth / cell.batch_size).sqrt())
            }
            _ => ratio,
        }
    }
}

impl Theory for Meng {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Meng, Gong, Chen, Ma, Liu (2020), arXiv:2006.13719, mean escaping time of the power-law dynamic, in Itô's calculus"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::free("a"), Parameter::not_negative("b")]
    }

    fn offset(&self, cell: &Cell) -> f64 {
        let ratio = self.ratio(cell);
        let power = match (cell.way_out, self.effective_dimension) {
            (WayOut::Edge, Some(n)) => growing_noise(ratio, n),
            _ => 0.5 * ratio.ln(),
        };
        power - cell.learning_rate.ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        cell.batch_size / cell.learning_rate * self.ratio(cell).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theories::Mori;
    use crate::theories::edge::tests::exact_ln_time;

    fn cell(learning_rate: f64, barrier: f64, way_out: WayOut) -> Cell {
        let (batch_size, loss, times) = (2., 0.3, vec![]);
        Cell { learning_rate, batch_size, loss, barrier, way_out, times, check_every: 1 }
    }

    #[test]
    fn mori_where_noise_is_in_proportion_to_the_loss() {
        // σ_H = (h/2)·2L*h/L* = h².
        let meng =
            |n| Meng { noise_slope: 1. / 0.3, noise_growth: Some(2.25), effective_dimension: n };
        let mori = |n| Mori { effective_dimension: n, curvature: Some(1.5) };
        for (learning_rate, barrier) in [(0.1, 0.5), (0.02, 3.)] {
            let there = cell(learning_rate, barrier, WayOut::Saddle);
            let ours = meng(None).ln_mean_iterations(&there, [1.3, 0.4]);
            assert!((ours - mori(1.).ln_mean_iterations(&there, [1.3, 0.4])).abs() < 1e-9);
            // By hand: (0.4·2/η + ½)·ln(1 + ΔL/0.3) + 1.3 − ln η.
            let power = 0.8 / learning_rate + 0.5;
            let expected = power * (1. + barrier / 0.3).ln() + 1.3 - learning_rate.ln();
            assert!((ours - expected).abs() < 1e-9);
            let there = cell(learning_rate, barrier, WayOut::Edge);
            let ours = meng(Some(4.)).ln_mean_iterations(&there, [1.3, 0.4]);
            assert!((ours - mori(4.).ln_mean_iterations(&there, [1.3, 0.4])).abs() < 1e-9);
        }
    }

    /// The mean time of `dx = −U' dt + √(2D) dW`, Itô, from −1 to beyond the saddle at 0 of `U = ΔL(1 − x²)²`, where
    /// `D = (1 + sU)/(κs)`: `∫ e^{ψ(y)} ∫ e^{−ψ(z)}/D(z) dz dy` with `ψ = κ ln(1 + sU)` (Gardiner 2009, section 5.5.2), by
    /// the rule of midpoints. Curvatures are in proportion to ΔL, and the time to one over them: what is left is a power
    /// of `1 + sΔL`, 10.5 for κ = 10, and 9.5 in the calculus in which `D ∇p` stands for `∇(Dp)`.
    #[test]
    fn the_power_over_a_saddle_is_that_of_the_exact_mean_exit_time() {
        let (kappa, s, n_steps) = (10., 1. / 0.3, 40_000);
        let power = |ito: f64| {
            let ln_time = |barrier: f64| {
                let step = 2.2 / f64::from(n_steps);
                let ln_ratio = |x: f64| (s * barrier * (1. - x * x).powi(2)).ln_1p();
                let (mut inner, mut outer) = (0., 0.);
                for i in 0..n_steps {
                    let x = -1.8 + (f64::from(i) + 0.5) * step;
                    // In Itô's calculus the speed measure has one more 1/D.
                    let speed = kappa * s * (-(kappa + ito) * ln_ratio(x)).exp() * step;
                    let scale = ((kappa - 1. + ito) * ln_ratio(x)).exp() * step;
                    outer += if x > -1. { scale * (inner + 0.5 * speed) } else { 0. };
                    inner += speed;
                }
                (outer * barrier).ln()
            };
            (ln_time(16.) - ln_time(4.)) / ((1. + 16. * s) / (1. + 4. * s)).ln()
        };
        // b = h/σ_H and κ = bB/η.
        let meng = Meng { noise_slope: s, noise_growth: None, effective_dimension: None };
        let predicted = |barrier: f64| {
            meng.ln_mean_iterations(&cell(0.1, barrier, WayOut::Saddle), [0., kappa * 0.1 / 2.])
        };
        let ours = (predicted(16.) - predicted(4.)) / ((1. + 16. * s) / (1. + 4. * s)).ln();
        assert!((ours - 10.5).abs() < 1e-9);
        assert!((power(1.) - ours).abs() < 0.01, "{}", power(1.));
        assert!((power(0.) - 9.5).abs() < 0.01, "{}", power(0.));
    }

    /// A setting as a sweep has it, of one and of four dimensions, with and without what steps add.
    #[test]
    fn the_power_through_an_edge_is_that_of_the_exact_mean_exit_time() {
        let (kappa, s) = (10., 1. / 0.3);
        for n in [1., 4.] {
            let meng = Meng { noise_slope: s, noise_growth: None, effective_dimension: Some(n) };
            let predicted = |barrier: f64| {
                meng.ln_mean_iterations(&cell(0.1, barrier, WayOut::Edge), [0., kappa * 0.1 / 2.])
            };
            let exact = |barrier: f64| exact_ln_time(n, kappa, 1. + s * barrier);
            let error = predicted(2.) - predicted(1.) - (exact(2.) - exact(1.));
            assert!(error.abs() < 0.1, "{n}: {error}");
        }
        let seen = Meng { noise_slope: s, noise_growth: Some(0.4), effective_dimension: None };
        // √(R − 1) = 1 and √R = √2 at ΔL = 0.3, and a step of 0.1·√(0.4/2).
        let root = 1. + 0.582_597_157_939 * 0.1 * (0.2f64 * 2.).sqrt();
        assert!((seen.ratio(&cell(0.1, 0.3, WayOut::Edge)) - 1. - root * root).abs() < 1e-12);
        assert_eq!(seen.ratio(&cell(0.1, 0.3, WayOut::Saddle)), 2.);
    }
}
