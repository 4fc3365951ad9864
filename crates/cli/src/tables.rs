//! The tables of a run directory, and how they are summed up in a terminal.

use std::fmt::Write;
use std::path::Path;

use probe::quantities::verdict_column;
use stats::{LEAST_ALPHA, Verdict};
use train::{Table, TableError, TrainError, read_table, steps_log};

use crate::arm_differences::{Difference, TWINS};
use crate::failure::Failure;
use crate::plot::number::{chosen, significant};
use crate::plot::{RunTables, groups};
use crate::terminal::{aligned, mean_and_deviation};
use crate::theory_verdicts;
use crate::verdicts::{self, AtBounds};

/// What the figures in the noise table mean; printed beside it.
const DEFINITIONS: &str = "  Fits: maximum likelihood on each series; SαS has characteristic function exp(iδt − |γt|^α), 0.1 ≤ α ≤ 2;
  in brackets, how many of the estimates in a mean are ends of that range. Draws that share one value with
  more than 1 % of the others are left out of the fits (ties apart), as dead units make them.
  SSE: w Σ(h − f)² over 60 equal bins of z = (x − median)/(IQR/1.349) on [−6, 6]; free of scale.
  χ²: cells equiprobable under each fit, K = max(10, round(2 n^0.4)). Ratio: SαS over Gauss, of the means.
  Heavy: likelihood ratio against α = 2 and its simulated null; false-discovery rates are over the
  parameters of a batch size. Then by AIC: SαS, or Student-t with ν ≤ 2 (infinite variance), against the best
  of Student-t with ν > 2, Laplace, generalised Gaussian, Gaussian mixture (finite variance). One of them
  where it is lower by more than 6 and χ² does not reject the law, else \"SαS or finite variance\".
";

/// Reads every table that is there.
pub fn read(directory: &Path) -> Result<RunTables, TrainError> {
    let table = |name: &str| read_table(directory, name);
    let steps = directory.join("steps.csv");
    Ok(RunTables {
        steps: if steps.exists() { Some(steps_log::read(&steps)?) } else { None },
        certificate: table("certificate")?,
        noise: noise_table(directory)?,
        noise_summary: table("noise_summary")?,
        noise_example: table("noise_example")?,
        noise_grid: table("noise_grid")?,
        noise_layers: table("noise_layers")?,
        noise_scale: table("noise_scale")?,
        noise_spectrum: table("noise_spectrum")?,
        noise_aggregation: table("noise_aggregation")?,
        noise_common_alpha: table("noise_common_alpha")?,
        noise_views: table("noise_views")?,
        noise_tests: table("noise_tests")?,
        noise_during_summary: table("noise_during_summary")?,
        noise_during_views: table("noise_during_views")?,
        noise_during_scale: table("noise_during_scale")?,
        escape_trials: table("escape_trials")?,
        escape_summary: table("escape_summary")?,
        escape_survival: table("escape_survival")?,
        escape_axes: table("escape_axes")?,
        escape_minimum: table("escape_minimum")?,
        escape_full_batch: table("escape_full_batch")?,
        escape_slopes: table("escape_slopes")?,
        escape_theories: table("escape_theories")?,
        escape_theory_pairs: table("escape_theory_pairs")?,
        escape_theory_means: table("escape_theory_means")?,
        escape_constants: table("escape_constants")?,
        ablation: table("ablation")?,
        ablation_summary: table("ablation_summary")?,
        ablation_differences: table("ablation_differences")?,
    })
}

/// The noise of single parameters, whose verdicts are all known.
fn noise_table(directory: &Path) -> Result<Option<Table>, TrainError> {
    let noise = read_table(directory, "noise")?;
    if let Some(noise) = &noise {
        verdicts::check(&directory.join("noise.parquet"), noise)?;
    }
    Ok(noise)
}

