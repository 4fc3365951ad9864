//! The Laplace law of greatest likelihood.

use super::rival::point_mass;
use super::{Fit, FitStatus, Location};
use crate::standardise::Standardised;
use crate::{Laplace, StatsError};

/// Fits a Laplace law by maximum likelihood.
///
/// # Formula
///
/// `μ` is the median (or the fixed location) and `b = Σ |x − μ| / N`; the
/// logarithm of the likelihood there is `−N (1 + ln 2b)`. Of an even number of
/// samples every number between the middle two is as likely, and the median is
/// their mean. Costs a selection: 20 µs for 1000 samples.
///
/// A constant series has status [`FitStatus::Constant`], scale 0 around its
/// value, and a likelihood of NaN. Other ties do no harm.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite.
///
/// # Examples
///
/// ```
/// let samples: Vec<f64> = (0..101).map(f64::from).collect();
/// let fit = stats::fit_laplace(&samples, stats::Location::Free)?;
/// assert_eq!(fit.law.mu(), 50.0);
/// assert!((fit.law.b() - 2550.0 / 101.0).abs() < 1e-12);
/// # Ok::<(), stats::StatsError>(())
/// ```
pub fn fit_laplace(samples: &[f64], location: Location) -> Result<Fit<Laplace>, StatsError> {
    location.check()?;
    Ok(fit_laplace_to(&Standardised::new(samples)?, location))
}

/// [`fit_laplace`] to a series that has been checked.
pub(crate) fn fit_laplace_to(series: &Standardised, location: Location) -> Fit<Laplace> {
    if series.is_constant() {
        return point_mass(Laplace::point_mass(series.mode), series, FitStatus::Constant);
    }
    let n_samples = series.z.len();
    let n = n_samples as f64;
    let (mu, centre) = match location {
        Location::Free => (series.centre, 0.0),
        Location::Fixed(mu) => (mu, series.z_of(mu)),
    };
    let b: f64 = series.z.iter().map(|z| (z - centre).abs() / n).sum();
    Fit {
        law: Laplace::new(mu, b * series.scale).expect("finite samples that differ"),
        ln_likelihood: -n * (1.0 + (2.0 * b).ln() + series.scale.ln()),
        n_samples,
        status: FitStatus::Interior,
    }
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use statrs::distribution::Continuous;

    use super::*;

    fn samples() -> Vec<f64> {
        let law = Laplace::new(3.0, 0.5).unwrap();
        law.sample_iter(ChaCha8Rng::seed_from_u64(1)).take(4001).collect()
    }

    /// Errors of four standard deviations: μ and b both have b/√N.
    #[test]
    fn recovers_the_law() {
        let fit = fit_laplace(&samples(), Location::Free).unwrap();
        let error = 4.0 * 0.5 / 4001f64.sqrt();
        assert!((fit.law.mu() - 3.0).abs() < error && (fit.law.b() - 0.5).abs() < error);
        assert_eq!((fit.n_samples, fit.status), (4001, FitStatus::Interior));
    }

    #[test]
    fn likelihood_is_the_sum_of_log_densities_and_greatest() {
        for location in [Location::Free, Location::Fixed(2.5)] {
            let fit = fit_laplace(&samples(), location).unwrap();
            let likelihood = |mu: f64, b: f64| -> f64 {
                let law = Laplace::new(mu, b).unwrap();
                samples().iter().map(|&x| law.ln_pdf(x)).sum()
            };
            let (mu, b) = (fit.law.mu(), fit.law.b());
            assert!((fit.ln_likelihood - likelihood(mu, b)).abs() < 1e-9);
            assert!(likelihood(mu, 1.001 * b) < fit.ln_likelihood);
            assert!(likelihood(mu, 0.999 * b) < fit.ln_likelihood);
            if location == Location::Free {
                assert!(likelihood(mu + 0.01, b) < fit.ln_likelihood);
                assert!(likelihood(mu - 0.01, b) < fit.ln_likelihood);
            } else {
                assert_eq!(mu, 2.5);
            }
        }
    }

    #[test]
    fn any_scale() {
        let unit = fit_laplace(&samples(), Location::Free).unwrap();
        for scale in [1e-300, 1e290] {
            let scaled: Vec<f64> = samples().iter().map(|x| scale * x).collect();
            let fit = fit_laplace(&scaled, Location::Free).unwrap();
            assert!((fit.law.b() / scale / unit.law.b() - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn constant_series() {
        let fit = fit_laplace(&[2.5; 50], Location::Free).unwrap();
        assert_eq!((fit.law.mu(), fit.law.b(), fit.status), (2.5, 0.0, FitStatus::Constant));
        assert!(fit.ln_likelihood.is_nan());
        assert!(fit_laplace(&[f64::NAN; 50], Location::Free).is_err());
    }
}
