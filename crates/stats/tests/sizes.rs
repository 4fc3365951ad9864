//! The size of every test and the coverage of every interval, by simulation
//! under the null.
//!
//! `cargo test --release -p noisescope-stats --test sizes -- --ignored --nocapture --test-threads=1`
//!
//! takes about a quarter of an hour of one core. Measured figures stand in the
//! documentation of the crate. With n series a share s has the standard error
//! `√(s (1 − s) / n)`; each test allows four of them beyond what the
//! documentation promises.

use std::f64::consts::PI;

use rand::RngExt;
use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;
use statrs::distribution::ContinuousCDF;
use stats::{
    AlphaInterval, Binning, Gaussian, GaussianMixture, GeneralisedGaussian, Laplace, Law,
    LikelihoodRatioNull, Location, StudentT, SymmetricStable, TailIndex, Verdict, aggregation_test,
    benjamini_hochberg, benjamini_yekutieli, bootstrap_interval, common_alpha, compare,
    edf_test_gaussian, edf_test_stable, fit_gaussian, fit_symmetric_stable, held_out_difference,
    profile_interval, tail_index, vuong,
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
                let stable = fit_symmetric_stable(&samples, location).unwrap();
                null.p_value(2.0 * (stable.ln_likelihood - gaussian.ln_likelihood))
            });
        }
    }
}

/// Four series of one alpha whose scales differ, as the noise at four batch sizes.
#[test]
#[ignore = "a simulation"]
fn common_alpha_of_four_series() {
    for n_samples in N_SAMPLES {
        for alpha in [1.2, 1.7, 1.9, 1.97, 2.0] {
            check_size(&format!("common alpha = {alpha}, N = {n_samples}"), 1000, 1.0, |seed| {
                let of_size = |k: u64| {
                    let law = SymmetricStable::new(alpha, 4f64.powi(-(k as i32)), 0.0).unwrap();
                    draws(law, n_samples, 4 * seed + k)
                };
                let series: Vec<Vec<f64>> = (0..4).map(of_size).collect();
                let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
                common_alpha(&series, Location::Free).unwrap().p_value
            });
        }
    }
}

/// Means of 1, 4, 16 and 64 variables of Student's law: the share that is rejected.
#[test]
#[ignore = "a simulation"]
fn power_of_common_alpha() {
    for (degrees, n_samples) in [(3.0, 100), (3.0, 300), (3.0, 1000), (5.0, 300), (5.0, 1000)] {
        let law = StudentT::new(degrees, 0.0, 1.0).unwrap();
        let is_rejected = |seed: &u64| {
            let mean_of = |n: usize| -> Vec<f64> {
                let all = draws(law, n_samples * n, 100 * seed + n as u64);
                all.chunks(n).map(|chunk| chunk.iter().sum::<f64>() / n as f64).collect()
            };
            let series = [1, 4, 16, 64].map(mean_of);
            let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
            common_alpha(&series, Location::Free).unwrap().p_value <= 0.05
        };
        let n_rejected = (0..400u64).into_par_iter().filter(is_rejected).count();
        let share = n_rejected as f64 / 4.0;
        println!("common alpha, Student's law with {degrees}, N = {n_samples}: {share} % at 5 %");
        assert!(degrees > 3.0 || n_samples < 1000 || share > 99.0);
    }
}

