//! The laws: Gaussian and symmetric stable, and their rivals.

mod fast_stable;
pub(crate) mod gamma_half_step;
mod gaussian;
mod gaussian_mixture;
mod generalised_gaussian;
mod laplace;
mod stability_index;
mod student_t;
mod symmetric_stable;
mod upper_quantile;

pub(crate) use fast_stable::FastStable;
pub use gaussian::Gaussian;
pub use gaussian_mixture::GaussianMixture;
pub use generalised_gaussian::GeneralisedGaussian;
pub use laplace::Laplace;
pub use stability_index::StabilityIndex;
pub use student_t::StudentT;
pub(crate) use student_t::ln_one_plus;
pub use symmetric_stable::SymmetricStable;

use crate::StatsError;

/// `location` if it is finite.
fn finite_location(value: f64) -> Result<f64, StatsError> {
    if value.is_finite() { Ok(value) } else { Err(StatsError::Location { value }) }
}

/// `value` if it is positive and finite.
fn positive_scale(name: &'static str, value: f64) -> Result<f64, StatsError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(StatsError::Scale { name, value })
    }
}

/// `√N` times the Kolmogorov–Smirnov distance of 200,000 draws from their law,
/// at every 500th of them. It exceeds 2.2 once in 8000 samples, so that with
/// fixed seeds a greater value is a defect.
#[cfg(test)]
fn kolmogorov_statistic<L>(law: L, rng: impl rand::Rng) -> f64
where
    L: Copy + rand::distr::Distribution<f64> + statrs::distribution::ContinuousCDF<f64, f64>,
{
    const N_DRAWS: usize = 200_000;
    let mut draws: Vec<f64> = law.sample_iter(rng).take(N_DRAWS).collect();
    draws.sort_unstable_by(f64::total_cmp);
    let distance = (0..N_DRAWS)
        .step_by(500)
        .map(|i| (law.cdf(draws[i]) - (i as f64 + 0.5) / N_DRAWS as f64).abs())
        .fold(0.0, f64::max);
    distance * (N_DRAWS as f64).sqrt()
}
