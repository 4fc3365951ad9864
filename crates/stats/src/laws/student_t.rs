//! Student's t law.

use std::f64::consts::PI;
use std::fmt;

use rand::distr::{Distribution, Open01};
use rand::{Rng, RngExt};
use statrs::distribution::{Continuous, ContinuousCDF};
use statrs::statistics::{Max, Min};

use super::gamma_half_step::ln_gamma_half_step;
use super::upper_quantile::upper_quantile;
use super::{finite_location, positive_scale};
use crate::StatsError;

/// Student's t law with location and scale.
///
/// # Formula
///
/// ```text
/// Γ((ν + 1)/2) / (Γ(ν/2) √(νπ) σ) · (1 + r²/ν)^{−(ν + 1)/2},    r = (x − μ)/σ
/// ```
///
/// where `ν > 0` are the degrees of freedom, `μ` is the location and `σ > 0` the
/// scale; Student (1908), doi:10.1093/biomet/6.1.1. Its tails fall like
/// `|x|^{−ν}`, so that moments exist up to order ν: the variance is
/// `σ² ν/(ν − 2)` for ν > 2. At ν = 1 it is the Cauchy law, and as ν → ∞ the
/// Gaussian N(μ, σ²).
///
/// The distribution function is an incomplete beta function by its continued
/// fraction, some `10 + √ν` terms, correct to 13 digits in either tail for
/// ν up to 10⁴.
///
/// # Examples
///
/// ```
/// use statrs::distribution::ContinuousCDF;
///
/// let cauchy = stats::StudentT::new(1.0, 5.0, 2.0)?;
/// assert!((cauchy.cdf(7.0) - 0.75).abs() < 1e-15);
/// # Ok::<(), stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StudentT {
    nu: f64,
    mu: f64,
    sigma: f64,
}

impl StudentT {
    /// The law with `nu` degrees of freedom, location `mu` and scale `sigma`.
    ///
    /// # Errors
    ///
    /// An error unless `nu` and `sigma` are positive and finite, and `mu` is
    /// finite.
    pub fn new(nu: f64, mu: f64, sigma: f64) -> Result<Self, StatsError> {
        Ok(Self {
            nu: positive_scale("degrees of freedom nu", nu)?,
            mu: finite_location(mu)?,
            sigma: positive_scale("scale sigma", sigma)?,
        })
    }

    /// The limit `sigma → 0`, what a series with too many equal samples is
    /// fitted by. Its `nu` and its density are NaN.
    pub(crate) fn point_mass(mu: f64) -> Self {
        Self { nu: f64::NAN, mu, sigma: 0.0 }
    }

    /// Degrees of freedom.
    pub fn nu(&self) -> f64 {
        self.nu
    }

    /// Location, also the median.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// Scale; not the standard deviation, which is `σ √(ν/(ν − 2))`.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    fn standard(&self, x: f64) -> f64 {
        (x - self.mu) / self.sigma
    }
}

impl fmt::Display for StudentT {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { nu, mu, sigma } = self;
        write!(f, "StudentT(nu = {nu}, mu = {mu}, sigma = {sigma})")
    }
}

impl Min<f64> for StudentT {
    fn min(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Max<f64> for StudentT {
    fn max(&self) -> f64 {
        f64::INFINITY
    }
}

/// Logarithm of the density at `σ = 1`.
fn standard_ln_pdf(nu: f64, r: f64) -> f64 {
    ln_gamma_half_step(0.5 * nu) - 0.5 * (nu * PI).ln() - 0.5 * (nu + 1.0) * ln_one_plus(nu, r)
}

/// `ln(1 + r²/ν)` where `r²` may overflow.
pub(crate) fn ln_one_plus(nu: f64, r: f64) -> f64 {
    let root = r.abs() / nu.sqrt();
    if root > 1e8 { 2.0 * root.ln() } else { (root * root).ln_1p() }
}

/// `P(R > r) = ½ I_x(ν/2, ½)` with `x = ν/(ν + r²)`, for `r ≥ 0` and `σ = 1`.
fn standard_sf(nu: f64, r: f64) -> f64 {
    let (a, ln_one_plus) = (0.5 * nu, ln_one_plus(nu, r));
    let x = (-ln_one_plus).exp();
    let one_minus_x = -(-ln_one_plus).exp_m1();
    // x^a (1 − x)^½ / B(a, ½).
    let front = (ln_gamma_half_step(a) - a * ln_one_plus).exp() * (one_minus_x / PI).sqrt();
    // The fraction converges fast only on its own side of the mean.
    if x < (a + 1.0) / (a + 2.5) {
        0.5 * front / a * beta_fraction(a, 0.5, x)
    } else {
        0.5 - front * beta_fraction(0.5, a, one_minus_x)
    }
}

/// The continued fraction of the incomplete beta function,
/// `I_x(a, b) = x^a (1 − x)^b / (a B(a, b)) · fraction`; DLMF 8.17.22 by the
/// method of Lentz (1976), doi:10.1364/AO.15.000668.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / (1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..1_000_000 {
        let m = f64::from(m);
        let mut factor = 1.0;
        for coefficient in [
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        ] {
            d = 1.0 / (1.0 + coefficient * d);
            c = 1.0 + coefficient / c;
            factor *= c * d;
        }
        fraction *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}

impl Continuous<f64, f64> for StudentT {
    /// Density at `x`.
    fn pdf(&self, x: f64) -> f64 {
        standard_ln_pdf(self.nu, self.standard(x)).exp() / self.sigma
    }

