//! Made-up tables of a plausible run, for tests of figures and reports.

use probe::quantities::verdict_column;
use stats::Verdict;
use train::{Column, Table};

use super::RunTables;

/// Uniform numbers in (0, 1) from a small congruential generator.
pub struct Uniforms(pub u64);

impl Uniforms {
    /// The next number.
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// A symmetric α-stable number (Chambers, Mallows and Stuck 1976), Gaussian at α = 2.
    pub fn stable(&mut self, alpha: f64) -> f64 {
        let angle = std::f64::consts::PI * (self.draw() - 0.5);
        let exponential = -self.draw().ln();
        let first = (alpha * angle).sin() / angle.cos().powf(1.0 / alpha);
        first * (((1.0 - alpha) * angle).cos() / exponential).powf((1.0 - alpha) / alpha)
    }
}

/// The tables of a run with every stage.
pub fn full() -> RunTables {
    let (noise, noise_summary, noise_example) = noise();
    let (noise_scale, noise_views) = (noise_scale(), noise_views());
    let (escape_trials, escape_summary, escape_survival) = escape();
    let [escape_theories, escape_theory_pairs, escape_theory_means] = escape_theories();
    let (ablation, ablation_summary, ablation_differences) = ablation();
    RunTables {
        steps: Some(steps(300)),
        certificate: Some(certificate()),
        noise_grid: Some(noise_grid()),
        noise_layers: Some(noise_layers(&noise)),
        noise_spectrum: Some(noise_spectrum()),
        noise_aggregation: Some(noise_aggregation()),
        noise_common_alpha: Some(noise_common_alpha()),
        noise_tests: Some(noise_tests(&noise)),
        noise_during_summary: Some(during(&noise_summary)),
        noise_during_views: Some(during(&noise_views)),
        noise_during_scale: Some(during(&noise_scale)),
        noise: Some(noise),
        noise_summary: Some(noise_summary),
        noise_example: Some(noise_example),
        noise_scale: Some(noise_scale),
        noise_views: Some(noise_views),
        escape_trials: Some(escape_trials),
        escape_summary: Some(escape_summary),
        escape_survival: Some(escape_survival),
        escape_axes: Some(escape_axes()),
        escape_minimum: Some(escape_minimum()),
        escape_full_batch: Some(::escape::tables::full_batch(8)),
        escape_slopes: None,
        escape_theories: Some(escape_theories),
        escape_theory_pairs: Some(escape_theory_pairs),
        escape_theory_means: Some(escape_theory_means),
        escape_constants: Some(escape_constants()),
        ablation: Some(ablation),
        ablation_summary: Some(ablation_summary),
        ablation_differences: Some(ablation_differences),
    }
}

/// So many evaluations of a training, without a test set.
pub fn steps(n_rows: usize) -> Table {
    let mut uniforms = Uniforms(5);
    let idx = || 0..n_rows;
    let wobble: Vec<f64> = idx().map(|_| (0.06 * uniforms.stable(2.0)).exp()).collect();
    let loss = |i: usize| 0.69 * (-(i as f64) / 60.0).exp() + 4e-3 / (1.0 + i as f64 / 30.0);
    Table::new()
        .with_integers("step", idx().map(|i| 20 * i as i64))
        .with_integers("epoch", idx().map(|i| i as i64 / 2))
        .with_reals("learning_rate", idx().map(|_| 0.1))
        .with_integers("batch_size", idx().map(|_| 8))
        .with_reals("loss", idx().map(|i| loss(i) * wobble[i]))
        .with_reals("gradient_norm", idx().map(|i| loss(i) * 0.4 * wobble[i].powi(4)))
        .with_reals("accuracy", idx().map(|i| 1.0 - 0.36 * (-(i as f64) / 30.0).exp()))
        .with_reals("test_loss", idx().map(|_| f64::NAN))
        .with_reals("test_accuracy", idx().map(|_| f64::NAN))
}

