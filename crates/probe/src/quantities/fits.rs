//! Both laws fitted to every series, with tests and a verdict.

use std::collections::BTreeMap;

use rayon::prelude::*;
use stats::{Binning, Comparison, LikelihoodRatioNull, Verdict};
use train::{Column, Flow, Streams, Table};

use crate::error::ProbeError;
use crate::noise_matrix::NoiseMatrix;
use crate::spec::FitSpec;

/// A named series of samples.
pub struct Series<'a> {
    /// A parameter, or a column of somebody's file.
    pub name: String,
    /// The samples.
    pub samples: &'a [f64],
}

/// What one series shows.
#[derive(Debug, Clone)]
pub struct SeriesFit {
    /// Name of the series.
    pub name: String,
    /// Fits and goodness of fit of both laws.
    pub comparison: Comparison,
    /// p-value of the likelihood ratio against α = 2, from its simulated null at the same number of samples.
    pub p_value: f64,
    /// The same, adjusted over all series of the call (Benjamini and Hochberg 1995).
    pub p_adjusted: f64,
    /// The verdict at the level of the specification.
    pub verdict: Verdict,
}

/// Fits every series; the false-discovery rate is controlled over all of them together.
///
/// The null of the likelihood ratio is simulated once per number of samples, replicate `r` from generator `r` of the
/// stream `null`. The result does not depend on the number of threads. `go_on` is asked after every series.
///
/// # Errors
/// [`ProbeError::Series`] names the series with too few samples or one that is not a number; [`ProbeError::Stopped`]
/// when `go_on` says stop.
pub fn fit_series(
    series: &[Series<'_>],
    spec: &FitSpec,
    streams: &Streams,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Vec<SeriesFit>, ProbeError> {
    let location = spec.location.into();
    let binning = Binning { histogram_bins: spec.histogram_bins };
    let fit = |series: &Series<'_>| -> Result<Comparison, ProbeError> {
        let comparison = stats::compare(series.samples, location, binning)
            .map_err(|source| ProbeError::Series { series: series.name.clone(), source })?;
        if go_on() == Flow::Stop {
            return Err(ProbeError::Stopped);
        }
        Ok(comparison)
    };
    let comparisons = series.par_iter().map(fit).collect::<Result<Vec<_>, _>>()?;

    let streams = streams.named("null");
    let mut nulls = BTreeMap::new();
    for (comparison, series) in comparisons.iter().zip(series) {
        let n_samples = comparison.n_samples;
        if let std::collections::btree_map::Entry::Vacant(entry) = nulls.entry(n_samples) {
            let streams = streams.named(&n_samples.to_string());
            let rng_of = |replicate| streams.rng(replicate);
            let null =
                LikelihoodRatioNull::simulate(n_samples, location, spec.null_replicates, rng_of);
            let name = || series.name.clone();
            entry.insert(null.map_err(|source| ProbeError::Series { series: name(), source })?);
        }
    }

    let p_value = |comparison: &Comparison| match comparison.likelihood_ratio {
        ratio if ratio.is_nan() => f64::NAN,
        ratio => nulls[&comparison.n_samples].p_value(ratio),
    };
    let p_values: Vec<f64> = comparisons.iter().map(p_value).collect();
    let adjusted = stats::benjamini_hochberg(&p_values);
    let fits = comparisons.into_iter().zip(series).zip(p_values.into_iter().zip(adjusted));
    Ok(fits
        .map(|((comparison, series), (p_value, p_adjusted))| SeriesFit {
            name: series.name.clone(),
            p_value,
            p_adjusted,
            verdict: Verdict::of(&comparison, p_adjusted, spec.level),
            comparison,
        })
        .collect())
}

/// One row per watched parameter: minibatch size, position, and everything that [`fits_table`] says.
pub fn noise_table(noise: &NoiseMatrix, fits: &[SeriesFit]) -> Table {
    let entries = noise.coordinates().entries();
    let mut table = Table::new()
        .with_integers("batch_size", entries.iter().map(|_| noise.batch_size() as i64))
        .with_integers("coordinate", entries.iter().map(|entry| entry.index as i64))
        .with_texts("layer", entries.iter().map(|entry| entry.layer.as_str()));
    for (name, column) in fits_table(fits, "parameter").columns() {
        table = table.with(name, column.clone());
    }
    table
}

/// One row per series, the name in the column `label`.
pub fn fits_table(fits: &[SeriesFit], label: &str) -> Table {
    let texts = |of: &dyn Fn(&SeriesFit) -> String| Column::Text(fits.iter().map(of).collect());
    let integers = |of: fn(&Comparison) -> usize| {
        Column::Integer(fits.iter().map(|fit| of(&fit.comparison) as i64).collect())
    };
    let reals = |of: fn(&Comparison) -> f64| {
        Column::Real(fits.iter().map(|fit| of(&fit.comparison)).collect())
    };
    Table::new()
        .with(label, texts(&|fit| fit.name.clone()))
        .with("n_draws", integers(|c| c.n_samples))
        .with("tie_share", reals(|c| c.tie_share))
        .with("gaussian_mean", reals(|c| c.gaussian.law.mean()))
        .with("gaussian_std", reals(|c| c.gaussian.law.std()))
        .with("gaussian_ln_likelihood", reals(|c| c.gaussian.ln_likelihood))
        .with("alpha", reals(|c| c.stable.law.alpha()))
        .with("gamma", reals(|c| c.stable.law.gamma()))
        .with("delta", reals(|c| c.stable.law.delta()))
        .with("stable_status", texts(&|fit| fit.comparison.stable.status.to_string()))
        .with("stable_ln_likelihood", reals(|c| c.stable.ln_likelihood))
        .with("gaussian_sse", reals(|c| c.gaussian_fit.sse))
        .with("stable_sse", reals(|c| c.stable_fit.sse))
        .with("gaussian_histogram_sse", reals(|c| c.gaussian_fit.histogram_sse))
        .with("stable_histogram_sse", reals(|c| c.stable_fit.histogram_sse))
        .with("mass_outside_observed", reals(|c| c.stable_fit.mass_outside_observed))
        .with("gaussian_mass_outside", reals(|c| c.gaussian_fit.mass_outside_fitted))
        .with("stable_mass_outside", reals(|c| c.stable_fit.mass_outside_fitted))
        .with("chi2_cells", integers(|c| c.stable_fit.chi2_cells))
        .with("gaussian_chi2", reals(|c| c.gaussian_fit.chi2))
        .with("stable_chi2", reals(|c| c.stable_fit.chi2))
        .with("gaussian_chi2_p_lower", reals(|c| c.gaussian_fit.chi2_p_lower))
        .with("gaussian_chi2_p", reals(|c| c.gaussian_fit.chi2_p_upper))
        .with("stable_chi2_p_lower", reals(|c| c.stable_fit.chi2_p_lower))
        .with("stable_chi2_p", reals(|c| c.stable_fit.chi2_p_upper))
        .with("stable_chi2_common", reals(|c| c.stable_fit.chi2_common))
        .with("likelihood_ratio", reals(|c| c.likelihood_ratio))
        .with_reals("p_value", fits.iter().map(|fit| fit.p_value))
        .with_reals("p_adjusted", fits.iter().map(|fit| fit.p_adjusted))
        .with("verdict", texts(&|fit| fit.verdict.to_string()))
}