    /// Logarithm of the density, finite also where the density underflows.
    fn ln_pdf(&self, x: f64) -> f64 {
        standard_ln_pdf(self.nu, self.standard(x)) - self.sigma.ln()
    }
}

impl ContinuousCDF<f64, f64> for StudentT {
    /// Probability of a value up to `x`, with full relative accuracy in the
    /// lower tail.
    fn cdf(&self, x: f64) -> f64 {
        let r = self.standard(x);
        if r > 0.0 { 1.0 - standard_sf(self.nu, r) } else { standard_sf(self.nu, -r) }
    }

    /// Probability of a value above `x`, with full relative accuracy in the
    /// upper tail.
    fn sf(&self, x: f64) -> f64 {
        let r = self.standard(x);
        if r < 0.0 { 1.0 - standard_sf(self.nu, -r) } else { standard_sf(self.nu, r) }
    }

    /// Quantile at `p`.
    ///
    /// # Panics
    ///
    /// If `p` is outside [0, 1].
    fn inverse_cdf(&self, p: f64) -> f64 {
        assert!((0.0..=1.0).contains(&p), "probability p = {p} is outside [0, 1]");
        let nu = self.nu;
        let tail = p.min(1.0 - p);
        let standard =
            upper_quantile(tail, |r| standard_sf(nu, r), |r| standard_ln_pdf(nu, r).exp());
        let distance = self.sigma * standard;
        if p < 0.5 { self.mu - distance } else { self.mu + distance }
    }
}

impl Distribution<f64> for StudentT {
    /// The polar method of Bailey (1994), doi:10.1090/S0025-5718-1994-1219706-7:
    /// `√(ν (u^{−2/ν} − 1)) cos(2πv)` for two uniform numbers.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let ln_u = rng.sample::<f64, _>(Open01).ln();
        let angle = 2.0 * PI * rng.sample::<f64, _>(Open01);
        let radius = (self.nu * (-2.0 / self.nu * ln_u).exp_m1()).sqrt();
        self.mu + self.sigma * radius * angle.cos()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::laws::kolmogorov_statistic;
    use crate::{Gaussian, SymmetricStable};

    fn law(nu: f64, mu: f64, sigma: f64) -> StudentT {
        StudentT::new(nu, mu, sigma).unwrap()
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        let message = |nu, mu, sigma| StudentT::new(nu, mu, sigma).unwrap_err().to_string();
        let expected = "degrees of freedom nu = 0 is not a positive finite number";
        assert_eq!(message(0.0, 0.0, 1.0), expected);
        assert_eq!(message(1.0, f64::INFINITY, 1.0), "location = inf is not a finite number");
        assert_eq!(message(1.0, 0.0, -1.0), "scale sigma = -1 is not a positive finite number");
        assert_eq!(law(3.0, 0.5, 2.0).to_string(), "StudentT(nu = 3, mu = 0.5, sigma = 2)");
    }

