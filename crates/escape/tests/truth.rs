//! Dynamics whose exit times and stationary laws are known, held against their formulas.

use escape::{
    Basin, Brownian, Covariance, Decoupled, Driver, Dynamics, Ensemble, EscapeError, Exit,
    ExitSample, ExitTime, Landscape, LandscapeSpec, MinibatchSgd, StableNoise, StateDependent,
    Watch, check_start, ensemble,
};
use stats::SymmetricStable;
use std::sync::Mutex;
use train::{Flow, Sampling, Schedule, Streams};

/// Midpoints of a cell of a sampled path lie closer to the edge than the path: an edge that is looked at every dt acts
/// like one `ζ(½)/√(2π) · σ√dt` further away (Broadie, Glasserman, Kou 1997).
const OVERSHOOT: f64 = 0.5826;

/// The exit times of `n` trials from one basin, in time.
fn exits(
    landscape: &dyn Landscape,
    driver: &dyn Driver,
    basin: Basin,
    learning_rate: f64,
    n: u64,
) -> Vec<Exit> {
    let start = Dynamics { landscape, driver };
    let minimum_loss = check_start(&start, &[basin]).unwrap();
    let watch = Watch {
        basins: vec![basin],
        learning_rate,
        schedule: Schedule::Constant,
        check_every: 1,
        horizon: 100_000_000,
    };
    let streams = Streams::new(4).named("escape");
    let ensembles = [Ensemble { start: Box::new(start), minimum_loss, watch, streams }];
    let trials: Vec<(usize, u64)> = (0..n).map(|seed| (0, seed)).collect();
    let found = Mutex::new(Vec::new());
    let finished = |_, seed, exits: Vec<Exit>| {
        found.lock().unwrap().push((seed, exits[0]));
        Ok::<(), EscapeError>(())
    };
    ensemble(&ensembles, &trials, &|| Flow::Continue, &finished).unwrap();
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(seed, _)| *seed);
    found.into_iter().map(|(_, exit)| exit).collect()
}

/// Mean exit time ηk of trials that all left.
fn mean(exits: &[Exit], learning_rate: f64) -> f64 {
    let sample = ExitSample::new(exits.iter().map(|exit| exit.time).collect());
    assert_eq!(sample.n_exited(), sample.n_trials());
    learning_rate * sample.mean().mean
}

fn build(spec: LandscapeSpec) -> Box<dyn Landscape> {
    spec.build(&Streams::new(1)).unwrap()
}

/// White gradient noise of an SDE `dw = −∇L dt + σ dW` with steps of η.
fn white(landscape: &dyn Landscape, sigma: f64, learning_rate: f64) -> Brownian {
    let variance = sigma * sigma / learning_rate;
    Brownian::new(&Covariance::Isotropic(variance), landscape, 1).unwrap()
}

/// `E[τ] = (2/σ²) ∫_a^b e^{2V(y)/σ²} ∫_c^y e^{−2V(z)/σ²} dz dy`, from a up to b, with a reflecting wall at c (Gardiner
/// 2009, eq. 5.5.23), by the midpoint rule.
fn exact_mean(potential: impl Fn(f64) -> f64, sigma: f64, [c, a, b]: [f64; 3]) -> f64 {
    let n = 40_000;
    let (dy, rate) = ((b - c) / n as f64, 2. / (sigma * sigma));
    let (mut inner, mut outer) = (0., 0.);
    for i in 0..n {
        let y = c + (i as f64 + 0.5) * dy;
        let density = (-rate * potential(y)).exp();
        if y > a {
            outer += (rate * potential(y)).exp() * (inner + 0.5 * density * dy) * dy;
        }
        inner += density * dy;
    }
    rate * outer
}

