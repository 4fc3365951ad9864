//! The symmetric stable law of greatest likelihood.

use super::ascent::{Free, Maximum, Point, Samples, maximise, maximise_near};
use super::condensed::Condensed;
use super::first_guess::first_guess;
use super::rival::{MOST_TIES, least_shape};
use super::{Fit, FitStatus, Location, fit_gaussian_to};
use crate::stable::density::Density;
use crate::stable::table::{ALPHA_MIN, ALPHA_SPLIT};
use crate::standardise::Standardised;
use crate::{Gaussian, StatsError, SymmetricStable};

/// A first guess of alpha below this needs no look at the slope at 2.
const CLEARLY_HEAVY: f64 = 1.7;

/// A fitted gamma below this share of the spread, where 0.5 to 0.7 is usual, is
/// too narrow for [`Condensed`].
const NARROW: f64 = 0.3;

/// Fits a symmetric stable law by maximum likelihood, `alpha` in [0.1, 2].
///
/// Nolan (2001), *Maximum likelihood estimation and diagnostics for stable
/// distributions*, doi:10.1007/978-1-4612-0197-7_17, with a tabulated density
/// instead of quadrature. Asymptotically no estimator has a smaller error. It
/// costs 40 to 110 µs for 1000 samples, and some milliseconds where alpha is below ½.
///
/// - [`FitStatus::Boundary`]: `alpha = 2`; the law is exactly the one of
///   [`fit_gaussian`](super::fit_gaussian), and so is the likelihood. This is
///   the usual result for Gaussian samples (84 % at N = 1000).
/// - [`FitStatus::LowerBound`]: `alpha = 0.1`. With a share p of equal values and
///   `α < p / (1 − p)` the likelihood grows without bound as `γ → 0`: of such a
///   series the least alpha is a little above that.
/// - [`FitStatus::ZeroInflated`]: more than a third of the samples equal one
///   value (with a fixed location: equal that location), so that there is no
///   maximum below `α = ½`. Then `alpha` and the
///   likelihood are NaN, `gamma` is 0 and `delta` is the value.
/// - [`FitStatus::Constant`]: the same for a constant series.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite.
pub fn fit_symmetric_stable(
    samples: &[f64],
    location: Location,
) -> Result<Fit<SymmetricStable>, StatsError> {
    location.check()?;
    let series = Standardised::new(samples)?;
    let gaussian = fit_gaussian_to(&series, location);
    Ok(fit_symmetric_stable_to(&series, location, &gaussian))
}

/// [`fit_symmetric_stable`] to a series that has been checked, with its
/// Gaussian fit.
pub(crate) fn fit_symmetric_stable_to(
    series: &Standardised,
    location: Location,
    gaussian: &Fit<Gaussian>,
) -> Fit<SymmetricStable> {
    let n_samples = series.z.len();
    let fit = |law, ln_likelihood, status| Fit { law, ln_likelihood, n_samples, status };
    if series.is_constant() {
        return fit(SymmetricStable::point_mass(series.mode), f64::NAN, FitStatus::Constant);
    }
    let (tied_value, tie_share) = ties(series, location);
    if tie_share > MOST_TIES {
        return fit(SymmetricStable::point_mass(tied_value), f64::NAN, FitStatus::ZeroInflated);
    }

    let ln_scale = n_samples as f64 * series.scale.ln();
    let alpha_min = least_shape(ALPHA_MIN, tie_share);
    if let Some(maximum) = maximum_below_two(series, location, gaussian, alpha_min) {
        let ln_likelihood = maximum.ln_likelihood - ln_scale;
        if ln_likelihood > gaussian.ln_likelihood {
            let Point { alpha, gamma, delta } = maximum.point;
            let delta = match location {
                Location::Free => series.x_of(delta),
                Location::Fixed(delta) => delta,
            };
            // Out of the range of numbers the Gaussian is what remains.
            if let Ok(law) = SymmetricStable::new(alpha, gamma * series.scale, delta) {
                let status =
                    if alpha == alpha_min { FitStatus::LowerBound } else { FitStatus::Interior };
                return fit(law, ln_likelihood, status);
            }
        }
    }
    fit(gaussian_as_stable(&gaussian.law), gaussian.ln_likelihood, FitStatus::Boundary)
}

