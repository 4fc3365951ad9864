//! Both laws fitted to every series, with tests and a verdict.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use stats::{
    AlphaInterval, Binning, Comparison, Law, LikelihoodRatioNull, TailIndex, TiedValue, Verdict,
    continuous_part,
};
use train::{Column, Flow, Table};

use crate::coordinates::Coordinates;
use crate::error::ProbeError;
use crate::spec::FitSpec;

use super::rivals::rivals_table;
use super::shape::{Shape, shape_table};

/// A named series of samples.
pub struct Series<'a> {
    /// A parameter, or a column of somebody's file.
    pub name: String,
    /// The samples.
    pub samples: &'a [f64],
}

/// The samples that vary, and the value that is left out of them.
type Part<'a> = (Cow<'a, [f64]>, Option<TiedValue>);

/// Coverage of the intervals for α.
pub(super) const COVERAGE: f64 = 0.95;

/// What one series shows.
#[derive(Debug, Clone)]
pub struct SeriesFit {
    /// Name of the series.
    pub name: String,
    /// Number of samples, those that are left out of the fits among them.
    pub n_all: usize,
    /// The value that so many samples share that they are left out, see [`stats::continuous_part`].
    pub tied: Option<TiedValue>,
    /// Fits and goodness of fit of both laws.
    pub comparison: Comparison,
    /// 95 % interval for α, from the profile likelihood.
    pub alpha_interval: AlphaInterval,
    /// What the outermost samples say of the tail, with a 95 % interval.
    pub tail: TailIndex,
    /// p-value of the likelihood ratio against α = 2, from its simulated null at the same number of samples.
    pub p_value: f64,
    /// The same, adjusted over all series that are judged together (Benjamini and Hochberg 1995).
    pub p_adjusted: f64,
    /// The same, adjusted for series that depend on each other in any way (Benjamini and Yekutieli 2001).
    pub p_adjusted_yekutieli: f64,
    /// p-value of χ² of the Gaussian fit (its upper bound), adjusted as `p_adjusted`.
    pub gaussian_chi2_p_adjusted: f64,
    /// p-value of [`stats::aggregation_test`], where it was computed.
    pub aggregation_p: Option<f64>,
    /// The verdict, from `p_adjusted`, `gaussian_chi2_p_adjusted` and `aggregation_p`.
    pub verdict: Verdict,
}

