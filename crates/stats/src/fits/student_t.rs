//! Student's law of greatest likelihood.

use std::f64::consts::PI;

use super::root::falling_root;
use super::{Fit, FitStatus, Location};
use crate::laws::gamma_half_step::{digamma_half_step, ln_gamma_half_step};
use crate::laws::ln_one_plus;
use crate::standardise::Standardised;
use crate::{StatsError, StudentT};

/// The range of ν.
const NU_MIN: f64 = 0.5;
const NU_MAX: f64 = 1e4;

/// Where the profile likelihood is looked at first: so close that two maxima
/// between neighbours are not to be expected.
const GRID: [f64; 8] = [NU_MIN, 1.0, 2.0, 4.0, 10.0, 40.0, 400.0, NU_MAX];

/// Fits Student's law by maximum likelihood, ν in [0.5, 10⁴].
///
/// For a given ν the likelihood is maximised over μ and σ by Newton's method,
/// and by the EM algorithm where that is not safe (Kent, Tyler and Vardi 1994,
/// doi:10.1080/03610919408813180; for ν ≥ 1 the maximum is the only one). What
/// remains is a function of ν alone, whose derivative
///
/// ```text
/// N/2 [ψ((ν + 1)/2) − ψ(ν/2)] − ½ Σ ln(1 + r²/ν)
/// ```
///
/// has a root at every local maximum; of those the greatest is taken. It costs
/// about 0.4 ms for 1000 samples.
///
/// - [`FitStatus::Boundary`]: `ν = 10⁴`; the law is the Gaussian up to a relative
///   1e-4, and nothing is heavier than that.
/// - [`FitStatus::LowerBound`]: `ν = 0.5`.
/// - [`FitStatus::ZeroInflated`]: more than a third of the samples equal one
///   value (with a fixed location: equal that location). With a share p of
///   equal values and `p > ν/(1 + ν)` the likelihood grows without bound as
///   `σ → 0`. Then `nu` and the likelihood are NaN, `sigma` is 0 and `mu` is the
///   value.
/// - [`FitStatus::Constant`]: the same for a constant series.
///
/// # Errors
///
/// Fewer than 50 samples, a NaN or infinite sample, a fixed location that is
/// not finite.
pub fn fit_student_t(samples: &[f64], location: Location) -> Result<Fit<StudentT>, StatsError> {
    location.check()?;
    let series = Standardised::new(samples)?;
    let n_samples = series.z.len();
    let fit = |law, ln_likelihood, status| Ok(Fit { law, ln_likelihood, n_samples, status });
    if series.is_constant() {
        return fit(StudentT::point_mass(series.mode), f64::NAN, FitStatus::Constant);
    }
    let (tied_value, n_ties) = match location {
        Location::Free => (series.mode, series.tie_share * n_samples as f64),
        Location::Fixed(mu) => (mu, samples.iter().filter(|&&x| x == mu).count() as f64),
    };
    if n_ties > NU_MIN / (1.0 + NU_MIN) * n_samples as f64 {
        return fit(StudentT::point_mass(tied_value), f64::NAN, FitStatus::ZeroInflated);
    }

    let maximum = maximise(&series, location);
    let mu = match location {
        Location::Free => series.x_of(maximum.mu),
        Location::Fixed(mu) => mu,
    };
    let law = StudentT::new(maximum.nu, mu, maximum.sigma * series.scale)
        .expect("the ascent stays in the range of the parameters");
    let status = if maximum.nu == NU_MIN {
        FitStatus::LowerBound
    } else if maximum.nu == NU_MAX {
        FitStatus::Boundary
    } else {
        FitStatus::Interior
    };
    fit(law, maximum.ln_likelihood - n_samples as f64 * series.scale.ln(), status)
}

/// The point of greatest likelihood over μ and σ at one ν.
#[derive(Clone, Copy)]
struct Profile {
    nu: f64,
    mu: f64,
    sigma: f64,
    ln_likelihood: f64,
    /// Derivative of the likelihood by ν.
    slope: f64,
}