/// The value whose repetition can make the likelihood diverge, and its share.
fn ties(series: &Standardised, location: Location) -> (f64, f64) {
    match location {
        Location::Free => (series.mode, series.tie_share),
        Location::Fixed(delta) => {
            let z = series.z_of(delta);
            let begin = series.sorted.partition_point(|&other| other < z);
            let n_ties = series.sorted[begin..].partition_point(|&other| other == z);
            (delta, n_ties as f64 / series.z.len() as f64)
        }
    }
}

/// The Gaussian as the stable law with `alpha = 2`, whose variance is `2γ²`.
fn gaussian_as_stable(gaussian: &Gaussian) -> SymmetricStable {
    SymmetricStable::new(2.0, gaussian.std() / 2f64.sqrt(), gaussian.mean())
        .expect("the Gaussian has been fitted")
}

/// The maximum of the likelihood of z over `alpha < 2`, or `None` where the
/// likelihood falls as alpha leaves 2.
fn maximum_below_two(
    series: &Standardised,
    location: Location,
    gaussian: &Fit<Gaussian>,
    alpha_min: f64,
) -> Option<Maximum> {
    let mean = series.z_of(gaussian.law.mean());
    let boundary =
        Point { alpha: 2.0, gamma: gaussian.law.std() / series.scale / 2f64.sqrt(), delta: mean };
    let delta_is_free = location == Location::Free;
    let start = first_guess(&series.sorted, if delta_is_free { 0.0 } else { mean });
    if start.alpha > CLEARLY_HEAVY && score_at_two(&series.sorted, boundary) >= 0.0 {
        return None;
    }
    let start = Point { alpha: start.alpha.max(alpha_min), ..start };
    let free = Free { alpha: true, delta: delta_is_free, alpha_min };
    let all = Samples::all(&series.sorted);
    if start.alpha >= ALPHA_SPLIT {
        let Condensed { z, weights } = Condensed::of(&series.sorted);
        let few = Samples { z: &z, weights: Some(&weights) };
        let near = maximise(few, start, Free { alpha_min: alpha_min.max(ALPHA_SPLIT), ..free });
        if near.point.gamma > NARROW && near.point.alpha > ALPHA_SPLIT {
            return Some(maximise_near(&series.sorted, &near, free));
        }
    }
    let found = maximise(all, start, free);
    Some(if delta_is_free && found.point.alpha < ALPHA_SPLIT {
        best_location(&series.sorted, found, free)
    } else {
        found
    })
}

/// The greatest of the maxima that ascents from the densest places lead to.
///
/// Towards α = 0 the peak is narrower than the distances of its samples, so that the
/// likelihood has a maximum at each of them.
fn best_location(sorted: &[f64], found: Maximum, free: Free) -> Maximum {
    const MAX_TURNS: usize = 5;
    const N_PLACES: usize = 16;
    const N_KEPT: usize = 3;
    /// Neighbours on either side whose distance tells how dense a place is.
    const REACH: usize = 3;
    const LEAST_GAIN: f64 = 1e-6;
    let n = sorted.len();
    let width = |i: usize| sorted[(i + REACH).min(n - 1)] - sorted[i.saturating_sub(REACH)];
    let mut places: Vec<usize> = (REACH..n - REACH).collect();
    places.sort_by(|&a, &b| width(a).total_cmp(&width(b)));
    let mut best = found;
    for _ in 0..MAX_TURNS {
        let Point { alpha, gamma, .. } = best.point;
        let density = Density::at(alpha);
        let mut scores: Vec<(f64, f64)> = places
            .iter()
            .take(N_PLACES)
            .map(|&i| (density.first_sums(sorted, gamma, sorted[i]).ln_f, sorted[i]))
            .collect();
        scores.sort_by(|a, b| b.0.total_cmp(&a.0));
        let before = best.ln_likelihood;
        for &(_, delta) in scores.iter().take(N_KEPT) {
            let all = Samples::all(sorted);
            let start = Point { alpha, gamma, delta };
            let fixed = maximise(all, start, Free { delta: false, ..free });
            let other = maximise(all, fixed.point, free);
            let other = if other.ln_likelihood > fixed.ln_likelihood { other } else { fixed };
            if other.ln_likelihood > best.ln_likelihood {
                best = other;
            }
        }
        if best.ln_likelihood <= before + LEAST_GAIN {
            break;
        }
    }
    best
}