#[test]
fn mean_exit_time_of_an_ornstein_uhlenbeck_process_is_the_exact_integral() {
    let (sigma, eta, radius) = (1., 2e-3, 1.2);
    let landscape = &*build(LandscapeSpec::Quadratic { curvatures: vec![1.], floor: 0. });
    let driver = white(landscape, sigma, eta);
    let found = mean(&exits(landscape, &driver, Basin::Distance(radius), eta, 4000), eta);
    // By symmetry the interval to both sides is one to the right with a wall at 0.
    let edge = radius + OVERSHOOT * sigma * eta.sqrt();
    let expected = exact_mean(|y| y * y / 2., sigma, [0., 0., edge]);
    // Exit times are nearly exponential: the standard error is 1/√4000 = 1.6 %. Without the factor 2 of the drift or the
    // correction of the edge (5 %) this fails.
    assert!((found / expected - 1.).abs() < 0.04, "{found} {expected}");
}

/// Kramers (1940): `τ ≈ 2π/√(V''(a)|V''(b)|) e^{ΔV/D}`, D = σ²/2; here over the barrier to 0.5, where the way back is
/// steep.
#[test]
fn double_well_exit_times_are_the_exact_integral_and_go_with_kramers_slope() {
    let (barrier, eta) = (1., 2e-3);
    let landscape = &*build(LandscapeSpec::DoubleWell { barrier });
    let potential = |y: f64| barrier * (y * y - 1.).powi(2);
    let mut points = Vec::new();
    for (n, d) in [(1000, 0.5f64), (1000, 0.35), (1000, 0.25)] {
        let sigma = (2. * d).sqrt();
        let driver = white(landscape, sigma, eta);
        let basin = Basin::Interval(f64::NEG_INFINITY, 0.5);
        let found = mean(&exits(landscape, &driver, basin, eta, n), eta);
        let edge = 0.5 + OVERSHOOT * sigma * eta.sqrt();
        let expected = exact_mean(potential, sigma, [-4., -1., edge]);
        // Standard error 1/√1000 = 3.2 %.
        assert!((found / expected - 1.).abs() < 0.1, "D = {d}: {found} {expected}");
        points.push((1. / d, found.ln()));
    }
    // Between D = 1/2 and 1/4: 2 ± 0.04 of ln τ per ΔV, less the curvature of the wells (exact: 0.93).
    let slope = (points[2].1 - points[0].1) / (points[2].0 - points[0].0);
    assert!((slope - 0.93 * barrier).abs() < 0.06, "{slope}");
    let kramers = std::f64::consts::TAU / (8f64 * 4.).sqrt() / barrier * (barrier / 0.25).exp();
    assert!((points[2].1.exp() / kramers - 1.).abs() < 0.15, "{} {kramers}", points[2].1.exp());
}

/// `E[τ] ≈ d^α / (C_α ε^α)` with the rate `C_α d^{−α} = (2/π) Γ(α) sin(πα/2) d^{−α}` of jumps beyond ±d of a standard
/// SαS motion (Imkeller and Pavlyukevich 2006, theorem 2.1).
#[test]
fn stable_noise_leaves_at_a_rate_in_proportion_to_epsilon_to_the_alpha() {
    let eta = 1e-2;
    let landscape = &*build(LandscapeSpec::Quadratic { curvatures: vec![1.], floor: 0. });
    for (alpha, gamma_of_alpha) in [(1.2, 0.918_168_742_399_760_6), (1.6, 0.893_515_349_287_690_3)]
    {
        let constant = 2. / std::f64::consts::PI
            * gamma_of_alpha
            * (std::f64::consts::FRAC_PI_2 * alpha).sin();
        let mut points = Vec::new();
        for epsilon in [0.03f64, 0.06, 0.12] {
            let scale = epsilon * f64::powf(eta, 1. / alpha - 1.);
            let laws = vec![SymmetricStable::new(alpha, scale, 0.).unwrap()];
            let driver = StableNoise { laws };
            let found = mean(&exits(landscape, &driver, Basin::Distance(1.), eta, 700), eta);
            let expected = epsilon.powf(-alpha) / constant;
            // Standard error 4 %; what is left of earlier jumps helps more where ε is large.
            assert!((found / expected - 1.).abs() < 0.15, "{alpha} {epsilon}: {found} {expected}");
            points.push((epsilon.ln(), found.ln()));
        }
        let slope = (points[2].1 - points[0].1) / (points[2].0 - points[0].0);
        assert!((slope + alpha).abs() < 0.12, "α = {alpha}: {slope}");
    }
}

