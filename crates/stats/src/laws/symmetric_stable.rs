//! The symmetric α-stable law.

use std::f64::consts::PI;
use std::fmt;

use rand::distr::{Distribution, Open01};
use rand::{Rng, RngExt};
use statrs::distribution::{Continuous, ContinuousCDF};
use statrs::statistics::{Max, Min};

use super::{StabilityIndex, finite_location, positive_scale};
use crate::StatsError;
use crate::stable::density::Density;
use crate::stable::exact;
use crate::stable::table::ALPHA_SPLIT;

/// The symmetric α-stable law SαS(α, γ, δ).
///
/// # Formula
///
/// Characteristic function `exp(iδt − |γt|^α)`, where `0 < α ≤ 2` is the
/// stability index, `γ > 0` the scale and `δ` the location; Nolan's
/// S(α, 0, γ, δ). At `alpha = 2` it is the Gaussian N(δ, 2γ²), at `alpha = 1`
/// the Cauchy law. Below 2 the variance is infinite, up to 1 there is no mean.
///
/// Relative errors, against values of twenty digits, `(x − δ)/γ` being in the
/// range of f64:
///
/// | α | density | both tails | quantile |
/// |---|---|---|---|
/// | 0.5 to 2, also within 1e-12 of 1 or 2 | 5e-14 | 5e-14 | 1e-12 |
/// | 0 to 0.5 | 5e-13 | 2e-14 | see below |
///
/// For small α the law spreads over so many powers of ten that the quantile is
/// worse conditioned than the probability, by 1/α, and for α below some 1e-3 mostly
/// 0 or infinite, being outside the range of f64; so are the draws. In the limit
/// `|X/γ|^{−α}` is exponential, and `P(|X| > x) = 1 − exp(−(x/γ)^{−α})`. The
/// density at δ is infinite in f64 for α below 0.0059, its logarithm is finite down
/// to α = 1e-305.
///
/// Density and distribution function cost up to 20 µs each, the distribution
/// function up to 0.5 ms for α < 0.05 near the median.
///
/// # Examples
///
/// ```
/// use statrs::distribution::{Continuous, ContinuousCDF};
///
/// let cauchy = stats::SymmetricStable::new(1.0, 2.0, 5.0)?;
/// assert!((cauchy.cdf(7.0) - 0.75).abs() < 1e-15);
/// assert!((cauchy.pdf(5.0) - 0.5 / std::f64::consts::PI).abs() < 1e-15);
/// # Ok::<(), stats::StatsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SymmetricStable {
    alpha: f64,
    gamma: f64,
    delta: f64,
}

impl SymmetricStable {
    /// The law with stability index `alpha`, scale `gamma` and location
    /// `delta`.
    ///
    /// # Errors
    ///
    /// An error unless `0 < alpha ≤ 2`, `gamma` is positive and finite, and
    /// `delta` is finite.
    pub fn new(alpha: f64, gamma: f64, delta: f64) -> Result<Self, StatsError> {
        Ok(Self {
            alpha: StabilityIndex::new(alpha)?.get(),
            gamma: positive_scale("scale gamma", gamma)?,
            delta: finite_location(delta)?,
        })
    }

    /// The limit `gamma → 0`, what a series with too many equal samples is
    /// fitted by. Its `alpha` and its density are NaN.
    pub(crate) fn point_mass(delta: f64) -> Self {
        Self { alpha: f64::NAN, gamma: 0.0, delta }
    }

    /// Stability index.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Scale.
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// Location, also the median.
    pub fn delta(&self) -> f64 {
        self.delta
    }

    /// Characteristic function at `t`: real and imaginary part.
    ///
    /// # Formula
    ///
    /// `exp(iδt − |γt|^α)`.
    pub fn characteristic_function(&self, t: f64) -> (f64, f64) {
        let modulus = (-(self.gamma * t).abs().powf(self.alpha)).exp();
        let (sin, cos) = (self.delta * t).sin_cos();
        (modulus * cos, modulus * sin)
    }

