//! Laws of exit times, fitted to trials that are looked at every few iterations and censored at a horizon.
//!
//! Theories of escape from a deep minimum say that exit times are exponential. The Weibull law contains the
//! exponential one and lets the rate of exits rise or fall; [`exit_laws()`] compares the two, and [`goodness_of_fit()`]
//! asks whether either is right.

mod error;
mod goodness_of_fit;
mod observation;

use statrs::distribution::{ChiSquared, ContinuousCDF};

pub use error::ExitLawError;
pub use goodness_of_fit::{ExitGoodnessOfFit, goodness_of_fit};
pub(crate) use observation::{Observation, observe};

use crate::ascent::{Evaluation, inverse, maximise};
use crate::exit_time::ExitTime;

pub(crate) use crate::exit_sample::Z;

/// The Weibull law of exit times, `P(T > t) = exp(−(t/scale)^shape)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExitLaw {
    /// In iterations; with shape 1 the mean.
    pub scale: f64,
    /// 1 is the exponential law. Below 1 the rate of exits falls with time, above it rises.
    pub shape: f64,
}

impl ExitLaw {
    /// The probability of a longer exit time than `t` iterations.
    pub fn survival(&self, t: f64) -> f64 {
        (-(t / self.scale).powf(self.shape)).exp()
    }

    /// The time that has this probability of a longer one.
    fn inverse_survival(&self, survival: f64) -> f64 {
        self.scale * (-survival.ln()).powf(1. / self.shape)
    }
}

/// Which laws a fit may choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Shape 1, one parameter.
    Exponential,
    /// Any shape, two parameters.
    Weibull,
}

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value of greatest likelihood.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A law fitted to exit times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExitLawFit {
    /// What it was chosen from.
    pub family: Family,
    /// Scale in iterations.
    pub scale: Estimate,
    /// Shape; exactly 1 for the exponential law.
    pub shape: Estimate,
    /// Logarithm of the probability of all that was observed.
    pub ln_likelihood: f64,
}

impl ExitLawFit {
    /// The law of greatest likelihood.
    pub fn law(&self) -> ExitLaw {
        ExitLaw { scale: self.scale.value, shape: self.shape.value }
    }

    /// Akaike's criterion, `2p − 2 ln L` with p fitted parameters.
    pub fn aic(&self) -> f64 {
        let n_parameters = match self.family {
            Family::Exponential => 1.,
            Family::Weibull => 2.,
        };
        2. * (n_parameters - self.ln_likelihood)
    }
}

/// The exponential law against the Weibull law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExitLaws {
    /// The exponential law.
    pub exponential: ExitLawFit,
    /// The Weibull law.
    pub weibull: ExitLawFit,
    /// `2(ln L_Weibull − ln L_exponential) ≥ 0`.
    pub likelihood_ratio: f64,
    /// Its p-value by χ² with one degree of freedom: small where the rate of exits is not constant.
    pub p_value: f64,
}

/// Fits both laws and tests shape 1.
///
/// # Errors
/// Those of [`fit_exit_law`].
pub fn exit_laws(times: &[ExitTime], check_every: u64) -> Result<ExitLaws, ExitLawError> {
    let exponential = fit_exit_law(times, check_every, Family::Exponential)?;
    let weibull = fit_exit_law(times, check_every, Family::Weibull)?;
    let likelihood_ratio = (2. * (weibull.ln_likelihood - exponential.ln_likelihood)).max(0.);
    let p_value = ChiSquared::new(1.).expect("one is positive").sf(likelihood_ratio);
    Ok(ExitLaws { exponential, weibull, likelihood_ratio, p_value })
}

