//! The size of every test and the coverage of every interval, by simulation
//! under the null.
//!
//! `cargo test --release -p noisescope-stats --test sizes -- --ignored --nocapture --test-threads=1`
//!
//! takes about ten minutes of two cores. Measured figures stand in the
//! documentation of the crate. With n series a share s has the standard error
//! `√(s (1 − s) / n)`; each test allows four of them beyond what the
//! documentation promises.

use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use statrs::distribution::ContinuousCDF;
use stats::{
    AlphaInterval, Binning, Gaussian, GeneralisedGaussian, Laplace, Law, LikelihoodRatioNull,
    Location, StudentT, SymmetricStable, Verdict, aggregation_test, bootstrap_interval, compare,
    edf_test_gaussian, edf_test_stable, fit_gaussian, held_out_difference, profile_interval, vuong,
};

const N_SAMPLES: [usize; 2] = [300, 1000];

fn draws(law: impl Distribution<f64>, n_samples: usize, seed: u64) -> Vec<f64> {
    // Far from the seeds of the table of the likelihood ratio.
    let rng = ChaCha8Rng::seed_from_u64(1_000_000_000 + seed);
    law.sample_iter(rng).take(n_samples).collect()
}

fn gaussian() -> Gaussian {
    Gaussian::new(0.0, 1.0).unwrap()
}

fn stable(alpha: f64) -> SymmetricStable {
    SymmetricStable::new(alpha, 1.0, 0.0).unwrap()
}

/// Random numbers for the replicates that belong to one series.
fn rng_of(seed: u64) -> impl Fn(u64) -> ChaCha8Rng + Sync {
    move |replicate| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(1 + replicate);
        rng
    }
}

/// Shares of p-values up to 5 % and 1 % among `n_series` series.
///
/// Prints both and fails where one is more than four standard errors above
/// `excess` times its level.
fn check_size(name: &str, n_series: u64, excess: f64, p_value: impl Fn(u64) -> f64 + Sync) {
    let p_values: Vec<f64> = (0..n_series).into_par_iter().map(&p_value).collect();
    let share =
        |level: f64| p_values.iter().filter(|&&p| p <= level).count() as f64 / n_series as f64;
    println!("{name}: {:.2} % at 5 %, {:.2} % at 1 %", 100.0 * share(0.05), 100.0 * share(0.01));
    for level in [0.05, 0.01] {
        let limit = excess * level;
        let error = (limit * (1.0 - limit) / n_series as f64).sqrt();
        assert!(share(level) < limit + 4.0 * error, "{name}: {} at {level}", share(level));
    }
}

#[test]
#[ignore = "a simulation"]
fn likelihood_ratio() {
    for location in [Location::Free, Location::Fixed(0.0)] {
        // 650 is between two rows of the table.
        for n_samples in [300, 650, 1000] {
            let null = LikelihoodRatioNull::tabulated(n_samples, location);
            let name = format!("likelihood ratio, {location:?}, N = {n_samples}");
            check_size(&name, 40_000, 1.0, |seed| {
                let samples = draws(gaussian(), n_samples, seed);
                let gaussian = fit_gaussian(&samples, location).unwrap();
                let stable = stats::fit_symmetric_stable(&samples, location).unwrap();
                null.p_value(2.0 * (stable.ln_likelihood - gaussian.ln_likelihood))
            });
        }
    }
}

/// `chi2_p_lower` may reject more often than its level, by what the distance to
/// `chi2_p_upper` allows.
#[test]
#[ignore = "a simulation"]
fn chi2() {
    for n_samples in N_SAMPLES {
        for alpha in [1.5, 1.8, 2.0] {
            let fit = |seed| {
                let samples = draws(stable(alpha), n_samples, seed);
                compare(&samples, Location::Free, Binning::default()).unwrap()
            };
            let name = |of: &str| format!("chi2, {of}, alpha = {alpha}, N = {n_samples}");
            check_size(&name("SαS, lower"), 4000, 2.2, |seed| fit(seed).stable_fit.chi2_p_lower);
            check_size(&name("SαS, upper"), 4000, 1.0, |seed| fit(seed).stable_fit.chi2_p_upper);
            if alpha == 2.0 {
                let of = |lower: bool| {
                    move |seed: u64| {
                        let fit = fit(seed).gaussian_fit;
                        if lower { fit.chi2_p_lower } else { fit.chi2_p_upper }
                    }
                };
                check_size(&name("Gaussian, lower"), 4000, 2.2, of(true));
                check_size(&name("Gaussian, upper"), 4000, 1.0, of(false));
            }
        }
    }
}