/// The greatest of the local maxima over ν.
fn maximise(series: &Standardised, location: Location) -> Profile {
    let mu_is_free = location == Location::Free;
    let mu = match location {
        Location::Free => 0.0,
        Location::Fixed(mu) => series.z_of(mu),
    };
    let mut near = (mu, 1.0 + mu.abs());
    let mut at = |nu: f64| {
        let profile = Profile::at(&series.z, nu, near, mu_is_free);
        near = (profile.mu, profile.sigma);
        profile
    };
    let grid = GRID.map(&mut at);
    let mut maxima = Vec::new();
    for pair in grid.windows(2) {
        let (low, high) = (pair[0], pair[1]);
        if low.slope > 0.0 && high.slope <= 0.0 {
            // Over ln ν, in which the profile is closer to a parabola.
            let ln_nu = falling_root(
                |ln_nu| ln_nu.exp() * at(ln_nu.exp()).slope,
                (low.nu.ln(), low.nu * low.slope),
                (high.nu.ln(), high.nu * high.slope),
            );
            maxima.push(at(ln_nu.exp()));
        }
    }
    let (first, last) = (grid[0], grid[GRID.len() - 1]);
    maxima.extend((first.slope <= 0.0).then_some(first));
    maxima.extend((last.slope > 0.0).then_some(last));
    maxima
        .into_iter()
        .max_by(|a, b| a.ln_likelihood.total_cmp(&b.ln_likelihood))
        .expect("a slope that does not change its sign points to an end")
}

impl Profile {
    /// Climbs from `(mu, sigma)`.
    fn at(z: &[f64], nu: f64, (mut mu, mut sigma): (f64, f64), mu_is_free: bool) -> Self {
        const MAX_STEPS: usize = 500;
        let n = z.len() as f64;
        for _ in 0..MAX_STEPS {
            let sums = Sums::at(z, nu, mu, sigma);
            let step = sums.newton(n, mu_is_free);
            if let Some((by_mu, by_ln_sigma, gain)) = step {
                mu += sigma * by_mu;
                sigma *= by_ln_sigma.exp();
                if gain < 1e-14 * n {
                    break;
                }
            } else {
                if mu_is_free {
                    mu += sigma * sums.w_r / sums.w;
                }
                sigma *= (sums.w_r_r / sums.w).sqrt();
            }
        }
        let sum_of_logarithms: f64 = z.iter().map(|z| ln_one_plus(nu, (z - mu) / sigma)).sum();
        let ln_norm = ln_gamma_half_step(0.5 * nu) - 0.5 * (nu * PI).ln() - sigma.ln();
        Self {
            nu,
            mu,
            sigma,
            ln_likelihood: n * ln_norm - 0.5 * (nu + 1.0) * sum_of_logarithms,
            slope: 0.5 * (n * digamma_half_step(0.5 * nu) - sum_of_logarithms),
        }
    }
}

/// Sums over the samples of the weights `w = (ν + 1)/(ν + r²)` of the EM
/// algorithm, and of the second derivatives.
#[derive(Default)]
struct Sums {
    w: f64,
    w_r: f64,
    w_r_r: f64,
    /// Minus the second derivatives by `μ/σ` and `ln σ`.
    by_mu_mu: f64,
    by_mu_sigma: f64,
    by_sigma_sigma: f64,
}

impl Sums {
    fn at(z: &[f64], nu: f64, mu: f64, sigma: f64) -> Self {
        let inverse_sigma = 1.0 / sigma;
        let mut sums = Self::default();
        for z in z {
            let r = (z - mu) * inverse_sigma;
            // Written so that an infinite r² gives the limit.
            let inverse = 1.0 / (nu + r * r);
            let core = nu * inverse;
            let bend = (2.0 * core - 1.0) * inverse;
            sums.w += inverse;
            sums.w_r += r * inverse;
            sums.w_r_r += 1.0 - core;
            sums.by_mu_mu += bend;
            sums.by_mu_sigma += bend * r;
            sums.by_sigma_sigma += core * (1.0 - core);
        }
        let factor = nu + 1.0;
        Self {
            w: factor * sums.w,
            w_r: factor * sums.w_r,
            w_r_r: factor * sums.w_r_r,
            by_mu_mu: factor * sums.by_mu_mu,
            by_mu_sigma: factor * sums.by_mu_sigma,
            by_sigma_sigma: 2.0 * factor * sums.by_sigma_sigma,
        }
    }