/// Means of minibatches that are drawn, without replacement, from one finite pool of
/// stable numbers, as gradients are: the share of pools that is rejected.
///
/// No bound is promised here: where draws take each sample many times, the greatest
/// recur, and the noise is no longer that of the law of the pool.
#[test]
#[ignore = "a simulation"]
fn common_alpha_of_a_finite_pool() {
    for alpha in [1.5, 2.0] {
        for (n_pool, sizes) in
            [(50_000, [2, 4, 8, 16]), (50_000, [8, 32, 128, 400]), (2000, [8, 32, 128, 400])]
        {
            let is_rejected = |seed: &u64| {
                let pool = draws(stable(alpha), n_pool, 7_000_000 + seed);
                let mut rng = ChaCha8Rng::seed_from_u64(3_000_000_000 + seed);
                let mean = |rng: &mut ChaCha8Rng, n: usize| {
                    let chosen = rand::seq::index::sample(rng, n_pool, n);
                    chosen.iter().map(|idx| pool[idx]).sum::<f64>() / n as f64
                };
                let of_size = |n| (0..1000).map(|_| mean(&mut rng, n)).collect();
                let series: [Vec<f64>; 4] = sizes.map(of_size);
                let series: Vec<&[f64]> = series.iter().map(Vec::as_slice).collect();
                common_alpha(&series, Location::Free).unwrap().p_value <= 0.05
            };
            let n_rejected = (0..200u64).into_par_iter().filter(is_rejected).count();
            let share = n_rejected as f64 / 2.0;
            println!("alpha = {alpha}, sizes {sizes:?} of {n_pool}: {share} % at 5 %");
        }
    }
}

/// Draws of one parameter that shares the standard normal `factor` with the
/// others of its family.
///
/// Every series is Gaussian, or symmetric stable where it is given an `alpha`;
/// `correlation` is that of the Gaussians, and that of the Gaussians inside the
/// stable draws `√A G`: there A is positive stable with the index α/2
/// (Kanter 1975), so that `E exp(itx) = E exp(−A t²/2)` falls as `|t|^α`.
fn draws_with_factor(
    alpha: Option<f64>,
    factor: &[f64],
    correlation: f64,
    rng: &mut ChaCha8Rng,
) -> Vec<f64> {
    let standard = gaussian();
    let root_of_positive_stable = |rng: &mut ChaCha8Rng| {
        let Some(alpha) = alpha else { return 1.0 };
        let index = 0.5 * alpha;
        let angle = PI * rng.random::<f64>();
        let waiting = -(-rng.random::<f64>()).ln_1p();
        let power = (((1.0 - index) * angle).sin() / waiting).powf((1.0 - index) / index);
        ((index * angle).sin() / angle.sin().powf(1.0 / index) * power).sqrt()
    };
    factor
        .iter()
        .map(|common| {
            let own = (1.0 - correlation).sqrt() * standard.sample(rng);
            (correlation.sqrt() * common + own) * root_of_positive_stable(rng)
        })
        .collect()
}

