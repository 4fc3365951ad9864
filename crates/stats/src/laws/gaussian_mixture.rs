//! Two Gaussians of different width around one location.

use std::fmt;

use rand::distr::{Distribution, Open01};
use rand::{Rng, RngExt};
use statrs::distribution::{Continuous, ContinuousCDF};
use statrs::statistics::{Max, Min};

use super::upper_quantile::upper_quantile;
use super::{Gaussian, finite_location, positive_scale};
use crate::StatsError;

/// The Gaussian scale mixture of two components.
///
/// # Formula
///
/// ```text
/// (1 − w) N(μ, σ₁²) + w N(μ, σ₂²),    σ₁ ≤ σ₂
/// ```
///
/// with the share `w` of the wider component: Tukey (1960), *A survey of sampling
/// from contaminated distributions*. All its moments exist: the variance is
/// `(1 − w)σ₁² + wσ₂²`, and the excess kurtosis
/// `3w(1 − w)(σ₂² − σ₁²)²` over the square of that. Density and both tails are
/// sums of those of the components, correct to 1e-15 of their values.
///
/// # Examples
///
/// ```
/// use statrs::distribution::Continuous;
///
/// let law = stats::GaussianMixture::new(0.1, 0.0, 1.0, 3.0)?;
/// let peak = (0.9 + 0.1 / 3.0) / (2.0 * std::f64::consts::PI).sqrt();
/// assert!((law.pdf(0.0) - peak).abs() < 1e-15);
/// # Ok::<(), stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianMixture {
    share: f64,
    mu: f64,
    narrow: f64,
    wide: f64,
}

impl GaussianMixture {
    /// The law with the share `share` of N(mu, wide²), the rest being
    /// N(mu, narrow²).
    ///
    /// # Errors
    ///
    /// An error unless `share` is in [0, 1], `mu` finite, and both standard
    /// deviations positive and finite, `narrow ≤ wide`.
    pub fn new(share: f64, mu: f64, narrow: f64, wide: f64) -> Result<Self, StatsError> {
        if !(0.0..=1.0).contains(&share) {
            return Err(StatsError::Share { share });
        }
        let narrow = positive_scale("standard deviation", narrow)?;
        let wide = positive_scale("standard deviation", wide)?;
        if narrow > wide {
            return Err(StatsError::Order { narrow, wide });
        }
        Ok(Self { share, mu: finite_location(mu)?, narrow, wide })
    }

    /// The limit of no width, what a constant series is fitted by. Its share and
    /// its density are NaN.
    pub(crate) fn point_mass(mu: f64) -> Self {
        Self { share: f64::NAN, mu, narrow: 0.0, wide: 0.0 }
    }

    /// Share of the wider component.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Location, also the median and the mean.
    pub fn mu(&self) -> f64 {
        self.mu
    }

    /// Standard deviation of the narrower component.
    pub fn narrow(&self) -> f64 {
        self.narrow
    }

    /// Standard deviation of the wider component.
    pub fn wide(&self) -> f64 {
        self.wide
    }

    /// The narrower and the wider component around 0, each with its share.
    fn components(&self) -> [(f64, Gaussian); 2] {
        let around_zero = |std: f64| match std > 0.0 {
            true => Gaussian::new(0.0, std).expect("a positive standard deviation"),
            false => Gaussian::point_mass(0.0),
        };
        [(1.0 - self.share, around_zero(self.narrow)), (self.share, around_zero(self.wide))]
    }

    /// The sum over the components of a figure times their shares.
    fn sum(&self, figure: impl Fn(&Gaussian) -> f64) -> f64 {
        self.components().iter().map(|(share, component)| share * figure(component)).sum()
    }
}

impl fmt::Display for GaussianMixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { share, mu, narrow, wide } = self;
        write!(f, "GaussianMixture(share = {share}, mu = {mu}, narrow = {narrow}, wide = {wide})")
    }
}