/// Fits a law by maximum likelihood.
///
/// # Formula
/// A trial dated t was inside at the check before, u, the last multiple of `check_every` below t. It contributes
/// `S(u) − S(t)` to the likelihood, and one censored at t contributes `S(t)` (Lawless 2003, section 2.2.2). In
/// `(shape·ln scale, shape)` the logarithm is concave (Burridge 1981), so that the maximum is the only one.
///
/// Intervals are Wald's, `±1.96` standard errors of ln scale and ln shape from the observed information.
///
/// # Errors
/// No exit, exits too coarsely dated for a maximum (such as all at the first check), a time of 0, `check_every` of 0.
pub fn fit_exit_law(
    times: &[ExitTime],
    check_every: u64,
    family: Family,
) -> Result<ExitLawFit, ExitLawError> {
    let observations = observe(times, check_every)?;
    observation::check(&observations, family)?;
    let unit = observation::time_per_exit(&observations);
    let (low, high) = match family {
        Family::Exponential => ([f64::NEG_INFINITY, 1.], [f64::INFINITY, 1.]),
        Family::Weibull => ([f64::NEG_INFINITY, 0.], [f64::INFINITY; 2]),
    };
    let likelihood = |point| ln_likelihood(&observations, unit, point);
    let maximum = maximise([0., 1.], low, high, likelihood);
    if !maximum.converged {
        return Err(ExitLawError::NotConverged);
    }
    let [c, shape] = maximum.point;
    let ln_scale = unit.ln() - c / shape;
    let (ln_scale_error, ln_shape_error) = match family {
        Family::Exponential => (maximum.information[0][0].powf(-0.5), 0.),
        Family::Weibull => {
            let [[cc, cs], [_, ss]] =
                inverse(&maximum.information).ok_or(ExitLawError::NotConverged)?;
            let (by_c, by_shape) = (-1. / shape, c / (shape * shape));
            let variance = by_c * by_c * cc + 2. * by_c * by_shape * cs + by_shape * by_shape * ss;
            (variance.sqrt(), ss.sqrt() / shape)
        }
    };
    let around = |ln_value: f64, error: f64| Estimate {
        value: ln_value.exp(),
        low: (ln_value - Z * error).exp(),
        high: (ln_value + Z * error).exp(),
    };
    Ok(ExitLawFit {
        family,
        scale: around(ln_scale, ln_scale_error),
        shape: around(shape.ln(), ln_shape_error),
        ln_likelihood: maximum.value,
    })
}

/// The log-likelihood where the cumulative hazard is `H(t) = exp(c + shape·ln(t/unit))`.
fn ln_likelihood(observations: &[Observation], unit: f64, [c, shape]: [f64; 2]) -> Evaluation {
    let mut sum = Evaluation::default();
    for observation in observations {
        let after = Hazard::at(observation.after, unit, c, shape);
        sum.value -= after.h;
        for i in 0..2 {
            sum.gradient[i] -= after.gradient[i];
            for j in 0..2 {
                sum.information[i][j] += after.hessian[i][j];
            }
        }
        let Some(by) = observation.by else { continue };
        // ln(1 − e^{−d}) of the hazard d between the two checks, and its derivatives.
        let by = Hazard::at(by, unit, c, shape);
        let d = by.h - after.h;
        let first = 1. / d.exp_m1();
        let second = -first * (1. + first);
        sum.value += (-(-d).exp_m1()).ln();
        let slope = [0, 1].map(|i| by.gradient[i] - after.gradient[i]);
        for i in 0..2 {
            sum.gradient[i] += first * slope[i];
            for j in 0..2 {
                let curvature = by.hessian[i][j] - after.hessian[i][j];
                sum.information[i][j] -= first * curvature + second * slope[i] * slope[j];
            }
        }
    }
    sum
}

/// The cumulative hazard at one time, and its derivatives by `(c, shape)`.
#[derive(Default)]
struct Hazard {
    h: f64,
    gradient: [f64; 2],
    hessian: [[f64; 2]; 2],
}