    /// Derivatives of the logarithm of the density at `x` by α, γ and δ.
    ///
    /// Its mean under the law is zero; of a fit by maximum likelihood its sum
    /// over the samples is. From the table that the fits use: relative errors
    /// of 1e-6 at most, 10 µs. NaN unless `0.5 ≤ α < 2`.
    pub fn score(&self, x: f64) -> [f64; 3] {
        if !(ALPHA_SPLIT..2.0).contains(&self.alpha) {
            return [f64::NAN; 3];
        }
        let [alpha, gamma, delta] = standard_score(&Density::at(self.alpha), self.standard(x));
        [alpha, gamma / self.gamma, delta / self.gamma]
    }

    /// The Fisher information of one sample about α, γ and δ.
    ///
    /// # Formula
    ///
    /// `I_{jk} = E[s_j s_k]` with the [`score`](Self::score) `s`; DuMouchel
    /// (1975), doi:10.1080/01621459.1975.10482454. The entries between δ and the
    /// others are zero by symmetry. The inverse over N is the Cramér–Rao bound
    /// for the covariance of estimates from N samples.
    ///
    /// As α → 2 the information about α grows without bound. NaN unless
    /// `0.5 ≤ α < 2`. Costs about 0.1 ms: a trapezoidal sum over
    /// `v` with `x = exp(v − e^{−v})`, in which the integrand decays
    /// exponentially at both ends. Relative errors below 1e-6.
    pub fn fisher_information(&self) -> [[f64; 3]; 3] {
        const STEP: f64 = 0.05;
        const CUTOFF: f64 = 40.0;
        if !(ALPHA_SPLIT..2.0).contains(&self.alpha) {
            return [[f64::NAN; 3]; 3];
        }
        let density = Density::at(self.alpha);
        let mut information = [[0.0; 3]; 3];
        let mut v = -CUTOFF.ln();
        while v < CUTOFF / self.alpha {
            let x = (v - (-v).exp()).exp();
            let score = standard_score(&density, x);
            // Both halves of the line.
            let mass = 2.0 * density.pdf(x) * x * (1.0 + (-v).exp()) * STEP;
            for (j, k) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 2)] {
                information[j][k] += mass * score[j] * score[k];
            }
            v += STEP;
        }
        let unit = [1.0, self.gamma, self.gamma];
        for (j, row) in information.iter_mut().enumerate() {
            for (k, entry) in row.iter_mut().enumerate() {
                *entry /= unit[j] * unit[k];
            }
        }
        information
    }

    fn standard(&self, x: f64) -> f64 {
        (x - self.delta) / self.gamma
    }
}

/// The score at `γ = 1` and `δ = 0`.
fn standard_score(density: &Density, x: f64) -> [f64; 3] {
    let l = density.ln_pdf(x);
    [l.by_alpha, -1.0 - x * l.by_x, -l.by_x]
}

/// Below this α one of the powers of a draw may overflow while the other one
/// vanishes.
const LOGARITHMIC_BELOW: f64 = 0.1;

/// The formula of a draw by logarithms: infinite or 0 out of range, never NaN.
fn logarithmic_draw(alpha: f64, angle: f64, exponential: f64) -> f64 {
    if angle == 0.0 {
        return 0.0;
    }
    // αU by its factors, which do not underflow.
    let inner = alpha * angle;
    let sinc = if inner == 0.0 { 1.0 } else { inner.sin() / inner };
    let ln_sine = alpha.ln() + (angle.abs() * sinc).ln();
    let ln_ratio = ((1.0 - alpha) * angle).cos().ln() - exponential.ln();
    let ln_powers = ((1.0 - alpha) * ln_ratio - angle.cos().ln()) / alpha;
    (ln_sine + ln_powers).exp().copysign(angle)
}

impl fmt::Display for SymmetricStable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alpha, gamma, delta } = self;
        write!(f, "SymmetricStable(alpha = {alpha}, gamma = {gamma}, delta = {delta})")
    }
}

impl Min<f64> for SymmetricStable {
    fn min(&self) -> f64 {
        f64::NEG_INFINITY
    }
}

impl Max<f64> for SymmetricStable {
    fn max(&self) -> f64 {
        f64::INFINITY
    }
}

impl Continuous<f64, f64> for SymmetricStable {
    /// Density at `x`.
    fn pdf(&self, x: f64) -> f64 {
        exact::pdf(self.alpha, self.standard(x)) / self.gamma
    }

