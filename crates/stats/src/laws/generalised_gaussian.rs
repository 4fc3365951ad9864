//! The generalised Gaussian law.

use std::f64::consts::LN_2;
use std::fmt;

use rand::distr::{Distribution, Open01};
use rand::{Rng, RngExt};
use statrs::distribution::{Continuous, ContinuousCDF, Gamma};
use statrs::function::gamma::{gamma_ur, ln_gamma};
use statrs::statistics::{Max, Min};

use super::upper_quantile::upper_quantile;
use super::{finite_location, positive_scale};
use crate::StatsError;

/// The generalised Gaussian or exponential power law.
///
/// # Formula
///
/// ```text
/// β / (2 s Γ(1/β)) · exp(−|r|^β),    r = (x − μ)/s
/// ```
///
/// where `β > 0` is the shape, `μ` the location and `s > 0` the scale; Subbotin
/// (1923), Matematicheskii Sbornik 31, 296–301. At β = 2 it is the Gaussian
/// N(μ, s²/2), at β = 1 the Laplace law, and as β → ∞ the uniform law on
/// [μ − s, μ + s]. All its moments exist: the variance is `s² Γ(3/β)/Γ(1/β)`.
///
/// The survival function is `½ Q(1/β, r^β)` with the regularised incomplete
/// gamma function, correct to 12 digits in either tail.
///
/// # Examples
///
/// ```
/// use statrs::distribution::Continuous;
///
/// let laplace = stats::GeneralisedGaussian::new(1.0, 5.0, 2.0)?;
/// assert_eq!(laplace.pdf(5.0), 0.25);
/// # Ok::<(), stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeneralisedGaussian {
    beta: f64,
    mu: f64,
    scale: f64,
}

impl GeneralisedGaussian {
    /// The law with shape `beta`, location `mu` and scale `scale`.
    ///
    /// # Errors
    ///
    /// An error unless `beta` and `scale` are positive and finite, and `mu` is
    /// finite.
    pub fn new(beta: f64, mu: f64, scale: f64) -> Result<Self, StatsError> {
        Ok(Self {
            beta: positive_scale("shape beta", beta)?,
            mu: finite_location(mu)?,
            scale: positive_scale("scale", scale)?,
        })
    }

    /// The limit `scale → 0`, what a constant series is fitted by. Its `beta`
    /// and its density are NaN.
    pub(crate) fn point_mass(mu: f64) -> Self {
        Self { beta: f64::NAN, mu, scale: 0.0 }
    }

    /// Shape: 2 for the Gaussian, 1 for the Laplace law.
    pub fn beta(&self) -> f64 {
        self.beta
    }

    /// Location, also the median and the mean.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// Scale; at β = 2 it is `√2` standard deviations.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    fn standard(&self, x: f64) -> f64 {
        (x - self.mu) / self.scale
    }
}

impl fmt::Display for GeneralisedGaussian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { beta, mu, scale } = self;
        write!(f, "GeneralisedGaussian(beta = {beta}, mu = {mu}, scale = {scale})")
    }
}