impl Hazard {
    fn at(t: f64, unit: f64, c: f64, shape: f64) -> Self {
        if t == 0. {
            return Self::default();
        }
        let y = (t / unit).ln();
        let h = (c + shape * y).exp();
        Self { h, gradient: [h, h * y], hessian: [[h, h * y], [h * y, h * y * y]] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExitTime::{Censored, Exited};
    use goodness_of_fit::draw;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    fn sample(law: ExitLaw, n_trials: usize, checks: (u64, u64), seed: u64) -> Vec<ExitTime> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        draw(law, n_trials, checks.0, checks.1, &mut rng)
    }

    /// The definition, trial by trial.
    fn slow_ln_likelihood(times: &[ExitTime], check_every: u64, law: ExitLaw) -> f64 {
        let term = |time: &ExitTime| match *time {
            Censored(t) => law.survival(t as f64).ln(),
            Exited(t) => {
                let before = (0..t).rev().find(|u| u % check_every == 0).unwrap();
                (law.survival(before as f64) - law.survival(t as f64)).ln()
            }
        };
        times.iter().map(term).sum()
    }

    /// Finds the maximum by a grid that is refined around its best point.
    fn slow_fit(times: &[ExitTime], check_every: u64, shapes: (f64, f64)) -> (ExitLaw, f64) {
        let (mut best, mut greatest) = (ExitLaw { scale: 100., shape: 1. }, f64::NEG_INFINITY);
        let mut width = (8., shapes.1.ln() - shapes.0.ln());
        for _ in 0..40 {
            let centre = best;
            for i in -5..=5 {
                for j in -5..=5 {
                    let scale = centre.scale * (width.0 * f64::from(i) / 5.).exp();
                    let shape = centre.shape * (width.1 * f64::from(j) / 5.).exp();
                    let law = ExitLaw { scale, shape };
                    let value = slow_ln_likelihood(times, check_every, law);
                    if value > greatest {
                        (best, greatest) = (law, value);
                    }
                }
            }
            width = (width.0 * 0.6, width.1 * 0.6);
        }
        (best, greatest)
    }

    #[test]
    fn agrees_with_a_brute_force_search() {
        for (shape, checks) in [(0.7, (1, 150)), (1.5, (7, 200)), (1., (10, 1000))] {
            let times = sample(ExitLaw { scale: 100., shape }, 60, checks, 3);
            let fit = fit_exit_law(&times, checks.0, Family::Weibull).unwrap();
            let (law, greatest) = slow_fit(&times, checks.0, (0.3, 3.));
            assert!(
                (fit.ln_likelihood - greatest).abs() < 1e-8 * greatest.abs(),
                "{fit:?} {law:?}"
            );
            assert!((fit.scale.value / law.scale - 1.).abs() < 1e-4, "{fit:?} {law:?}");
            assert!((fit.shape.value / law.shape - 1.).abs() < 1e-4, "{fit:?} {law:?}");

            let fit = fit_exit_law(&times, checks.0, Family::Exponential).unwrap();
            let (law, greatest) = slow_fit(&times, checks.0, (1., 1.));
            assert!((fit.ln_likelihood - greatest).abs() < 1e-8 * greatest.abs());
            assert!((fit.scale.value / law.scale - 1.).abs() < 1e-4);
            assert_eq!(fit.shape, Estimate { value: 1., low: 1., high: 1. });
        }
    }

    /// 95 % intervals over 400 samples of 80 trials; the standard error of a share is 1.1 %.
    #[test]
    fn intervals_cover_the_truth() {
        for shape in [0.7, 1., 1.5] {
            for censored in [0f64, 0.3, 0.7] {
                let truth = ExitLaw { scale: 300., shape };
                let horizon = match censored {
                    0. => 1_000_000,
                    _ => truth.inverse_survival(censored).round() as u64,
                };
                let fits = (0..400).map(|seed| {
                    let times = sample(truth, 80, (5, horizon), seed);
                    fit_exit_law(&times, 5, Family::Weibull).unwrap()
                });
                let (mut scales, mut shapes, mut ln_scale, mut ln_shape) = (0., 0., 0., 0.);
                for fit in fits {
                    let covers = |estimate: Estimate, truth: f64| {
                        f64::from(estimate.low <= truth && truth <= estimate.high) / 400.
                    };
                    scales += covers(fit.scale, truth.scale);
                    shapes += covers(fit.shape, truth.shape);
                    ln_scale += (fit.scale.value / truth.scale).ln() / 400.;
                    ln_shape += (fit.shape.value / truth.shape).ln() / 400.;
                }
                let told = format!("{shape} {censored}: {scales} {shapes} {ln_scale} {ln_shape}");
                assert!((0.91..0.985).contains(&scales), "{told}");
                assert!((0.91..0.985).contains(&shapes), "{told}");
                // The bias of order 1/n: most where few leave.
                assert!(ln_scale.abs() < 0.1 && ln_shape.abs() < 0.06, "{told}");
            }
        }
    }

    /// All times are one geometric law: with one check per iteration `1 − p = e^{−1/μ}`, p̂ = exits over iterations
    /// watched.
    #[test]
    fn by_hand_with_a_check_at_every_iteration() {
        let times = [Exited(1), Exited(2), Censored(3), Exited(2)];
        let fit = fit_exit_law(&times, 1, Family::Exponential).unwrap();
        let p: f64 = 3. / 8.;
        assert!((fit.scale.value + 1. / (1. - p).ln()).abs() < 1e-9);
        assert!((fit.ln_likelihood - (3. * p.ln() + 5. * (1. - p).ln())).abs() < 1e-12);
        // Information of ln μ at the maximum by hand: n (ln(1 − p))² (1 − p)/p² with 3 exits.
        let information = 3. * (1. - p).ln().powi(2) * (1. - p) / (p * p);
        let half = Z / information.sqrt();
        assert!(((fit.scale.high / fit.scale.value).ln() - half).abs() < 1e-9);
        assert!((fit.aic() - 2. + 2. * fit.ln_likelihood).abs() < 1e-12);
    }

    /// Shares of 1000 samples of 60 trials in which shape 1 is rejected at 5 %; standard error 0.7 %.
    #[test]
    fn size_and_power_of_the_likelihood_ratio() {
        let rejected = |shape: f64| {
            let law = ExitLaw { scale: 200., shape };
            let rejected = |&seed: &u64| {
                exit_laws(&sample(law, 60, (4, 180), seed), 4).unwrap().p_value < 0.05
            };
            (0..1000).filter(rejected).count() as f64 / 1000.
        };
        let size = rejected(1.);
        assert!((0.03..0.075).contains(&size), "{size}");
        let (falling, rising) = (rejected(0.6), rejected(1.6));
        assert!(falling > 0.8 && rising > 0.8, "{falling} {rising}");
    }

    #[test]
    fn what_has_no_maximum_is_an_error() {
        use ExitLawError::{NoExit, TooCoarse, ZeroTime};
        let error = |times: &[ExitTime], family| fit_exit_law(times, 10, family).unwrap_err();
        for family in [Family::Exponential, Family::Weibull] {
            assert_eq!(error(&[], family), NoExit);
            assert_eq!(error(&[Censored(100); 5], family), NoExit);
            assert_eq!(error(&[Exited(10); 5], family), TooCoarse);
            assert_eq!(error(&[Exited(0)], family), ZeroTime);
            assert!(matches!(fit_exit_law(&[Exited(1)], 0, family), Err(ExitLawError::NoChecks)));
        }
        // All in one interval, or at once or never: the shape has no end.
        assert_eq!(error(&[Exited(40); 5], Family::Weibull), TooCoarse);
        let defective = [Exited(10), Exited(10), Censored(100)];
        assert_eq!(error(&defective, Family::Weibull), TooCoarse);
        assert!(fit_exit_law(&defective, 10, Family::Exponential).is_ok());
        // One interval and some that stay longer is enough.
        let enough = [Exited(40), Exited(40), Censored(100)];
        assert!(fit_exit_law(&enough, 10, Family::Weibull).is_ok());
        assert!(fit_exit_law(&[Exited(40), Exited(60)], 10, Family::Weibull).is_ok());
    }
}
