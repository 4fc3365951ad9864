//! The likelihood of every alpha, and the interval it leads to.

use std::cell::Cell;

use statrs::distribution::ContinuousCDF;

use super::{AlphaInterval, check_level};
use crate::fits::ascent::{Free, Point, Samples, maximise};
use crate::fits::{fit_gaussian_to, fit_symmetric_stable_to, least_shape};
use crate::stable::table::{ALPHA_MIN, ALPHA_SPLIT};
use crate::standardise::Standardised;
use crate::{Fit, FitStatus, Gaussian, Location, StatsError, SymmetricStable};

/// Where the search for the ends of an interval begins if `alpha` is fitted as
/// 2: `ln(2 − α)` so small that the law is the Gaussian to the last digit.
pub(super) const LN_DISTANCE_OF_GAUSSIAN: f64 = -36.0;

/// Accuracy of an end, in `ln(2 − α)`.
const TOLERANCE: f64 = 1e-7;

/// The interval of those alpha that the likelihood-ratio test does not reject.
///
/// # Formula
///
/// `{α : 2(ℓ(α̂) − ℓ(α)) ≤ c}` where `ℓ(α) = max_{γ, δ} ℓ(α, γ, δ)` and `c` is the
/// quantile of χ² with one degree of freedom at `level`, 3.84 at 95 %; its ends
/// are sought in `ln(2 − α)`. The upper end is 2 where even the Gaussian is not
/// rejected. If `alpha` is fitted as 2 or as 0.1, the interval has one end
/// inside the range and keeps the same `c`. The lower end of the range is higher
/// than 0.1 where a share p of the samples are equal: the likelihood has no
/// maximum up to `α = p/(1 − p)`.
///
/// # How good is the coverage near 2?
///
/// At α = 2 the law of the ratio is not χ² but smaller (95 % point .87 at
/// N = 1000, see [`LikelihoodRatioNull`](crate::LikelihoodRatioNull)), so that
/// the interval covers 2 more often than it promises: it may contain 2 where
/// the test of α = 2 rejects, and the test is then the sharper one. A Wald
/// interval would be invalid there. Simulated coverage of the 95 % interval is
/// in [the documentation of the tests](crate#sizes).
///
/// Costs about 2.5 ms at N = 1000. The ends are NaN for constant and zero-inflated
/// series.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite, a `level` outside (0, 1).
pub fn profile_interval(
    samples: &[f64],
    location: Location,
    level: f64,
) -> Result<AlphaInterval, StatsError> {
    check_level(level)?;
    let profile = Profile::new(samples, location)?;
    let Some(greatest) = profile.greatest() else {
        return Ok(AlphaInterval::undefined(level));
    };
    let standard = Gaussian::new(0.0, 1.0)?;
    let limit = standard.inverse_cdf(0.5 + 0.5 * level).powi(2);
    let excess = |ln_distance: f64| {
        2.0 * (greatest - profile.ln_likelihood(2.0 - ln_distance.exp())) - limit
    };

    let one_sided = profile.fit.status == FitStatus::Boundary;
    let start =
        if one_sided { LN_DISTANCE_OF_GAUSSIAN } else { (2.0 - profile.fit.law.alpha()).ln() };
    let least = profile.least_alpha();
    let low = 2.0 - crossing(&excess, start, (2.0 - least).ln()).exp();
    let open_below = profile.fit.status == FitStatus::LowerBound || low < least + 1e-9;
    let gaussian_is_inside = 2.0 * (greatest - profile.gaussian.ln_likelihood) <= limit;
    let high = if gaussian_is_inside {
        2.0
    } else {
        2.0 - crossing(&excess, start, LN_DISTANCE_OF_GAUSSIAN).exp()
    };
    Ok(AlphaInterval { low: low.max(least), high, level, one_sided, open_below })
}

/// The greatest log likelihood at each of `alphas`, over scale and location.
///
/// The curve to be drawn: at `alpha = 2` it is the log likelihood of the
/// Gaussian, and its maximum is the one of
/// [`fit_symmetric_stable`](crate::fit_symmetric_stable). NaN for an alpha
/// outside of the range of the fit, [0.1, 2] or less where values are equal, and for constant and zero-inflated series. Costs about
/// 0.2 ms an alpha at N = 1000.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite.
pub fn profile_likelihood(
    samples: &[f64],
    location: Location,
    alphas: &[f64],
) -> Result<Vec<f64>, StatsError> {
    let profile = Profile::new(samples, location)?;
    let range = profile.least_alpha()..=2.0;
    let is_defined = |alpha| profile.greatest().is_some() && range.contains(&alpha);
    let at = |&alpha| if is_defined(alpha) { profile.ln_likelihood(alpha) } else { f64::NAN };
    Ok(alphas.iter().map(at).collect())
}