#[test]
#[ignore = "a simulation"]
fn edf_gaussian() {
    for n_samples in N_SAMPLES {
        let tests: Vec<_> = (0..2000)
            .into_par_iter()
            .map(|seed| {
                let samples = draws(gaussian(), n_samples, seed);
                edf_test_gaussian(&samples, Location::Free, 99, rng_of(seed)).unwrap().p
            })
            .collect();
        let name = |of: &str| format!("{of}, Gaussian, N = {n_samples}");
        check_size(&name("KS"), 2000, 1.0, |seed| tests[seed as usize].ks);
        check_size(&name("CvM"), 2000, 1.0, |seed| tests[seed as usize].cramer_von_mises);
        check_size(&name("AD"), 2000, 1.0, |seed| tests[seed as usize].anderson_darling);
    }
}

/// Near alpha = 2 the null depends on alpha so strongly that the bootstrap at
/// the fitted alpha is not exact.
#[test]
#[ignore = "a simulation"]
fn edf_stable() {
    for (alpha, n_samples, n_series) in
        [(1.5, 300, 1000), (1.5, 1000, 500), (1.9, 300, 1000), (2.0, 300, 1000)]
    {
        let tests: Vec<_> = (0..n_series)
            .into_par_iter()
            .map(|seed| {
                let samples = draws(stable(alpha), n_samples, seed);
                edf_test_stable(&samples, Location::Free, 99, rng_of(seed)).unwrap().p
            })
            .collect();
        let name = |of: &str| format!("{of}, SαS, alpha = {alpha}, N = {n_samples}");
        check_size(&name("KS"), n_series, 1.0, |seed| tests[seed as usize].ks);
        check_size(&name("CvM"), n_series, 1.0, |seed| tests[seed as usize].cramer_von_mises);
        check_size(&name("AD"), n_series, 1.0, |seed| tests[seed as usize].anderson_darling);
    }
}

#[test]
#[ignore = "a simulation"]
fn aggregation() {
    for (alpha, n_samples, n_series) in
        [(1.5, 300, 1000), (1.5, 1000, 500), (1.8, 300, 1000), (1.8, 1000, 500)]
    {
        let name = format!("aggregation, alpha = {alpha}, N = {n_samples}");
        check_size(&name, n_series, 1.0, |seed| {
            let samples = draws(stable(alpha), n_samples, seed);
            aggregation_test(&samples, Location::Free, 99, rng_of(seed)).unwrap().p
        });
    }
}

/// The generalised Gaussian from which the Gaussian and the Laplace law have the
/// same Kullback–Leibler distance: their greatest expected log densities are
/// `−½ ln(2πe σ²)` and `−ln(2e E|x|)`, equal where `σ² / (E|x|)² = 2e/π`.
fn between_gaussian_and_laplace() -> GeneralisedGaussian {
    GeneralisedGaussian::new(1.416_449, 0.0, 1.0).unwrap()
}

#[test]
#[ignore = "a simulation"]
fn vuong_of_laws_as_near() {
    for n_samples in N_SAMPLES {
        check_size(&format!("Vuong, N = {n_samples}"), 10_000, 1.5, |seed| {
            let samples = draws(between_gaussian_and_laplace(), n_samples, seed);
            let of = |law: Law| law.ln_densities(&samples, Location::Free, &samples).unwrap();
            vuong(&of(Law::Laplace), &of(Law::Gaussian), 2, 2).p_two_sided
        });
    }
}