    /// Logarithm of the density and survival function at σ = 1.
    ///
    /// `python3 -c "from mpmath import *; mp.dps = 40; [print(n, x, log(gamma((n + 1)/2) /
    /// gamma(n/2) / sqrt(n*pi) * (1 + x*x/n)**(-(n + 1)/2)), betainc(n/2, .5, 0, n/(n + x*x),
    /// regularized=True)/2) for n, x in ...]"`
    #[test]
    fn reference_values() {
        let check = |nu: f64, x: f64, ln_pdf: f64, sf: f64| {
            let law = law(nu, 0.0, 1.0);
            let error = law.ln_pdf(x) - ln_pdf;
            assert!(error.abs() < 2e-15 * ln_pdf.abs().max(4.0), "ln_pdf({nu}, {x}): {error:e}");
            let error = law.sf(x) / sf - 1.0;
            assert!(error.abs() < 1e-13, "sf({nu}, {x}): {error:e}");
            assert_eq!(law.cdf(-x), law.sf(x));
        };
        check(0.5, 0.1, -1.3253848963836443, 0.4731658105643032);
        check(0.5, 3.0, -3.5188621602863397, 0.18365407799297173);
        check(0.5, 1e200, -692.6059212095452, 3.207009754142229e-101);
        check(1.5, 1.0, -1.7151823145393792, 0.22556768363835517);
        check(3.0, 0.01, -1.00095551517909, 0.496324555706426);
        check(3.0, 2.0, -2.695484570397917, 0.0696629842794216);
        check(3.0, 1000000.0, -54.065706504150384, 1.1026577908396144e-18);
        check(30.0, 1.0, -1.4355125791352041, 0.16265430771301495);
        check(30.0, 8.0, -18.629780034800497, 3.1329112378503795e-09);
        check(10000.0, 0.5, -1.043974470574425, 0.3085430396616167);
        check(10000.0, 5.0, -13.40461296623992, 2.9151633068313237e-07);
        check(10000.0, 30.0, -431.85053358658683, 1.0221635237127853e-189);
    }

    #[test]
    fn cauchy_at_one() {
        let (here, cauchy) = (law(1.0, 3.0, 0.5), SymmetricStable::new(1.0, 0.5, 3.0).unwrap());
        for x in [-1e9, -2.0, 2.9, 3.0, 3.4, 70.0, 1e200] {
            assert!((here.ln_pdf(x) - cauchy.ln_pdf(x)).abs() < 1e-12);
            assert!((here.sf(x) / cauchy.sf(x) - 1.0).abs() < 1e-13);
            assert!((here.cdf(x) / cauchy.cdf(x) - 1.0).abs() < 1e-13);
        }
    }

    #[test]
    fn gaussian_at_infinity() {
        let (here, gaussian) = (law(1e9, 3.0, 0.5), Gaussian::new(3.0, 0.5).unwrap());
        for x in [1.0, 2.5, 3.0, 3.1, 5.0] {
            assert!((here.ln_pdf(x) - gaussian.ln_pdf(x)).abs() < 1e-7);
            assert!((here.sf(x) / gaussian.sf(x) - 1.0).abs() < 1e-7);
        }
    }

    #[test]
    fn limits() {
        let law = law(2.5, 1.0, 3.0);
        assert_eq!((law.sf(f64::INFINITY), law.cdf(f64::INFINITY)), (0.0, 1.0));
        assert_eq!((law.sf(f64::NEG_INFINITY), law.sf(1.0)), (1.0, 0.5));
        assert_eq!(law.pdf(f64::NEG_INFINITY), 0.0);
        assert!(law.sf(f64::NAN).is_nan() && law.pdf(f64::NAN).is_nan());
    }

    #[test]
    fn quantiles() {
        for nu in [0.5, 1.0, 3.0, 50.0, 1e4] {
            let law = law(nu, -1.0, 2.0);
            for p in [1e-30, 1e-9, 0.05, 0.3, 0.499, 0.7, 0.99] {
                assert!((law.cdf(law.inverse_cdf(p)) / p - 1.0).abs() < 1e-11, "{nu}, {p}");
            }
            assert_eq!(law.inverse_cdf(0.5), -1.0);
            assert_eq!(law.inverse_cdf(0.0), f64::NEG_INFINITY);
            assert_eq!(law.inverse_cdf(1.0), f64::INFINITY);
        }
    }

    #[test]
    fn draws_follow_the_distribution() {
        for (seed, nu) in [0.5, 2.0, 3.7, 100.0, 1e4].into_iter().enumerate() {
            let statistic =
                kolmogorov_statistic(law(nu, 2.0, 0.1), ChaCha8Rng::seed_from_u64(seed as u64));
            assert!(statistic < 2.2, "nu = {nu}: {statistic}");
        }
    }
}
