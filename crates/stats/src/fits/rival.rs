//! What the fits of the laws with location, scale and shape have in common.

use super::{Fit, FitStatus, Location};
use crate::StatsError;
use crate::standardise::Standardised;

/// The point of greatest likelihood of a law with a shape, on standardised
/// samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peak {
    pub(super) shape: f64,
    pub(super) mu: f64,
    pub(super) scale: f64,
    pub(super) ln_likelihood: f64,
}

impl Peak {
    /// The law in the units of the samples, or `None` where the ascent left the
    /// range of numbers. A shape at the end of its range is told by the status.
    pub(super) fn into_fit<L>(
        self,
        series: &Standardised,
        location: Location,
        (heaviest, lightest): (f64, f64),
        law: impl Fn(f64, f64, f64) -> Result<L, StatsError>,
    ) -> Option<Fit<L>> {
        let n_samples = series.z.len();
        let mu = match location {
            Location::Free => series.x_of(self.mu),
            Location::Fixed(mu) => mu,
        };
        let status = if self.shape == heaviest {
            FitStatus::LowerBound
        } else if self.shape == lightest {
            FitStatus::Boundary
        } else {
            FitStatus::Interior
        };
        let ln_likelihood = self.ln_likelihood - n_samples as f64 * series.scale.ln();
        let law = law(self.shape, mu, self.scale * series.scale).ok()?;
        ln_likelihood.is_finite().then_some(Fit { law, ln_likelihood, n_samples, status })
    }
}

/// With more samples at one value than this share no heavy-tailed law is fitted: the
/// likelihood has no maximum up to a shape of ½.
pub(super) const MOST_TIES: f64 = 1.0 / 3.0;

/// The least shape of a law with tails `|x|^−shape` that is fitted to a series with
/// this share of equal values.
///
/// Up to `share / (1 − share)` the likelihood grows without bound as the scale
/// vanishes around them.
pub(crate) fn least_shape(of_range: f64, tie_share: f64) -> f64 {
    const ABOVE: f64 = 0.02;
    of_range.max(tie_share / (1.0 - tie_share) + ABOVE * f64::from(tie_share > 0.02))
}