impl Min<f64> for GaussianMixture {
    fn min(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Max<f64> for GaussianMixture {
    fn max(&self) -> f64 {
        f64::INFINITY
    }
}

impl Continuous<f64, f64> for GaussianMixture {
    /// Density at `x`.
    fn pdf(&self, x: f64) -> f64 {
        self.sum(|component| component.pdf(x - self.mu))
    }

    /// Logarithm of the density, finite also where the density underflows.
    fn ln_pdf(&self, x: f64) -> f64 {
        let [narrow, wide] =
            self.components().map(|(share, component)| share.ln() + component.ln_pdf(x - self.mu));
        let greatest = f64::max(narrow, wide);
        if greatest == f64::NEG_INFINITY {
            return greatest;
        }
        greatest + ((narrow - greatest).exp() + (wide - greatest).exp()).ln()
    }
}

impl ContinuousCDF<f64, f64> for GaussianMixture {
    /// Probability of a value up to `x`, with full relative accuracy in the
    /// lower tail.
    fn cdf(&self, x: f64) -> f64 {
        self.sum(|component| component.cdf(x - self.mu))
    }

    /// Probability of a value above `x`, with full relative accuracy in the
    /// upper tail.
    fn sf(&self, x: f64) -> f64 {
        self.sum(|component| component.sf(x - self.mu))
    }

    /// Quantile at `p`.
    ///
    /// # Panics
    ///
    /// If `p` is outside [0, 1].
    fn inverse_cdf(&self, p: f64) -> f64 {
        assert!((0.0..=1.0).contains(&p), "probability p = {p} is outside [0, 1]");
        // In units of the wider component, near which the search begins.
        let standard = Self { mu: 0.0, narrow: self.narrow / self.wide, wide: 1.0, ..*self };
        let tail = p.min(1.0 - p);
        let distance = self.wide * upper_quantile(tail, |r| standard.sf(r), |r| standard.pdf(r));
        if p < 0.5 { self.mu - distance } else { self.mu + distance }
    }
}

impl Distribution<f64> for GaussianMixture {
    /// A uniform number chooses the component.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let is_wide = rng.sample::<f64, _>(Open01) < self.share;
        let std = if is_wide { self.wide } else { self.narrow };
        Gaussian::new(self.mu, std).expect("a positive standard deviation").sample(rng)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::laws::kolmogorov_statistic;

    fn law(share: f64, mu: f64, narrow: f64, wide: f64) -> GaussianMixture {
        GaussianMixture::new(share, mu, narrow, wide).unwrap()
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        let message = |share, mu, narrow, wide| {
            GaussianMixture::new(share, mu, narrow, wide).unwrap_err().to_string()
        };
        assert_eq!(message(1.5, 0.0, 1.0, 2.0), "share = 1.5 is outside [0, 1]");
        assert_eq!(message(f64::NAN, 0.0, 1.0, 2.0), "share = NaN is outside [0, 1]");
        assert_eq!(message(0.1, f64::NAN, 1.0, 2.0), "location = NaN is not a finite number");
        assert_eq!(
            message(0.1, 0.0, 0.0, 2.0),
            "standard deviation = 0 is not a positive finite number"
        );
        assert_eq!(
            message(0.1, 0.0, 3.0, 2.0),
            "the narrower standard deviation = 3 is above the wider = 2"
        );
        let text = law(0.25, 0.5, 1.0, 2.0).to_string();
        assert_eq!(text, "GaussianMixture(share = 0.25, mu = 0.5, narrow = 1, wide = 2)");
    }

    /// `python3 -c "from mpmath import *; mp.dps = 40; [print(w, s, t, x,
    /// nstr(log((1-w)*npdf(x,0,s)+w*npdf(x,0,t)), 17),
    /// nstr((1-w)*erfc(x/s/sqrt(2))/2+w*erfc(x/t/sqrt(2))/2, 17)) for w, s, t, x in ...]"`
    #[test]
    fn reference_values() {
        let check = |share: f64, narrow: f64, wide: f64, x: f64, ln_pdf: f64, sf: f64| {
            let law = law(share, 7.0, narrow, wide);
            let error = law.ln_pdf(7.0 + x) / ln_pdf - 1.0;
            assert!(error.abs() < 4e-15, "ln_pdf({share}, {x}): {error:e}");
            for tail in [law.sf(7.0 + x), law.cdf(7.0 - x)] {
                let error = tail / sf - 1.0;
                assert!(error.abs() < 4e-14, "sf({share}, {x}): {error:e}");
            }
            assert!((law.pdf(7.0 + x).ln() / ln_pdf - 1.0).abs() < 4e-15);
        };
        check(0.1, 1.0, 3.0, 0.5, -1.1087430783904595, 0.32106540159229785);
        check(0.1, 1.0, 3.0, 4.0, -5.187232322682412, 0.009149626090236595);
        check(0.1, 1.0, 3.0, 12.0, -12.320135914866828, 3.167124183311992e-06);
        check(0.01, 1.0, 10.0, 0.01, -0.9280292279060409, 0.4960465478263756);
        check(0.01, 1.0, 10.0, 2.0, -2.921699598454434, 0.026730033534306384);
        check(0.01, 1.0, 10.0, 60.0, -25.82669381218681, 9.865876450376981e-12);
        check(0.75, 0.5, 2.0, 1.0, -1.8387254192910587, 0.23709068703153496);
        check(0.001, 1.0, 1000.0, 5.0, -13.182023105166659, 0.0004982916618295665);
        check(0.5, 2.0, 2.0, 3.0, -2.737085713764618, 0.06680720126885807);
    }

    #[test]
    fn one_component_is_the_gaussian() {
        for mixture in [law(0.0, 1.0, 2.0, 9.0), law(1.0, 1.0, 0.1, 2.0), law(0.4, 1.0, 2.0, 2.0)] {
            let gaussian = Gaussian::new(1.0, 2.0).unwrap();
            for x in [-50.0, 0.0, 1.0, 1.5, 30.0] {
                assert!((mixture.ln_pdf(x) - gaussian.ln_pdf(x)).abs() < 1e-13);
                assert!((mixture.sf(x) / gaussian.sf(x) - 1.0).abs() < 1e-14);
                assert!((mixture.cdf(x) / gaussian.cdf(x) - 1.0).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn limits() {
        let law = law(0.1, 1.0, 1.0, 3.0);
        assert_eq!((law.sf(f64::INFINITY), law.cdf(f64::INFINITY)), (0.0, 1.0));
        assert_eq!((law.pdf(f64::INFINITY), law.ln_pdf(f64::NEG_INFINITY)), (0.0, -f64::INFINITY));
        assert!(law.sf(f64::NAN).is_nan() && law.pdf(f64::NAN).is_nan());
        // exp(−5000) is not a number of this format.
        assert!((law.ln_pdf(301.0) + 5004.32).abs() < 0.01);
    }

    #[test]
    fn quantiles() {
        for (share, wide) in [(0.1, 3.0), (0.01, 10.0), (0.5, 1.0), (1e-6, 1e3), (0.999, 50.0)] {
            let law = law(share, -1.0, 1.0, wide);
            for p in [1e-200, 1e-30, 1e-9, 0.05, 0.3, 0.499, 0.7, 0.99] {
                let error = law.cdf(law.inverse_cdf(p)) / p - 1.0;
                assert!(error.abs() < 1e-11, "{share}, {p}: {error:e}");
            }
            assert_eq!(law.inverse_cdf(0.5), -1.0);
            assert_eq!(law.inverse_cdf(0.0), f64::NEG_INFINITY);
            assert_eq!(law.inverse_cdf(1.0), f64::INFINITY);
        }
    }

    #[test]
    fn draws_follow_the_distribution() {
        for (seed, (share, wide)) in [(0.1, 3.0), (0.01, 10.0), (0.7, 2.0)].into_iter().enumerate()
        {
            let law = law(share, 2.0, 0.1, 0.1 * wide);
            let statistic = kolmogorov_statistic(law, ChaCha8Rng::seed_from_u64(seed as u64));
            assert!(statistic < 2.2, "{law}: {statistic}");
        }
    }
}
