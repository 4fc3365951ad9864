//! The mixture of two Gaussians of greatest likelihood.

use std::f64::consts::PI;

use super::cholesky::solve;
use super::condensed::Condensed;
use super::rival::point_mass;
use super::{Fit, FitStatus, Location, fit_gaussian_to};
use crate::stable::elementary::{exp, ln};
use crate::stable::simd::wide;
use crate::standardise::Standardised;
use crate::{GaussianMixture, StatsError};

/// The greatest ratio of the two standard deviations.
const RATIO_MAX: f64 = 1e3;

/// A fitted σ₁ below this share of the spread is too narrow for [`Condensed`].
const NARROW: f64 = 0.3;

/// Where ascents begin, in units of the spread: share of the wider component, and
/// both standard deviations. Contaminated Gaussians, two of like weight, and a
/// narrow peak on a broad foot.
const STARTS: [[f64; 3]; 4] =
    [[0.1, 0.9, 2.7], [0.5, 0.6, 1.8], [0.02, 1.0, 8.0], [0.8, 0.25, 1.5]];

/// Fits a mixture of two Gaussians with one location by maximum likelihood.
///
/// # Formula
///
/// The EM algorithm (Dempster, Laird and Rubin 1977,
/// doi:10.1111/j.2517-6161.1977.tb01600.x) from five starts, and from where the
/// best of them have come Newton's method in `(μ/σ₁, ln σ₁, ln σ₂, logit w)`,
/// whose second derivatives are exact; where they promise no maximum, EM goes on.
/// The search is among a few points that stand for the samples, which only its
/// end sees.
///
/// The likelihood itself has no upper bound: a component that shrinks to one
/// sample takes it to infinity. As usual the greatest *local* maximum that the
/// starts lead to is taken, with `σ₂/σ₁ ≤ 1000` (Hathaway 1985,
/// doi:10.1214/aos/1176349557). It costs 0.3 ms for 1000 samples.
///
/// - [`FitStatus::Boundary`]: no mixture is likelier than the Gaussian, which has
///   no heavier tail. `share` is 0 and both standard deviations are those of
///   [`fit_gaussian`](super::fit_gaussian).
/// - [`FitStatus::LowerBound`]: `σ₂/σ₁ = 1000`.
/// - [`FitStatus::Constant`]: all samples are equal. `share` and the likelihood
///   are NaN, both standard deviations are 0 and `mu` is the value.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite.
pub fn fit_gaussian_mixture(
    samples: &[f64],
    location: Location,
) -> Result<Fit<GaussianMixture>, StatsError> {
    location.check()?;
    Ok(fit_gaussian_mixture_to(&Standardised::new(samples)?, location))
}

/// [`fit_gaussian_mixture`] to a series that has been checked.
pub(crate) fn fit_gaussian_mixture_to(
    series: &Standardised,
    location: Location,
) -> Fit<GaussianMixture> {
    if series.is_constant() {
        return point_mass(GaussianMixture::point_mass(series.mode), series, FitStatus::Constant);
    }
    let n_samples = series.z.len();
    let gaussian = fit_gaussian_to(series, location);
    let fixed = match location {
        Location::Free => None,
        Location::Fixed(mu) => Some(series.z_of(mu)),
    };
    let found = maximise(series, fixed);
    let ln_likelihood = found.ln_likelihood - n_samples as f64 * series.scale.ln();
    let is_mixture = found.is_finite() && ln_likelihood > gaussian.ln_likelihood;
    if let Some(law) = is_mixture.then(|| found.law(series, location)).and_then(Result::ok) {
        let status = match found.narrow * RATIO_MAX <= found.wide * (1.0 + 1e-12) {
            true => FitStatus::LowerBound,
            false => FitStatus::Interior,
        };
        return Fit { law, ln_likelihood, n_samples, status };
    }
    let (mean, std) = (gaussian.law.mean(), gaussian.law.std());
    let law = GaussianMixture::new(0.0, mean, std, std).expect("the Gaussian has been fitted");
    Fit { law, ln_likelihood: gaussian.ln_likelihood, n_samples, status: FitStatus::Boundary }
}