/// The mean exit time of the diffusion that Mori et al. (2022) arrive at on `½ + ½ |w|²` with unit curvatures, from the
/// radius r of a loss ratio 1 + r²: drift `−r + (n−1)σ²/2r`, `σ² = η(1 + r²)/B` (Gardiner 2009, eq. 5.5.23).
fn exact_decoupled(n: f64, rate: f64, radius: f64) -> f64 {
    let steps = 200_000;
    let dr = radius / steps as f64;
    let (mut inner, mut outer) = (0., 0.);
    for i in 0..steps {
        let r = (i as f64 + 0.5) * dr;
        let ln_psi = (n - 1.) * r.ln() - rate * (r * r).ln_1p();
        let of_cell = (ln_psi - (r * r).ln_1p()).exp() * rate * dr;
        outer += (-ln_psi).exp() * (inner + of_cell / 2.) * dr;
        inner += of_cell;
    }
    2. * outer
}

/// Far up, ln τ grows with ln c as the theory says; the simulation has the times of the integral.
#[test]
fn decoupled_noise_leaves_as_mori_says() {
    for n in [1., 2., 4., 8.] {
        let at = |c: f64| exact_decoupled(n, 10., f64::sqrt(c - 1.)).ln();
        let slope = (at(110.) - at(100.)) / f64::ln(1.1);
        let predicted = escape::moris_slope(1., 0.1, 1., n as usize);
        assert!((slope - predicted).abs() < 0.15, "n = {n}: {slope} {predicted}");
    }
    let eta = 0.01;
    for (n, ratio) in [(1, 1.08f64), (4, 1.12)] {
        let curvatures = vec![1.; n];
        let landscape = &*build(LandscapeSpec::Quadratic { curvatures, floor: 0.5 });
        let driver = Decoupled::new(landscape, 1).unwrap();
        let found = mean(&exits(landscape, &driver, Basin::LossRatio(ratio), eta, 1000), eta);
        let edge = (ratio - 1.).sqrt() + OVERSHOOT * eta * ratio.sqrt();
        let expected = exact_decoupled(n as f64, 1. / eta, edge);
        // Standard error 3.2 %.
        assert!((found / expected - 1.).abs() < 0.1, "n = {n}: {found} {expected}");
    }
}

/// One long walk, looked at every `every` steps.
fn stationary(
    landscape: &dyn Landscape,
    driver: &dyn Driver,
    learning_rate: f64,
    every: usize,
    n: usize,
) -> Vec<f64> {
    let mut site = landscape.site().unwrap();
    let mut rule = driver.begin(landscape, &Streams::new(7)).unwrap();
    let mut w = landscape.minimum().to_vec();
    let mut seen = Vec::with_capacity(n);
    for _ in 0..n {
        for _ in 0..every {
            rule.step(&mut *site, &mut w, learning_rate).unwrap();
        }
        seen.push(w[0] - landscape.minimum()[0]);
    }
    seen
}

/// The exponent φ of a density `∝ (1 + s x²)^{−φ}` by maximum likelihood: `ψ(φ) − ψ(φ − ½)` is the mean of ln(1 + s x²).
fn exponent(xs: &[f64], s: f64) -> f64 {
    let digamma = statrs::function::gamma::digamma;
    let mean = xs.iter().map(|x| (1. + s * x * x).ln()).sum::<f64>() / xs.len() as f64;
    let (mut low, mut high) = (0.5 + 1e-9, 1e6f64);
    for _ in 0..200 {
        let middle = (low * high).sqrt();
        if digamma(middle) - digamma(middle - 0.5) > mean { low = middle } else { high = middle }
    }
    low
}

/// Meng et al. (2020): `p ∝ (1 + (σ_H/σ_g) x²)^{−κ−1}`, κ = h/(ησ_H), in the sense of Itô.
#[test]
fn state_dependent_noise_has_the_stationary_law_of_meng() {
    let landscape = &*build(LandscapeSpec::Quadratic { curvatures: vec![1.], floor: 0. });
    let eta = 0.01;
    for kappa in [1.5, 3.] {
        let growth = 1. / (eta * kappa);
        let driver = StateDependent { at_minimum: growth, growth };
        let found = exponent(&stationary(landscape, &driver, eta, 200, 20_000), 1.);
        // Standard error about 1.5 %, steps of ηh = 1 %; κ instead of κ + 1 would be 25 to 40 % off.
        assert!((found / (kappa + 1.) - 1.).abs() < 0.06, "κ = {kappa}: {found}");
    }
}

