//! Do several series have one alpha?
//!
//! A mean of m independent stable variables is stable with the same α. The noise
//! of minibatches of B and of mB samples then differs in scale alone, whereas a
//! finite variance takes α̂ to 2 as B grows.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::profile::{LN_DISTANCE_OF_GAUSSIAN, Profile};
use crate::{Location, StatsError};

/// Accuracy of the search in `ln(2 − α)`, times √N: a small share of the standard
/// error, at which the ratio is off by less than .001.
const TOLERANCE: f64 = 0.03;

/// Whether the stability index is the same in several series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommonAlpha {
    /// The series that a stable law could be fitted to.
    pub n_series: usize,
    /// The maximum-likelihood estimate of the one alpha; NaN without a series.
    pub alpha: f64,
    /// The likelihood ratio; NaN for fewer than two series.
    pub likelihood_ratio: f64,
    /// Its p-value; NaN for fewer than two series.
    pub p_value: f64,
}

/// Tests whether independent series have one alpha, each with a scale and, unless
/// it is fixed, a location of its own.
///
/// # Formula
///
/// `2 [Σ_k ℓ_k(α̂_k) − max_α Σ_k ℓ_k(α)]`, where `ℓ_k(α) = max_{γ, δ} ln L_k(α, γ, δ)`
/// is the profile likelihood of series k and alpha is in [0.1, 2]. With K series
/// its law is asymptotically χ² with K − 1 degrees of freedom (Wilks 1938,
/// doi:10.1214/aoms/1177732360). At α = 2, the edge of the range, it is
/// stochastically smaller (Chernoff 1954, doi:10.1214/aoms/1177728725) and the
/// test conservative; simulated sizes are in
/// [the documentation of the tests](crate#sizes).
///
/// The maximum is sought in `ln(2 − α)` between the least and the greatest α̂ by
/// golden sections. Degenerate series are left out. Costs some 25 evaluations
/// of a profile for each series, 5 ms at N = 1000.
///
/// # Errors
///
/// Of any series: fewer than 50 samples, a NaN or infinite sample; a fixed
/// location that is not finite.
pub fn common_alpha(series: &[&[f64]], location: Location) -> Result<CommonAlpha, StatsError> {
    let profiles = series.iter().map(|samples| Profile::new(samples, location));
    let profiles = profiles.collect::<Result<Vec<_>, _>>()?;
    let (fitted, greatest): (Vec<&Profile>, Vec<f64>) =
        profiles.iter().filter_map(|profile| Some((profile, profile.greatest()?))).unzip();
    let n_series = fitted.len();
    let alphas = || fitted.iter().map(|profile| profile.alpha());
    if n_series < 2 {
        let alpha = alphas().next().unwrap_or(f64::NAN);
        return Ok(CommonAlpha { n_series, alpha, likelihood_ratio: f64::NAN, p_value: f64::NAN });
    }
    let together = |alpha: f64| fitted.iter().map(|profile| profile.ln_likelihood(alpha)).sum();
    let least = alphas().fold(2.0, f64::min);
    let (alpha, common) = if least == 2.0 {
        (2.0, together(2.0))
    } else {
        let ln_distance = |alpha: f64| (2.0 - alpha).ln().max(LN_DISTANCE_OF_GAUSSIAN);
        let most = alphas().fold(0.0, f64::max);
        let n_samples: usize = series.iter().map(|samples| samples.len()).sum();
        let tolerance = TOLERANCE / (n_samples as f64).sqrt();
        let ends = (ln_distance(most), ln_distance(least));
        let inside = 2.0 - maximum(|t| together(2.0 - t.exp()), ends, tolerance).exp();
        // A search for the edge ends beside it.
        [inside, least, most]
            .map(|alpha| (alpha, together(alpha)))
            .into_iter()
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .expect("three candidates")
    };
    let likelihood_ratio = (2.0 * (greatest.iter().sum::<f64>() - common)).max(0.0);
    let null = ChiSquared::new((n_series - 1) as f64).expect("two series or more");
    Ok(CommonAlpha { n_series, alpha, likelihood_ratio, p_value: null.sf(likelihood_ratio) })
}