fn certificate() -> Table {
    Table::new()
        .with_integers("step", [5980])
        .with_integers("epoch", [149])
        .with_reals("loss", [5.1e-3])
        .with_reals("gradient_norm", [9.7e-4])
        .with_integers("steps_since_improvement", [120])
        .with_reals("accuracy", [0.9971])
        .with_texts("criterion", ["gradient norm ≤ 0.001"])
}

/// Reals that come with each parameter in `noise` and with mean and deviation in `noise_summary`.
const QUANTITIES: [(&str, f64); 10] = [
    ("alpha", 1.9),
    ("gamma", 4.1e-3),
    ("gaussian_ln_likelihood", 3_412.0),
    ("stable_ln_likelihood", 3_431.0),
    ("gaussian_sse", 0.0214),
    ("stable_sse", 0.0087),
    ("gaussian_histogram_sse", 18_400.0),
    ("stable_histogram_sse", 6_210.0),
    ("gaussian_chi2", 81.2),
    ("stable_chi2", 37.9),
];

const LAYERS: [&str; 4] = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"];

fn noise() -> (Table, Table, Table) {
    let mut uniforms = Uniforms(11);
    let batch_sizes = [8_i64, 64];
    let n_parameters = 100;
    let mut summary = Vec::new();
    let (mut sizes, mut names, mut alphas, mut verdicts) = (vec![], vec![], vec![], vec![]);
    for (which, batch_size) in batch_sizes.into_iter().enumerate() {
        let mut counts = [0_i64; Verdict::ALL.len()];
        for idx in 0..n_parameters {
            let heavy = uniforms.draw() < [0.62, 0.21][which];
            let alpha = match (idx, heavy) {
                (97.., _) => f64::NAN,
                (_, true) => 2.0 - 0.45 * uniforms.draw().powf(1.3) - 0.02,
                (_, false) if uniforms.draw() < 0.75 => 2.0,
                _ => 2.0 - 0.05 * uniforms.draw(),
            };
            let verdict = if alpha.is_nan() {
                Verdict::ALL.len() - 1
            } else if !heavy {
                usize::from(uniforms.draw() < 0.2)
            } else {
                2 + (uniforms.draw() * 5.0) as usize
            };
            counts[verdict] += 1;
            sizes.push(batch_size);
            names.push(format!("fc1.weight[{},{}]", idx / 10, idx % 10));
            alphas.push(alpha);
            verdicts.push(Verdict::ALL[verdict].label());
        }
        summary.push(counts);
    }
    alphas[0] = 1.72;
    verdicts[0] = Verdict::HeavyStable.label();
    let status = alphas.iter().map(|alpha: &f64| match alpha {
        alpha if alpha.is_nan() => "constant",
        2.0 => "boundary",
        _ => "interior",
    });
    let status: Vec<&str> = status.collect();
    let n_rows = sizes.len();
    let real = |value: f64| (0..n_rows).map(move |_| value);
    let noise = Table::new()
        .with_integers("batch_size", sizes.clone())
        .with_texts("layer", (0..n_rows).map(|row| LAYERS[row % 100 / 25]))
        .with_texts("parameter", names)
        .with_reals("gaussian_mean", real(0.0))
        .with_reals("gaussian_std", sizes.iter().map(|b| if *b == 8 { 0.021 } else { 0.0057 }))
        .with_reals("alpha", alphas)
        .with_reals("gamma", sizes.iter().map(|b| if *b == 8 { 0.01 } else { 0.004 }))
        .with_reals("delta", real(0.0))
        .with_texts("status", status)
        .with_texts("verdict", verdicts);

    let mut table = Table::new()
        .with_integers("batch_size", batch_sizes)
        .with_texts("method", batch_sizes.map(|_| "minibatch"))
        .with_texts("statistics", batch_sizes.map(|_| "none"))
        .with_texts("sampling", batch_sizes.map(|_| "without_replacement"))
        .with_integers("n_draws", [2000; 2])
        .with_integers("n_parameters", [n_parameters; 2]);
    for (name, value) in QUANTITIES {
        table = table
            .with_reals(&format!("{name}_mean"), [value, 0.97 * value])
            .with_reals(&format!("{name}_std"), [0.113 * value.min(1e4), 0.07 * value]);
    }
    table = table
        .with_reals("ratio_sse_mean", [0.407, 0.93])
        .with_reals("ratio_sse_std", [f64::NAN; 2])
        .with_reals("ratio_chi2_mean", [0.467, 0.98])
        .with_reals("ratio_chi2_std", [f64::NAN; 2])
        .with_integers("n_boundary", [31, 58])
        .with_integers("n_lower_bound", [0, 0])
        .with_integers("n_tied", [2, 0])
        .with_reals("level", [0.05, 0.05]);
    for (idx, verdict) in Verdict::ALL.into_iter().enumerate() {
        table =
            table.with_integers(&verdict_column(verdict), summary.iter().map(|counts| counts[idx]));
    }

    let mut draws = Vec::new();
    for (batch_size, alpha, gamma) in [(8, 1.72, 0.01), (64, 2.0, 0.004)] {
        draws.extend((0..2000).map(|_| (batch_size, gamma * uniforms.stable(alpha))));
    }
    let example = Table::new()
        .with_integers("batch_size", draws.iter().map(|draw| draw.0))
        .with_texts("parameter", draws.iter().map(|_| "fc1.weight[0,0]"))
        .with_integers("draw", (0..draws.len()).map(|idx| idx as i64 % 2000))
        .with_reals("value", draws.iter().map(|draw| draw.1));
    (noise, table, example)
}