/// The results of a run, for a terminal.
pub fn summary(tables: &RunTables) -> Result<String, Failure> {
    let mut text = String::new();
    type Part<'a> = &'a dyn Fn(&Table) -> Result<String, TableError>;
    let verdicts = |pairs: &Table| {
        let theories = tables.escape_theories.as_ref();
        let sentences = theories.map(|theories| theory_verdicts::sentences(theories, pairs));
        Ok(sentences.transpose()?.unwrap_or_default().join("\n") + "\n")
    };
    let parts: [(&Option<Table>, Part); 13] = [
        (&tables.certificate, &certificate),
        (&tables.noise_during_summary, &during),
        (&tables.noise_summary, &noise),
        (&tables.noise_common_alpha, &common_alpha),
        (&tables.noise_scale, &noise_scale),
        (&tables.noise_views, &views),
        (&tables.escape_minimum, &minimum),
        (&tables.escape_summary, &escapes),
        (&tables.escape_slopes, &slopes),
        (&tables.escape_theories, &theories),
        (&tables.escape_theory_pairs, &verdicts),
        (&tables.ablation_summary, &ablation),
        (&tables.ablation_differences, &arm_differences),
    ];
    for (table, part) in parts {
        if let Some(table) = table {
            writeln!(text, "{}", part(table)?).expect("writing to a string");
        }
    }
    Ok(text)
}

fn certificate(table: &Table) -> Result<String, TableError> {
    Ok(format!(
        "Minimum at step {} ({}): loss {}, gradient norm {}, {} steps since the last improvement, accuracy {}\n",
        table.integers("step")?[0],
        table.texts("criterion")?[0],
        significant(table.reals("loss")?[0], 3),
        significant(table.reals("gradient_norm")?[0], 3),
        table.integers("steps_since_improvement")?[0],
        significant(table.reals("accuracy")?[0], 4),
    ))
}

/// The noise at each measurement during training.
fn during(table: &Table) -> Result<String, TableError> {
    let header =
        ["step", "epochs", "η", "B", "α", "SSE ratio", "χ² ratio", "Gaussian not rejected"];
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let real = |name: &str, digits| Ok(significant(table.reals(name)?[row], digits));
        let count = |name: &str| Ok(table.integers(name)?[row].to_string());
        let alpha = (table.reals("alpha_mean")?[row], table.reals("alpha_std")?[row]);
        let n_gaussian = count(&verdict_column(Verdict::GaussianNotRejected))?;
        rows.push(vec![
            count("step")?,
            real("epochs", 3)?,
            real("learning_rate", 3)?,
            count("batch_size")?,
            mean_and_deviation(alpha.0, alpha.1) + &AtBounds::of_row(table, row)?.note(),
            real("ratio_sse_mean", 3)?,
            real("ratio_chi2_mean", 3)?,
            format!("{n_gaussian} of {}", count("n_parameters")?),
        ]);
    }
    Ok(format!("Gradient noise during training\n{}", aligned(&header, &rows)))
}