/// A series with its fits, ready for a fit at any alpha.
pub(super) struct Profile {
    series: Standardised,
    gaussian: Fit<Gaussian>,
    fit: Fit<SymmetricStable>,
    delta_is_free: bool,
    /// Scale and location of the last alpha: a search goes by small steps.
    last: Cell<Point>,
}

impl Profile {
    pub fn new(samples: &[f64], location: Location) -> Result<Self, StatsError> {
        location.check()?;
        let series = Standardised::new(samples)?;
        let gaussian = fit_gaussian_to(&series, location);
        let fit = fit_symmetric_stable_to(&series, location, &gaussian);
        let last = Cell::new(Point {
            alpha: fit.law.alpha(),
            gamma: fit.law.gamma() / series.scale,
            delta: series.z_of(fit.law.delta()),
        });
        Ok(Self { series, gaussian, fit, delta_is_free: location == Location::Free, last })
    }

    /// The stability index of the fit.
    pub fn alpha(&self) -> f64 {
        self.fit.law.alpha()
    }

    /// The end of the range of α: 0.1, or higher where equal values make the likelihood grow without bound.
    fn least_alpha(&self) -> f64 {
        least_shape(ALPHA_MIN, self.series.tie_share)
    }

    /// The log likelihood of the fit, if there is one.
    pub fn greatest(&self) -> Option<f64> {
        match self.fit.status {
            status if status.is_degenerate() => None,
            _ => Some(self.fit.ln_likelihood),
        }
    }

    /// `ℓ(α)` for alpha in [0.1, 2].
    pub fn ln_likelihood(&self, alpha: f64) -> f64 {
        if alpha == 2.0 {
            return self.gaussian.ln_likelihood;
        }
        let samples = Samples::all(&self.series.sorted);
        let free = Free { alpha: false, delta: self.delta_is_free, alpha_min: ALPHA_MIN };
        let n_samples = self.series.z.len() as f64;
        let mut start = Point { alpha, ..self.last.get() };
        if alpha < ALPHA_SPLIT {
            // The peak is so narrow that a step of δ would leave none to γ.
            start = maximise(samples, start, Free { delta: false, ..free }).point;
        }
        let maximum = maximise(samples, start, free);
        self.last.set(maximum.point);
        maximum.ln_likelihood - n_samples * self.series.scale.ln()
    }
}