fn noise_grid() -> Table {
    let mut uniforms = Uniforms(13);
    let rows: Vec<(usize, i64)> =
        (0..9).flat_map(|idx| (0..300).map(move |draw| (idx, draw))).collect();
    Table::new()
        .with_integers("batch_size", rows.iter().map(|_| 64))
        .with_texts("parameter", rows.iter().map(|row| format!("fc1.weight[{},0]", row.0)))
        .with_integers("draw", rows.iter().map(|row| row.1))
        .with_reals("value", rows.iter().map(|_| 0.004 * uniforms.stable(1.8)))
}

fn noise_layers(noise: &Table) -> Table {
    let (layers, verdicts) = (noise.texts("layer").unwrap(), noise.texts("verdict").unwrap());
    let rows: Vec<(usize, usize)> =
        (0..2).flat_map(|size| (0..LAYERS.len()).map(move |layer| (size, layer))).collect();
    let reals = |values: [f64; 2]| rows.iter().map(move |row| values[row.0]);
    let table = Table::new()
        .with_integers("batch_size", rows.iter().map(|row| [8, 64][row.0]))
        .with_texts("layer", rows.iter().map(|row| LAYERS[row.1]))
        .with_integers("depth", rows.iter().map(|row| row.1 as i64))
        .with_integers("n_parameters", rows.iter().map(|_| 25))
        .with_reals("alpha_mean", reals([1.83, 1.97]))
        .with_reals("alpha_std", reals([0.12, 0.04]))
        .with_reals("alpha_median", reals([1.86, 1.99]));
    let table = table
        .with_integers("n_boundary", rows.iter().map(|_| 3))
        .with_integers("n_lower_bound", rows.iter().map(|_| 1));
    Verdict::ALL.into_iter().fold(table, |table, verdict| {
        let count = |row: &(usize, usize)| {
            let of_size =
                (100 * row.0..100 * (row.0 + 1)).filter(|idx| layers[*idx] == LAYERS[row.1]);
            of_size.filter(|idx| verdicts[*idx] == verdict.label()).count() as i64
        };
        table.with_integers(&verdict_column(verdict), rows.iter().map(count))
    })
}

fn noise_scale() -> Table {
    Table::new()
        .with_integers("batch_size", [8, 64])
        .with_integers("n_samples", [4800; 2])
        .with_texts("traced", ["minibatches"; 2])
        .with_integers("n_traced", [2000; 2])
        .with_reals("gradient_norm", [9.7e-4; 2])
        .with_reals("trace", [0.0412, 0.00523])
        .with_reals("trace_standard_error", [0.0013, 0.00012])
        .with_reals("finite_population_factor", [0.9985, 0.9869])
        .with_reals("trace_of_sample", [0.33, 0.339])
        .with_reals("noise_scale", [350_000.0, 360_000.0])
        .with_reals("noise_scale_low", [328_000.0, 344_000.0])
        .with_reals("noise_scale_high", [372_000.0, 376_000.0])
}

