//! The tables of a run directory, and how they are summed up in a terminal.

use std::fmt::Write;
use std::path::Path;

use train::{Table, TableError, TrainError, read_table, steps_log};

use crate::failure::Failure;
use crate::plot::RunTables;
use crate::plot::number::significant;
use crate::terminal::{aligned, mean_and_deviation};

/// What the figures in the noise table mean; printed beside it.
const DEFINITIONS: &str = "\
  Noise: full-batch gradient minus minibatch gradient at frozen weights, one series per parameter.
  Fits: maximum likelihood on each series; SαS has characteristic function exp(iδt − |γt|^α).
  SSE: w Σ(h − f)² over 60 equal bins of z = (x − median)/(IQR/1.349) on [−6, 6]; free of scale.
  χ²: cells equiprobable under each fit, K = max(10, round(2 n^0.4)). Ratio: SαS over Gauss, of the means.
  Heavy: likelihood ratio against α = 2, simulated null at the same n, false-discovery rate controlled
  over the parameters of a batch size. Adequate: χ² does not reject SαS. α̂ < 2 alone shows nothing.
";

/// Reads every table that is there.
pub fn read(directory: &Path) -> Result<RunTables, TrainError> {
    let table = |name: &str| read_table(directory, name);
    let steps = directory.join("steps.csv");
    Ok(RunTables {
        steps: if steps.exists() { Some(steps_log::read(&steps)?) } else { None },
        certificate: table("certificate")?,
        noise: table("noise")?,
        noise_summary: table("noise_summary")?,
        noise_example: table("noise_example")?,
        escape_trials: table("escape_trials")?,
        escape_summary: table("escape_summary")?,
        escape_survival: table("escape_survival")?,
        ablation: table("ablation")?,
        ablation_summary: table("ablation_summary")?,
    })
}

/// The results of a run, for a terminal.
pub fn summary(tables: &RunTables) -> Result<String, Failure> {
    let mut text = String::new();
    type Part = fn(&Table) -> Result<String, TableError>;
    let parts: [(&Option<Table>, Part); 4] = [
        (&tables.certificate, certificate),
        (&tables.noise_summary, noise),
        (&tables.escape_summary, escapes),
        (&tables.ablation_summary, ablation),
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

fn noise(table: &Table) -> Result<String, TableError> {
    let quantities = [
        "gaussian_sse",
        "stable_sse",
        "gaussian_chi2",
        "stable_chi2",
        "ratio_sse",
        "ratio_chi2",
        "alpha",
        "gamma",
    ];
    let header =
        ["B", "Gauss SSE", "SαS SSE", "Gauss χ²", "SαS χ²", "SSE ratio", "χ² ratio", "α", "γ"];
    let (mut figures, mut verdicts) = (Vec::new(), Vec::new());
    for row in 0..table.n_rows() {
        let batch_size = table.integers("batch_size")?[row].to_string();
        let mut cells = vec![batch_size.clone()];
        for name in quantities {
            let mean = table.reals(&format!("{name}_mean"))?[row];
            cells.push(mean_and_deviation(mean, table.reals(&format!("{name}_std"))?[row]));
        }
        figures.push(cells);
        let mut cells = vec![batch_size];
        for name in [
            "n_parameters",
            "n_gaussian_not_rejected",
            "n_heavy_adequate",
            "n_heavy_inadequate",
            "n_degenerate",
        ] {
            cells.push(table.integers(name)?[row].to_string());
        }
        verdicts.push(cells);
    }
    let counts = [
        "B",
        "parameters",
        "Gaussian not rejected",
        "heavy, SαS adequate",
        "heavy, SαS inadequate",
        "degenerate",
    ];
    Ok(format!(
        "Gradient noise, mean ± standard deviation over parameters\n{}\nVerdicts\n{}\n{DEFINITIONS}",
        aligned(&header, &figures),
        aligned(&counts, &verdicts)
    ))
}

fn escapes(table: &Table) -> Result<String, TableError> {
    let header =
        ["η", "B", "left", "stayed", "mean iterations", "95 % interval", "median", "mean time ηk"];
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let real = |name: &str, digits| Ok(significant(table.reals(name)?[row], digits));
        let count = |name: &str| Ok(table.integers(name)?[row].to_string());
        let interval =
            format!("{} … {}", real("mean_iterations_low", 3)?, real("mean_iterations_high", 3)?);
        rows.push(vec![
            real("learning_rate", 3)?,
            count("batch_size")?,
            count("n_exited")?,
            count("n_censored")?,
            real("mean_iterations", 3)?,
            interval,
            real("median_iterations", 3)?,
            real("mean_time", 3)?,
        ]);
    }
    let horizon = table.integers("horizon")?.first().copied().unwrap_or(0);
    Ok(format!(
        "Escape from the minimum; a run that stayed is censored at {horizon} iterations, and the mean is\n\
         total observed time over exits, the exponential law's estimate under censoring\n{}",
        aligned(&header, &rows)
    ))
}

fn ablation(table: &Table) -> Result<String, TableError> {
    let header =
        ["arm", "epochs", "updates", "noise scale", "training loss", "test loss", "test accuracy"];
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
            pair("loss")?,
            pair("test_loss")?,
            pair("test_accuracy")?,
        ]);
    }
    let n_seeds = table.integers("n_seeds")?.first().copied().unwrap_or(0);
    Ok(format!(
        "Ablation at equal epochs, mean ± standard deviation over {n_seeds} seeds\n{}",
        aligned(&header, &rows)
    ))
}
