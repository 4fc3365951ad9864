//! Is the fitted law the one the samples come from?
//!
//! # Why a bootstrap?
//!
//! With parameters fitted to the same samples the distances of
//! [`EdfStatistics`] are much smaller than the textbook's limits for a known
//! law: the 5 % point of `√n D` is .89 instead of 1.36 for a Gaussian
//! (Lilliefors 1967), that of A² .75 instead of 2.49. For a Gaussian the null
//! depends on n alone, for a stable law on α too, so it is simulated at the
//! fitted law, with the fit repeated for every replicate: Stute, González
//! Manteiga and Presedo Quindimil (1993), doi:10.1007/BF02613687.

use rand::Rng;
use rand::distr::Distribution;

use super::edf::{EdfStatistics, edf_statistics};
use super::replicates::{replicates, upper_p_value};
use crate::fits::{fit_gaussian_to, fit_symmetric_stable_to};
use crate::goodness_of_fit::SymmetricLaw;
use crate::laws::FastStable;
use crate::standardise::Standardised;
use crate::{FitStatus, Gaussian, Location, StatsError, SymmetricStable};

/// Three tests of one fitted law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdfTest {
    /// The distances of the samples from the fitted law.
    pub statistics: EdfStatistics,
    /// The p-value of each, `(1 + #{s* ≥ s}) / (R + 1)`.
    pub p: EdfStatistics,
    /// The number R of simulated series.
    pub n_replicates: usize,
}

/// Tests whether `samples` come from a Gaussian, by parametric bootstrap.
///
/// Replicate `r` draws from `rng_of(r)`; the result does not depend on the
/// number of threads. Costs some 0.15 ms a replicate at N = 1000. All figures
/// are NaN for a constant series.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite, no replicate.
pub fn edf_test_gaussian<R: Rng>(
    samples: &[f64],
    location: Location,
    n_replicates: usize,
    rng_of: impl Fn(u64) -> R + Sync,
) -> Result<EdfTest, StatsError> {
    edf_test(samples, n_replicates, rng_of, |samples| gaussian_statistics(samples, location))
}

/// Tests whether `samples` come from a symmetric stable law, by parametric
/// bootstrap.
///
/// Where `alpha` is fitted as 2 the replicates are Gaussian and the stable law
/// is fitted to them. Costs some 0.3 ms a replicate at N = 1000; otherwise as
/// [`edf_test_gaussian`], with NaN for a zero-inflated series too.
///
/// # Errors
///
/// As [`edf_test_gaussian`].
pub fn edf_test_stable<R: Rng>(
    samples: &[f64],
    location: Location,
    n_replicates: usize,
    rng_of: impl Fn(u64) -> R + Sync,
) -> Result<EdfTest, StatsError> {
    edf_test(samples, n_replicates, rng_of, |samples| stable_statistics(samples, location))
}

fn edf_test<L: Distribution<f64> + Sync, R: Rng>(
    samples: &[f64],
    n_replicates: usize,
    rng_of: impl Fn(u64) -> R + Sync,
    fitted: impl Fn(&[f64]) -> Result<(L, EdfStatistics), StatsError> + Sync,
) -> Result<EdfTest, StatsError> {
    let (law, statistics) = fitted(samples)?;
    if statistics.ks.is_nan() {
        return Ok(EdfTest { statistics, p: EdfStatistics::UNDEFINED, n_replicates });
    }
    let null = replicates(&law, samples.len(), n_replicates, rng_of, |draws| Ok(fitted(draws)?.1))?;
    let p_value =
        |of: fn(&EdfStatistics) -> f64| upper_p_value(of(&statistics), null.iter().map(of));
    let p = EdfStatistics {
        ks: p_value(|statistics| statistics.ks),
        cramer_von_mises: p_value(|statistics| statistics.cramer_von_mises),
        anderson_darling: p_value(|statistics| statistics.anderson_darling),
    };
    Ok(EdfTest { statistics, p, n_replicates })
}

/// The fitted Gaussian and its distances.
fn gaussian_statistics(
    samples: &[f64],
    location: Location,
) -> Result<(Gaussian, EdfStatistics), StatsError> {
    location.check()?;
    let fit = fit_gaussian_to(&Standardised::new(samples)?, location);
    let law = fit.law;
    let statistics = match fit.status {
        FitStatus::Constant => EdfStatistics::UNDEFINED,
        _ => edf_statistics(samples, &law),
    };
    Ok((law, statistics))
}

