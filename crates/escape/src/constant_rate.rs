//! Do exits come at a constant rate?

use statrs::distribution::{ContinuousCDF, Normal};

use crate::exit_laws::{Family, fit_exit_law};
use crate::exit_time::ExitTime;

/// Checks in a row that find the same number of trials inside, equally far apart. Only a single check has exits.
struct Stretch {
    n_checks: f64,
    at_risk: f64,
    n_exits: f64,
    /// Iterations from one check to the next.
    width: f64,
    /// Time on test in its middle.
    middle: f64,
}

/// Two-sided p-value of the score test described at
/// [`ExitSample::constant_rate_p`](crate::ExitSample::constant_rate_p); `times` are in order.
pub(crate) fn constant_rate_p(times: &[ExitTime], check_every: u64) -> f64 {
    const LEAST_EXITS: usize = 5;
    if times.iter().filter(|time| time.exited()).count() < LEAST_EXITS {
        return f64::NAN;
    }
    let Ok(law) = fit_exit_law(times, check_every, Family::Exponential) else { return f64::NAN };
    let stretches = stretches(times, check_every);
    if stretches.iter().map(|own| own.n_checks).sum::<f64>() < 2. {
        return f64::NAN;
    }
    let hazard = |own: &Stretch| own.width / law.scale.value;
    // Of one check, about the logarithm of the rate.
    let information = |own: &Stretch| own.at_risk * hazard(own).powi(2) / hazard(own).exp_m1();
    let total: f64 = stretches.iter().map(|own| own.n_checks * information(own)).sum();
    let first = |own: &Stretch| own.n_checks * information(own) * own.middle;
    let centre = stretches.iter().map(first).sum::<f64>() / total;
    let (mut score, mut variance) = (0., 0.);
    for own in &stretches {
        let (hazard, trend) = (hazard(own), own.middle - centre);
        let excess = -own.n_exits / (-hazard).exp_m1() - own.n_checks * own.at_risk;
        score += trend * hazard * excess;
        // The checks of a stretch are spread evenly around its middle.
        let spread = (own.at_risk * own.width).powi(2) * (own.n_checks.powi(2) - 1.) / 12.;
        variance += own.n_checks * information(own) * (trend * trend + spread);
    }
    2. * Normal::standard().sf((score / variance.sqrt()).abs())
}

