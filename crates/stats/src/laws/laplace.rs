//! The Laplace law.

use std::fmt;

use rand::distr::{Distribution, Open01};
use rand::{Rng, RngExt};
use statrs::distribution::{Continuous, ContinuousCDF};
use statrs::statistics::{Max, Min};

use super::{finite_location, positive_scale};
use crate::StatsError;

/// The Laplace or double exponential law.
///
/// # Formula
///
/// Density `exp(−|x − μ| / b) / (2b)`, where `μ` is the location, also the
/// median and the mean, and `b > 0` the scale, the mean absolute deviation. Its
/// variance is `2b²`, its excess kurtosis 3: heavier than the Gaussian, with all
/// moments.
///
/// # Examples
///
/// ```
/// use statrs::distribution::ContinuousCDF;
///
/// let law = stats::Laplace::new(1.0, 2.0)?;
/// assert!((law.sf(1.0 + 2.0 * 2f64.ln()) - 0.25).abs() < 1e-15);
/// # Ok::<(), stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Laplace {
    mu: f64,
    b: f64,
}

impl Laplace {
    /// The law with location `mu` and scale `b`.
    ///
    /// # Errors
    ///
    /// An error unless `mu` is finite and `b` positive and finite.
    pub fn new(mu: f64, b: f64) -> Result<Self, StatsError> {
        Ok(Self { mu: finite_location(mu)?, b: positive_scale("scale b", b)? })
    }

    /// The limit `b → 0`, what a constant series is fitted by. Its density is
    /// NaN.
    pub(crate) fn point_mass(mu: f64) -> Self {
        Self { mu, b: 0.0 }
    }

    /// Location, also the median and the mean.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// Scale, the mean absolute deviation from the location.
    pub fn b(&self) -> f64 {
        self.b
    }

    fn standard(&self, x: f64) -> f64 {
        (x - self.mu) / self.b
    }
}

impl fmt::Display for Laplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Laplace(mu = {}, b = {})", self.mu, self.b)
    }
}

impl Min<f64> for Laplace {
    fn min(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Max<f64> for Laplace {
    fn max(&self) -> f64 {
        f64::INFINITY
    }
}

/// `P(Z > z)` at `μ = 0, b = 1`.
fn standard_sf(z: f64) -> f64 {
    if z > 0.0 { 0.5 * (-z).exp() } else { 1.0 - 0.5 * z.exp() }
}

impl Continuous<f64, f64> for Laplace {
    /// `exp(−|x − μ| / b) / (2b)`.
    fn pdf(&self, x: f64) -> f64 {
        (-self.standard(x).abs()).exp() / (2.0 * self.b)
    }

    /// Logarithm of the density, finite also where the density underflows.
    fn ln_pdf(&self, x: f64) -> f64 {
        -self.standard(x).abs() - (2.0 * self.b).ln()
    }
}

impl ContinuousCDF<f64, f64> for Laplace {
    /// Probability of a value up to `x`, with full relative accuracy in the
    /// lower tail.
    fn cdf(&self, x: f64) -> f64 {
        standard_sf(-self.standard(x))
    }

    /// Probability of a value above `x`, with full relative accuracy in the
    /// upper tail.
    fn sf(&self, x: f64) -> f64 {
        standard_sf(self.standard(x))
    }

    /// Quantile at `p`.
    ///
    /// # Panics
    ///
    /// If `p` is outside [0, 1].
    fn inverse_cdf(&self, p: f64) -> f64 {
        assert!((0.0..=1.0).contains(&p), "probability p = {p} is outside [0, 1]");
        let distance = -self.b * (2.0 * p.min(1.0 - p)).ln();
        if p < 0.5 { self.mu - distance } else { self.mu + distance }
    }
}

impl Distribution<f64> for Laplace {
    /// `μ + b ln(u / v)` for two uniform numbers: the difference of two
    /// exponential ones.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let (u, v): (f64, f64) = (rng.sample(Open01), rng.sample(Open01));
        self.mu + self.b * (u / v).ln()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::laws::kolmogorov_statistic;

    fn law() -> Laplace {
        Laplace::new(-1.0, 0.5).unwrap()
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        let message = |mu, b| Laplace::new(mu, b).unwrap_err().to_string();
        assert_eq!(message(f64::NAN, 1.0), "location = NaN is not a finite number");
        assert_eq!(message(0.0, 0.0), "scale b = 0 is not a positive finite number");
        assert_eq!(law().to_string(), "Laplace(mu = -1, b = 0.5)");
    }

    #[test]
    fn agrees_with_statrs() {
        let other = statrs::distribution::Laplace::new(-1.0, 0.5).unwrap();
        for x in [-30.0, -2.0, -1.0, -0.9, 4.0] {
            assert!((law().pdf(x) / other.pdf(x) - 1.0).abs() < 1e-14);
            assert!((law().ln_pdf(x) - other.ln_pdf(x)).abs() < 1e-13);
            assert!((law().cdf(x) / other.cdf(x) - 1.0).abs() < 1e-14);
            assert!((law().sf(x) / other.sf(x) - 1.0).abs() < 1e-14);
        }
        for p in [1e-30, 0.2, 0.5, 0.7] {
            assert!((law().inverse_cdf(p) - other.inverse_cdf(p)).abs() < 1e-13);
        }
        assert_eq!(law().inverse_cdf(1.0), f64::INFINITY);
    }

    /// Both tails far out, where a difference to 1 would be nothing.
    #[test]
    fn tails() {
        assert!((law().sf(249.0) / (0.5 * (-500f64).exp()) - 1.0).abs() < 1e-14);
        assert_eq!(law().cdf(-251.0), law().sf(249.0));
        assert_eq!(law().ln_pdf(1e9), -(1e9 + 1.0) / 0.5);
    }

    #[test]
    fn draws_follow_the_distribution() {
        let statistic = kolmogorov_statistic(law(), ChaCha8Rng::seed_from_u64(1));
        assert!(statistic < 2.2, "{statistic}");
    }
}