impl Min<f64> for GeneralisedGaussian {
    fn min(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Max<f64> for GeneralisedGaussian {
    fn max(&self) -> f64 {
        f64::INFINITY
    }
}

/// Logarithm of the density at `s = 1`; `β/Γ(1/β) = 1/Γ(1 + 1/β)`.
fn standard_ln_pdf(beta: f64, r: f64) -> f64 {
    -r.abs().powf(beta) - LN_2 - ln_gamma(1.0 + 1.0 / beta)
}

/// `P(R > r)` for `r ≥ 0` and `s = 1`.
fn standard_sf(beta: f64, r: f64) -> f64 {
    let power = r.powf(beta);
    if power == 0.0 {
        0.5
    } else if power > 800.0 + 1.0 / beta {
        0.0 // Below the range of f64.
    } else {
        0.5 * gamma_ur(1.0 / beta, power)
    }
}

impl Continuous<f64, f64> for GeneralisedGaussian {
    /// Density at `x`.
    fn pdf(&self, x: f64) -> f64 {
        standard_ln_pdf(self.beta, self.standard(x)).exp() / self.scale
    }

    /// Logarithm of the density, finite also where the density underflows.
    fn ln_pdf(&self, x: f64) -> f64 {
        standard_ln_pdf(self.beta, self.standard(x)) - self.scale.ln()
    }
}

impl ContinuousCDF<f64, f64> for GeneralisedGaussian {
    /// Probability of a value up to `x`, with full relative accuracy in the
    /// lower tail.
    fn cdf(&self, x: f64) -> f64 {
        let r = self.standard(x);
        if r > 0.0 { 1.0 - standard_sf(self.beta, r) } else { standard_sf(self.beta, -r) }
    }

    /// Probability of a value above `x`, with full relative accuracy in the
    /// upper tail.
    fn sf(&self, x: f64) -> f64 {
        let r = self.standard(x);
        if r < 0.0 { 1.0 - standard_sf(self.beta, -r) } else { standard_sf(self.beta, r) }
    }

    /// Quantile at `p`.
    ///
    /// # Panics
    ///
    /// If `p` is outside [0, 1].
    fn inverse_cdf(&self, p: f64) -> f64 {
        assert!((0.0..=1.0).contains(&p), "probability p = {p} is outside [0, 1]");
        let beta = self.beta;
        let tail = p.min(1.0 - p);
        let standard =
            upper_quantile(tail, |r| standard_sf(beta, r), |r| standard_ln_pdf(beta, r).exp());
        let distance = self.scale * standard;
        if p < 0.5 { self.mu - distance } else { self.mu + distance }
    }
}

impl Distribution<f64> for GeneralisedGaussian {
    /// `μ ± s u g^{1/β}` with a uniform number `u` and `g` from the gamma law
    /// with shape `1 + 1/β`: `|r|^β` has the gamma law with shape `1/β`, which
    /// is `u^β g`.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let law = Gamma::new(1.0 + 1.0 / self.beta, 1.0).expect("the shape is positive");
        let distance = law.sample(rng).powf(1.0 / self.beta);
        // One number uniform on (−1, 1) gives both u and the sign.
        let uniform = 2.0 * rng.sample::<f64, _>(Open01) - 1.0;
        self.mu + self.scale * uniform * distance
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::laws::kolmogorov_statistic;
    use crate::{Gaussian, Laplace};

    fn law(beta: f64, mu: f64, scale: f64) -> GeneralisedGaussian {
        GeneralisedGaussian::new(beta, mu, scale).unwrap()
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        let message =
            |beta, mu, scale| GeneralisedGaussian::new(beta, mu, scale).unwrap_err().to_string();
        assert_eq!(message(-1.0, 0.0, 1.0), "shape beta = -1 is not a positive finite number");
        assert_eq!(message(1.0, f64::NAN, 1.0), "location = NaN is not a finite number");
        assert_eq!(message(1.0, 0.0, 0.0), "scale = 0 is not a positive finite number");
        let text = law(1.5, 0.5, 2.0).to_string();
        assert_eq!(text, "GeneralisedGaussian(beta = 1.5, mu = 0.5, scale = 2)");
    }

    /// Logarithm of the density and survival function at s = 1.
    ///
    /// `python3 -c "from mpmath import *; mp.dps = 40; [print(b, x, log(b/2/gamma(1/b)) - x**b,
    /// gammainc(1/b, x**b, regularized=True)/2) for b, x in ...]"`
    #[test]
    fn reference_values() {
        let check = |beta: f64, x: f64, ln_pdf: f64, sf: f64| {
            let law = law(beta, 0.0, 1.0);
            let error = law.ln_pdf(x) - ln_pdf;
            assert!(error.abs() < 2e-15 * ln_pdf.abs().max(4.0), "ln_pdf({beta}, {x}): {error:e}");
            let error = law.sf(x) / sf - 1.0;
            assert!(error.abs() < 1e-12, "sf({beta}, {x}): {error:e}");
            assert_eq!(law.cdf(-x), law.sf(x));
        };
        check(0.3, 0.001, -3.04480081716394, 0.4999509778503164);
        check(0.3, 5.0, -4.5395648726772855, 0.4185979632954624);
        check(0.3, 1000000.0, -66.01464272400383, 1.1726901896417768e-24);
        check(0.8, 0.5, -1.3923680729508594, 0.33758850126256446);
        check(0.8, 40.0, -19.945068891253086, 5.764029961985847e-09);
        check(1.5, 0.01, -0.5918323475993045, 0.4944635539350077);
        check(1.5, 1.0, -1.5908323475993045, 0.11240876400807227);
        check(1.5, 9.0, -27.590832347599303, 2.286091108832017e-13);
        check(3.0, 0.7, -0.9229555388196026, 0.13861653443757674);
        check(3.0, 4.0, -64.5799555388196, 1.851855699365574e-30);
        check(20.0, 0.01, -0.6662941080576852, 0.49486391567364163);
        check(20.0, 0.9, -0.7878707626482545, 0.04034742674698231);
        check(20.0, 1.1, -7.393794057383296, 4.465418788749435e-06);
        check(20.0, 1.3, -190.7159318568658, 5.0700844146012535e-87);
    }

    #[test]
    fn laplace_at_one_and_gaussian_at_two() {
        let (one, laplace) = (law(1.0, 3.0, 0.5), Laplace::new(3.0, 0.5).unwrap());
        let (two, gaussian) = (law(2.0, 3.0, 2f64.sqrt()), Gaussian::new(3.0, 1.0).unwrap());
        for x in [-20.0, 2.0, 2.9, 3.0, 3.4, 4.0, 12.0] {
            assert!((one.ln_pdf(x) - laplace.ln_pdf(x)).abs() < 1e-14);
            assert!((two.ln_pdf(x) - gaussian.ln_pdf(x)).abs() < 1e-12);
            assert!((one.sf(x) / laplace.sf(x) - 1.0).abs() < 1e-13);
            assert!((two.sf(x) / gaussian.sf(x) - 1.0).abs() < 1e-12);
            assert!((two.cdf(x) / gaussian.cdf(x) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn limits() {
        let law = law(0.7, 1.0, 3.0);
        assert_eq!((law.sf(f64::INFINITY), law.cdf(f64::INFINITY)), (0.0, 1.0));
        assert_eq!((law.sf(f64::NEG_INFINITY), law.sf(1.0)), (1.0, 0.5));
        assert_eq!(law.pdf(f64::NEG_INFINITY), 0.0);
        assert!(law.sf(f64::NAN).is_nan() && law.pdf(f64::NAN).is_nan());
    }

    #[test]
    fn quantiles() {
        for beta in [0.3, 0.8, 1.0, 2.0, 7.0, 20.0] {
            let law = law(beta, -1.0, 2.0);
            for p in [1e-30, 1e-9, 0.05, 0.3, 0.499, 0.7, 0.99] {
                assert!((law.cdf(law.inverse_cdf(p)) / p - 1.0).abs() < 1e-11, "{beta}, {p}");
            }
            assert_eq!(law.inverse_cdf(0.5), -1.0);
            assert_eq!(law.inverse_cdf(0.0), f64::NEG_INFINITY);
            assert_eq!(law.inverse_cdf(1.0), f64::INFINITY);
        }
    }

    #[test]
    fn draws_follow_the_distribution() {
        for (seed, beta) in [0.3, 0.8, 1.0, 2.0, 20.0].into_iter().enumerate() {
            let statistic =
                kolmogorov_statistic(law(beta, 2.0, 0.1), ChaCha8Rng::seed_from_u64(seed as u64));
            assert!(statistic < 2.2, "beta = {beta}: {statistic}");
        }
    }
}
