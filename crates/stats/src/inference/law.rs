//! The laws that are compared, by name.

use std::fmt;

use statrs::distribution::Continuous;

use crate::fits::{fit_gaussian_to, fit_symmetric_stable_to};
use crate::stable::density::Density;
use crate::standardise::Standardised;
use crate::{
    Fit, FitStatus, Location, StatsError, SymmetricStable, fit_gaussian, fit_gaussian_mixture,
    fit_generalised_gaussian, fit_laplace, fit_student_t,
};

/// A family of laws that can be fitted to a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// [`Gaussian`](crate::Gaussian).
    Gaussian,
    /// [`SymmetricStable`].
    SymmetricStable,
    /// [`StudentT`](crate::StudentT).
    StudentT,
    /// [`Laplace`](crate::Laplace).
    Laplace,
    /// [`GeneralisedGaussian`](crate::GeneralisedGaussian).
    GeneralisedGaussian,
    /// [`GaussianMixture`](crate::GaussianMixture).
    GaussianMixture,
}

impl Law {
    /// All of them: the two that are in question, then their rivals.
    pub const ALL: [Self; 6] = [
        Self::Gaussian,
        Self::SymmetricStable,
        Self::StudentT,
        Self::Laplace,
        Self::GeneralisedGaussian,
        Self::GaussianMixture,
    ];

    /// Number of parameters that a fit chooses: scale, shape where there is
    /// one, two scales and a share for the mixture, and the location if it is
    /// free.
    pub fn n_parameters(self, location: Location) -> usize {
        let of_location = match location {
            Location::Free => 1,
            Location::Fixed(_) => 0,
        };
        let of_shape = match self {
            Self::Gaussian | Self::Laplace => 1,
            Self::SymmetricStable | Self::StudentT | Self::GeneralisedGaussian => 2,
            Self::GaussianMixture => 3,
        };
        of_location + of_shape
    }

    /// Fits the law to `training` and returns the logarithm of its density at
    /// each value of `at`.
    ///
    /// What [`vuong`](crate::vuong) compares. NaN where no law could be fitted.
    /// The density of the stable law comes from a table with a relative error
    /// of 2e-9.
    ///
    /// # Errors
    ///
    /// Fewer than 50 samples in `training`, a NaN or infinite one, a fixed
    /// location that is not finite.
    pub fn ln_densities(
        self,
        training: &[f64],
        location: Location,
        at: &[f64],
    ) -> Result<Vec<f64>, StatsError> {
        Ok(match self {
            Self::Gaussian => evaluate(&fit_gaussian(training, location)?, at),
            Self::SymmetricStable => stable_ln_densities(training, location, at)?,
            Self::StudentT => evaluate(&fit_student_t(training, location)?, at),
            Self::Laplace => evaluate(&fit_laplace(training, location)?, at),
            Self::GeneralisedGaussian => {
                evaluate(&fit_generalised_gaussian(training, location)?, at)
            }
            Self::GaussianMixture => evaluate(&fit_gaussian_mixture(training, location)?, at),
        })
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gaussian => "Gaussian",
            Self::SymmetricStable => "SαS",
            Self::StudentT => "Student-t",
            Self::Laplace => "Laplace",
            Self::GeneralisedGaussian => "generalised Gaussian",
            Self::GaussianMixture => "Gaussian mixture",
        })
    }
}

fn evaluate<L: Continuous<f64, f64>>(fit: &Fit<L>, at: &[f64]) -> Vec<f64> {
    if fit.status.is_degenerate() {
        vec![f64::NAN; at.len()]
    } else {
        at.iter().map(|&x| fit.law.ln_pdf(x)).collect()
    }
}

fn stable_ln_densities(
    training: &[f64],
    location: Location,
    at: &[f64],
) -> Result<Vec<f64>, StatsError> {
    location.check()?;
    let series = Standardised::new(training)?;
    let gaussian = fit_gaussian_to(&series, location);
    let stable = fit_symmetric_stable_to(&series, location, &gaussian);
    Ok(match stable.status {
        FitStatus::Boundary => evaluate(&gaussian, at),
        status if status.is_degenerate() => vec![f64::NAN; at.len()],
        _ => tabulated_ln_densities(&stable.law, at),
    })
}

fn tabulated_ln_densities(law: &SymmetricStable, at: &[f64]) -> Vec<f64> {
    let density = Density::at(law.alpha());
    let ln_gamma = law.gamma().ln();
    at.iter()
        .map(|x| {
            let l = density.ln_pdf((x - law.delta()) / law.gamma());
            l.f.ln() + l.ln_scale - ln_gamma
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::fit_symmetric_stable;

    fn draws(alpha: f64, n_samples: usize, seed: u64) -> Vec<f64> {
        let law = SymmetricStable::new(alpha, 1e-3, 2e-3).unwrap();
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    /// At the samples of the fit they sum to its log likelihood.
    #[test]
    fn sum_to_the_likelihood() {
        for alpha in [1.3, 2.0] {
            let samples = draws(alpha, 300, 1);
            for location in [Location::Free, Location::Fixed(2e-3)] {
                let check = |law: Law, expected: f64| {
                    let sum: f64 =
                        law.ln_densities(&samples, location, &samples).unwrap().iter().sum();
                    assert!((sum - expected).abs() < 1e-5, "{law}: {sum}, {expected}");
                };
                let stable = fit_symmetric_stable(&samples, location).unwrap();
                check(Law::SymmetricStable, stable.ln_likelihood);
                check(Law::Gaussian, fit_gaussian(&samples, location).unwrap().ln_likelihood);
                check(Law::StudentT, fit_student_t(&samples, location).unwrap().ln_likelihood);
                check(Law::Laplace, fit_laplace(&samples, location).unwrap().ln_likelihood);
                let generalised = fit_generalised_gaussian(&samples, location).unwrap();
                check(Law::GeneralisedGaussian, generalised.ln_likelihood);
                let mixture = fit_gaussian_mixture(&samples, location).unwrap();
                check(Law::GaussianMixture, mixture.ln_likelihood);
            }
        }
    }

    #[test]
    fn parameters() {
        let free = Law::ALL.map(|law| law.n_parameters(Location::Free));
        let fixed = Law::ALL.map(|law| law.n_parameters(Location::Fixed(0.0)));
        assert_eq!((free, fixed), ([2, 3, 3, 2, 3, 4], [1, 2, 2, 1, 2, 3]));
    }

    #[test]
    fn undefined_for_a_constant_series() {
        for law in Law::ALL {
            let values = law.ln_densities(&[1.0; 60], Location::Free, &[0.0, 1.0]).unwrap();
            assert!(values.iter().all(|value| value.is_nan()), "{law}");
        }
    }
}