/// Mori et al. (2022): `p ∝ L^{−φ}`, φ = 1 + B/(ηh*).
#[test]
fn decoupled_noise_has_the_stationary_law_of_mori() {
    let landscape = &*build(LandscapeSpec::Quadratic { curvatures: vec![1.], floor: 0.5 });
    for (batch_size, eta) in [(1, 0.04), (1, 0.02), (2, 0.04)] {
        let driver = Decoupled::new(landscape, batch_size).unwrap();
        let found = exponent(&stationary(landscape, &driver, eta, 100, 20_000), 1.);
        let expected = 1. + batch_size as f64 / eta;
        // Standard error 1 %, steps of ηh up to 4 %; half or twice the exponent would be far off.
        assert!(
            (found / expected - 1.).abs() < 0.07,
            "B = {batch_size}, η = {eta}: {found} {expected}"
        );
    }
}

/// At losses that take some hundred to some thousand iterations to reach; elsewhere the slope is another one, see
/// `experiments/benchmarks/escape/README.md`.
#[test]
fn first_passage_in_linear_regression_has_moris_slope() {
    let (eta, ratios) = (0.1, [1.4, 1.6, 1.8, 2.0]);
    let landscape = &*build(LandscapeSpec::LinearRegression { n_samples: 10_000, dimension: 2 });
    let sampling = Sampling::WithReplacement;
    let driver = MinibatchSgd { batch_size: 1, sampling, momentum: 0. };
    let times: Vec<Vec<ExitTime>> = ratios
        .iter()
        .map(|&ratio| {
            let exits = exits(landscape, &driver, Basin::LossRatio(ratio), eta, 200);
            exits.into_iter().map(|exit| exit.time).collect()
        })
        .collect();
    let found = escape::slope(&ratios, &times).unwrap();
    let predicted = escape::moris_slope(1., eta, 1., 2);
    assert!(found.low < predicted && predicted < found.high, "{found:?} {predicted}");
    assert!(found.high - found.low < 4., "{found:?}");
}

/// First-order weak convergence: halving the step halves the error of an expectation.
#[test]
fn integrators_converge_weakly_with_order_one() {
    let (time, n_paths) = (1.2, 100_000u64);
    let landscape = &*build(LandscapeSpec::Quadratic { curvatures: vec![1.], floor: 0. });
    let expectation = |driver: &dyn Driver, eta: f64, f: &dyn Fn(f64) -> f64| -> f64 {
        let n_steps = (time / eta).round() as usize;
        let mut total = 0.;
        for path in 0..n_paths {
            let streams = Streams::new(path + 1);
            let mut site = landscape.site().unwrap();
            let mut rule = driver.begin(landscape, &streams).unwrap();
            let mut w = vec![0.];
            for _ in 0..n_steps {
                rule.step(&mut *site, &mut w, eta).unwrap();
            }
            total += f(w[0]);
        }
        total / n_paths as f64
    };
    let order = |found: &[(f64, f64)], exact: f64| {
        let [(coarse, of_coarse), (fine, of_fine)] = [found[0], found[1]];
        ((of_coarse - exact) / (of_fine - exact)).abs().ln() / f64::ln(coarse / fine)
    };
    let etas = [0.4, 0.1];

    // E[x²] of dx = −x dt + dW is (1 − e^{−2t})/2.
    let white = etas.map(|eta| (eta, expectation(&white(landscape, 1., eta), eta, &|x| x * x)));
    let found = order(&white, (1. - f64::exp(-2. * time)) / 2.);
    assert!((found - 1.).abs() < 0.25, "white: {found} {white:?}");

    // E[cos x] of dx = −x dt + dL is exp(−(1 − e^{−αt})/α).
    let alpha = 1.5;
    let stable = etas.map(|eta| {
        let scale = f64::powf(eta, 1. / alpha - 1.);
        let driver = StableNoise { laws: vec![SymmetricStable::new(alpha, scale, 0.).unwrap()] };
        (eta, expectation(&driver, eta, &f64::cos))
    });
    let found = order(&stable, (-(1. - f64::exp(-alpha * time)) / alpha).exp());
    assert!((found - 1.).abs() < 0.25, "stable: {found} {stable:?}");

    // d E[x²]/dt = −2 E[x²] + 1 + E[x²]/2 for dx = −x dt + √(1 + x²/2) dW.
    let dependent = etas.map(|eta| {
        let driver = StateDependent { at_minimum: 1. / eta, growth: 0.5 / eta };
        (eta, expectation(&driver, eta, &|x| x * x))
    });
    let found = order(&dependent, (1. - f64::exp(-1.5 * time)) / 1.5);
    assert!((found - 1.).abs() < 0.25, "state-dependent: {found} {dependent:?}");
}