/// Parameters of a mixture on standardised samples, with its likelihood.
#[derive(Debug, Clone, Copy)]
struct Mixture {
    share: f64,
    mu: f64,
    narrow: f64,
    wide: f64,
    ln_likelihood: f64,
}

/// The greatest of the maxima that the starts lead to: among the few points of
/// [`Condensed`], and from there among all samples.
fn maximise(series: &Standardised, fixed: Option<f64>) -> Mixture {
    /// Steps of EM after which starts are compared, and how many of them go on.
    const N_FIRST: usize = 8;
    const N_KEPT: usize = 2;
    let all = Points { z: &series.sorted, weights: None, n: series.z.len() as f64 };
    let Condensed { z, weights } = Condensed::of(&series.sorted);
    let few = Points { z: &z, weights: Some(&weights), n: all.n };
    let mu = fixed.unwrap_or(0.0);
    let start = |[share, narrow, wide]: [f64; 3]| Mixture {
        share,
        mu,
        narrow,
        wide,
        ln_likelihood: f64::NEG_INFINITY,
    };
    let mut begun: Vec<Mixture> = STARTS
        .iter()
        .copied()
        .chain(outliers(&series.sorted, mu))
        .map(|at| few.climb(start(at), fixed.is_none(), Climb { most: N_FIRST, newton: false }))
        .filter(Mixture::is_finite)
        .collect();
    begun.sort_by(|a, b| b.ln_likelihood.total_cmp(&a.ln_likelihood));
    let whole = Climb { most: 300, newton: true };
    // Where Newton's method is not done with all samples by then, the likelihood is as good as flat: two widths become one.
    let end = Climb { most: 30, newton: true };
    let near = begun
        .into_iter()
        .take(N_KEPT)
        .map(|begun| few.climb(begun, fixed.is_none(), whole))
        .filter(Mixture::is_finite)
        .max_by(|a, b| a.ln_likelihood.total_cmp(&b.ln_likelihood));
    let start = near.unwrap_or_else(|| start(STARTS[0]));
    all.climb(start, fixed.is_none(), end)
}

/// A start with a component for the samples that are too far out for the middle
/// half, where there are such.
fn outliers(sorted: &[f64], mu: f64) -> Option<[f64; 3]> {
    const FAR_OUT: f64 = 4.0;
    let squares = || sorted.iter().map(|z| (z - mu) * (z - mu)).filter(|r| *r > FAR_OUT.powi(2));
    let n_outside = squares().count() as f64;
    let wide = (squares().sum::<f64>() / n_outside).sqrt().min(RATIO_MAX);
    (n_outside > 0.0).then(|| [n_outside / sorted.len() as f64, 1.0, wide])
}

/// How far an ascent goes.
#[derive(Clone, Copy)]
struct Climb {
    most: usize,
    newton: bool,
}

impl Mixture {
    fn is_finite(&self) -> bool {
        let Self { share, mu, narrow, wide, ln_likelihood } = *self;
        [share, mu, narrow, wide, ln_likelihood].iter().all(|value| value.is_finite())
    }

    /// With σ₁ ≤ σ₂ ≤ 1000 σ₁; two of one width keep their place.
    fn within_bounds(self) -> Self {
        let Self { share, narrow, wide, .. } = self;
        let (share, narrow, wide) =
            if narrow > wide { (1.0 - share, wide, narrow) } else { (share, narrow, wide) };
        Self { share, narrow, wide: wide.min(RATIO_MAX * narrow), ..self }
    }

    fn law(
        &self,
        series: &Standardised,
        location: Location,
    ) -> Result<GaussianMixture, StatsError> {
        let mu = match location {
            Location::Free => series.x_of(self.mu),
            Location::Fixed(mu) => mu,
        };
        GaussianMixture::new(self.share, mu, self.narrow * series.scale, self.wide * series.scale)
    }
}

/// Samples, or points that stand for samples.
#[derive(Clone, Copy)]
struct Points<'a> {
    z: &'a [f64],
    /// How many samples each stands for; without weights, one.
    weights: Option<&'a [f64]>,
    n: f64,
}