/// Derivative of the log likelihood by alpha at 2.
///
/// Near 2 the density is `f_2 + (2 − α) D`, so the likelihood is concave in
/// alpha and its slope at 2 tells whether the maximum lies below.
fn score_at_two(z: &[f64], Point { gamma, delta, .. }: Point) -> f64 {
    Density::at(2.0).first_sums(z, gamma, delta).by_alpha
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use rand::distr::{Distribution, Open01};
    use rand::{Rng, RngExt};
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use statrs::distribution::Continuous;

    use super::*;
    use crate::fit_gaussian;

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    fn draws(law: impl Distribution<f64>, n_samples: usize, seed: u64) -> Vec<f64> {
        law.sample_iter(rng(seed)).take(n_samples).collect()
    }

    fn stable(alpha: f64) -> SymmetricStable {
        SymmetricStable::new(alpha, 1.0, 0.0).unwrap()
    }

    fn gaussian() -> Gaussian {
        Gaussian::new(0.0, 1.0).unwrap()
    }

    struct StudentT(u32);

    impl Distribution<f64> for StudentT {
        fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
            let mut normal = || gaussian().sample(rng);
            let chi2: f64 = (0..self.0).map(|_| normal().powi(2)).sum();
            normal() / (chi2 / f64::from(self.0)).sqrt()
        }
    }

    struct Laplace;

    impl Distribution<f64> for Laplace {
        fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
            let uniform = rng.sample::<f64, _>(Open01) - 0.5;
            -uniform.signum() * (1.0 - 2.0 * uniform.abs()).ln()
        }
    }

    struct Uniform;

    impl Distribution<f64> for Uniform {
        fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
            rng.sample(Open01)
        }
    }

    fn fit(samples: &[f64]) -> Fit<SymmetricStable> {
        fit_symmetric_stable(samples, Location::Free).unwrap()
    }

    /// The likelihood of the fit is the one of the exact density, and no
    /// neighbour has a greater one: both the table and the ascent are right.
    #[test]
    fn maximum_of_the_exact_likelihood() {
        for (seed, alpha) in [0.7, 1.0, 1.5, 1.9].into_iter().enumerate() {
            let samples = draws(stable(alpha), 300, 10 + seed as u64);
            let fit = fit(&samples);
            assert_eq!(fit.status, FitStatus::Interior);
            let likelihood = |alpha: f64, gamma: f64, delta: f64| -> f64 {
                let law = SymmetricStable::new(alpha, gamma, delta).unwrap();
                samples.iter().map(|&x| law.ln_pdf(x)).sum()
            };
            let (alpha, gamma, delta) = (fit.law.alpha(), fit.law.gamma(), fit.law.delta());
            let greatest = likelihood(alpha, gamma, delta);
            assert!((fit.ln_likelihood - greatest).abs() < 1e-8 * greatest.abs());
            // Steps of 1e-3 lower it by some 1e-4, and by nearly the same on
            // both sides: an error of 1e-4 in a parameter would show.
            for step in [[1e-3, 0.0, 0.0], [0.0, 1e-3, 0.0], [0.0, 0.0, 1e-3]] {
                let at = |sign: f64| {
                    likelihood(
                        alpha + sign * step[0],
                        gamma + sign * step[1],
                        delta + sign * step[2],
                    )
                };
                let (left, right) = (greatest - at(-1.0), greatest - at(1.0));
                assert!(left > 1e-5 && right > 1e-5, "{left:e}, {right:e}");
                assert!((left - right).abs() < 0.1 * left, "{left:e}, {right:e}");
            }
        }
    }

    /// The short cut at the boundary and the choice of the start lose nothing:
    /// ascents from everywhere find no greater likelihood.
    #[test]
    fn no_start_finds_more() {
        let check = |law: &dyn Fn(u64) -> Vec<f64>| {
            for seed in 0..15 {
                let samples = law(seed);
                let series = Standardised::new(&samples).unwrap();
                let found = fit(&samples).ln_likelihood;
                for alpha in [0.6, 1.2, 1.6, 1.9, 1.97, 1.999] {
                    let start = Point { alpha, gamma: 0.7, delta: 0.1 };
                    let free = Free { alpha: true, delta: true, alpha_min: ALPHA_SPLIT };
                    let maximum = maximise(Samples::all(&series.z), start, free);
                    let other = maximum.ln_likelihood - series.scale.ln() * samples.len() as f64;
                    assert!(other < found + 1e-5, "seed {seed}, {alpha}: {other} > {found}");
                }
            }
        };
        check(&|seed| draws(gaussian(), 80, seed));
        check(&|seed| draws(stable(1.8), 80, seed));
        check(&|seed| draws(stable(0.8), 80, seed));
        check(&|seed| draws(StudentT(5), 80, seed));
        check(&|seed| draws(Laplace, 80, seed));
        check(&|seed| draws(Uniform, 80, seed));
    }

    /// The Cramér–Rao bound for alpha times N, with gamma and delta unknown:
    /// from the mean squares of the scores in quantiles of the law.
    fn cramer_rao(alpha: f64) -> f64 {
        const N_QUANTILES: usize = 20_000;
        let density = Density::at(alpha);
        let survival = crate::stable::survival::Survival::at(alpha);
        // Over x = tan θ the integrands are smooth.
        let step = FRAC_PI_2 / N_QUANTILES as f64;
        let (mut by_alpha, mut mixed, mut by_gamma) = (0.0, 0.0, 0.0);
        for i in 0..N_QUANTILES {
            let x = ((i as f64 + 0.5) * step).tan();
            let mass =
                survival.sf((i as f64 * step).tan()) - survival.sf(((i + 1) as f64 * step).tan());
            let l = density.ln_pdf(x);
            let score = (l.by_alpha, -1.0 - x * l.by_x);
            by_alpha += 2.0 * mass * score.0 * score.0;
            mixed += 2.0 * mass * score.0 * score.1;
            by_gamma += 2.0 * mass * score.1 * score.1;
        }
        1.0 / (by_alpha - mixed * mixed / by_gamma)
    }

    /// Root mean squared error of alpha over the Cramér–Rao bound.
    fn efficiency(alpha: f64, n_samples: usize, n_fits: u64) -> f64 {
        let squares: f64 = (0..n_fits)
            .map(|seed| (fit(&draws(stable(alpha), n_samples, seed)).law.alpha() - alpha).powi(2))
            .sum();
        (squares / n_fits as f64 * n_samples as f64 / cramer_rao(alpha)).sqrt()
    }

    /// The ratio has a standard error of 5 %: four of them are allowed.
    #[test]
    fn reaches_the_cramer_rao_bound() {
        for alpha in [0.8, 1.2, 1.5, 1.8] {
            let ratio = efficiency(alpha, 1000, 200);
            assert!((ratio - 1.0).abs() < 0.2, "alpha = {alpha}: {ratio}");
        }
    }

    /// `cargo test --release -p noisescope-stats -- --ignored --nocapture efficiency_table`
    #[test]
    #[ignore = "half a minute"]
    fn efficiency_table() {
        for alpha in [0.6, 0.8, 1.0, 1.2, 1.5, 1.7, 1.8, 1.9] {
            let ratio = efficiency(alpha, 1000, 5000);
            println!("alpha = {alpha}: RMSE / CRB = {ratio:.3}");
            assert!((ratio - 1.0).abs() < 0.08);
        }
    }

    /// Up to a third of the samples equal: the likelihood has a maximum, however sharp.
    #[test]
    fn many_ties_do_not_break_the_ascent() {
        for n_ties in [40, 80, 120, 130] {
            let mut samples = draws(stable(0.6), 400, 7);
            samples[..n_ties].fill(1e-30);
            let fit = fit(&samples);
            assert!(fit.ln_likelihood.is_finite(), "{n_ties}: {}", fit.law);
        }
        let far: Vec<f64> = (0..100).map(|i| if i % 2 == 0 { 1.7e308 } else { -1.7e308 }).collect();
        let message = fit_symmetric_stable(&far, Location::Free).unwrap_err().to_string();
        assert!(message.starts_with("samples range from -1.7e308 to 1.7e308"), "{message}");
    }

    /// Laws that are not stable: alpha as measured before the design, mean of
    /// 40 fits at N = 1000 (standard errors below .01).
    #[test]
    fn finite_variance_looks_heavy() {
        let mean = |samples: &dyn Fn(u64) -> Vec<f64>| {
            (0..40).map(|seed| fit(&samples(seed)).law.alpha()).sum::<f64>() / 40.0
        };
        let check = |alpha: f64, expected: f64| {
            assert!((alpha - expected).abs() < 0.03, "{alpha}, not {expected}");
        };
        check(mean(&|seed| draws(StudentT(3), 1000, seed)), 1.61);
        check(mean(&|seed| draws(StudentT(5), 1000, seed)), 1.79);
        check(mean(&|seed| draws(Laplace, 1000, seed)), 1.62);
        check(mean(&|seed| draws(gaussian(), 1000, seed)), 1.998);
    }

    #[test]
    fn shorter_tails_than_gaussian_are_exactly_the_gaussian() {
        let samples = draws(Uniform, 500, 1);
        for location in [Location::Free, Location::Fixed(0.5)] {
            let stable = fit_symmetric_stable(&samples, location).unwrap();
            let gaussian = fit_gaussian(&samples, location).unwrap();
            assert_eq!(stable.status, FitStatus::Boundary);
            assert_eq!(stable.ln_likelihood, gaussian.ln_likelihood);
            assert_eq!((stable.law.alpha(), stable.law.delta()), (2.0, gaussian.law.mean()));
            let variance = 2.0 * stable.law.gamma().powi(2);
            assert!((variance / gaussian.law.std().powi(2) - 1.0).abs() < 1e-14);
        }
    }

    /// Heavier tails than any other law: α to four standard errors of the mean of 20
    /// fits, which near α = 0 is α √(2/(π² − 6))/√N or a little more; and neither a
    /// change of α or γ nor another sample as the location is likelier.
    #[test]
    fn very_heavy_tails() {
        for alpha in [0.15, 0.25, 0.35, 0.45] {
            let mut alphas = Vec::new();
            for seed in 0..20 {
                let samples = draws(stable(alpha), 400, seed);
                let fit = fit(&samples);
                assert_eq!(fit.status, FitStatus::Interior, "{alpha}: {}", fit.law);
                alphas.push(fit.law.alpha());
                if seed > 1 {
                    continue;
                }
                let likelihood = |alpha: f64, gamma: f64, delta: f64| -> f64 {
                    let law = SymmetricStable::new(alpha, gamma, delta).unwrap();
                    samples.iter().map(|&x| law.ln_pdf(x)).sum()
                };
                let (alpha, gamma, delta) = (fit.law.alpha(), fit.law.gamma(), fit.law.delta());
                let greatest = likelihood(alpha, gamma, delta);
                assert!((fit.ln_likelihood - greatest).abs() < 1e-5, "{alpha}: {greatest}");
                for step in [0.99, 1.01] {
                    assert!(likelihood(step * alpha, gamma, delta) < greatest);
                    assert!(likelihood(alpha, step * gamma, delta) < greatest);
                }
                for other in samples.iter().filter(|x| x.abs() < 0.02) {
                    let there = likelihood(alpha, gamma, *other);
                    assert!(there < greatest + 1e-5, "{alpha}: {other}, {}", there - greatest);
                }
            }
            let mean = alphas.iter().sum::<f64>() / 20.0;
            let error = 4.0 * 1.2 * alpha / (20.0 * 400.0_f64).sqrt();
            assert!((mean - alpha).abs() < error, "{alpha}: {mean}");
        }
    }

    #[test]
    fn heavier_tails_than_the_range_stop_at_its_end() {
        let fit = fit(&draws(stable(0.05), 1000, 1));
        assert_eq!((fit.status, fit.law.alpha()), (FitStatus::LowerBound, ALPHA_MIN));
    }

    /// With a share p of equal values alpha ends a little above `p/(1 − p)`.
    #[test]
    fn ties_raise_the_end_of_the_range() {
        let mut samples = draws(stable(0.15), 400, 2);
        samples[..80].fill(0.0);
        let fit = fit(&samples);
        assert_eq!(fit.status, FitStatus::LowerBound, "{}", fit.law);
        assert!((fit.law.alpha() - 0.27).abs() < 1e-12, "{}", fit.law);
        assert!(fit.ln_likelihood.is_finite());
    }

    /// `x → a + bx` moves the law and nothing else.
    #[test]
    fn location_and_scale() {
        let samples = draws(stable(1.4), 400, 3);
        let here = fit(&samples);
        for (shift, scale) in [(0.0, 1e-300), (0.0, 1e-12), (5.0, 1e-3), (-1e6, 1e3), (0.0, 1e290)]
        {
            let moved: Vec<f64> = samples.iter().map(|x| shift + scale * x).collect();
            let there = fit(&moved);
            assert!((there.law.alpha() - here.law.alpha()).abs() < 1e-7, "{scale:e}");
            assert!((there.law.gamma() / scale / here.law.gamma() - 1.0).abs() < 1e-7);
            assert!(((there.law.delta() - shift) / scale - here.law.delta()).abs() < 1e-6);
            let ln_likelihood = there.ln_likelihood + 400.0 * f64::ln(scale);
            assert!((ln_likelihood - here.ln_likelihood).abs() < 1e-4);
        }
    }

    #[test]
    fn a_fixed_location_stays() {
        let samples: Vec<f64> = draws(stable(1.5), 400, 4).iter().map(|x| x + 0.2).collect();
        let free = fit(&samples);
        let fixed = fit_symmetric_stable(&samples, Location::Fixed(0.0)).unwrap();
        assert_eq!(fixed.law.delta(), 0.0);
        assert!(fixed.ln_likelihood < free.ln_likelihood);
        let at_maximum = Location::Fixed(free.law.delta());
        let same = fit_symmetric_stable(&samples, at_maximum).unwrap();
        assert!((same.ln_likelihood - free.ln_likelihood).abs() < 1e-6);
        // Far from all samples.
        let far = fit_symmetric_stable(&samples, Location::Fixed(1e4)).unwrap();
        assert!(far.ln_likelihood.is_finite() && far.law.gamma() > 1e3);
    }

    /// One outlier, however far, costs the logarithm of its distance: up to a
    /// point the other 199 samples outweigh it.
    #[test]
    fn a_monstrous_outlier() {
        let mut samples = draws(gaussian(), 200, 5);
        for outlier in [1e3, 1e6, 1e300] {
            samples[100] = outlier;
            let fit = fit(&samples);
            assert_eq!(fit.status, FitStatus::Interior, "{outlier:e}: {}", fit.law);
            assert!(fit.ln_likelihood.is_finite() && fit.law.gamma() < 1.0);
        }
    }

    #[test]
    fn degenerate_series() {
        let constant = fit(&[3.5; 60]);
        assert_eq!((constant.status, constant.law.delta()), (FitStatus::Constant, 3.5));
        assert!(constant.law.alpha().is_nan() && constant.ln_likelihood.is_nan());

        let mut samples = draws(stable(1.5), 90, 6);
        samples[..31].fill(0.0);
        let inflated = fit(&samples);
        assert_eq!((inflated.status, inflated.law.delta()), (FitStatus::ZeroInflated, 0.0));
        assert!(inflated.law.alpha().is_nan() && inflated.ln_likelihood.is_nan());
        assert_eq!(inflated.law.gamma(), 0.0);
        // Harmless where the location is fixed elsewhere, or a little rarer.
        let elsewhere = fit_symmetric_stable(&samples, Location::Fixed(0.1)).unwrap();
        assert!(elsewhere.ln_likelihood.is_finite());
        samples[30] = 0.01;
        assert!(fit(&samples).ln_likelihood.is_finite());

        assert!(fit_symmetric_stable(&samples, Location::Fixed(f64::NAN)).is_err());
        assert!(fit_symmetric_stable(&samples[..49], Location::Free).is_err());
    }

    /// `cargo test --release -p noisescope-stats -- --ignored --nocapture --test-threads=1 time_per_fit`
    #[test]
    #[ignore = "a measurement"]
    fn time_per_fit() {
        Density::at(1.0);
        for n_samples in [1000, 10_000] {
            for alpha in [0.7, 1.0, 1.5, 1.9, 2.0] {
                let series: Vec<_> =
                    (0..100).map(|seed| draws(stable(alpha), n_samples, seed)).collect();
                let begin = std::time::Instant::now();
                for samples in &series {
                    std::hint::black_box(fit(samples));
                }
                println!("N = {n_samples}, alpha = {alpha}: {:?}", begin.elapsed() / 100);
            }
        }
    }
}