/// The covariances of four kinds of noise, from many single steps at one point.
#[test]
fn drivers_have_the_covariance_of_minibatches() {
    use escape::{MinibatchNoise, Multiplicative};
    let batch_size = 5;
    let landscape = &*build(LandscapeSpec::LinearRegression { n_samples: 30, dimension: 3 });
    let covariance = |driver: &dyn Driver| -> Vec<f64> {
        let n = 200_000;
        let mut site = landscape.site().unwrap();
        let mut rule = driver.begin(landscape, &Streams::new(9)).unwrap();
        let mut sums = vec![0.; 9];
        for _ in 0..n {
            let mut w = landscape.minimum().to_vec();
            rule.step(&mut *site, &mut w, 1.).unwrap();
            let noise: Vec<f64> = w.iter().zip(landscape.minimum()).map(|(w, at)| at - w).collect();
            for (k, sum) in sums.iter_mut().enumerate() {
                *sum += noise[k / 3] * noise[k % 3] / n as f64;
            }
        }
        sums
    };
    // Σ = (1/B)(1/N) Σ ∇ℓ ∇ℓᵀ where ∇L = 0.
    let mut exact = vec![0.; 9];
    let mut site = landscape.site().unwrap();
    for sample in 0..30 {
        let mut gradient = vec![0.; 3];
        site.minibatch_gradient(landscape.minimum(), &[sample], &mut gradient).unwrap();
        for (k, sum) in exact.iter_mut().enumerate() {
            *sum += gradient[k / 3] * gradient[k % 3] / (30 * batch_size) as f64;
        }
    }
    let close = |name: &str, found: &[f64], expected: &[f64]| {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 0.02 * exact[0], "{name}: {found} {expected}");
        }
    };
    let sampling = Sampling::WithReplacement;
    let sgd = MinibatchSgd { batch_size, sampling, momentum: 0. };
    close("SGD", &covariance(&sgd), &exact);
    close("multiplicative", &covariance(&Multiplicative { batch_size }), &exact);
    let of = |shape| {
        let covariance = Covariance::Minibatch(shape);
        Brownian::new(&covariance, landscape, batch_size).unwrap()
    };
    close("full", &covariance(&of(MinibatchNoise::Full)), &exact);
    let only = |keep: &dyn Fn(usize) -> f64| (0..9).map(keep).collect::<Vec<f64>>();
    let diagonal = only(&|k| if k % 4 == 0 { exact[k] } else { 0. });
    close("diagonal", &covariance(&of(MinibatchNoise::Diagonal)), &diagonal);
    let mean = (exact[0] + exact[4] + exact[8]) / 3.;
    let isotropic = only(&|k| if k % 4 == 0 { mean } else { 0. });
    close("isotropic", &covariance(&of(MinibatchNoise::Isotropic)), &isotropic);
    let rows = (0..3).map(|i| exact[3 * i..3 * i + 3].to_vec()).collect();
    let given = Brownian::new(&Covariance::Full(rows), landscape, 1).unwrap();
    close("given", &covariance(&given), &exact);
}