fn noise_views() -> Table {
    Table::new()
        .with_integers("batch_size", [8, 64])
        .with_integers("n_parameters", [100; 2])
        .with_integers("n_draws", [2000; 2])
        .with_integers("n_fitted", [97; 2])
        .with_integers("n_boundary", [31, 58])
        .with_integers("n_lower_bound", [4, 0])
        .with_reals("alpha_per_parameter_mean", [1.83, 1.97])
        .with_reals("alpha_per_parameter_std", [0.12, 0.04])
        .with_reals("alpha_across_parameters_mean", [1.31, 1.42])
        .with_reals("alpha_pooled", [1.21, 1.38])
        .with_reals("alpha_pooled_mohammadi", [1.44, 1.52])
}

fn noise_spectrum() -> Table {
    let rows = || (0..2).flat_map(|size| (1..=7).map(move |rank| (size, rank)));
    let share = |row: (usize, i64)| 0.5_f64.powi(row.1 as i32);
    let trace = |row: (usize, i64)| [0.0412, 0.00523][row.0];
    Table::new()
        .with_integers("batch_size", rows().map(|row| [8, 64][row.0]))
        .with_integers("n_parameters", rows().map(|_| 100))
        .with_integers("n_draws", rows().map(|_| 2000))
        .with_integers("rank", rows().map(|row| row.1))
        .with_reals("eigenvalue", rows().map(|row| trace(row) * share(row)))
        .with_reals("share", rows().map(share))
        .with_reals("trace", rows().map(trace))
        .with_reals("participation", rows().map(|_| 3.1))
}

fn noise_aggregation() -> Table {
    let mut uniforms = Uniforms(17);
    let rows: Vec<(usize, i64, u32)> = (0..2)
        .flat_map(|size| (0..20).map(move |parameter| (size, parameter)))
        .flat_map(|(size, parameter)| (0..6).map(move |doubling| (size, parameter, doubling)))
        .collect();
    let alpha = |row: &(usize, i64, u32)| {
        let rise = 1.0 - 0.7_f64.powi(row.2 as i32);
        let from = [1.7, 1.95][row.0];
        (from + (2.0 - from) * rise + 0.05 * (uniforms.draw() - 0.5)).min(2.0)
    };
    Table::new()
        .with_integers("batch_size", rows.iter().map(|row| [8, 64][row.0]))
        .with_texts("parameter", rows.iter().map(|row| format!("fc1.weight[0,{}]", row.1)))
        .with_integers("block", rows.iter().map(|row| 1 << row.2))
        .with_integers("n_sums", rows.iter().map(|row| 2000 >> row.2))
        .with_reals("alpha", rows.iter().map(alpha))
}

fn noise_common_alpha() -> Table {
    let p = [1e-8, 0.003, 0.4, f64::NAN];
    Table::new()
        .with_texts("parameter", (0..4).map(|idx| format!("fc1.weight[0,{idx}]")))
        .with_reals("level", [0.05; 4])
        .with_reals("p_adjusted", p)
        .with_reals("p_value", p)
}

fn noise_tests(noise: &Table) -> Table {
    let n_rows = noise.n_rows();
    let mut uniforms = Uniforms(19);
    let mut p = || (0..n_rows).map(|_| uniforms.draw().powi(3)).collect::<Vec<f64>>();
    Table::new()
        .with_integers("batch_size", noise.integers("batch_size").unwrap().iter().copied())
        .with_texts("parameter", noise.texts("parameter").unwrap().iter().map(String::as_str))
        .with_integers("n_replicates", (0..n_rows).map(|_| 199))
        .with_reals("gaussian_anderson_darling_p", p())
        .with_reals("anderson_darling_p", p())
        .with_reals("aggregation_p", p())
        .with_reals("vuong_p", (0..n_rows).map(|_| f64::NAN))
}