    /// Logarithm of the density, finite also where the density underflows.
    fn ln_pdf(&self, x: f64) -> f64 {
        exact::ln_pdf(self.alpha, self.standard(x)) - self.gamma.ln()
    }
}

impl ContinuousCDF<f64, f64> for SymmetricStable {
    /// Probability of a value up to `x`, with full relative accuracy in the
    /// lower tail.
    fn cdf(&self, x: f64) -> f64 {
        exact::sf(self.alpha, -self.standard(x))
    }

    /// Probability of a value above `x`, with full relative accuracy in the
    /// upper tail.
    fn sf(&self, x: f64) -> f64 {
        exact::sf(self.alpha, self.standard(x))
    }

    /// Quantile at `p`; 0 or infinite beside δ where it is outside the range of f64
    /// itself, and not where only that of the standard law is.
    ///
    /// # Panics
    ///
    /// If `p` is outside [0, 1].
    fn inverse_cdf(&self, p: f64) -> f64 {
        assert!((0.0..=1.0).contains(&p), "probability p = {p} is outside [0, 1]");
        let tail = p.min(1.0 - p);
        let standard = exact::inverse_sf(self.alpha, tail);
        let distance = match standard.is_normal() {
            true => self.gamma * standard,
            false => (exact::ln_inverse_sf(self.alpha, tail) + self.gamma.ln()).exp(),
        };
        if p < 0.5 { self.delta - distance } else { self.delta + distance }
    }
}

impl Distribution<f64> for SymmetricStable {
    /// One draw by the method of Chambers, Mallows and Stuck (1976),
    /// doi:10.1080/01621459.1976.10480344, with β = 0:
    ///
    /// ```text
    /// sin(αU) / cos(U)^{1/α} · (cos((1 − α)U) / W)^{(1 − α)/α}
    /// ```
    ///
    /// where `U` is uniform on (−π/2, π/2) and `W` exponential with mean 1.
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let alpha = self.alpha;
        let angle = PI * (rng.sample::<f64, _>(Open01) - 0.5);
        let exponential = -rng.sample::<f64, _>(Open01).ln();
        if alpha < LOGARITHMIC_BELOW {
            let standard = logarithmic_draw(alpha, angle, exponential);
            return self.delta + self.gamma * standard;
        }
        let standard = (alpha * angle).sin() / angle.cos().powf(1.0 / alpha)
            * (((1.0 - alpha) * angle).cos() / exponential).powf((1.0 - alpha) / alpha);
        self.delta + self.gamma * standard
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{EULER_GAMMA, LN_2};

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::Gaussian;
    use crate::laws::kolmogorov_statistic;

    fn law(alpha: f64, gamma: f64, delta: f64) -> SymmetricStable {
        SymmetricStable::new(alpha, gamma, delta).unwrap()
    }

    #[test]
    fn refuses_what_is_out_of_range() {
        let message = |alpha, gamma, delta| {
            SymmetricStable::new(alpha, gamma, delta).unwrap_err().to_string()
        };
        assert_eq!(message(2.3, 1.0, 0.0), "stability index alpha = 2.3 is outside (0, 2]");
        assert_eq!(message(1.0, 0.0, 0.0), "scale gamma = 0 is not a positive finite number");
        assert_eq!(message(1.0, 1.0, f64::NAN), "location = NaN is not a finite number");
    }

    #[test]
    fn displays_its_parameters() {
        let text = law(1.5, 0.25, -3.0).to_string();
        assert_eq!(text, "SymmetricStable(alpha = 1.5, gamma = 0.25, delta = -3)");
    }

    /// `γ f(x) = f_1((x − δ)/γ)`, and the two tails are mirror images.
    #[test]
    fn location_and_scale() {
        let (standard, moved) = (law(1.3, 1.0, 0.0), law(1.3, 1e-9, 5.0));
        for x in [-20.0, -1.5, 0.0, 0.25, 3.0] {
            let there = 5.0 + 1e-9 * x;
            let x = (there - 5.0) / 1e-9;
            assert_eq!(moved.pdf(there), standard.pdf(x) / 1e-9);
            assert!((moved.ln_pdf(there) - moved.pdf(there).ln()).abs() < 1e-12);
            assert_eq!(moved.cdf(there), standard.cdf(x));
            assert_eq!(moved.sf(there), standard.cdf(-x));
        }
    }

