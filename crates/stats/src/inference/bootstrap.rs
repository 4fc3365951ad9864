//! An interval from the scatter of alpha under the fitted law.

use rand::Rng;

use super::replicates::replicates;
use super::{AlphaInterval, check_level};
use crate::stable::table::ALPHA_MIN;
use crate::{FitStatus, Location, StatsError, fit_symmetric_stable};

/// The interval of alpha between percentiles of the parametric bootstrap.
///
/// # Formula
///
/// `n_replicates` series are drawn from the fitted law and fitted again. The
/// ends are the order statistics of `α̂*` with ranks `⌊(R + 1)(1 − level)/2⌋` and
/// `⌈(R + 1)(1 + level)/2⌉`; Efron and Tibshirani (1993), chapter 13. Being
/// order statistics they are the same for `α` and for `ln(2 − α)`, and the atom
/// at 2 is kept: where enough replicates are fitted as exactly 2, so is the
/// upper end. If `alpha` itself is fitted as 2, the interval is one-sided, from
/// rank `⌊(R + 1)(1 − level)⌋` to 2.
///
/// # When to use it
///
/// Where α̂ is far from 2 it agrees with
/// [`profile_interval`](crate::profile_interval), at a hundred times its cost.
/// Near 2 it is too narrow: a replicate knows only the fitted law, and if that
/// is the Gaussian nearly all replicates are fitted as 2, although laws with
/// alpha a little below produce the same. Take the profile there; the simulated
/// coverage of both is in [the documentation of the tests](crate#sizes).
///
/// Replicate `r` draws from `rng_of(r)`; the result does not depend on the
/// number of threads. Costs one fit a replicate. The ends are NaN for constant
/// and zero-inflated series.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite, a `level` outside (0, 1), no replicate.
pub fn bootstrap_interval<R: Rng>(
    samples: &[f64],
    location: Location,
    level: f64,
    n_replicates: usize,
    rng_of: impl Fn(u64) -> R + Sync,
) -> Result<AlphaInterval, StatsError> {
    check_level(level)?;
    let fit = fit_symmetric_stable(samples, location)?;
    if fit.status.is_degenerate() {
        return Ok(AlphaInterval::undefined(level));
    }
    let mut alphas = replicates(&fit.law, samples.len(), n_replicates, rng_of, |draws| {
        Ok(fit_symmetric_stable(draws, location)?.law.alpha())
    })?;
    alphas.sort_unstable_by(f64::total_cmp);
    let of_rank = |rank: f64| alphas[(rank as usize).clamp(1, n_replicates) - 1];
    let one_sided = fit.status == FitStatus::Boundary;
    let outside = if one_sided { 1.0 - level } else { 0.5 * (1.0 - level) };
    let ranks = (n_replicates + 1) as f64;
    let low = of_rank((ranks * outside).floor());
    let high = if one_sided { 2.0 } else { of_rank((ranks * (1.0 - outside)).ceil()) };
    Ok(AlphaInterval { low, high, level, one_sided, open_below: low == ALPHA_MIN })
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::{SymmetricStable, profile_interval};

    fn draws(alpha: f64, n_samples: usize, seed: u64) -> Vec<f64> {
        let law = SymmetricStable::new(alpha, 1e-3, 0.0).unwrap();
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    fn interval(samples: &[f64], n_replicates: usize) -> AlphaInterval {
        let rng_of = |replicate| ChaCha8Rng::seed_from_u64(1000 + replicate);
        bootstrap_interval(samples, Location::Free, 0.95, n_replicates, rng_of).unwrap()
    }

    /// The ends of 499 replicates have a standard error of about 6 % of the
    /// width.
    #[test]
    fn far_from_two_it_is_the_profile() {
        let samples = draws(1.4, 500, 1);
        let bootstrap = interval(&samples, 499);
        let profile = profile_interval(&samples, Location::Free, 0.95).unwrap();
        let width = profile.high - profile.low;
        assert!((bootstrap.low - profile.low).abs() < 0.2 * width, "{bootstrap:?}, {profile:?}");
        assert!((bootstrap.high - profile.high).abs() < 0.2 * width);
        assert!(!bootstrap.one_sided);
    }

    /// The ranks, by hand: of 79 replicates the second at either end.
    #[test]
    fn ends_are_order_statistics() {
        let samples = draws(1.9, 100, 2);
        let fit = fit_symmetric_stable(&samples, Location::Free).unwrap();
        let mut alphas: Vec<f64> = (0..79)
            .map(|r| {
                let rng = ChaCha8Rng::seed_from_u64(1000 + r);
                let draws: Vec<f64> = fit.law.sample_iter(rng).take(100).collect();
                fit_symmetric_stable(&draws, Location::Free).unwrap().law.alpha()
            })
            .collect();
        alphas.sort_by(f64::total_cmp);
        let interval = interval(&samples, 79);
        assert_eq!((interval.low, interval.high), (alphas[1], alphas[77]));
    }

    #[test]
    fn one_sided_at_two() {
        let interval = interval(&draws(2.0, 200, 4), 99);
        assert!(interval.one_sided);
        assert_eq!(interval.high, 2.0);
        assert!((1.85..2.0).contains(&interval.low), "{}", interval.low);
    }

    #[test]
    fn degenerate_series_and_errors() {
        assert!(interval(&[3.0; 60], 9).low.is_nan());
        let samples = draws(1.5, 60, 5);
        let rng_of = ChaCha8Rng::seed_from_u64;
        assert!(bootstrap_interval(&samples, Location::Free, 0.0, 9, rng_of).is_err());
        assert!(bootstrap_interval(&samples, Location::Free, 0.9, 0, rng_of).is_err());
        assert!(bootstrap_interval(&samples[1..12], Location::Free, 0.9, 9, rng_of).is_err());
    }
}