/// Families of 100 parameters with 300 draws each, tested by the likelihood
/// ratio and adjusted at 5 %: the mean share of true nulls among the rejected
/// and of the others that are rejected.
///
/// Benjamini and Hochberg promise `q` times the share of true nulls for
/// independent tests, Benjamini and Yekutieli no more than that for any.
#[test]
#[ignore = "a simulation"]
fn false_discovery_rate() {
    const N_FAMILIES: u64 = 2000;
    const N_TESTS: usize = 100;
    const N_SAMPLES: usize = 300;
    const Q: f64 = 0.05;
    let null = LikelihoodRatioNull::tabulated(N_SAMPLES, Location::Free);
    for (n_nulls, alpha) in [(N_TESTS, 2.0), (50, 1.7), (50, 1.9)] {
        for correlation in [0.0, 0.5, 0.9] {
            let families: Vec<[(f64, f64); 2]> = (0..N_FAMILIES)
                .into_par_iter()
                .map(|seed| {
                    let mut rng = ChaCha8Rng::seed_from_u64(2_000_000_000 + seed);
                    let factor: Vec<f64> =
                        gaussian().sample_iter(&mut rng).take(N_SAMPLES).collect();
                    let p_values: Vec<f64> = (0..N_TESTS)
                        .map(|test| {
                            let alpha = (test >= n_nulls).then_some(alpha);
                            let samples = draws_with_factor(alpha, &factor, correlation, &mut rng);
                            let gaussian = fit_gaussian(&samples, Location::Free).unwrap();
                            let stable = fit_symmetric_stable(&samples, Location::Free).unwrap();
                            null.p_value(2.0 * (stable.ln_likelihood - gaussian.ln_likelihood))
                        })
                        .collect();
                    [benjamini_hochberg, benjamini_yekutieli].map(|adjust| {
                        let adjusted = adjust(&p_values);
                        let rejected = |of: &[f64]| of.iter().filter(|&&p| p <= Q).count() as f64;
                        let (false_ones, true_ones) =
                            (rejected(&adjusted[..n_nulls]), rejected(&adjusted[n_nulls..]));
                        let share_false = false_ones / (false_ones + true_ones).max(1.0);
                        (share_false, true_ones / (N_TESTS - n_nulls).max(1) as f64)
                    })
                })
                .collect();
            for (idx, name) in ["BH", "BY"].into_iter().enumerate() {
                let n = N_FAMILIES as f64;
                let rate = families.iter().map(|family| family[idx].0).sum::<f64>() / n;
                let power = families.iter().map(|family| family[idx].1).sum::<f64>() / n;
                let squares: f64 =
                    families.iter().map(|family| (family[idx].0 - rate).powi(2)).sum();
                let error = (squares / (n * (n - 1.0))).sqrt();
                println!(
                    "{name}, {n_nulls} of {N_TESTS} Gaussian, others alpha = {alpha}, correlation \
                     {correlation}: FDR {:.2} % ± {:.2} %, power {:.1} %",
                    100.0 * rate,
                    100.0 * error,
                    100.0 * power
                );
                let allowed = if name == "BH" { 3.0 * error } else { 0.0 };
                assert!(rate <= Q + allowed, "{name}: {rate} ± {error}");
            }
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

/// A law to draw from, with its name.
type Truth = (&'static str, Box<dyn Fn(usize, u64) -> Vec<f64> + Sync>);

fn truth(name: &'static str, law: impl Distribution<f64> + Copy + Sync + 'static) -> Truth {
    (name, Box::new(move |n_samples, seed| draws(law, n_samples, seed)))
}

fn student(nu: f64) -> StudentT {
    StudentT::new(nu, 0.0, 1.0).unwrap()
}

fn mixture(share: f64, wide: f64) -> GaussianMixture {
    GaussianMixture::new(share, 0.0, 1.0, wide).unwrap()
}

fn generalised(beta: f64) -> GeneralisedGaussian {
    GeneralisedGaussian::new(beta, 0.0, 1.0).unwrap()
}

/// The rows of the tables of verdicts and tail indices.
fn truths() -> Vec<Truth> {
    vec![
        truth("SαS 1.2", stable(1.2)),
        truth("SαS 1.5", stable(1.5)),
        truth("SαS 1.8", stable(1.8)),
        truth("SαS 1.95", stable(1.95)),
        truth("t₂", student(2.0)),
        truth("t₃", student(3.0)),
        truth("t₅", student(5.0)),
        truth("t₁₀", student(10.0)),
        truth("mixture, 10 % at 3 σ", mixture(0.1, 3.0)),
        truth("mixture, 1 % at 10 σ", mixture(0.01, 10.0)),
        truth("Laplace", Laplace::new(0.0, 1.0).unwrap()),
        truth("generalised Gaussian 0.5", generalised(0.5)),
        truth("generalised Gaussian 1.5", generalised(1.5)),
        truth("Gaussian", gaussian()),
    ]
}

/// Shares of the verdicts at 5 %, without adjustment for many series: the rows of the
/// tables in the documentation.
#[test]
#[ignore = "a simulation"]
fn verdicts() {
    for (n_samples, n_series) in [(200, 1000), (1000, 1000), (5000, 200), (20_000, 100)] {
        let null = LikelihoodRatioNull::tabulated(n_samples, Location::Free);
        for (name, draw) in truths() {
            let verdicts: Vec<Verdict> = (0..n_series)
                .into_par_iter()
                .map(|seed| {
                    let samples = draw(n_samples, seed);
                    let comparison = compare(&samples, Location::Free, Binning::default()).unwrap();
                    let p = null.p_value(comparison.likelihood_ratio);
                    let chi2_p = comparison.gaussian_fit.chi2_p_upper;
                    Verdict::of(&comparison, p, chi2_p, None, 0.05)
                })
                .collect();
            let share = |of: Verdict| {
                let n = verdicts.iter().filter(|&&other| other == of).count();
                100.0 * n as f64 / n_series as f64
            };
            let shares = Verdict::ALL[..7].iter().map(|&of| format!("{:.1} |", share(of)));
            println!("| {name} | {n_samples} | {}", shares.collect::<Vec<_>>().join(" "));
            let of_finite_variance = !name.starts_with("SαS") && name != "t₂";
            assert!(!of_finite_variance || share(Verdict::HeavyStable) <= 2.0, "{name}");
        }
    }
}

/// How often the interval of the tail index contains 2, and lies above and below.
#[test]
#[ignore = "a simulation"]
fn tail_indices() {
    for n_samples in [200, 1000, 5000, 20_000] {
        for (name, draw) in truths() {
            let n_series = 400;
            let tails: Vec<TailIndex> = (0..n_series)
                .into_par_iter()
                .map(|seed| tail_index(&draw(n_samples, seed), Location::Free, 0.95).unwrap())
                .collect();
            let share = |holds: &dyn Fn(&TailIndex) -> bool| {
                100.0 * tails.iter().filter(|tail| holds(tail)).count() as f64 / n_series as f64
            };
            let mut indices: Vec<f64> = tails.iter().map(|tail| tail.index).collect();
            indices.sort_unstable_by(f64::total_cmp);
            println!(
                "| {name} | {n_samples} | {} | {:.2} | {:.1} | {:.1} | {:.1} |",
                tails[0].n_top,
                indices[indices.len() / 2],
                share(&|tail| tail.high < 2.0),
                share(&|tail| tail.low <= 2.0 && 2.0 <= tail.high),
                share(&|tail| tail.low > 2.0),
            );
        }
    }
}

/// Size under stable laws and power against laws of finite variance, at 5 % and 1 %.
#[test]
#[ignore = "a simulation"]
fn size_and_power_of_aggregation() {
    let laws = || {
        let stable = [1.2, 1.5, 1.7, 1.8, 1.9, 1.95];
        let names = ["SαS 1.2", "SαS 1.5", "SαS 1.7", "SαS 1.8", "SαS 1.9", "SαS 1.95"];
        let mut laws: Vec<Truth> = names
            .into_iter()
            .zip(stable)
            .map(|(name, alpha)| truth(name, self::stable(alpha)))
            .collect();
        laws.push(truth("t₃", student(3.0)));
        laws.push(truth("t₅", student(5.0)));
        laws.push(truth("mixture, 10 % at 3 σ", mixture(0.1, 3.0)));
        laws.push(truth("mixture, 1 % at 10 σ", mixture(0.01, 10.0)));
        laws
    };
    for (n_samples, n_series) in [(300, 400), (1000, 400), (5000, 100)] {
        for (name, draw) in laws() {
            let p_values: Vec<f64> = (0..n_series)
                .into_par_iter()
                .map(|seed| {
                    let samples = draw(n_samples, seed);
                    aggregation_test(&samples, Location::Free, 99, rng_of(seed)).unwrap().p
                })
                .collect();
            let share = |level: f64| {
                let n = p_values.iter().filter(|&&p| p <= level).count();
                100.0 * n as f64 / n_series as f64
            };
            println!("| {name} | {n_samples} | {:.1} | {:.1} |", share(0.05), share(0.01));
        }
    }
}