fn noise(table: &Table) -> Result<String, TableError> {
    let figures = [
        ("Gauss SSE", "gaussian_sse"),
        ("SαS SSE", "stable_sse"),
        ("Gauss χ²", "gaussian_chi2"),
        ("SαS χ²", "stable_chi2"),
        ("SSE ratio", "ratio_sse"),
        ("χ² ratio", "ratio_chi2"),
    ];
    let fits = [
        ("α", "alpha"),
        ("γ", "gamma"),
        ("Gauss ln L", "gaussian_ln_likelihood"),
        ("SαS ln L", "stable_ln_likelihood"),
    ];
    let means = |quantities: &[(&str, &str)]| {
        let header: Vec<&str> =
            [&["B"], quantities.iter().map(|q| q.0).collect::<Vec<_>>().as_slice()].concat();
        let mut rows = Vec::new();
        for row in 0..table.n_rows() {
            let mut cells = vec![table.integers("batch_size")?[row].to_string()];
            for (_, name) in quantities {
                let mean = table.reals(&format!("{name}_mean"))?[row];
                let note = match *name {
                    "alpha" => AtBounds::of_row(table, row)?.note(),
                    _ => String::new(),
                };
                let deviation = table.reals(&format!("{name}_std"))?[row];
                cells.push(mean_and_deviation(mean, deviation) + &note);
            }
            rows.push(cells);
        }
        Ok::<String, TableError>(aligned(&header, &rows))
    };
    let least = format!("α̂ ≤ {LEAST_ALPHA}");
    let counts = [
        ("parameters", "n_parameters"),
        ("α̂ = 2", "n_boundary"),
        (least.as_str(), "n_lower_bound"),
        ("ties apart", "n_tied"),
    ];
    let verdicts: Vec<(&str, String)> = verdicts::labels_and_columns().collect();
    let named = verdicts.iter().map(|(name, column)| (*name, column.as_str()));
    let columns: Vec<(&str, &str)> = counts.into_iter().chain(named).collect();
    let header: Vec<&str> =
        [&["B"], columns.iter().map(|c| c.0).collect::<Vec<_>>().as_slice()].concat();
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let mut cells = vec![table.integers("batch_size")?[row].to_string()];
        for (_, column) in &columns {
            cells.push(table.integers(column)?[row].to_string());
        }
        rows.push(cells);
    }
    Ok(format!(
        "Gradient noise, mean ± standard deviation over parameters\n{}\n{}\nVerdicts\n{}\n\
         Noise: full-batch gradient minus minibatch gradient at frozen weights, one series per parameter.\n\
         \x20 {}\n{DEFINITIONS}",
        means(&figures)?,
        means(&fits)?,
        aligned(&header, &rows),
        way_of_noise(table)?
    ))
}

fn common_alpha(table: &Table) -> Result<String, TableError> {
    Ok(CommonAlpha::read(table)?
        .map_or_else(String::new, |tests| format!("{}\n", tests.sentence())))
}

/// Of how many parameters it is rejected that α is the same at all batch sizes.
pub struct CommonAlpha {
    n_rejected: usize,
    n_tested: usize,
    level: f64,
}

impl CommonAlpha {
    /// `None` where no parameter could be tested.
    pub fn read(table: &Table) -> Result<Option<Self>, TableError> {
        let (p, level) = (table.reals("p_adjusted")?, table.reals("level")?);
        let n_tested = p.iter().filter(|p| p.is_finite()).count();
        let n_rejected = p.iter().zip(level).filter(|(p, level)| p <= level).count();
        Ok((n_tested > 0).then(|| Self { n_rejected, n_tested, level: level[0] }))
    }

    /// No stronger than what was tested.
    pub fn sentence(&self) -> String {
        let Self { n_rejected, n_tested, level } = self;
        format!(
            "That α is the same at all batch sizes is rejected for {n_rejected} of {n_tested} parameters \
             (likelihood ratio, false-discovery rate {} %).",
            chosen(100.0 * level)
        )
    }
}

fn noise_scale(table: &Table) -> Result<String, TableError> {
    let header = ["B", "Tr Σ_B ± standard error", "‖∇L‖", "B_simple", "95 % interval"];
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let real = |name: &str| Ok(table.reals(name)?[row]);
        let (low, high) = (real("noise_scale_low")?, real("noise_scale_high")?);
        rows.push(vec![
            table.integers("batch_size")?[row].to_string(),
            mean_and_deviation(real("trace")?, real("trace_standard_error")?),
            significant(real("gradient_norm")?, 3),
            significant(real("noise_scale")?, 3),
            interval(low, high),
        ]);
    }
    Ok(format!(
        "Noise scale over the whole network, B_simple = Tr Σ₁/‖∇L‖² (McCandlish et al. 2018)\n{}",
        aligned(&header, &rows)
    ))
}

/// An interval, which is a point where nothing was sampled.
pub fn interval(low: f64, high: f64) -> String {
    if low == high {
        return "exact".to_owned();
    }
    format!("{} … {}", significant(low, 3), significant(high, 3))
}