/// Two laws as near, and ±1.96 standard errors.
#[test]
#[ignore = "a simulation"]
fn held_out_difference_of_laws_as_near() {
    for n_samples in N_SAMPLES {
        check_size(&format!("held out, N = {n_samples}"), 4000, 1.5, |seed| {
            let samples = draws(between_gaussian_and_laplace(), n_samples, seed);
            let held_out =
                held_out_difference(&samples, Location::Free, 10, Law::Laplace, Law::Gaussian)
                    .unwrap();
            2.0 * gaussian().sf((held_out.mean_difference / held_out.standard_error).abs())
        });
    }
}

/// Share of intervals that contain alpha.
fn coverage(
    alpha: f64,
    n_samples: usize,
    n_series: u64,
    interval: impl Fn(&[f64], u64) -> AlphaInterval + Sync,
) -> f64 {
    let n_inside = (0..n_series)
        .into_par_iter()
        .filter(|&seed| {
            let interval = interval(&draws(stable(alpha), n_samples, seed), seed);
            interval.low <= alpha && alpha <= interval.high
        })
        .count();
    n_inside as f64 / n_series as f64
}

#[test]
#[ignore = "a simulation"]
fn profile_coverage() {
    for n_samples in N_SAMPLES {
        for alpha in [0.8, 1.5, 1.8, 1.9, 1.95, 1.98, 1.99, 1.999, 2.0] {
            let share = coverage(alpha, n_samples, 2000, |samples, _| {
                profile_interval(samples, Location::Free, 0.95).unwrap()
            });
            println!("profile, alpha = {alpha}, N = {n_samples}: {:.1} %", 100.0 * share);
            assert!(share > 0.93, "{share}");
        }
    }
}

#[test]
#[ignore = "a simulation"]
fn bootstrap_coverage() {
    for alpha in [1.5, 1.8, 1.9, 1.95, 1.98, 1.99, 2.0] {
        let share = coverage(alpha, 300, 1000, |samples, seed| {
            bootstrap_interval(samples, Location::Free, 0.95, 199, rng_of(seed)).unwrap()
        });
        println!("bootstrap, alpha = {alpha}, N = 300: {:.1} %", 100.0 * share);
        assert!(share > if alpha < 1.85 { 0.91 } else { 0.5 }, "{share}");
    }
}

/// Shares of the verdicts at 5 %, without adjustment for many series.
#[test]
#[ignore = "a simulation"]
fn verdicts() {
    let check = |name: &str, draw: &(dyn Fn(usize, u64) -> Vec<f64> + Sync)| {
        for (n_samples, n_series) in [(300, 500), (1000, 500), (10_000, 50)] {
            let null = LikelihoodRatioNull::tabulated(n_samples, Location::Free);
            let verdicts: Vec<Verdict> = (0..n_series)
                .into_par_iter()
                .map(|seed| {
                    let samples = draw(n_samples, seed);
                    let comparison = compare(&samples, Location::Free, Binning::default()).unwrap();
                    let p = null.p_value(comparison.likelihood_ratio);
                    Verdict::of(&comparison, p, comparison.gaussian_fit.chi2_p_upper, 0.05)
                })
                .collect();
            println!("{name}, N = {n_samples}:");
            for verdict in Verdict::ALL {
                let share = verdicts.iter().filter(|&&other| other == verdict).count() as f64
                    / n_series as f64;
                println!("    {verdict}: {:.1} %", 100.0 * share);
            }
        }
    };
    check("Gaussian", &|n, seed| draws(gaussian(), n, seed));
    check("SαS 1.5", &|n, seed| draws(stable(1.5), n, seed));
    check("SαS 1.8", &|n, seed| draws(stable(1.8), n, seed));
    check("t3", &|n, seed| draws(StudentT::new(3.0, 0.0, 1.0).unwrap(), n, seed));
    check("t5", &|n, seed| draws(StudentT::new(5.0, 0.0, 1.0).unwrap(), n, seed));
    check("Laplace", &|n, seed| draws(Laplace::new(0.0, 1.0).unwrap(), n, seed));
    check("mixture", &|n, seed| {
        let mut draws = draws(gaussian(), n, seed);
        draws.iter_mut().step_by(10).for_each(|x| *x *= 3.0);
        draws
    });
}