/// Where `f` with a single maximum has it, by golden sections.
///
/// Equal values send the search to the right: towards `ln(2 − α) = −36` a profile
/// has become that of the Gaussian and is flat.
fn maximum(f: impl Fn(f64) -> f64, (mut low, mut high): (f64, f64), tolerance: f64) -> f64 {
    let share = 0.5 * (5.0_f64.sqrt() - 1.0);
    let mut left = high - share * (high - low);
    let mut right = low + share * (high - low);
    let (mut at_left, mut at_right) = (f(left), f(right));
    while high - low > tolerance {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - share * (high - low);
            at_left = f(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + share * (high - low);
            at_right = f(right);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::{StudentT, SymmetricStable, fit_symmetric_stable, profile_likelihood};

    fn draws(law: impl Distribution<f64>, n_samples: usize, seed: u64) -> Vec<f64> {
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    fn stable(alpha: f64, gamma: f64, seed: u64) -> Vec<f64> {
        draws(SymmetricStable::new(alpha, gamma, gamma).unwrap(), 500, seed)
    }

    fn test(series: &[Vec<f64>]) -> CommonAlpha {
        let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
        common_alpha(&series, Location::Free).unwrap()
    }

    /// The sum of profiles on a grid of 3000 alpha, also where the series
    /// contradict each other.
    #[test]
    fn agrees_with_a_grid_of_the_profiles() {
        let uniform = (0..500).map(f64::from).collect::<Vec<_>>();
        for series in [
            vec![stable(1.5, 1.0, 1), stable(1.5, 1e-4, 2), stable(1.5, 1e3, 3)],
            vec![stable(0.7, 1.0, 4), stable(1.9, 1.0, 5)],
            vec![stable(1.3, 1.0, 6), uniform.clone()],
            vec![stable(2.0, 1.0, 7), stable(1.95, 1.0, 8), stable(2.0, 2.0, 9)],
            vec![stable(2.0, 1.0, 10), uniform],
        ] {
            let found = test(&series);
            let alphas: Vec<f64> = (0..=3000).map(|i| 2.0 - 5e-4 * f64::from(i)).collect();
            let mut together = vec![0.0; alphas.len()];
            let mut separate = 0.0;
            for samples in &series {
                separate += fit_symmetric_stable(samples, Location::Free).unwrap().ln_likelihood;
                let profile = profile_likelihood(samples, Location::Free, &alphas).unwrap();
                together.iter_mut().zip(profile).for_each(|(sum, value)| *sum += value);
            }
            let (idx, common) =
                together.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap();
            let expected = 2.0 * (separate - common);
            // A grid misses the maximum by less.
            let error = expected - found.likelihood_ratio;
            assert!((-1e-3..0.01).contains(&error), "{found:?}, {expected}");
            assert!((found.alpha - alphas[idx]).abs() < 2e-3, "{found:?}, {}", alphas[idx]);
            assert_eq!(found.n_series, series.len());
        }
    }

    /// Shares of p ≤ 5 % among 200 families of four series whose scales differ:
    /// 10 are expected with a standard deviation of 3, and fewer at 2. The long
    /// version is in `tests/sizes.rs`.
    #[test]
    fn holds_its_level() {
        for alpha in [1.2, 1.7, 2.0] {
            let is_rejected = |family: &u64| {
                let of_size = |k: u64| {
                    let law = SymmetricStable::new(alpha, 4f64.powi(-(k as i32)), 0.0).unwrap();
                    draws(law, 200, 100 + 4 * family + k)
                };
                test(&(0..4).map(of_size).collect::<Vec<_>>()).p_value <= 0.05
            };
            let n_rejected = (0..200).filter(is_rejected).count();
            assert!(n_rejected < 23, "alpha = {alpha}: {n_rejected} of 200");
        }
    }

    /// Means of Student's law with 3 degrees of freedom, which fits a stable law
    /// of 1.61 by itself.
    #[test]
    fn finite_variance_is_found() {
        let law = StudentT::new(3.0, 0.0, 1.0).unwrap();
        let mean_of = |n: usize| -> Vec<f64> {
            let all = draws(law, 1000 * n, n as u64);
            all.chunks(n).map(|chunk| chunk.iter().sum::<f64>() / n as f64).collect()
        };
        let found = test(&[1, 4, 16, 64].map(mean_of));
        assert!(found.p_value < 1e-4, "{found:?}");
    }

    #[test]
    fn degenerate_series_are_left_out() {
        let (constant, sound) = (vec![1.0; 500], stable(1.5, 1.0, 1));
        let one = test(&[constant.clone(), sound.clone()]);
        assert!(one.n_series == 1 && one.p_value.is_nan() && one.alpha > 1.0);
        assert!(test(&[constant.clone(), constant.clone()]).alpha.is_nan());
        let two = test(&[sound.clone(), constant, stable(1.5, 1.0, 2)]);
        assert_eq!(two, test(&[sound.clone(), stable(1.5, 1.0, 2)]));
        // A series and itself have one alpha, and one degree of freedom.
        let same = test(&[sound.clone(), sound]);
        assert!(same.likelihood_ratio < 1e-3 && same.p_value > 0.97, "{same:?}");
        assert!(common_alpha(&[&[1.0; 49], &[1.0; 60]], Location::Free).is_err());
    }
}