/// The fitted stable law and its distances.
fn stable_statistics(
    samples: &[f64],
    location: Location,
) -> Result<(SymmetricStable, EdfStatistics), StatsError> {
    location.check()?;
    let series = Standardised::new(samples)?;
    let fit = fit_symmetric_stable_to(&series, location, &fit_gaussian_to(&series, location));
    let statistics = match fit.status {
        status if status.is_degenerate() => EdfStatistics::UNDEFINED,
        _ => {
            let law = FastStable::new(&fit.law);
            EdfStatistics::new(samples, |x| (law.cdf(x), law.sf(x)))
        }
    };
    Ok((fit.law, statistics))
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn draws(law: impl Distribution<f64>, n_samples: usize, seed: u64) -> Vec<f64> {
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    fn standard() -> Gaussian {
        Gaussian::new(0.0, 1.0).unwrap()
    }

    fn stable(alpha: f64) -> SymmetricStable {
        SymmetricStable::new(alpha, 1e-4, 2e-4).unwrap()
    }

    /// The 5 % points of D'Agostino and Stephens (1986), *Goodness-of-Fit
    /// Techniques*, table 4.7, for a Gaussian with mean and variance fitted. Of
    /// 4000 replicates the share beyond has a standard error of .0034; four of
    /// them are allowed.
    #[test]
    fn null_of_the_gaussian_is_that_of_stephens() {
        const N: usize = 200;
        let n = N as f64;
        let null = replicates(&standard(), N, 4000, ChaCha8Rng::seed_from_u64, |draws| {
            Ok(gaussian_statistics(draws, Location::Free)?.1)
        })
        .unwrap();
        let check = |of: fn(&EdfStatistics) -> f64, limit: f64| {
            let share = null.iter().filter(|&null| of(null) > limit).count() as f64 / 4000.0;
            assert!((share - 0.05).abs() < 0.014, "{limit}: {share}");
        };
        check(|null| null.ks, 0.895 / (1.0 - 0.01 / n.sqrt() + 0.85 / n));
        check(|null| null.cramer_von_mises, 0.126 / (1.0 + 0.5 / n));
        check(|null| null.anderson_darling, 0.752 / (1.0 + 0.75 / n + 2.25 / (n * n)));
    }

    /// From the table and from the exact distribution function.
    #[test]
    fn the_table_is_as_good_as_the_law() {
        for alpha in [0.8, 1.5, 1.95, 2.0] {
            let samples = draws(stable(alpha), 300, 3);
            let (law, fast) = stable_statistics(&samples, Location::Free).unwrap();
            let exact = edf_statistics(&samples, &law);
            assert!((fast.ks - exact.ks).abs() < 1e-7);
            assert!((fast.cramer_von_mises - exact.cramer_von_mises).abs() < 1e-7);
            assert!((fast.anderson_darling - exact.anderson_darling).abs() < 1e-6);
        }
    }

    #[test]
    fn tells_the_laws_apart() {
        let rng_of = ChaCha8Rng::seed_from_u64;
        let samples = draws(stable(1.5), 500, 4);
        let gaussian = edf_test_gaussian(&samples, Location::Free, 99, rng_of).unwrap();
        assert_eq!(gaussian.p.ks, 0.01);
        assert_eq!(gaussian.p.cramer_von_mises, 0.01);
        assert_eq!(gaussian.p.anderson_darling, 0.01);
        let stable = edf_test_stable(&samples, Location::Fixed(2e-4), 99, rng_of).unwrap();
        assert!(stable.p.ks > 0.01 && stable.p.anderson_darling > 0.01, "{stable:?}");
        // Two lumps are no stable law.
        let lumps: Vec<f64> = samples.iter().map(|x| x.signum() + x.sin()).collect();
        let stable = edf_test_stable(&lumps, Location::Free, 99, rng_of).unwrap();
        assert_eq!(stable.p.cramer_von_mises, 0.01);
    }

    #[test]
    fn degenerate_series_and_errors() {
        let rng_of = ChaCha8Rng::seed_from_u64;
        let constant = [2.0; 60];
        assert!(edf_test_gaussian(&constant, Location::Free, 9, rng_of).unwrap().p.ks.is_nan());
        assert!(edf_test_stable(&constant, Location::Free, 9, rng_of).unwrap().p.ks.is_nan());
        let samples = draws(standard(), 60, 5);
        assert!(edf_test_gaussian(&samples, Location::Free, 0, rng_of).is_err());
        assert!(edf_test_stable(&samples[..49], Location::Free, 9, rng_of).is_err());
        assert!(edf_test_stable(&samples, Location::Fixed(f64::NAN), 9, rng_of).is_err());
    }
}