impl Points<'_> {
    /// Climbs from `start` by EM and, where it may, by Newton's method.
    fn climb(self, start: Mixture, mu_is_free: bool, how: Climb) -> Mixture {
        let least_gain = self.n * if self.weights.is_some() { 1e-9 } else { 1e-13 };
        let mut sums = self.sums(&start);
        let mut here = Mixture { ln_likelihood: self.ln_likelihood(&sums), ..start };
        for _ in 0..how.most {
            if here.narrow < NARROW && self.weights.is_some() && how.newton {
                // Samples decide, not the points.
                break;
            }
            let newton = if how.newton { sums.newton(&here, self.n, mu_is_free) } else { None };
            let mut next = None;
            if let Some((step, promised)) = newton {
                if promised < least_gain {
                    return Mixture { ln_likelihood: here.ln_likelihood + promised, ..step };
                }
                let at = self.sums(&step);
                let ln_likelihood = self.ln_likelihood(&at);
                if ln_likelihood >= here.ln_likelihood {
                    next = Some((Mixture { ln_likelihood, ..step }, at));
                }
            }
            let (there, at) = next.unwrap_or_else(|| {
                let step = sums.em(&here, self.n, mu_is_free);
                let at = self.sums(&step);
                (Mixture { ln_likelihood: self.ln_likelihood(&at), ..step }, at)
            });
            let gain = there.ln_likelihood - here.ln_likelihood;
            // A NaN ends it, too; EM never falls but by rounding or a bound.
            if gain.is_nan() || gain <= least_gain {
                break;
            }
            (here, sums) = (there, at);
        }
        here
    }

    fn sums(self, mixture: &Mixture) -> Sums {
        let Mixture { share, mu, narrow, wide, .. } = *mixture;
        let parameters = [
            mu,
            1.0 / narrow,
            1.0 / wide,
            (1.0 - share).ln() - narrow.ln(),
            share.ln() - wide.ln(),
        ];
        let mut sums = [0.0; N_SUMS];
        let mut add = |z: &[f64], weights: &[f64]| add_block(z, weights, parameters, &mut sums);
        match self.weights {
            Some(weights) => {
                self.z.chunks(BLOCK).zip(weights.chunks(BLOCK)).for_each(|(z, w)| add(z, w));
            }
            None => self.z.chunks(BLOCK).for_each(|z| add(z, &[1.0; BLOCK][..z.len()])),
        }
        Sums(sums)
    }

    fn ln_likelihood(self, sums: &Sums) -> f64 {
        sums.0[0] - 0.5 * self.n * (2.0 * PI).ln()
    }
}

/// Samples taken at a time.
const BLOCK: usize = 32;

/// The logarithm of the density; of `p₂`, the probability that a sample is of the
/// wider component; of `p_k r_k` and `p_k r_k²` with `r_k = (z − μ)/σ_k`; and of
/// the products that the second derivatives are made of.
const N_SUMS: usize = 16;

/// `r` is cut off here, so that its fourth power is a number.
const FAR: f64 = 1e70;