fn stretches(times: &[ExitTime], check_every: u64) -> Vec<Stretch> {
    let (mut stretches, mut on_test) = (Vec::new(), 0.);
    let mut add = |n_checks: u64, at_risk: f64, n_exits: f64, width: u64| {
        let (n_checks, width) = (n_checks as f64, width as f64);
        let middle = on_test + 0.5 * n_checks * at_risk * width;
        on_test += n_checks * at_risk * width;
        stretches.push(Stretch { n_checks, at_risk, n_exits, width, middle });
    };
    let (mut checked, mut n_before) = (0, 0);
    for tied in times.chunk_by(|a, b| a.iterations() == b.iterations()) {
        let by = tied[0].iterations();
        let at_risk = (times.len() - n_before) as f64;
        // The last check, at the horizon, may come earlier than `check_every` after the one before.
        let after = ((by - 1) / check_every * check_every).max(checked);
        if after > checked {
            add((after - checked) / check_every, at_risk, 0., check_every);
        }
        let n_exits = tied.iter().filter(|time| time.exited()).count() as f64;
        add(1, at_risk, n_exits, by - after);
        checked = by;
        n_before += tied.len();
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExitTime::{Censored, Exited};
    use rand::RngExt;
    use train::Streams;

    fn dated(checks: &[(u64, usize)], n_censored: usize, horizon: u64) -> Vec<ExitTime> {
        let exits = checks.iter().flat_map(|&(check, n_exits)| vec![Exited(check); n_exits]);
        exits.chain(vec![Censored(horizon); n_censored]).collect()
    }

    /// Two checks: the test of two proportions, 40 of 100 and 20 of 60, with z² = 0.7111. Four: Cochran and Armitage's
    /// z = 2.9522 of statsmodels 0.14 (`Table.test_ordinal_association`), with N for its N − 1. With a last check that
    /// comes early: the score test of statsmodels' binomial GLM with complementary log-log link and offset ln(width), by
    /// expected information.
    #[test]
    fn agrees_with_tests_of_proportions() {
        let two = dated(&[(1, 40), (2, 20)], 40, 2);
        let four = dated(&[(10, 20), (20, 12), (30, 4), (40, 1)], 23, 40);
        let early = dated(&[(10, 20), (20, 12), (30, 4), (34, 1)], 23, 34);
        let sparse = dated(&[(10, 5), (40, 9), (60, 12), (100, 7), (104, 3)], 24, 104);
        for (times, check_every, expected) in [
            (two, 1, 0.399_075_196_55),
            (four, 10, 0.003_056_636_644_9),
            (early, 10, 0.040_181_138_90),
            (sparse, 10, 0.047_862_461_24),
        ] {
            let p = constant_rate_p(&times, check_every);
            assert!((p / expected - 1.).abs() < 1e-7, "{p} {expected}");
        }
    }

    #[test]
    fn one_check_or_a_few_exits_say_nothing() {
        assert!(constant_rate_p(&dated(&[(1, 30)], 10, 1), 1).is_nan());
        assert!(constant_rate_p(&dated(&[(8, 40)], 0, 8), 8).is_nan());
        assert!(constant_rate_p(&dated(&[(1, 3), (2, 1)], 10, 2), 1).is_nan());
        // A horizon of 10¹² iterations takes no more time than one of 100.
        let late = dated(&[(1, 30), (2, 10)], 10, 1_000_000_000_000);
        assert!(constant_rate_p(&late, 1) < 1e-9);
    }

    /// Share of p < 0.01 where n trials have a Weibull law of so many checks.
    fn rejected(n: u64, scale: f64, shape: f64, horizon: Option<u64>, n_samples: u64) -> f64 {
        let check_every = 7;
        let end = horizon.unwrap_or(u64::MAX / 7) * check_every;
        let is_rejected = |&sample: &u64| {
            let mut rng = Streams::new(5).rng(sample);
            let time = |_| {
                let checks = scale * (-(1. - rng.random::<f64>()).ln()).powf(1. / shape);
                let seen = (checks.ceil() as u64).max(1) * check_every;
                if seen <= end { Exited(seen) } else { Censored(end) }
            };
            let mut times: Vec<ExitTime> = (0..n).map(time).collect();
            times.sort_by_key(|time| (time.iterations(), !time.exited()));
            constant_rate_p(&times, check_every) < 0.01
        };
        (0..n_samples).filter(is_rejected).count() as f64 / n_samples as f64
    }

    /// Standard errors 0.0017 and 0.0022. As for continuous times the test would reject 34 % of 100 at a mean of 1.4.
    #[test]
    fn one_constant_rate_in_a_hundred_is_rejected() {
        for mean in [1., 1.4, 2., 3., 5., 20.] {
            for horizon in [None, Some(f64::ceil(2. * mean) as u64)] {
                for (n, n_samples) in [(100, 3500), (1000, 500)] {
                    let size = rejected(n, mean, 1., horizon, n_samples);
                    let bound = if n == 100 { 0.005 } else { 0.013 };
                    assert!((size - 0.01).abs() <= bound, "{n} {mean} {horizon:?}: {size}");
                }
            }
        }
    }

    /// The table of `constant_rate_p`: `cargo test --release -p noisescope-escape size_and_power -- --ignored --nocapture`.
    #[test]
    #[ignore = "a minute, for the documentation"]
    fn size_and_power() {
        println!("| n | mean | horizon | constant | 0.7 | 1.4 |\n|---|---|---|---|---|---|");
        for (n, n_samples) in [(100, 20_000), (1000, 4000)] {
            for (mean, horizon) in [
                (1., None),
                (1.4, None),
                (2., None),
                (2., Some(2)),
                (3., Some(3)),
                (5., None),
                (5., Some(5)),
                (20., None),
                (20., Some(20)),
            ] {
                let [size, falling, rising] =
                    [1., 0.7, 1.4].map(|shape| rejected(n, mean, shape, horizon, n_samples));
                let end = horizon.map_or("none".to_owned(), |end| end.to_string());
                println!("| {n} | {mean} | {end} | {size:.4} | {falling:.2} | {rising:.2} |");
            }
        }
    }
}