/// Where `f` becomes positive between `start`, where it is negative, and
/// `limit`; `limit` if it does not.
///
/// Steps of growing length find the place, regula falsi in its Illinois form
/// narrows it; Dowell and Jarratt (1971), doi:10.1007/BF01934364.
fn crossing(f: &impl Fn(f64) -> f64, start: f64, limit: f64) -> f64 {
    let (mut negative, mut below) = (start, f(start));
    let mut length = 0.2;
    let (mut positive, mut above) = loop {
        let next = if limit > start {
            (negative + length).min(limit)
        } else {
            (negative - length).max(limit)
        };
        let value = f(next);
        if value > 0.0 {
            break (next, value);
        } else if next == limit {
            return limit;
        }
        (negative, below) = (next, value);
        length *= 1.6;
    };
    let mut last_was_positive = None;
    while (positive - negative).abs() > TOLERANCE {
        let next = (negative * above - positive * below) / (above - below);
        let value = f(next);
        if value.abs() < 1e-6 {
            return next;
        } else if value > 0.0 {
            (positive, above) = (next, value);
            if last_was_positive == Some(true) {
                below *= 0.5;
            }
        } else {
            (negative, below) = (next, value);
            if last_was_positive == Some(false) {
                above *= 0.5;
            }
        }
        last_was_positive = Some(value > 0.0);
    }
    0.5 * (negative + positive)
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use statrs::distribution::Continuous;

    use super::*;

    fn draws(alpha: f64, n_samples: usize, seed: u64) -> Vec<f64> {
        let law = SymmetricStable::new(alpha, 1e-3, 5e-3).unwrap();
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    /// A search of the exact likelihood on a grid that is refined twelve times.
    fn slow_profile(samples: &[f64], alpha: f64, delta_is_free: bool) -> f64 {
        let (mut ln_gamma, mut delta, mut width) = (1e-3f64.ln(), 5e-3, 0.5);
        let mut greatest = f64::NEG_INFINITY;
        for _ in 0..12 {
            let centre = (ln_gamma, delta);
            for i in -3..=3 {
                for j in if delta_is_free { -3..=3 } else { 0..=0 } {
                    let candidate =
                        (centre.0 + width * f64::from(i), centre.1 + 1e-3 * width * f64::from(j));
                    let law = SymmetricStable::new(alpha, candidate.0.exp(), candidate.1).unwrap();
                    let value: f64 = samples.iter().map(|&x| law.ln_pdf(x)).sum();
                    if value > greatest {
                        (greatest, (ln_gamma, delta)) = (value, candidate);
                    }
                }
            }
            width *= 0.5;
        }
        greatest
    }

    /// A fifth of the samples equal: up to α = 1/4 the likelihood has no maximum.
    #[test]
    fn equal_values_raise_the_lower_end() {
        let mut samples = draws(0.3, 200, 3);
        samples.extend([5e-3; 50]);
        let interval = profile_interval(&samples, Location::Free, 0.95).unwrap();
        assert!(interval.open_below && interval.low >= 0.25, "{interval:?}");
        let curve = profile_likelihood(&samples, Location::Free, &[0.2, 0.5]).unwrap();
        assert!(curve[0].is_nan() && curve[1].is_finite(), "{curve:?}");
    }

    #[test]
    fn agrees_with_a_grid_search() {
        let samples = draws(1.6, 60, 1);
        for location in [Location::Free, Location::Fixed(5e-3)] {
            let alphas = [0.7, 1.2, 1.9];
            let profile = profile_likelihood(&samples, location, &alphas).unwrap();
            for (alpha, value) in alphas.into_iter().zip(profile) {
                let expected = slow_profile(&samples, alpha, location == Location::Free);
                assert!((value - expected).abs() < 1e-4, "{alpha}: {value}, {expected}");
            }
        }
    }

    /// Its maximum is the fit, its end the Gaussian, and it falls by 1.92 at
    /// the ends of the interval.
    #[test]
    fn meets_the_fits_and_the_interval() {
        for (seed, alpha) in [0.6, 1.0, 1.5, 1.8].into_iter().enumerate() {
            let samples = draws(alpha, 500, 10 + seed as u64);
            let fit = crate::fit_symmetric_stable(&samples, Location::Free).unwrap();
            let gaussian = crate::fit_gaussian(&samples, Location::Free).unwrap();
            let interval = profile_interval(&samples, Location::Free, 0.95).unwrap();
            let alphas = [fit.law.alpha(), 2.0, interval.low, interval.high, 0.05, 2.1];
            let profile = profile_likelihood(&samples, Location::Free, &alphas).unwrap();
            assert!((profile[0] - fit.ln_likelihood).abs() < 1e-6);
            assert_eq!(profile[1], gaussian.ln_likelihood);
            if interval.low > 0.5 {
                assert!((fit.ln_likelihood - profile[2] - 1.920_729).abs() < 1e-5);
            }
            assert!((fit.ln_likelihood - profile[3] - 1.920_729).abs() < 1e-5);
            assert!(profile[4].is_nan() && profile[5].is_nan());
            assert!(interval.low < fit.law.alpha() && fit.law.alpha() < interval.high);
            assert!(!interval.one_sided);
        }
    }

    /// The Wald interval is ±1.96 standard errors; at N = 2000 and α = 1.4, far
    /// from 2, both agree. The Cramér–Rao bound there is 1.42/√N.
    #[test]
    fn far_from_two_it_is_the_interval_of_wald() {
        let samples = draws(1.4, 2000, 3);
        let interval = profile_interval(&samples, Location::Free, 0.95).unwrap();
        let half = 0.5 * (interval.high - interval.low);
        assert!((half / (1.96 * 1.42 / 2000f64.sqrt()) - 1.0).abs() < 0.1, "{half}");
    }

    #[test]
    fn one_sided_at_two() {
        let samples = draws(2.0, 1000, 4);
        let interval = profile_interval(&samples, Location::Free, 0.95).unwrap();
        assert!(interval.one_sided);
        assert_eq!(interval.high, 2.0);
        assert!((1.9..2.0).contains(&interval.low), "{}", interval.low);
        let wider = profile_interval(&samples, Location::Free, 0.99).unwrap();
        assert!(wider.low < interval.low);
        // Light tails: alpha can only be very near 2.
        let uniform: Vec<f64> = (0..1000).map(f64::from).collect();
        let narrow = profile_interval(&uniform, Location::Free, 0.95).unwrap();
        assert!(narrow.one_sided && (interval.low..2.0).contains(&narrow.low));
    }

    #[test]
    fn degenerate_series_and_errors() {
        let interval = profile_interval(&[1.0; 60], Location::Free, 0.9).unwrap();
        assert!(interval.low.is_nan() && interval.high.is_nan());
        assert!(profile_likelihood(&[1.0; 60], Location::Free, &[1.5]).unwrap()[0].is_nan());
        let samples = draws(1.5, 60, 5);
        let error = profile_interval(&samples, Location::Free, 1.0).unwrap_err();
        assert_eq!(error.to_string(), "level = 1 is outside (0, 1)");
        assert!(profile_interval(&samples[..49], Location::Free, 0.9).is_err());
        assert!(profile_likelihood(&samples, Location::Fixed(f64::NAN), &[]).is_err());
    }
}