/// A law that is all at one point, with a likelihood that has no maximum.
pub(super) fn point_mass<L>(law: L, series: &Standardised, status: FitStatus) -> Fit<L> {
    Fit { law, ln_likelihood: f64::NAN, n_samples: series.z.len(), status }
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use statrs::distribution::Continuous;

    use super::*;
    use crate::{
        GaussianMixture, GeneralisedGaussian, Laplace, StudentT, SymmetricStable,
        fit_gaussian_mixture, fit_generalised_gaussian, fit_student_t,
    };

    /// Series of ten laws, 50 to 600 long, in units from 1e-200 to 1e200.
    fn series() -> Vec<Vec<f64>> {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let lengths = [50, 77, 120, 200, 333, 600];
        let scales = [1.0, 1e-200, 1e3, 1e200, 1e-7, 30.0];
        let mut series = Vec::new();
        for (length, scale) in lengths.into_iter().zip(scales) {
            let mut draws = |law: &dyn Fn(&mut ChaCha8Rng) -> f64| -> Vec<f64> {
                (0..length).map(|_| law(&mut rng)).collect()
            };
            let stable = |alpha| SymmetricStable::new(alpha, 1.0, 0.3).unwrap();
            let student = |nu| StudentT::new(nu, 0.3, 1.0).unwrap();
            let laplace = Laplace::new(0.0, 1.0).unwrap();
            let uniform = GeneralisedGaussian::new(15.0, 0.0, 1.0).unwrap();
            let mut all = vec![
                draws(&|rng| stable(2.0).sample(rng)),
                draws(&|rng| stable(1.8).sample(rng)),
                draws(&|rng| stable(1.2).sample(rng)),
                draws(&|rng| laplace.sample(rng)),
                draws(&|rng| student(2.0).sample(rng)),
                draws(&|rng| student(5.0).sample(rng)),
                draws(&|rng| uniform.sample(rng)),
                // One-sided; two humps of different width; a grid of ties.
                draws(&|rng| laplace.sample(rng).abs()),
                draws(&|rng| {
                    let (x, y) = (laplace.sample(rng), stable(2.0).sample(rng));
                    if y > 0.5 { 4.0 + 2.0 * x } else { 0.3 * x }
                }),
                draws(&|rng| (3.0 * student(3.0).sample(rng)).round()),
            ];
            all.iter_mut().flatten().for_each(|x| *x *= scale);
            series.append(&mut all);
        }
        series
    }

    /// Nelder and Mead's search (1965) for the greatest value.
    fn search<const N: usize>(f: &dyn Fn([f64; N]) -> f64, start: [f64; N]) -> f64 {
        let mut simplex: Vec<([f64; N], f64)> = (0..=N)
            .map(|i| {
                let x = std::array::from_fn(|j| start[j] + if i == j + 1 { 0.3 } else { 0.0 });
                (x, f(x))
            })
            .collect();
        for _ in 0..60 * N {
            simplex.sort_by(|a, b| b.1.total_cmp(&a.1));
            let mean: [f64; N] =
                std::array::from_fn(|j| simplex[..N].iter().map(|p| p.0[j] / N as f64).sum());
            let worst = simplex[N];
            let at = |t: f64| {
                let x = std::array::from_fn(|j| mean[j] + t * (worst.0[j] - mean[j]));
                (x, f(x))
            };
            let mirrored = at(-1.0);
            if mirrored.1 > simplex[0].1 {
                let farther = at(-2.0);
                simplex[N] = if farther.1 > mirrored.1 { farther } else { mirrored };
            } else if mirrored.1 > simplex[N - 1].1 {
                simplex[N] = mirrored;
            } else {
                let nearer = at(0.5);
                if nearer.1 > worst.1 {
                    simplex[N] = nearer;
                } else {
                    let best = simplex[0].0;
                    for (x, value) in &mut simplex[1..] {
                        *x = std::array::from_fn(|j| 0.5 * (x[j] + best[j]));
                        *value = f(*x);
                    }
                }
            }
        }
        simplex.iter().map(|p| p.1).fold(f64::MIN, f64::max)
    }

    /// In units of the spread, where every start is sensible, with what that
    /// adds to the likelihood.
    fn in_units(samples: &[f64]) -> (Vec<f64>, f64) {
        let series = Standardised::new(samples).unwrap();
        let unit = samples.len() as f64 * series.scale.ln();
        (series.sorted, unit)
    }

    fn quantiles(sorted: &[f64]) -> impl Iterator<Item = f64> {
        (1..8).map(|k| sorted[k * sorted.len() / 8])
    }

    #[test]
    fn no_search_finds_a_likelier_generalised_gaussian() {
        for (i, samples) in series().iter().enumerate() {
            let (z, unit) = in_units(samples);
            let n = z.len() as f64;
            let likelihood = |[mu, ln_beta]: [f64; 2]| {
                let beta = ln_beta.exp().clamp(0.1, 20.0);
                let sum: f64 = z.iter().map(|z| (z - mu).abs().powf(beta)).sum();
                let scale = (beta * sum / n).powf(1.0 / beta);
                let law = GeneralisedGaussian::new(beta, mu, scale).unwrap();
                // Of the density at μ, and of the sum of the powers, which is N/β.
                n * (law.ln_pdf(mu) - 1.0 / beta)
            };
            let middle = 0.5 * (z[0] + z[z.len() - 1]);
            let mut greatest = f64::MIN;
            for mu in quantiles(&z).chain([middle]) {
                for beta in [0.5_f64, 1.5, 5.0] {
                    greatest = greatest.max(search(&likelihood, [mu, beta.ln()]));
                }
            }
            // Cusps.
            if z.len() <= 200 {
                for mu in &z {
                    for beta in [0.1_f64, 0.2, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0] {
                        greatest = greatest.max(likelihood([*mu, beta.ln()]));
                    }
                }
            }
            let fit = fit_generalised_gaussian(samples, Location::Free).unwrap();
            let found = fit.ln_likelihood + unit;
            assert!(found > greatest - 1e-4, "{i}: {found}, {greatest}, {}", fit.law);
        }
    }

    #[test]
    fn no_search_finds_a_likelier_mixture() {
        for (i, samples) in series().iter().enumerate() {
            let (z, unit) = in_units(samples);
            let likelihood = |[mu, ln_narrow, ln_ratio, logit]: [f64; 4]| {
                let narrow = ln_narrow.exp().max(0.05);
                let wide = narrow * ln_ratio.clamp(0.0, 1e3f64.ln()).exp();
                let share = 1.0 / (1.0 + (-logit).exp());
                let law = GaussianMixture::new(share, mu, narrow, wide).unwrap();
                z.iter().map(|&z| law.ln_pdf(z)).sum()
            };
            let mut greatest = f64::MIN;
            for mu in quantiles(&z).step_by(3) {
                for start in [[-0.1, 1.0, -2.2], [-0.7, 1.0, 0.0], [0.0, 2.5, -4.0]] {
                    let [narrow, ratio, logit] = start;
                    greatest = greatest.max(search(&likelihood, [mu, narrow, ratio, logit]));
                }
            }
            let fit = fit_gaussian_mixture(samples, Location::Free).unwrap();
            let found = fit.ln_likelihood + unit;
            assert!(found > greatest - 1e-3, "{i}: {found}, {greatest}, {}", fit.law);
        }
    }

    #[test]
    fn no_search_finds_a_likelier_student() {
        for (i, samples) in series().iter().enumerate() {
            let (z, unit) = in_units(samples);
            let floor = least_shape(0.1, Standardised::new(samples).unwrap().tie_share);
            let likelihood = |[mu, ln_sigma, ln_nu]: [f64; 3]| {
                let law = StudentT::new(ln_nu.exp().clamp(floor, 1e4), mu, ln_sigma.exp()).unwrap();
                z.iter().map(|&z| law.ln_pdf(z)).sum()
            };
            let mut greatest = f64::MIN;
            for mu in quantiles(&z).step_by(3) {
                greatest = greatest.max(search(&likelihood, [mu, -0.3, 1.0]));
            }
            let fit = fit_student_t(samples, Location::Free).unwrap();
            if fit.status != FitStatus::ZeroInflated {
                let found = fit.ln_likelihood + unit;
                assert!(found > greatest - 1e-4, "{i}: {found}, {greatest}, {}", fit.law);
            }
        }
    }

    /// From the least to the greatest numbers: a fit or the status that says that there
    /// is none, and no panic.
    #[test]
    fn whatever_the_range() {
        for n in [50, 60, 200] {
            for (from, to) in [(-300.0, 307.0), (-20.0, 300.0), (-300.0, -100.0), (0.0, 160.0)] {
                for turn in [37_usize, 1, 7] {
                    let power =
                        |i: usize| from + (to - from) * ((i * turn) % n) as f64 / (n - 1) as f64;
                    let sign = |i: usize| if i.is_multiple_of(3) { -1.0 } else { 1.0 };
                    let samples: Vec<f64> =
                        (0..n).map(|i| sign(i) * 10f64.powf(power(i))).collect();
                    let Ok(rivals) = crate::rivals(&samples, Location::Free) else { continue };
                    for score in rivals.scores {
                        assert!(!score.ln_likelihood.is_infinite(), "{score:?}");
                    }
                    let zero = Location::Fixed(0.0);
                    assert!(crate::rivals(&samples, zero).is_ok());
                }
            }
        }
    }
}