/// A table of a probe at five steps of a training, whose learning rate falls before the fourth.
fn during(table: &Table) -> Table {
    let at = |(step, learning_rate): (i64, f64)| {
        Table::new()
            .with_integers("step", [step; 2])
            .with_reals("epochs", [step as f64 / 600.0; 2])
            .with_reals("learning_rate", [learning_rate; 2])
            .beside(table.clone())
    };
    let measured = [(1, 0.1), (10, 0.1), (100, 0.1), (1000, 0.01), (5980, 0.01)];
    Table::concat(measured.map(at))
}

fn escape() -> (Table, Table, Table) {
    let rates = [0.05, 0.1, 0.2, 0.4, 0.8];
    let exits = [0, 6, 41, 50, 50];
    let mean = [f64::NAN, 61_000.0, 6_120.0, 812.0, 140.0];
    let low = [7_400.0, 28_000.0, 4_520.0, 616.0, 107.0];
    let high = [f64::INFINITY, 166_000.0, 8_520.0, 1_094.0, 189.0];
    let scaled = |values: [f64; 5]| values.into_iter().zip(rates).map(|(v, eta)| v * eta);
    let summary = Table::new()
        .with_reals("learning_rate", rates)
        .with_integers("batch_size", [8; 5])
        .with_texts("alpha", [""; 5])
        .with_texts("basin", ["L/L* = 10"; 5])
        .with_integers("n_trials", [50; 5])
        .with_integers("n_exited", exits)
        .with_integers("n_censored", exits.map(|n| 50 - n))
        .with_integers("n_diverged", [0; 5])
        .with_reals("weibull_shape", [f64::NAN, 0.9, 1.1, 1.0, 0.98])
        .with_reals("weibull_shape_low", [f64::NAN, 0.5, 0.8, 0.8, 0.8])
        .with_reals("weibull_shape_high", [f64::NAN, 1.6, 1.5, 1.3, 1.2])
        .with_reals("exponential_p", [f64::NAN, 0.6, 0.2, 0.9, 0.5])
        .with_integers("horizon", [10_000; 5])
        .with_texts(
            "mean_method",
            mean.map(|mean| if mean.is_nan() { "lower bound" } else { "constant rate" }),
        )
        .with_reals("constant_rate_p", [f64::NAN, 0.4, 0.3, 0.2, 0.7])
        .with_reals("mean_iterations", mean)
        .with_reals("mean_iterations_low", low)
        .with_reals("mean_iterations_high", high)
        .with_reals("median_iterations", [f64::NAN, f64::NAN, 4_210.0, 560.0, 96.0])
        .with_reals("mean_time", scaled(mean))
        .with_reals("mean_time_low", scaled(low))
        .with_reals("mean_time_high", scaled(high));

    let mut uniforms = Uniforms(3);
    let mut rows: Vec<(f64, i64, f64, f64, f64)> = Vec::new();
    let mut trials: Vec<(f64, i64)> = Vec::new();
    for (eta, mean) in rates.into_iter().zip(mean) {
        let mut times: Vec<i64> =
            (0..50).map(|_| (-uniforms.draw().ln() * mean) as i64 + 1).collect();
        times.sort_unstable();
        let held = |k: &i64| if mean.is_finite() { (*k).min(10_000) } else { 10_000 };
        trials.extend(times.iter().map(|k| (eta, held(k))));
        rows.push((eta, 0, 1.0, 1.0, 1.0));
        let exits = times.iter().filter(|k| **k < 10_000 && mean.is_finite()).enumerate();
        rows.extend(exits.map(|(idx, k)| {
            let survival = 1.0 - (idx + 1) as f64 / 50.0;
            let half = 1.96 * (survival * (1.0 - survival) / 50.0).sqrt();
            (eta, *k, survival, (survival - half).max(0.0), (survival + half).min(1.0))
        }));
        let (_, last, survival, low, high) = rows[rows.len() - 1];
        if last < 10_000 && survival > 0.0 {
            rows.push((eta, 10_000, survival, low, high));
        }
    }
    let survival = Table::new()
        .with_reals("learning_rate", rows.iter().map(|row| row.0))
        .with_integers("batch_size", rows.iter().map(|_| 8))
        .with_texts("alpha", rows.iter().map(|_| ""))
        .with_texts("basin", rows.iter().map(|_| "L/L* = 10"))
        .with_integers("iterations", rows.iter().map(|row| row.1))
        .with_reals("survival", rows.iter().map(|row| row.2))
        .with_reals("low", rows.iter().map(|row| row.3))
        .with_reals("high", rows.iter().map(|row| row.4));
    let trials = Table::new()
        .with_reals("learning_rate", trials.iter().map(|trial| trial.0))
        .with_flags("exited", trials.iter().map(|trial| trial.1 < 10_000))
        .with_integers("iterations", trials.iter().map(|trial| trial.1))
        .with_reals("time", trials.iter().map(|trial| trial.0 * trial.1 as f64));
    (trials, summary, survival)
}

