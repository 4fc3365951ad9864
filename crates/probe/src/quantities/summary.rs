//! The paper's table: mean ± standard deviation over parameters.

use stats::{FitStatus, Moments, Verdict};
use train::Table;

use super::fits::SeriesFit;
use crate::frozen::Statistics;
use crate::noise_matrix::NoiseMatrix;

/// One number of a fit.
type Figure = fn(&SeriesFit) -> f64;

/// One row: the mean and the sample standard deviation over parameters of every figure of the paper's Tables 1–3, and
/// how many parameters got which verdict; with the way in which the noise was found, its `statistics` being
/// `none` without batch normalisation.
///
/// Degenerate parameters (constant or zero-inflated noise) are counted and left out. `ratio_sse` and `ratio_chi2` are
/// ratios of the means, SαS over Gaussian, as in the paper; they carry no units. `level` is that of the verdicts. `n_boundary`
/// and `n_lower_bound` count the α̂ in the mean that are at the ends of the range, 2 and 0.1; of `n_tied` parameters the draws
/// that share one value are left out.
pub fn summary(noise: &NoiseMatrix, fits: &[SeriesFit], level: f64) -> Table {
    let sound: Vec<&SeriesFit> =
        fits.iter().filter(|fit| fit.verdict != Verdict::Degenerate).collect();
    let moments =
        |of: Figure| Moments::from_slice(&sound.iter().map(|fit| of(fit)).collect::<Vec<_>>());
    let quantities: [(&str, Figure); 10] = [
        ("alpha", |fit| fit.comparison.stable.law.alpha()),
        ("gamma", |fit| fit.comparison.stable.law.gamma()),
        ("gaussian_ln_likelihood", |fit| fit.comparison.gaussian.ln_likelihood),
        ("stable_ln_likelihood", |fit| fit.comparison.stable.ln_likelihood),
        ("gaussian_sse", |fit| fit.comparison.gaussian_fit.sse),
        ("stable_sse", |fit| fit.comparison.stable_fit.sse),
        ("gaussian_histogram_sse", |fit| fit.comparison.gaussian_fit.histogram_sse),
        ("stable_histogram_sse", |fit| fit.comparison.stable_fit.histogram_sse),
        ("gaussian_chi2", |fit| fit.comparison.gaussian_fit.chi2),
        ("stable_chi2", |fit| fit.comparison.stable_fit.chi2),
    ];
    let mut table = Table::new()
        .with_integers("batch_size", [noise.batch_size() as i64])
        .with_texts("method", [noise.method().name()])
        .with_texts("statistics", [noise.statistics().map_or("none", Statistics::name)])
        .with_texts("sampling", [noise.sampling().name()])
        .with_integers("n_draws", [noise.n_draws() as i64])
        .with_integers("n_parameters", [fits.len() as i64]);
    for (name, quantity) in quantities {
        let moments = moments(quantity);
        table = table
            .with_reals(&format!("{name}_mean"), [moments.mean()])
            .with_reals(&format!("{name}_std"), [moments.std()]);
    }
    let mean = |name: &str| table.reals(&format!("{name}_mean")).expect("added above")[0];
    let ratios = [
        ("ratio_sse", mean("stable_sse") / mean("gaussian_sse")),
        ("ratio_chi2", mean("stable_chi2") / mean("gaussian_chi2")),
    ];
    for (name, ratio) in ratios {
        table = table
            .with_reals(&format!("{name}_mean"), [ratio])
            .with_reals(&format!("{name}_std"), [f64::NAN]);
    }
    let count =
        |holds: &dyn Fn(&SeriesFit) -> bool| [fits.iter().filter(|fit| holds(fit)).count() as i64];
    let status = |status: FitStatus| count(&|fit| fit.comparison.stable.status == status);
    table = table
        .with_reals("level", [level])
        .with_integers("n_boundary", status(FitStatus::Boundary))
        .with_integers("n_lower_bound", status(FitStatus::LowerBound))
        .with_integers("n_tied", count(&|fit| fit.tied.is_some()));
    for verdict in Verdict::ALL {
        table = table.with_integers(&verdict_column(verdict), count(&|fit| fit.verdict == verdict));
    }
    table
}

/// The column of [`summary`] that counts a verdict: `n_` and its words, `n_heavy_sas`.
pub fn verdict_column(verdict: Verdict) -> String {
    let words = verdict.to_string().to_lowercase().replace("sαs", "sas");
    let words: String = words.chars().filter(|c| c.is_ascii_alphanumeric() || *c == ' ').collect();
    format!("n_{}", words.replace(' ', "_"))
}