    #[test]
    fn gaussian_at_two() {
        let (stable, gaussian) = (law(2.0, 3.0, 1.0), Gaussian::new(1.0, 18f64.sqrt()).unwrap());
        for x in [-40.0, -2.0, 1.0, 1.5, 30.0] {
            assert!((stable.ln_pdf(x) - gaussian.ln_pdf(x)).abs() < 1e-13);
            assert!((stable.sf(x) / gaussian.sf(x) - 1.0).abs() < 1e-13);
        }
    }

    /// Central differences of the exact density. Far out and near α = 2, too.
    #[test]
    fn score() {
        for alpha in [0.7, 1.0, 1.5, 1.9, 1.99] {
            // Near 2 the tail is in proportion to 2 − α.
            let h = 1e-3 * (2.0 - alpha);
            for x in [-200.0, -3.0, 0.9, 1.0, 2.5, 7.0, 21.0, 1e4] {
                let score = law(alpha, 2.0, 1.0).score(x);
                let ln_pdf = |shift: [f64; 3]| {
                    law(alpha + shift[0], 2.0 + shift[1], 1.0 + shift[2]).ln_pdf(x)
                };
                for (i, value) in score.into_iter().enumerate() {
                    let mut step = [0.0; 3];
                    step[i] = h;
                    let slope = (ln_pdf(step) - ln_pdf(step.map(|s| -s))) / (2.0 * h);
                    let error = (value - slope).abs() / value.abs().max(1.0);
                    assert!(error < 1e-5, "alpha = {alpha}, x = {x}, {i}: {value}, {slope}");
                }
            }
        }
        assert!(law(2.0, 1.0, 0.0).score(1.0)[0].is_nan());
        assert!(law(0.4, 1.0, 0.0).score(1.0)[0].is_nan());
    }

    /// The Cauchy law in closed form (`I_αα = (π²/6 + c²)/2` and
    /// `I_αγ = −c/(2γ)` with `c = C + ln 2 − 1` and Euler's constant C), and as
    /// the mean outer product of scores everywhere.
    #[test]
    fn fisher_information() {
        const GAMMA: f64 = 0.5;
        let cauchy = law(1.0, GAMMA, 5.0).fisher_information();
        let c = EULER_GAMMA + LN_2 - 1.0;
        let mixed = -c / (2.0 * GAMMA);
        let diagonal = 1.0 / (2.0 * GAMMA * GAMMA);
        let expected = [
            [0.5 * (PI * PI / 6.0 + c * c), mixed, 0.0],
            [mixed, diagonal, 0.0],
            [0.0, 0.0, diagonal],
        ];
        for (row, expected) in cauchy.iter().zip(expected) {
            for (entry, expected) in row.iter().zip(expected) {
                assert!((entry - expected).abs() < 1e-8, "{entry}, not {expected}");
            }
        }

        // Scores in the midpoints of 600 equiprobable cells, of which the last
        // holds the most of the information about α.
        for alpha in [0.8, 1.5, 1.9] {
            let law = law(alpha, GAMMA, 2.0);
            let information = law.fisher_information();
            let mut mean = [[0.0; 3]; 3];
            for i in 0..600 {
                let score = law.score(law.inverse_cdf((f64::from(i) + 0.5) / 600.0));
                for (row, s_j) in mean.iter_mut().zip(score) {
                    for (entry, s_k) in row.iter_mut().zip(score) {
                        *entry += s_j * s_k / 600.0;
                    }
                }
            }
            for j in 0..3 {
                for k in 0..3 {
                    let unit = (information[j][j] * information[k][k]).sqrt();
                    let error = (information[j][k] - mean[j][k]) / unit;
                    assert!(error.abs() < 0.03, "alpha = {alpha}, {j}, {k}: {error}");
                }
            }
        }
        assert!(law(2.0, 1.0, 0.0).fisher_information()[0][0].is_nan());
    }

    #[test]
    fn characteristic_function() {
        let (re, im) = law(1.5, 2.0, 0.3).characteristic_function(-0.7);
        let modulus = (-(1.4f64.powf(1.5))).exp();
        assert!((re - modulus * 0.21f64.cos()).abs() < 1e-16);
        assert!((im + modulus * 0.21f64.sin()).abs() < 1e-16);
        assert_eq!(law(1.5, 2.0, 0.3).characteristic_function(0.0), (1.0, 0.0));
    }