fn escape_minimum() -> Table {
    Table::new()
        .with_reals("loss", [0.05])
        .with_reals("gradient_norm", [0.01])
        .with_reals("n_outliers", [2.0])
        .with_reals("largest_eigenvalue", [3.2])
        .with_reals("smallest_eigenvalue_seen", [-0.1])
        .with_texts("no_hessian", [""])
}

/// Escapes from a plane at three differences of stability indices.
fn escape_axes() -> Table {
    let share = [0.48, 0.52, 0.7, 0.3, 0.9, 0.1];
    Table::new()
        .with_reals("learning_rate", [1e-4; 6])
        .with_integers("batch_size", [0; 6])
        .with_texts(
            "alpha",
            ["1.8, 1.8", "1.8, 1.8", "1.6, 1.8", "1.6, 1.8", "1.2, 1.8", "1.2, 1.8"],
        )
        .with_texts("basin", ["|w - w*| = 0.5"; 6])
        .with_texts("coordinate", ["w1", "w2", "w1", "w2", "w1", "w2"])
        .with_reals("coordinate_alpha", [1.8, 1.8, 1.6, 1.8, 1.2, 1.8])
        .with_reals("share", share)
        .with_reals("share_low", share.map(|share| share - 0.05))
        .with_reals("share_high", share.map(|share| share + 0.05))
}

/// Two theories at three learning rates, one without what it needs, and how they compare.
fn escape_theories() -> [Table; 3] {
    let nan = f64::NAN;
    let theories = Table::new()
        .with_texts("theory", ["Kramers", "Mori et al.", "Meng et al."])
        .with_texts("p0_name", ["a", "a", ""])
        .with_reals("p0", [1.0, 2.0, nan])
        .with_reals("p0_low", [0.5, 1.5, nan])
        .with_reals("p0_high", [1.5, 2.5, nan])
        .with_texts("p1_name", ["b", "1/h*", ""])
        .with_reals("p1", [1.0, 0.1, nan])
        .with_reals("p1_low", [0.9, 0.05, nan])
        .with_reals("p1_high", [1.1, 0.15, nan])
        .with_reals("aic", [1000.0, 990.0, nan])
        .with_reals("held_out_per_trial", [-7.1, -7.0, nan])
        .with_reals("held_out_rms_error", [0.2, 0.1, nan])
        .with_reals("deviance_p", [0.001, 0.3, nan])
        .with_texts("unavailable", ["", "", "the constant noise_slope was not measured"]);
    let pairs = Table::new()
        .with_texts("first", ["Kramers"])
        .with_texts("second", ["Mori et al."])
        .with_texts("relation", ["separated: Mori et al."]);
    let means = |theory: &str, by: f64| {
        Table::new()
            .with_texts("theory", [theory; 3])
            .with_reals("learning_rate", [0.1, 0.2, 0.4])
            .with_integers("batch_size", [8; 3])
            .with_reals("barrier", [0.5; 3])
            .with_reals("mean_iterations", [6000.0 * by, 800.0, 150.0 / by])
            .with_reals("observed_mean_iterations", [f64::NAN, 812.0, 140.0])
            .with_reals("observed_mean_low", [6120.0, 650.0, 118.0])
            .with_reals("observed_mean_high", [f64::INFINITY, 1012.0, 165.0])
    };
    [theories, pairs, Table::concat([means("Kramers", 1.3), means("Mori et al.", 1.05)])]
}

