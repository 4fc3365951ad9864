//! The Gaussian law.

use std::f64::consts::{PI, SQRT_2};
use std::fmt;

use rand::distr::{Distribution, Open01};
use rand::{Rng, RngExt};
use statrs::distribution::{Continuous, ContinuousCDF};
use statrs::function::erf::erfc_inv;
use statrs::statistics::{Max, Min};

use super::{finite_location, positive_scale};
use crate::StatsError;
use crate::stable::erfc::erfc;

/// The Gaussian law N(mean, std²).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gaussian {
    mean: f64,
    std: f64,
}

impl Gaussian {
    /// A Gaussian with the given mean and standard deviation.
    ///
    /// # Errors
    ///
    /// An error unless `mean` is finite and `std` positive and finite.
    pub fn new(mean: f64, std: f64) -> Result<Self, StatsError> {
        Ok(Self { mean: finite_location(mean)?, std: positive_scale("standard deviation", std)? })
    }

    /// The limit `std → 0`, what a constant series is fitted by. Its density
    /// is NaN.
    pub(crate) fn point_mass(mean: f64) -> Self {
        Self { mean, std: 0.0 }
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Standard deviation.
    pub fn std(&self) -> f64 {
        self.std
    }

    fn z(&self, x: f64) -> f64 {
        (x - self.mean) / self.std
    }
}

impl fmt::Display for Gaussian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gaussian(mean = {}, std = {})", self.mean, self.std)
    }
}

impl Min<f64> for Gaussian {
    fn min(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Max<f64> for Gaussian {
    fn max(&self) -> f64 {
        f64::INFINITY
    }
}

impl Continuous<f64, f64> for Gaussian {
    /// `exp(−z² / 2) / (std √(2π))` with `z = (x − mean) / std`.
    fn pdf(&self, x: f64) -> f64 {
        let z = self.z(x);
        (-0.5 * z * z).exp() / (self.std * (2.0 * PI).sqrt())
    }

    /// Logarithm of the density, finite also where the density underflows.
    fn ln_pdf(&self, x: f64) -> f64 {
        let z = self.z(x);
        -0.5 * z * z - self.std.ln() - 0.5 * (2.0 * PI).ln()
    }
}

impl ContinuousCDF<f64, f64> for Gaussian {
    /// Probability of a value up to `x`, with full relative accuracy in the
    /// lower tail.
    fn cdf(&self, x: f64) -> f64 {
        0.5 * erfc(-self.z(x) / SQRT_2)
    }

    /// Probability of a value above `x`, with full relative accuracy in the
    /// upper tail.
    fn sf(&self, x: f64) -> f64 {
        0.5 * erfc(self.z(x) / SQRT_2)
    }

    /// Quantile at `p`.
    ///
    /// # Panics
    ///
    /// If `p` is outside [0, 1].
    fn inverse_cdf(&self, p: f64) -> f64 {
        assert!((0.0..=1.0).contains(&p), "probability p = {p} is outside [0, 1]");
        self.mean - self.std * SQRT_2 * erfc_inv(2.0 * p)
    }
}

impl Distribution<f64> for Gaussian {
    /// Box and Muller (1958): `√(−2 ln u) cos(2π v)` for two uniform numbers.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let radius = (-2.0 * rng.sample::<f64, _>(Open01).ln()).sqrt();
        let angle = 2.0 * PI * rng.sample::<f64, _>(Open01);
        self.mean + self.std * radius * angle.cos()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::Moments;

    fn law() -> Gaussian {
        Gaussian::new(3.0, 0.5).unwrap()
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        let message = |mean, std| Gaussian::new(mean, std).unwrap_err().to_string();
        assert_eq!(message(f64::INFINITY, 1.0), "location = inf is not a finite number");
        assert_eq!(message(0.0, -1.0), "standard deviation = -1 is not a positive finite number");
        assert_eq!(law().to_string(), "Gaussian(mean = 3, std = 0.5)");
    }

    /// `python3 -c "from mpmath import *; print(npdf(2), ncdf(-2), ncdf(-10))"`.
    #[test]
    fn reference_values() {
        assert!((law().pdf(4.0) - 2.0 * 0.053_990_966_513_188_06).abs() < 1e-16);
        assert!((law().ln_pdf(4.0) - law().pdf(4.0).ln()).abs() < 1e-15);
        assert!((law().cdf(2.0) / 0.022_750_131_948_179_2 - 1.0).abs() < 1e-14);
        assert!((law().sf(8.0) / 7.619_853_024_160_527e-24 - 1.0).abs() < 1e-13);
        assert!((law().inverse_cdf(0.022_750_131_948_179_2) - 2.0).abs() < 1e-14);
        assert_eq!(law().inverse_cdf(0.5), 3.0);
    }

    /// Mean and variance of 100,000 draws within five standard errors.
    #[test]
    fn draws() {
        let mut moments = Moments::default();
        for draw in law().sample_iter(ChaCha8Rng::seed_from_u64(1)).take(100_000) {
            moments.push(draw);
        }
        assert!((moments.mean() - 3.0).abs() < 5.0 * 0.5 / 1e5f64.sqrt());
        assert!((moments.variance() / 0.25 - 1.0).abs() < 5.0 * (2.0 / 1e5f64).sqrt());
    }
}