    #[test]
    fn quantiles() {
        let law = law(1.6, 2.0, -1.0);
        for p in [1e-12, 0.05, 0.3, 0.5, 0.7, 0.99] {
            assert!((law.cdf(law.inverse_cdf(p)) / p - 1.0).abs() < 1e-9);
        }
        assert_eq!(law.inverse_cdf(0.5), law.delta());
        assert_eq!(law.inverse_cdf(0.0), f64::NEG_INFINITY);
        assert_eq!(law.inverse_cdf(1.0), f64::INFINITY);
    }

    /// Bergström's series and its root with mpmath, 60 digits: the quantile of the
    /// standard law is outside the range of f64, to one side or to the other.
    #[test]
    fn quantiles_where_the_standard_law_leaves_the_range() {
        for (alpha, p, gamma, expected) in [
            (0.7, 1e-300, 1e-200, 8.942_586_860_882_757e227),
            (0.3, 1e-100, 1e-300, 1.316_193_419_941_235e32),
            (0.01, 1e-4, 1e-300, 4.402_951_145_252_791e69),
            (0.005, 0.3, 1e-20, 2.201_599_686_546_235e-13),
            (0.01, 0.4999, 1e300, 5.074_404_391_486_14e206),
            (0.02, 0.499_999_9, 1e250, 1.866_339_910_557_803e190),
        ] {
            let found = law(alpha, gamma, 0.0).inverse_cdf(p);
            // 1e-13 of the probability, over α.
            let error = (found / -expected - 1.0).abs();
            assert!(error < 1e-12 + 2e-13 / alpha, "{alpha}, {p}, {gamma}: {found:e}, {error:e}");
        }
        // 4.4e327 and 8.9e427, by the same.
        assert_eq!(law(0.6, 1e-5, 0.0).inverse_cdf(1e-200), f64::NEG_INFINITY);
        assert_eq!(law(0.7, 1.0, 3.0).inverse_cdf(1e-300), f64::NEG_INFINITY);
    }

    #[test]
    #[should_panic(expected = "probability p = 1.5 is outside [0, 1]")]
    fn quantile_outside_of_the_unit_interval() {
        law(1.6, 2.0, -1.0).inverse_cdf(1.5);
    }

    /// Nearly all draws are beyond the range of f64, to either end.
    #[test]
    fn draws_at_small_alpha() {
        const N_DRAWS: usize = 10_000;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for alpha in [5e-324, 1e-300, 1e-16, 1e-3, 0.01] {
            let law = law(alpha, 1.0, 0.0);
            let draws: Vec<f64> = (0..N_DRAWS).map(|_| law.sample(&mut rng)).collect();
            assert!(draws.iter().all(|x| !x.is_nan()));
            for x in [-1e200, -1.0, -1e-100, 1e-200, 1.0, 1e100] {
                let share = draws.iter().filter(|&&draw| draw > x).count() as f64 / N_DRAWS as f64;
                let expected = law.sf(x);
                assert!((share - expected).abs() < 0.02, "{alpha}, {x}: {share}, not {expected}");
            }
        }
        let powers = |angle, exponential| logarithmic_draw(0.09, angle, exponential);
        assert_eq!(powers(0.0, 1.0), 0.0);
        for (angle, exponential) in [(-1.2f64, 0.3f64), (0.4, 2.5), (1.5, 1.0)] {
            let by_powers = (0.09 * angle).sin() / angle.cos().powf(1.0 / 0.09)
                * ((0.91 * angle).cos() / exponential).powf(0.91 / 0.09);
            assert!((powers(angle, exponential) / by_powers - 1.0).abs() < 1e-12);
        }
    }

    /// An error of 0.1 in an exponent comes to more than the limit.
    #[test]
    fn draws_follow_the_distribution() {
        for (seed, alpha) in [0.4, 0.8, 1.0, 1.000_001, 1.5, 1.9, 2.0].into_iter().enumerate() {
            let rng = ChaCha8Rng::seed_from_u64(seed as u64);
            let statistic = kolmogorov_statistic(law(alpha, 0.5, 2.0), rng);
            assert!(statistic < 2.2, "alpha = {alpha}: {statistic}");
        }
    }
}