fn escape_constants() -> Table {
    Table::new()
        .with_reals("effective_dimension", [3.0])
        .with_reals("curvature", [1.4])
        .with_reals("noise_slope", [f64::NAN])
        .with_reals("noise_growth", [f64::NAN])
        .with_reals("noise_alpha", [1.62])
        .with_texts("noise_alpha_source", ["the mean α̂ of the probe at B = 8"])
}

/// One evaluation of one arm of the ablation.
struct Evaluation {
    arm: usize,
    seed: i64,
    epoch: i64,
    step: i64,
    learning_rate: f64,
    batch_size: i64,
    loss: f64,
}

fn ablation() -> (Table, Table, Table) {
    let arms = ["learning-rate decay", "batch growth", "constant"];
    let mut uniforms = Uniforms(7);
    let mut rows: Vec<Evaluation> = Vec::new();
    for arm in 0..3 {
        for seed in 1..=5 {
            let (mut step, shift) = (0, 1.0 + 0.05 * uniforms.stable(2.0));
            for epoch in 1..=60 {
                let stage = (epoch - 1) / 20;
                let (learning_rate, batch_size) = match arm {
                    0 => (0.1 / 5f64.powi(stage as i32), 32),
                    1 => (0.1, 32 * 5_i64.pow(stage as u32)),
                    _ => (0.1, 32),
                };
                step += 4800 / batch_size;
                let floor = if arm == 2 { 0.34 } else { [0.34, 0.25, 0.23][stage as usize] };
                let noise = 12.8 * learning_rate / batch_size as f64 * uniforms.stable(2.0);
                let loss = shift * (1.0 + noise) * (floor + 0.5 * (-(epoch as f64) / 6.0).exp());
                rows.push(Evaluation { arm, seed, epoch, step, learning_rate, batch_size, loss });
            }
        }
    }
    let accuracy = |row: &Evaluation| 1.0 - 0.45 * row.loss;
    let noise_scale = |row: &Evaluation| row.learning_rate * 4800.0 / row.batch_size as f64;
    let ablation = Table::new()
        .with_texts("arm", rows.iter().map(|row| arms[row.arm]))
        .with_integers("seed", rows.iter().map(|row| row.seed))
        .with_integers("epoch", rows.iter().map(|row| row.epoch))
        .with_integers("step", rows.iter().map(|row| row.step))
        .with_reals("learning_rate", rows.iter().map(|row| row.learning_rate))
        .with_integers("batch_size", rows.iter().map(|row| row.batch_size))
        .with_reals("noise_scale", rows.iter().map(noise_scale))
        .with_reals("loss", rows.iter().map(|row| row.loss))
        .with_reals("accuracy", rows.iter().map(accuracy))
        .with_reals("test_loss", rows.iter().map(|row| 1.1 * row.loss))
        .with_reals("test_accuracy", rows.iter().map(|row| accuracy(row) - 0.02));
    let summary = Table::new()
        .with_texts("arm", arms)
        .with_integers("n_seeds", [5; 3])
        .with_integers("epochs", [60; 3])
        .with_integers("updates", [9000, 3720, 9000])
        .with_reals("noise_scale", [0.6, 0.6, 15.0])
        .with_reals("gradient_noise_mean", [0.412, 0.0771, 0.655])
        .with_reals("gradient_noise_std", [0.0213, 0.0046, 0.0381])
        .with_reals("step_noise_mean", [0.00165, 0.00771, 0.0655])
        .with_reals("step_noise_std", [0.000085, 0.00046, 0.00381])
        .with_reals("loss_mean", [0.2312, 0.2298, 0.341])
        .with_reals("loss_std", [0.0113, 0.0121, 0.0174])
        .with_reals("accuracy_mean", [0.8961, 0.8966, 0.8465])
        .with_reals("accuracy_std", [0.0051, 0.0054, 0.0078])
        .with_reals("test_loss_mean", [0.2543, 0.2528, 0.375])
        .with_reals("test_loss_std", [0.0124, 0.0133, 0.0191])
        .with_reals("test_accuracy_mean", [0.8761, 0.8766, 0.8265])
        .with_reals("test_accuracy_std", [0.0051, 0.0054, 0.0078]);
    let differences = Table::new()
        .with_texts("first", [arms[0], arms[0], arms[1]])
        .with_texts("second", [arms[1], arms[2], arms[2]])
        .with_texts("quantity", ["test_accuracy"; 3])
        .with_integers("n_seeds", [5; 3])
        .with_reals("difference", [-0.0005, 0.0496, 0.0501])
        .with_reals("standard_error", [0.0032, 0.0041, 0.0039]);
    (ablation, summary, differences)
}