fn views(table: &Table) -> Result<String, TableError> {
    let header = ["B", "per parameter", "across parameters", "pooled", "pooled, Mohammadi"];
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let real = |name: &str| Ok(table.reals(name)?[row]);
        let (mean, deviation) = ("alpha_per_parameter_mean", "alpha_per_parameter_std");
        rows.push(vec![
            table.integers("batch_size")?[row].to_string(),
            mean_and_deviation(real(mean)?, real(deviation)?)
                + &AtBounds::of_row(table, row)?.note(),
            significant(real("alpha_across_parameters_mean")?, 3),
            significant(real("alpha_pooled")?, 3),
            significant(real("alpha_pooled_mohammadi")?, 3),
        ]);
    }
    Ok(format!(
        "α̂ of the same draws in three views; parameters of different scale look heavy-tailed when pooled\n{}",
        aligned(&header, &rows)
    ))
}

/// How minibatches were drawn, how the noise was found, and by which statistics batch normalisation normalised meanwhile.
pub fn way_of_noise(table: &Table) -> Result<String, TableError> {
    let only = |name: &str| Ok(table.texts(name)?.first().map_or("", String::as_str));
    let sampling = match only("sampling")? {
        "with_replacement" => "drawn with replacement",
        _ => "drawn without replacement",
    };
    let method = match only("method")? {
        "per_sample" => "means of the gradients of single samples",
        _ => "a pass there and back for each",
    };
    let statistics = match only("statistics")? {
        "none" => "no batch normalisation",
        "running" => "batch normalisation by the running statistics, frozen",
        "full_batch" => "batch normalisation by the statistics of the full batch, frozen",
        _ => "batch normalisation by the statistics of each minibatch",
    };
    Ok(format!("Minibatches: {sampling}; {method}; {statistics}."))
}

fn minimum(table: &Table) -> Result<String, TableError> {
    let real = |name: &str| Ok::<_, TableError>(table.reals(name)?[0]);
    let start = format!(
        "Escapes begin at loss {}: gradient norm {}",
        significant(real("loss")?, 3),
        significant(real("gradient_norm")?, 3),
    );
    let largest = real("largest_eigenvalue")?;
    if largest.is_nan() {
        return Ok(format!("{start}; there is no Hessian: {}\n", table.texts("no_hessian")?[0]));
    }
    let unstable = match largest > 0. {
        true => {
            format!(" (descent alone is unstable for\nη > 2/λ = {})", significant(2.0 / largest, 3))
        }
        false => String::new(),
    };
    Ok(format!(
        "{start}, largest Hessian eigenvalue λ = {}{unstable}, outliers: {}\n",
        significant(largest, 3),
        significant(real("n_outliers")?, 1),
    ))
}

/// What a batch of all samples means.
pub fn no_noise(table: &Table) -> Result<String, TableError> {
    Ok(format!(
        "a minibatch of B = {} drawn without replacement is the whole data set: its trials have no noise",
        table.integers("batch_size")?[0]
    ))
}

fn slopes(table: &Table) -> Result<String, TableError> {
    let header = ["η", "B", "slope", "95 % interval", "edge", "saddle"];
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let real = |name: &str| Ok(significant(table.reals(name)?[row], 3));
        rows.push(vec![
            real("learning_rate")?,
            table.integers("batch_size")?[row].to_string(),
            real("slope")?,
            format!("{} … {}", real("slope_low")?, real("slope_high")?),
            real("edge_slope")?,
            real("mori_slope")?,
        ]);
    }
    Ok(format!(
        "Slope of ln(mean exit time) against ln(loss ratio); for noise in proportion to the loss through an edge of the loss,\n\
         as here, and over a saddle, B/(ηh*) + 1 − n/2 of Mori et al. (2022)\n{}",
        aligned(&header, &rows)
    ))
}

