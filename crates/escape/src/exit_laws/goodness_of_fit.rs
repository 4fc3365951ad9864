//! Is the fitted law right?

use rand::{Rng, RngExt};
use rayon::prelude::*;

use super::{ExitLaw, ExitLawError, Family, fit_exit_law};
use crate::exit_sample::ExitSample;
use crate::exit_time::ExitTime;

/// How far exit times are from the fitted law.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ExitGoodnessOfFit {
    /// Cramér and von Mises' distance, see [`goodness_of_fit`].
    pub statistic: f64,
    /// `(1 + #{W* ≥ W})/(R + 1)` over R replicates: small where the family is wrong.
    pub p_value: f64,
    /// R: the replicates to which the family could be fitted.
    pub n_replicates: usize,
}

/// Tests a family of laws by the parametric bootstrap.
///
/// # Formula
/// `W = n ∫ (F̂ − F)² dF` from 0 to the last observed time: Cramér and von Mises' statistic under censoring (Koziol and
/// Green 1976), where `F` is the fitted law and `1 − F̂` the survival curve of Kaplan and Meier at the checks. Between
/// the two checks that date an exit `F̂` is drawn as a straight line against `F`; a step at the later one would show a
/// distance where there is none.
///
/// The law of `W` depends on the fit, on the censoring and on the checks, so that each replicate is drawn from the
/// fitted law, dated by the same checks, censored at the same horizon and fitted anew (Stute, González Manteiga and
/// Presedo Quindimil 1993). Replicates to which the family cannot be fitted are left out.
///
/// Replicate `r` draws from `rng_of(r)`; replicates are spread over the threads of rayon, and the result does not
/// depend on their number. The least p-value is 1/(R + 1).
///
/// # Errors
/// Those of [`fit_exit_law`].
pub fn goodness_of_fit<R: Rng>(
    times: &[ExitTime],
    check_every: u64,
    horizon: u64,
    family: Family,
    n_replicates: usize,
    rng_of: impl Fn(u64) -> R + Sync,
) -> Result<ExitGoodnessOfFit, ExitLawError> {
    let law = fit_exit_law(times, check_every, family)?.law();
    let statistic = distance(times, check_every, law);
    let replicate = |r: u64| {
        let times = draw(law, times.len(), check_every, horizon, &mut rng_of(r));
        let law = fit_exit_law(&times, check_every, family).ok()?.law();
        Some(distance(&times, check_every, law))
    };
    let replicates: Vec<f64> =
        (0..n_replicates as u64).into_par_iter().filter_map(replicate).collect();
    let n_above = replicates.iter().filter(|&&replicate| replicate >= statistic).count();
    let n_replicates = replicates.len();
    let p_value = (1 + n_above) as f64 / (n_replicates + 1) as f64;
    Ok(ExitGoodnessOfFit { statistic, p_value, n_replicates })
}

/// Exit times of a law, dated by checks and censored.
pub(super) fn draw(
    law: ExitLaw,
    n_trials: usize,
    check_every: u64,
    horizon: u64,
    rng: &mut impl Rng,
) -> Vec<ExitTime> {
    let trial = |_| {
        let time = law.inverse_survival(1. - rng.random::<f64>());
        if time > horizon as f64 {
            return ExitTime::Censored(horizon);
        }
        let check = (time.ceil().max(1.) as u64).next_multiple_of(check_every);
        ExitTime::Exited(check.min(horizon))
    };
    (0..n_trials).map(trial).collect()
}

/// The integral in closed form: `F̂ − F` is a polygon in `F`.
fn distance(times: &[ExitTime], check_every: u64, law: ExitLaw) -> f64 {
    let curve = ExitSample::new(times.to_vec()).survival();
    let knots = curve.windows(2).flat_map(|pair| {
        let (before, here) = (pair[0], pair[1]);
        let check_before = (here.iterations - 1) / check_every * check_every;
        [(check_before, before.survival), (here.iterations, here.survival)]
    });
    let (mut u, mut error, mut integral) = (0., 0., 0.);
    for (t, survival) in knots {
        let u_here = 1. - law.survival(t as f64);
        let error_here = 1. - survival - u_here;
        integral +=
            (u_here - u) * (error * error + error * error_here + error_here * error_here) / 3.;
        (u, error) = (u_here, error_here);
    }
    times.len() as f64 * integral
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    /// Without censoring `W = 1/(12n) + Σ (u_i − (2i − 1)/(2n))²` over the ordered `u_i = F(t_i)`, less the part beyond
    /// the last time, `n(1 − u_n)³/3`.
    #[test]
    fn the_textbook_statistic_without_censoring() {
        let law = ExitLaw { scale: 5e6, shape: 1.3 };
        let times = [300_000, 1_700_000, 2_000_000, 4_500_000, 8_100_000, 15_000_000];
        let u = times.map(|t| 1. - law.survival(t as f64));
        let terms = u.iter().enumerate().map(|(i, u)| (u - (2. * i as f64 + 1.) / 12.).powi(2));
        let expected = 1. / 72. + terms.sum::<f64>() - 6. * (1. - u[5]).powi(3) / 3.;
        let value = distance(&times.map(ExitTime::Exited), 1, law);
        assert!((value / expected - 1.).abs() < 1e-4, "{value} {expected}");
    }

    /// Checks at 10 and 20, two exits of four by the first and one between, by hand: `F̂ − F` runs through 0 at 0,
    /// ½ − F(10) and ¾ − F(20).
    #[test]
    fn the_statistic_of_three_checks_by_hand() {
        use ExitTime::{Censored, Exited};
        let law = ExitLaw { scale: 20., shape: 1. };
        let times = [Exited(10), Exited(20), Exited(10), Censored(20)];
        let (u, v) = (1. - (-0.5f64).exp(), 1. - (-1f64).exp());
        let (d, e) = (0.5 - u, 0.75 - v);
        let expected = 4. * (u * d * d + (v - u) * (d * d + d * e + e * e)) / 3.;
        assert!((distance(&times, 10, law) - expected).abs() < 1e-12);
    }

    fn rejected(law: ExitLaw, family: Family, checks: (u64, u64), n_samples: u64) -> f64 {
        let rejected = |&sample: &u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(sample);
            let times = draw(law, 50, checks.0, checks.1, &mut rng);
            let rng_of = |r| ChaCha8Rng::seed_from_u64(1_000_000 * (sample + 1) + r);
            let test = goodness_of_fit(&times, checks.0, checks.1, family, 39, rng_of).unwrap();
            test.p_value <= 0.05
        };
        (0..n_samples).filter(rejected).count() as f64 / n_samples as f64
    }

    /// Shares of 300 samples rejected at 5 %; standard error 1.3 %.
    #[test]
    fn the_test_has_its_size() {
        for (shape, family, horizon) in
            [(1., Family::Exponential, 10_000), (0.7, Family::Weibull, 100)]
        {
            let size = rejected(ExitLaw { scale: 120., shape }, family, (8, horizon), 300);
            assert!((0.02..0.09).contains(&size), "{shape}: {size}");
        }
    }

    #[test]
    fn a_wrong_family_is_found() {
        let law = ExitLaw { scale: 120., shape: 2. };
        let power = rejected(law, Family::Exponential, (8, 150), 40);
        assert!(power > 0.9, "{power}");
    }
}
