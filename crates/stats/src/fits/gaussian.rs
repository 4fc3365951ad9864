//! The Gaussian of greatest likelihood.

use std::f64::consts::PI;

use super::{Fit, FitStatus, Location};
use crate::standardise::Standardised;
use crate::{Gaussian, StatsError};

/// Fits a Gaussian by maximum likelihood.
///
/// # Formula
///
/// Mean `x̄` (or the fixed location) and variance `Σ (x − mean)² / N`, divided by
/// N and not by N − 1: the likelihood ratio needs the maximum itself.
///
/// A constant series has status [`FitStatus::Constant`], standard deviation 0
/// around its value, and a likelihood of NaN.
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
/// let fit = stats::fit_gaussian(&samples, stats::Location::Free)?;
/// assert_eq!(fit.law.mean(), 50.0);
/// assert!((fit.law.std() - 850f64.sqrt()).abs() < 1e-12);
/// # Ok::<(), stats::StatsError>(())
/// ```
pub fn fit_gaussian(samples: &[f64], location: Location) -> Result<Fit<Gaussian>, StatsError> {
    location.check()?;
    Ok(fit_gaussian_to(&Standardised::new(samples)?, location))
}

/// [`fit_gaussian`] to a series that has been checked.
pub(crate) fn fit_gaussian_to(series: &Standardised, location: Location) -> Fit<Gaussian> {
    let n_samples = series.z.len();
    if series.is_constant() {
        return Fit {
            law: Gaussian::point_mass(series.mode),
            ln_likelihood: f64::NAN,
            n_samples,
            status: FitStatus::Constant,
        };
    }
    let n = n_samples as f64;
    let mean = match location {
        Location::Free => sum(&series.z, |z| z * (1.0 / n)),
        Location::Fixed(delta) => series.z_of(delta),
    };
    // Relative to the greatest deviation, so that no square overflows.
    let (lowest, highest) = (series.sorted[0], series.sorted[n_samples - 1]);
    let greatest = (mean - lowest).max(highest - mean);
    let inverse = 1.0 / greatest;
    let mean_square = sum(&series.z, |z| ((z - mean) * inverse).powi(2)) / n;
    let std = greatest * mean_square.sqrt();
    let ln_likelihood = -n * (0.5 * (2.0 * PI).ln() + 0.5 + std.ln() + series.scale.ln());
    let mean = match location {
        Location::Free => series.x_of(mean),
        Location::Fixed(delta) => delta,
    };
    Fit {
        law: Gaussian::new(mean, std * series.scale).expect("finite samples that differ"),
        ln_likelihood,
        n_samples,
        status: FitStatus::Interior,
    }
}

/// The sum of a term over all z, in several partial sums at a time.
fn sum(z: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (chunks, rest) = z.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, &z) in sums.iter_mut().zip(chunk) {
            *sum += term(z);
        }
    }
    for (sum, &z) in sums.iter_mut().zip(rest) {
        *sum += term(z);
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use statrs::distribution::Continuous;

    use super::*;

    fn samples() -> Vec<f64> {
        (0..80).map(|i| f64::from(i * i % 37) + 0.25).collect()
    }

    #[test]
    fn likelihood_is_the_sum_of_log_densities() {
        for location in [Location::Free, Location::Fixed(17.0)] {
            let fit = fit_gaussian(&samples(), location).unwrap();
            let sum: f64 = samples().iter().map(|&x| fit.law.ln_pdf(x)).sum();
            assert!((fit.ln_likelihood - sum).abs() < 1e-11);
            assert_eq!((fit.n_samples, fit.status), (80, FitStatus::Interior));
        }
    }

    #[test]
    fn a_fixed_location_widens() {
        let free = fit_gaussian(&samples(), Location::Free).unwrap();
        let fixed = fit_gaussian(&samples(), Location::Fixed(10.0)).unwrap();
        assert_eq!(fixed.law.mean(), 10.0);
        let variance = free.law.std().powi(2) + (free.law.mean() - 10.0).powi(2);
        assert!((fixed.law.std().powi(2) / variance - 1.0).abs() < 1e-13);
    }

    #[test]
    fn any_scale() {
        let unit = fit_gaussian(&samples(), Location::Free).unwrap();
        for scale in [1e-300, 1e-30, 1e30, 1e300] {
            let scaled: Vec<f64> = samples().iter().map(|x| scale * x).collect();
            let fit = fit_gaussian(&scaled, Location::Free).unwrap();
            assert!((fit.law.std() / scale / unit.law.std() - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn constant_series() {
        let fit = fit_gaussian(&[2.5; 50], Location::Free).unwrap();
        assert_eq!((fit.law.mean(), fit.law.std()), (2.5, 0.0));
        assert_eq!(fit.status, FitStatus::Constant);
        assert!(fit.ln_likelihood.is_nan());
    }
}