fn theories(table: &Table) -> Result<String, TableError> {
    let header = ["theory", "parameters", "AIC", "held out", "error of ln k", "deviance, p"];
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let real = |name: &str, digits| Ok(significant(table.reals(name)?[row], digits));
        let reason = &table.texts("unavailable")?[row];
        let mut cells = vec![table.texts("theory")?[row].clone()];
        match reason.is_empty() {
            true => cells.push(format!(
                "{} = {}, {} = {}",
                table.texts("p0_name")?[row],
                real("p0", 3)?,
                table.texts("p1_name")?[row],
                real("p1", 3)?
            )),
            false => cells.push(reason.clone()),
        }
        cells.extend([
            real("aic", 5)?,
            real("held_out_per_trial", 4)?,
            real("held_out_rms_error", 3)?,
            real("deviance_p", 2)?,
        ]);
        rows.push(cells);
    }
    Ok(format!(
        "Theories of the mean exit time, two free parameters each; held out: log-likelihood per trial of settings\n\
         that each was not fitted to\n{}",
        aligned(&header, &rows)
    ))
}

fn escapes(table: &Table) -> Result<String, TableError> {
    let names = groups::ensemble_names(table, true)?;
    let header = [
        "ensemble",
        "left",
        "stayed",
        "mean iterations",
        "95 % interval",
        "median",
        "mean time ηk",
        "method",
        "rate constant, p",
    ];
    let mut rows = Vec::new();
    for (row, name) in names.into_iter().enumerate() {
        let real = |column: &str, digits| Ok(significant(table.reals(column)?[row], digits));
        let count = |column: &str| Ok(table.integers(column)?[row].to_string());
        let low = real("mean_iterations_low", 3)?;
        let interval = match table.reals("mean_iterations_high")?[row] {
            f64::INFINITY => format!("above {low}"),
            high => format!("{low} … {}", significant(high, 3)),
        };
        rows.push(vec![
            name,
            count("n_exited")?,
            count("n_censored")?,
            real("mean_iterations", 3)?,
            interval,
            real("median_iterations", 3)?,
            real("mean_time", 3)?,
            table.texts("mean_method")?[row].clone(),
            real("constant_rate_p", 2)?,
        ]);
    }
    let horizon = table.integers("horizon")?.first().copied().unwrap_or(0);
    Ok(format!(
        "Escape from the minimum; a trial that stayed is censored at {horizon} iterations. Where all left, the\n\
         mean is that of the sample; else it rests on a constant rate of exits, and where the rate is not\n\
         constant (p < 0.01) there is only a lower bound\n{}",
        aligned(&header, &rows)
    ))
}

/// Decay less growth in what was held back, or in the training where nothing was.
fn arm_differences(table: &Table) -> Result<String, TableError> {
    for (quantity, measured) in
        [("test_accuracy", "test accuracy"), ("accuracy", "training accuracy")]
    {
        if let Some(difference) = Difference::read(table, TWINS, quantity)? {
            return Ok(difference.sentence(["Decay", "growth"], measured) + "\n");
        }
    }
    Ok(String::new())
}

fn ablation(table: &Table) -> Result<String, TableError> {
    let header = [
        "arm",
        "epochs",
        "updates",
        "noise scale",
        "gradient noise",
        "step noise",
        "training loss",
        "test loss",
        "test accuracy",
    ];
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let pair = |name: &str| {
            let mean = table.reals(&format!("{name}_mean"))?[row];
            Ok(mean_and_deviation(mean, table.reals(&format!("{name}_std"))?[row]))
        };
        rows.push(vec![
            table.texts("arm")?[row].clone(),
            table.integers("epochs")?[row].to_string(),
            table.integers("updates")?[row].to_string(),
            significant(table.reals("noise_scale")?[row], 3),
            pair("gradient_noise")?,
            pair("step_noise")?,
            pair("loss")?,
            pair("test_loss")?,
            pair("test_accuracy")?,
        ]);
    }
    let n_seeds = table.integers("n_seeds")?.first().copied().unwrap_or(0);
    Ok(format!(
        "Ablation at equal epochs, mean ± standard deviation over {n_seeds} seeds; at the end,\n\
         gradient noise √(Tr Σ), Σ the covariance of the minibatch gradient, and step noise η√(Tr Σ)\n{}",
        aligned(&header, &rows)
    ))
}