wide! {
    /// Adds the terms of up to [`BLOCK`] samples.
    fn add_block(z: &[f64], weights: &[f64], parameters: [f64; 5], sums: &mut [f64; N_SUMS]) {
        let [mu, inverse_narrow, inverse_wide, ln_narrow, ln_wide] = parameters;
        let (mut samples, mut weight) = ([mu; BLOCK], [0.0; BLOCK]);
        samples[..z.len()].copy_from_slice(z);
        weight[..z.len()].copy_from_slice(weights);
        let ratio = inverse_wide / inverse_narrow;
        let mut terms = [[0.0; BLOCK]; N_SUMS];
        for i in 0..BLOCK {
            let weight = weight[i];
            let r_1 = ((samples[i] - mu) * inverse_narrow).clamp(-FAR, FAR);
            let r_2 = ((samples[i] - mu) * inverse_wide).clamp(-FAR, FAR);
            let (a, b) = (ln_narrow - 0.5 * r_1 * r_1, ln_wide - 0.5 * r_2 * r_2);
            let distance = b - a;
            let lesser = exp((-distance.abs()).max(-700.0));
            let whole = 1.0 + lesser;
            let (minor, major) = (lesser / whole, 1.0 / whole);
            let (p_1, p_2) = if distance > 0.0 { (minor, major) } else { (major, minor) };
            let q = p_1 * p_2;
            let (d_0, d_1, d_2) = (r_1 - ratio * r_2, r_1 * r_1 - 1.0, 1.0 - r_2 * r_2);
            terms[0][i] = weight * (if distance > 0.0 { b } else { a } + ln(whole));
            terms[1][i] = weight * p_2;
            terms[2][i] = weight * (p_1 * r_1);
            terms[3][i] = weight * (p_2 * r_2);
            terms[4][i] = weight * (p_1 * r_1 * r_1);
            terms[5][i] = weight * (p_2 * r_2 * r_2);
            terms[6][i] = weight * (q * d_0 * d_0);
            terms[7][i] = weight * (q * d_0 * d_1);
            terms[8][i] = weight * (q * d_0 * d_2);
            terms[9][i] = weight * (q * d_0);
            terms[10][i] = weight * (q * d_1 * d_1);
            terms[11][i] = weight * (q * d_1 * d_2);
            terms[12][i] = weight * (q * d_1);
            terms[13][i] = weight * (q * d_2 * d_2);
            terms[14][i] = weight * (q * d_2);
            terms[15][i] = weight * q;
        }
        for (total, terms) in sums.iter_mut().zip(&terms) {
            let mut lanes = [0.0; 4];
            for chunk in terms.as_chunks::<4>().0 {
                for lane in 0..4 {
                    lanes[lane] += chunk[lane];
                }
            }
            *total += (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
        }
    }
}

struct Sums([f64; N_SUMS]);

impl Sums {
    /// The next point of EM: the weighted mean for μ, then shares and widths.
    fn em(&self, here: &Mixture, n: f64, mu_is_free: bool) -> Mixture {
        let [_, of_wide, r_1, r_2, square_1, square_2, ..] = self.0;
        let of_narrow = n - of_wide;
        let Mixture { mu, narrow, wide, .. } = *here;
        let step = if mu_is_free {
            (r_1 / narrow + r_2 / wide) / (of_narrow / narrow.powi(2) + of_wide / wide.powi(2))
        } else {
            0.0
        };
        // The mean square of a component about the new location.
        let width = |std: f64, n: f64, r: f64, square: f64| {
            let by = step / std;
            std * ((square - 2.0 * by * r + by * by * n) / n).sqrt()
        };
        Mixture {
            share: of_wide / n,
            mu: mu + step,
            narrow: width(narrow, of_narrow, r_1, square_1),
            wide: width(wide, of_wide, r_2, square_2),
            ..*here
        }
        .within_bounds()
    }

    /// Derivatives of the likelihood by `(μ/σ₁, ln σ₁, ln σ₂, logit w)`, and minus
    /// the second ones, of which the upper triangle.
    ///
    /// With the gradients `g_k` and the second derivatives `H_k` of the logarithms
    /// of the components, the second derivative of that of their sum is
    /// `p₁H₁ + p₂H₂ + p₁p₂(g₁ − g₂)(g₁ − g₂)ᵀ`.
    fn derivatives(&self, here: &Mixture, n: f64) -> ([f64; 4], [[f64; 4]; 4]) {
        let [_, of_wide, r_1, r_2, square_1, square_2, d00, d01, d02, d0, d11, d12, d1, d22, d2, q] =
            self.0;
        let (of_narrow, share) = (n - of_wide, here.share);
        let ratio = here.narrow / here.wide;
        let score =
            [r_1 + ratio * r_2, square_1 - of_narrow, square_2 - of_wide, of_wide - share * n];
        let information = [
            [
                of_narrow + ratio * ratio * of_wide - d00,
                2.0 * r_1 - d01,
                2.0 * ratio * r_2 - d02,
                d0,
            ],
            [0.0, 2.0 * square_1 - d11, -d12, d1],
            [0.0, 0.0, 2.0 * square_2 - d22, d2],
            [0.0, 0.0, 0.0, share * (1.0 - share) * n - q],
        ];
        (score, information)
    }

    /// Where Newton's method goes and what it promises; `None` where the likelihood
    /// is not concave, the step is long, or it ends at a bound.
    fn newton(&self, here: &Mixture, n: f64, mu_is_free: bool) -> Option<(Mixture, f64)> {
        const LONGEST: f64 = 1.0;
        let (score, information) = self.derivatives(here, n);
        let step = solve(&information, &score, [mu_is_free, true, true, true])?;
        if !step.iter().all(|by| by.abs() < LONGEST) {
            return None;
        }
        let odds = here.share / (1.0 - here.share) * step[3].exp();
        let there = Mixture {
            share: odds / (1.0 + odds),
            mu: here.mu + here.narrow * step[0],
            narrow: here.narrow * step[1].exp(),
            wide: here.wide * step[2].exp(),
            ..*here
        };
        let is_inside = there.narrow < there.wide && there.wide < RATIO_MAX * there.narrow;
        let promised = 0.5 * step.iter().zip(&score).map(|(step, score)| step * score).sum::<f64>();
        is_inside.then_some((there, promised))
    }
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use statrs::distribution::Continuous;

    use super::*;
    use crate::{Gaussian, SymmetricStable, fit_gaussian};

    fn draws(law: impl Distribution<f64>, n_samples: usize, seed: u64) -> Vec<f64> {
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    fn law(share: f64, wide: f64) -> GaussianMixture {
        GaussianMixture::new(share, 0.0, 1.0, wide).unwrap()
    }

    fn fit(samples: &[f64]) -> Fit<GaussianMixture> {
        fit_gaussian_mixture(samples, Location::Free).unwrap()
    }

    fn parameters(law: &GaussianMixture) -> [f64; 4] {
        [law.share(), law.mu(), law.narrow(), law.wide()]
    }

    fn likelihood(samples: &[f64], [share, mu, narrow, wide]: [f64; 4]) -> f64 {
        let law = GaussianMixture::new(share, mu, narrow, wide).unwrap();
        samples.iter().map(|&x| law.ln_pdf(x)).sum()
    }

    /// Where the fit is, no parameter can be moved without a loss, and the loss is
    /// the same to both sides; the likelihood is that of the density.
    #[test]
    fn score_is_zero() {
        let laws: [&dyn Fn(u64) -> Vec<f64>; 4] = [
            &|seed| draws(law(0.1, 3.0), 1000, seed),
            &|seed| draws(law(0.05, 20.0), 300, seed),
            &|seed| draws(law(0.7, 8.0), 400, seed),
            &|seed| draws(SymmetricStable::new(1.5, 1.0, 0.0).unwrap(), 300, seed),
        ];
        for law in laws {
            for seed in 0..4 {
                let samples = law(seed);
                for location in [Location::Free, Location::Fixed(0.1)] {
                    let fit = fit_gaussian_mixture(&samples, location).unwrap();
                    assert_eq!(fit.status, FitStatus::Interior);
                    let here = parameters(&fit.law);
                    let greatest = likelihood(&samples, here);
                    assert!((fit.ln_likelihood - greatest).abs() < 1e-9 * greatest.abs());
                    for i in 0..4 {
                        if i == 1 && location != Location::Free {
                            assert_eq!(here[1], 0.1);
                            continue;
                        }
                        let at = |step: f64| {
                            let mut there = here;
                            there[i] += step * if i == 1 { here[2] } else { here[i] };
                            likelihood(&samples, there)
                        };
                        let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
                        assert!(slope.abs() < 2e-3, "{}: {i}, {slope}", fit.law);
                        assert!(at(1e-2) < greatest && at(-1e-2) < greatest);
                    }
                }
            }
        }
    }

    /// Averages of 20 fits to 2000 samples, to four of their standard errors.
    #[test]
    fn recovers_the_law() {
        for (share, wide) in [(0.1, 5.0), (0.4, 4.0)] {
            let truth = GaussianMixture::new(share, 5.0, 1e-3, 1e-3 * wide).unwrap();
            let fits: Vec<_> =
                (0..20).map(|seed| parameters(&fit(&draws(truth, 2000, seed)).law)).collect();
            for (i, expected) in [share, 5.0, 1e-3, 1e-3 * wide].into_iter().enumerate() {
                let mean = fits.iter().map(|fit| fit[i]).sum::<f64>() / 20.0;
                let variance = fits.iter().map(|fit| (fit[i] - mean).powi(2)).sum::<f64>() / 19.0;
                let error = 4.0 * (variance / 20.0).sqrt();
                assert!((mean - expected).abs() < error, "{i}: {mean}, not {expected}");
            }
        }
    }

    /// The greatest likelihood as SciPy finds it, by Nelder and Mead and then BFGS from
    /// four starts, with `p = (i + ½)/n`, `t = tan(π(p − ½))` and
    /// `x = sgn(t)|t|^power + sin(7i)/10`.
    #[test]
    fn maxima_by_scipy() {
        let check = |n: usize, power: f64, ln_likelihood: f64, expected: [f64; 4]| {
            let of = |i: usize| {
                let p = (i as f64 + 0.5) / n as f64;
                let t = (PI * (p - 0.5)).tan();
                t.abs().powf(power).copysign(t) + 0.1 * (7.0 * i as f64).sin()
            };
            let fit = fit(&(0..n).map(of).collect::<Vec<f64>>());
            assert!((fit.ln_likelihood - ln_likelihood).abs() < 1e-8, "{}", fit.ln_likelihood);
            for (value, expected) in parameters(&fit.law).into_iter().zip(expected) {
                assert!((value - expected).abs() < 1e-5 * expected.abs().max(0.1), "{}", fit.law);
            }
        };
        check(
            300,
            0.6,
            -622.655_531_907_482_6,
            [0.090_342_749, -0.000_578_338, 1.389_139_132, 8.481_213_679],
        );
        check(
            300,
            0.8,
            -711.700_897_214_167_3,
            [0.106_539_900, 0.000_515_113, 1.560_527_804, 19.890_660_761],
        );
        check(
            200,
            1.0,
            -531.057_694_553_839_4,
            [0.128_824_568, -0.003_937_035, 1.701_342_945, 39.036_894_730],
        );
    }

    /// No mixture is likelier than the Gaussian.
    #[test]
    fn light_tails_are_the_gaussian() {
        let uniform: Vec<f64> = (0..200).map(f64::from).collect();
        for location in [Location::Free, Location::Fixed(99.5)] {
            let fit = fit_gaussian_mixture(&uniform, location).unwrap();
            let gaussian = fit_gaussian(&uniform, location).unwrap();
            assert_eq!(
                (fit.status, fit.ln_likelihood),
                (FitStatus::Boundary, gaussian.ln_likelihood)
            );
            assert_eq!((fit.law.share(), fit.law.narrow()), (0.0, gaussian.law.std()));
        }
    }

    /// `x → a + bx` moves the law and nothing else.
    #[test]
    fn location_and_scale() {
        let samples = draws(law(0.2, 4.0), 300, 3);
        let here = fit(&samples);
        for (shift, scale) in [(0.0, 1e-300), (5.0, 1e-3), (-1e6, 1e3), (0.0, 1e290)] {
            let moved: Vec<f64> = samples.iter().map(|x| shift + scale * x).collect();
            let there = fit(&moved);
            assert!((there.law.share() - here.law.share()).abs() < 1e-6);
            assert!((there.law.wide() / scale / here.law.wide() - 1.0).abs() < 1e-6);
            assert!(((there.law.mu() - shift) / scale - here.law.mu()).abs() < 1e-6);
        }
    }

    #[test]
    fn degenerate_series() {
        let constant = fit(&[3.5; 60]);
        assert_eq!((constant.status, constant.law.mu()), (FitStatus::Constant, 3.5));
        assert!(constant.law.share().is_nan() && constant.ln_likelihood.is_nan());
        // A narrow peak is bounded by the ratio.
        let mut samples = draws(Gaussian::new(0.0, 1.0).unwrap(), 90, 6);
        samples[..40].fill(0.25);
        assert!(fit(&samples).ln_likelihood.is_finite());
        for outlier in [1e6, 1e150, 1e300] {
            samples[70] = outlier;
            assert!(fit(&samples).ln_likelihood.is_finite(), "{outlier}");
        }
        assert!(fit_gaussian_mixture(&samples, Location::Fixed(f64::NAN)).is_err());
        assert!(fit_gaussian_mixture(&samples[..49], Location::Free).is_err());
    }
}