/// Every table that is there.
pub fn all_mut(tables: &mut RunTables) -> Vec<&mut Table> {
    let RunTables {
        steps,
        certificate,
        noise,
        noise_summary,
        noise_example,
        noise_grid,
        noise_layers,
        noise_scale,
        noise_spectrum,
        noise_aggregation,
        noise_common_alpha,
        noise_views,
        noise_tests,
        noise_during_summary,
        noise_during_views,
        noise_during_scale,
        escape_trials,
        escape_summary,
        escape_survival,
        escape_axes,
        escape_minimum,
        escape_full_batch,
        escape_slopes,
        escape_theories,
        escape_theory_pairs,
        escape_theory_means,
        escape_constants,
        ablation,
        ablation_summary,
        ablation_differences,
    } = tables;
    let all = [
        steps,
        certificate,
        noise,
        noise_summary,
        noise_example,
        noise_grid,
        noise_layers,
        noise_scale,
        noise_spectrum,
        noise_aggregation,
        noise_common_alpha,
        noise_views,
        noise_tests,
        noise_during_summary,
        noise_during_views,
        noise_during_scale,
        escape_trials,
        escape_summary,
        escape_survival,
        escape_axes,
        escape_minimum,
        escape_full_batch,
        escape_slopes,
        escape_theories,
        escape_theory_pairs,
        escape_theory_means,
        escape_constants,
        ablation,
        ablation_summary,
        ablation_differences,
    ];
    all.into_iter().flatten().collect()
}

/// Tables that a careless plot fails on: no rows, one row, and every real number replaced by a difficult one.
pub fn hard() -> Vec<RunTables> {
    let rows_up_to = |n_rows: usize| {
        changed(|column| match column {
            Column::Real(values) => Column::Real(values.iter().copied().take(n_rows).collect()),
            Column::Integer(values) => {
                Column::Integer(values.iter().copied().take(n_rows).collect())
            }
            Column::Text(values) => Column::Text(values.iter().take(n_rows).cloned().collect()),
            Column::Flag(values) => Column::Flag(values.iter().copied().take(n_rows).collect()),
        })
    };
    let reals = |change: &dyn Fn(usize, f64) -> f64| {
        changed(|column| match column {
            Column::Real(values) => {
                Column::Real(values.iter().enumerate().map(|(i, v)| change(i, *v)).collect())
            }
            other => other.clone(),
        })
    };
    let mut hard = vec![rows_up_to(0), rows_up_to(1)];
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 2.0, f64::MAX, 1e-320] {
        hard.push(reals(&|_, _| value));
        hard.push(reals(&|idx, old| if idx % 2 == 0 { value } else { old }));
    }
    for scale in [1e-12, 1e12] {
        hard.push(reals(&|_, old| scale * old));
    }
    hard.push(changed(|column| match column {
        Column::Integer(values) => Column::Integer(vec![0; values.len()]),
        Column::Flag(values) => Column::Flag(vec![false; values.len()]),
        other => other.clone(),
    }));
    hard
}

fn changed(change: impl Fn(&Column) -> Column) -> RunTables {
    let mut tables = full();
    for table in all_mut(&mut tables) {
        let columns = table.columns().iter();
        *table = columns.fold(Table::new(), |t, (name, column)| t.with(name, change(column)));
    }
    tables
}