/// Fits every series; the false-discovery rate is controlled over all of them together.
///
/// The null of the likelihood ratio is the simulated one of [`LikelihoodRatioNull::tabulated`]. The result does not depend
/// on the number of threads. `go_on` is asked after every series.
///
/// # Errors
/// [`ProbeError::Series`] names the series with too few samples or one that is not a number; [`ProbeError::Stopped`]
/// when `go_on` says stop.
pub fn fit_series(
    series: &[Series<'_>],
    spec: &FitSpec,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Vec<SeriesFit>, ProbeError> {
    let location = spec.location.into();
    let parts: Vec<Part<'_>> =
        series.iter().map(|series| continuous_part(series.samples)).collect();
    let sizes: BTreeSet<usize> = parts.iter().map(|(samples, _)| samples.len()).collect();
    let null = |n_samples| (n_samples, LikelihoodRatioNull::tabulated(n_samples, location));
    let nulls: BTreeMap<usize, LikelihoodRatioNull> = sizes.into_iter().map(null).collect();
    let binning = Binning { histogram_bins: spec.histogram_bins };
    let compare = if spec.rivals { stats::compare } else { stats::compare_without_rivals };
    let fit = |(series, part): (&Series<'_>, &Part<'_>)| {
        let (samples, tied) = part;
        let name = |source| ProbeError::Series { series: series.name.clone(), source };
        let comparison = compare(samples, location, binning).map_err(name)?;
        let alpha_interval = stats::profile_interval(samples, location, COVERAGE).map_err(name)?;
        let tail = stats::tail_index(samples, location, COVERAGE).map_err(name)?;
        if go_on() == Flow::Stop {
            return Err(ProbeError::Stopped);
        }
        let p_value = match comparison.likelihood_ratio {
            ratio if ratio.is_nan() => f64::NAN,
            ratio => nulls[&comparison.n_samples].p_value(ratio),
        };
        let chi2_p = comparison.gaussian_fit.chi2_p_upper;
        Ok::<_, ProbeError>(SeriesFit {
            name: series.name.clone(),
            n_all: series.samples.len(),
            tied: *tied,
            alpha_interval,
            tail,
            aggregation_p: None,
            p_value,
            p_adjusted: p_value,
            p_adjusted_yekutieli: p_value,
            gaussian_chi2_p_adjusted: chi2_p,
            verdict: Verdict::of(&comparison, p_value, chi2_p, None, spec.level),
            comparison,
        })
    };
    let mut fits = series.par_iter().zip(&parts).map(fit).collect::<Result<Vec<_>, _>>()?;
    judge(&mut fits, spec.level);
    Ok(fits)
}

/// Adjusts the p-values over these series together, and gives the verdicts: for series that were fitted block by block.
pub fn judge(fits: &mut [SeriesFit], level: f64) {
    let p_values: Vec<f64> = fits.iter().map(|fit| fit.p_value).collect();
    let chi2_p_values: Vec<f64> =
        fits.iter().map(|fit| fit.comparison.gaussian_fit.chi2_p_upper).collect();
    let adjusted = stats::benjamini_hochberg(&p_values);
    let yekutieli = stats::benjamini_yekutieli(&p_values);
    let chi2_adjusted = stats::benjamini_hochberg(&chi2_p_values);
    for (idx, fit) in fits.iter_mut().enumerate() {
        fit.p_adjusted = adjusted[idx];
        fit.p_adjusted_yekutieli = yekutieli[idx];
        fit.gaussian_chi2_p_adjusted = chi2_adjusted[idx];
        fit.verdict = Verdict::of(
            &fit.comparison,
            adjusted[idx],
            chi2_adjusted[idx],
            fit.aggregation_p,
            level,
        );
    }
}

/// One row per watched parameter: minibatch size, position, everything that [`fits_table`] says, moments and quantiles.
pub fn noise_table(
    batch_size: usize,
    coordinates: &Coordinates,
    fits: &[SeriesFit],
    shapes: &[Shape],
    spec: &FitSpec,
) -> Table {
    let entries = coordinates.entries();
    Table::new()
        .with_integers("batch_size", entries.iter().map(|_| batch_size as i64))
        .with_integers("coordinate", entries.iter().map(|entry| entry.index as i64))
        .with_texts("layer", entries.iter().map(|entry| entry.layer.as_str()))
        .beside(fits_table(fits, "parameter", spec))
        .beside(shape_table(shapes))
}

/// One row per series, the name in the column `label`; what has no prefix is of the stable law.
///
/// All is of the `n_fitted` samples that remain without those equal to `tied_value`, which are the share `tied` of all `n`;
/// `tie_share` is the share of the most frequent value among those that remain. The columns of the rivals are NaN, and
/// `best_law_by_bic` is empty, where α̂ = 2 or there is no fit: the rivals are then not fitted.
pub fn fits_table(fits: &[SeriesFit], label: &str, spec: &FitSpec) -> Table {
    let texts = |of: &dyn Fn(&SeriesFit) -> String| Column::Text(fits.iter().map(of).collect());
    let integers = |of: fn(&Comparison) -> usize| {
        Column::Integer(fits.iter().map(|fit| of(&fit.comparison) as i64).collect())
    };
    let reals = |of: fn(&Comparison) -> f64| {
        Column::Real(fits.iter().map(|fit| of(&fit.comparison)).collect())
    };
    let table = Table::new()
        .with(label, texts(&|fit| fit.name.clone()))
        .with_integers("n", fits.iter().map(|fit| fit.n_all as i64))
        .with("n_fitted", integers(|c| c.n_samples))
        .with_reals("tied", fits.iter().map(|fit| fit.tied.map_or(0., |tied| tied.share)))
        .with_reals(
            "tied_value",
            fits.iter().map(|fit| fit.tied.map_or(f64::NAN, |tied| tied.value)),
        )
        .with("tie_share", reals(|c| c.tie_share))
        .with("gaussian_mean", reals(|c| c.gaussian.law.mean()))
        .with("gaussian_std", reals(|c| c.gaussian.law.std()))
        .with("gaussian_ln_likelihood", reals(|c| c.gaussian.ln_likelihood))
        .with("alpha", reals(|c| c.stable.law.alpha()))
        .with_reals("alpha_low", fits.iter().map(|fit| fit.alpha_interval.low))
        .with_reals("alpha_high", fits.iter().map(|fit| fit.alpha_interval.high))
        .with(
            "alpha_open_below",
            Column::Flag(fits.iter().map(|fit| fit.alpha_interval.open_below).collect()),
        )
        .with_reals("tail_index", fits.iter().map(|fit| fit.tail.index))
        .with_reals("tail_index_low", fits.iter().map(|fit| fit.tail.low))
        .with_reals("tail_index_high", fits.iter().map(|fit| fit.tail.high))
        .with_integers("tail_n", fits.iter().map(|fit| fit.tail.n_top as i64))
        .with("gamma", reals(|c| c.stable.law.gamma()))
        .with("delta", reals(|c| c.stable.law.delta()))
        .with("status", texts(&|fit| fit.comparison.stable.status.to_string()))
        .with("ln_likelihood", reals(|c| c.stable.ln_likelihood))
        .with("gaussian_sse", reals(|c| c.gaussian_fit.sse))
        .with("sse", reals(|c| c.stable_fit.sse))
        .with_integers("histogram_bins", fits.iter().map(|_| spec.histogram_bins as i64))
        .with("gaussian_histogram_sse", reals(|c| c.gaussian_fit.histogram_sse))
        .with("histogram_sse", reals(|c| c.stable_fit.histogram_sse))
        .with("mass_outside_observed", reals(|c| c.stable_fit.mass_outside_observed))
        .with("gaussian_mass_outside", reals(|c| c.gaussian_fit.mass_outside_fitted))
        .with("mass_outside", reals(|c| c.stable_fit.mass_outside_fitted))
        .with("chi2_cells", integers(|c| c.stable_fit.chi2_cells))
        .with("gaussian_chi2", reals(|c| c.gaussian_fit.chi2))
        .with("chi2", reals(|c| c.stable_fit.chi2))
        .with("gaussian_chi2_p_lower", reals(|c| c.gaussian_fit.chi2_p_lower))
        .with("gaussian_chi2_p", reals(|c| c.gaussian_fit.chi2_p_upper))
        .with("chi2_p_lower", reals(|c| c.stable_fit.chi2_p_lower))
        .with("chi2_p", reals(|c| c.stable_fit.chi2_p_upper))
        .with("chi2_common", reals(|c| c.stable_fit.chi2_common))
        .with("likelihood_ratio", reals(|c| c.likelihood_ratio))
        .with(
            "best_law_by_bic",
            texts(&|fit| fit.best_law().map_or_else(String::new, |law| law.to_string())),
        );
    table
        .beside(rivals_table(fits, spec.location.into()))
        .with_reals("level", fits.iter().map(|_| spec.level))
        .with_reals("p_value", fits.iter().map(|fit| fit.p_value))
        .with_reals("p_adjusted", fits.iter().map(|fit| fit.p_adjusted))
        .with_reals("p_adjusted_yekutieli", fits.iter().map(|fit| fit.p_adjusted_yekutieli))
        .with_reals("gaussian_chi2_p_adjusted", fits.iter().map(|fit| fit.gaussian_chi2_p_adjusted))
        .with("verdict", texts(&|fit| fit.verdict.to_string()))
}

impl SeriesFit {
    /// The law with the least BIC; `None` where the rivals are not fitted.
    pub fn best_law(&self) -> Option<Law> {
        self.comparison.rivals.as_ref().and_then(|rivals| rivals.best()).map(|score| score.law)
    }
}