    /// The step by `μ/σ` and `ln σ` and what it promises, or `None` where the
    /// likelihood is not concave or the step long.
    fn newton(&self, n: f64, mu_is_free: bool) -> Option<(f64, f64, f64)> {
        const LONGEST: f64 = 0.3;
        let (g_mu, g_sigma) = (self.w_r, self.w_r_r - n);
        let (by_mu, by_ln_sigma) = if mu_is_free {
            let determinant = self.by_mu_mu * self.by_sigma_sigma - self.by_mu_sigma.powi(2);
            if !(self.by_mu_mu > 0.0 && determinant > 0.0) {
                return None;
            }
            (
                (self.by_sigma_sigma * g_mu - self.by_mu_sigma * g_sigma) / determinant,
                (self.by_mu_mu * g_sigma - self.by_mu_sigma * g_mu) / determinant,
            )
        } else {
            (0.0, g_sigma / self.by_sigma_sigma)
        };
        let is_short = by_mu.abs() < LONGEST && by_ln_sigma.abs() < LONGEST;
        is_short.then_some((by_mu, by_ln_sigma, 0.5 * (g_mu * by_mu + g_sigma * by_ln_sigma)))
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

    fn student(nu: f64) -> StudentT {
        StudentT::new(nu, 0.0, 1.0).unwrap()
    }

    fn fit(samples: &[f64]) -> Fit<StudentT> {
        fit_student_t(samples, Location::Free).unwrap()
    }

    fn likelihood(samples: &[f64], [nu, mu, sigma]: [f64; 3]) -> f64 {
        let law = StudentT::new(nu, mu, sigma).unwrap();
        samples.iter().map(|&x| law.ln_pdf(x)).sum()
    }

    /// The slopes of the likelihood vanish at the fit, and the fit states the
    /// likelihood.
    #[test]
    fn score_is_zero() {
        let laws: [&dyn Fn(u64) -> Vec<f64>; 5] = [
            &|seed| draws(student(0.8), 300, seed),
            &|seed| draws(student(3.0), 300, seed),
            &|seed| draws(student(10.0), 300, seed),
            &|seed| draws(SymmetricStable::new(1.5, 1.0, 0.0).unwrap(), 300, seed),
            // Lopsided.
            &|seed| draws(student(2.0), 300, seed).iter().map(|x| x.abs()).collect(),
        ];
        for law in laws {
            for seed in 0..4 {
                let samples = law(seed);
                for location in [Location::Free, Location::Fixed(0.1)] {
                    let fit = fit_student_t(&samples, location).unwrap();
                    let here = [fit.law.nu(), fit.law.mu(), fit.law.sigma()];
                    let greatest = likelihood(&samples, here);
                    assert!((fit.ln_likelihood - greatest).abs() < 1e-9 * greatest.abs());
                    for (i, unit) in [here[0], here[2], here[2]].into_iter().enumerate() {
                        if (i == 0 && fit.status != FitStatus::Interior)
                            || (i == 1 && location != Location::Free)
                        {
                            continue;
                        }
                        let at = |step: f64| {
                            let mut there = here;
                            there[i] += step * unit;
                            likelihood(&samples, there)
                        };
                        // Of about 1e2 per unit squared.
                        let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
                        assert!(slope.abs() < 1e-3, "{}: {i}, {slope}", fit.law);
                        assert!(at(1e-3) < greatest && at(-1e-3) < greatest);
                    }
                }
            }
        }
    }

    /// Averages of 40 fits, within four standard errors. Those of ln ν are from
    /// the Fisher information (Lange, Little and Taylor 1989): 0.10, 0.15 and
    /// 0.30 for one fit.
    #[test]
    fn recovers_the_law() {
        for (nu, error) in [(1.0, 0.05), (3.0, 0.06), (8.0, 0.2)] {
            let law = StudentT::new(nu, 5.0, 1e-3).unwrap();
            let fits: Vec<_> = (0..40).map(|seed| fit(&draws(law, 1000, seed)).law).collect();
            let mean = |of: &dyn Fn(&StudentT) -> f64| fits.iter().map(of).sum::<f64>() / 40.0;
            assert!(mean(&|law| (law.nu() / nu).ln()).abs() < error, "{nu}");
            assert!(mean(&|law| (law.sigma() / 1e-3).ln()).abs() < 0.03, "{nu}");
            assert!((mean(&|law| law.mu()) - 5.0).abs() < 3e-5, "{nu}");
        }
    }

    #[test]
    fn both_ends() {
        let uniform: Vec<f64> = (0..200).map(f64::from).collect();
        let (light, gaussian) = (fit(&uniform), fit_gaussian(&uniform, Location::Free).unwrap());
        assert_eq!((light.status, light.law.nu()), (FitStatus::Boundary, NU_MAX));
        assert!((light.ln_likelihood - gaussian.ln_likelihood).abs() < 0.1);
        assert!((light.law.sigma() / gaussian.law.std() - 1.0).abs() < 1e-3);
        assert!((light.law.mu() - 99.5).abs() < 1e-6);

        let heavy = fit(&draws(student(0.3), 500, 1));
        assert_eq!((heavy.status, heavy.law.nu()), (FitStatus::LowerBound, NU_MIN));
    }

    /// `x → a + bx` moves the law and nothing else.
    #[test]
    fn location_and_scale() {
        let samples = draws(student(3.0), 400, 3);
        let here = fit(&samples);
        for (shift, scale) in [(0.0, 1e-300), (5.0, 1e-3), (-1e6, 1e3), (0.0, 1e290)] {
            let moved: Vec<f64> = samples.iter().map(|x| shift + scale * x).collect();
            let there = fit(&moved);
            assert!((there.law.nu() / here.law.nu() - 1.0).abs() < 1e-6, "{scale:e}");
            assert!((there.law.sigma() / scale / here.law.sigma() - 1.0).abs() < 1e-6);
            assert!(((there.law.mu() - shift) / scale - here.law.mu()).abs() < 1e-6);
        }
    }

    #[test]
    fn a_monstrous_outlier() {
        let mut samples = draws(Gaussian::new(0.0, 1.0).unwrap(), 200, 5);
        for outlier in [1e3, 1e6, 1e300] {
            samples[100] = outlier;
            let fit = fit(&samples);
            assert!(fit.ln_likelihood.is_finite() && fit.law.sigma() < 1.5, "{}", fit.law);
        }
        let far = fit_student_t(&samples[..99], Location::Fixed(1e4)).unwrap();
        assert!(far.ln_likelihood.is_finite() && far.law.sigma() > 1e3);
    }

    #[test]
    fn degenerate_series() {
        let constant = fit(&[3.5; 60]);
        assert_eq!((constant.status, constant.law.mu()), (FitStatus::Constant, 3.5));
        assert!(constant.law.nu().is_nan() && constant.ln_likelihood.is_nan());

        let mut samples = draws(student(3.0), 90, 6);
        samples[..31].fill(0.0);
        let inflated = fit(&samples);
        assert_eq!((inflated.status, inflated.law.mu()), (FitStatus::ZeroInflated, 0.0));
        assert!(inflated.law.nu().is_nan() && inflated.ln_likelihood.is_nan());
        let fixed = fit_student_t(&samples, Location::Fixed(0.0)).unwrap();
        assert_eq!(fixed.status, FitStatus::ZeroInflated);
        // Harmless where the location is fixed elsewhere, or a little rarer.
        let elsewhere = fit_student_t(&samples, Location::Fixed(0.1)).unwrap();
        assert!(elsewhere.ln_likelihood.is_finite());
        samples[28..31].fill(0.01);
        assert!(fit(&samples).ln_likelihood.is_finite());

        assert!(fit_student_t(&samples, Location::Fixed(f64::NAN)).is_err());
        assert!(fit_student_t(&samples[..49], Location::Free).is_err());
    }
}
