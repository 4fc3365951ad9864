//! Jumps of one stable noise.

use super::{Cell, Parameter, Theory};

/// Battash, Wolf and Lindenbaum (2023), Corollary 4.2, for one stability index α.
///
/// # Formula
/// `ln τ = a + (α − 1)·ln(B/η) + (α/2)·ln ΔL` with a and α in [0, 2] free.
///
/// *The paper's*: `E[τ] ∝ 1/(β_S ε^{α(1−ρ)} Φ)` (eq. 16), with the intensity of jumps `β_S ∝ ε^{ρα}` (eq. 12) and
/// `ε = η^{(α−1)/α}`. The powers of ρ cancel: `ln τ = a − (α − 1) ln η`. Also `Φ = (−d⁻)^{−α} + (d⁺)^{−α}` with the
/// distances d to the edge.
///
/// *Ours*: a quadratic basin has `d = √(2ΔL/H)` to both sides, hence `1/Φ ∝ ΔL^{α/2}`. The mean of B stable variables
/// has `B^{1/α−1}` times the scale of one, and the rate of jumps beyond d is in proportion to the scale to the power
/// α: a factor `B^{α−1}` of τ. The paper's B is in the covariance (eq. 2), which a stable law has not.
///
/// In iterations all of it is `k ∝ (d/(η B^{1/α−1}))^α`: one step of size η times the noise must cross d.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BattashIntensity;

impl BattashIntensity {
    pub(super) const NAME: &str = "Battash et al., intensity";
}

impl Theory for BattashIntensity {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn source(&self) -> &'static str {
        "Battash, Wolf, Lindenbaum (2023), arXiv:2303.02749, Corollary 4.2; batch size and barrier derived from it"
    }

    fn parameters(&self) -> [Parameter; 2] {
        [Parameter::free("a"), Parameter { name: "alpha", low: 0., high: 2. }]
    }

    fn offset(&self, cell: &Cell) -> f64 {
        // −ln η − ln(B/η).
        -cell.batch_size.ln()
    }

    fn regressor(&self, cell: &Cell) -> f64 {
        (cell.batch_size / cell.learning_rate).ln() + 0.5 * cell.barrier.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theories::WayOut;
    use rand::{Rng, RngExt};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    const ALPHA: f64 = 1.5;

    /// Chambers, Mallows and Stuck (1976).
    fn stable(rng: &mut impl Rng) -> f64 {
        let v = std::f64::consts::PI * (rng.random::<f64>() - 0.5);
        let w = -(1. - rng.random::<f64>()).ln();
        (ALPHA * v).sin() / v.cos().powf(1. / ALPHA)
            * (((1. - ALPHA) * v).cos() / w).powf((1. - ALPHA) / ALPHA)
    }

    /// The mean number of iterations of x ← x − η(x − mean of B stable variables) to leave ½x² < ΔL.
    fn simulated_ln_mean(cell: &Cell) -> f64 {
        let (n_trials, edge) = (800, (2. * cell.barrier).sqrt());
        let mut n_iterations = 0;
        for seed in 0..n_trials {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut x: f64 = 0.;
            while x.abs() < edge {
                let sum: f64 = (0..cell.batch_size as u64).map(|_| stable(&mut rng)).sum();
                x -= cell.learning_rate * (x - sum / cell.batch_size);
                n_iterations += 1;
            }
        }
        (f64::from(n_iterations) / n_trials as f64).ln()
    }

    /// Standard error of a difference 5 %. One setting is changed at a time. Where variances were averaged, the mean
    /// of 4 would be smaller by 4^{1/2} and not 4^{1/3}: ln 4 · 0.25 = 0.35 more.
    #[test]
    fn the_powers_of_all_three_are_those_of_a_simulation() {
        let cell = |learning_rate, batch_size, barrier| Cell {
            learning_rate,
            batch_size,
            loss: 0.,
            barrier,
            way_out: WayOut::Edge,
            times: vec![],
            check_every: 1,
        };
        let theory = |cell: &Cell| BattashIntensity.ln_mean_iterations(cell, [0., ALPHA]);
        let base = cell(0.1, 1., 3.);
        let simulated_base = simulated_ln_mean(&base);
        for to in [cell(0.05, 1., 3.), cell(0.1, 4., 3.), cell(0.1, 1., 9.)] {
            let simulated = simulated_ln_mean(&to) - simulated_base;
            let predicted = theory(&to) - theory(&base);
            assert!((simulated - predicted).abs() < 0.15, "{to:?} {simulated} {predicted}");
        }
    }
}
