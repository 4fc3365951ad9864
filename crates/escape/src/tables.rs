//! Exit times as tables.

mod theories;

use train::{Schedule, Streams, Table};

use crate::basin::Basin;
use crate::curvature::Curvature;
use crate::exit_laws::{ExitLaws, Family, exit_laws, goodness_of_fit};
use crate::exit_sample::{ExitSample, Z};
use crate::exit_time::{Exit, ExitTime, Watch};
use crate::landscape::Landscape;
use crate::slope::{edge_slope, moris_slope, slope};
use crate::spec::Conditions;

pub use theories::{Setting, constants, settings, theories, theory_means, theory_pairs};

/// Replicates of the goodness of fit of the exponential law.
const N_REPLICATES: usize = 199;

/// What rows of all tables begin with: `learning_rate`, `batch_size` (0 where there are no minibatches), `alpha` (of
/// stable noise, as text) and `basin`.
fn of_ensemble(conditions: &Conditions, basin: &Basin, n_rows: usize) -> Table {
    let alpha: Vec<String> = conditions.alpha.iter().map(f64::to_string).collect();
    let batch_size = conditions.batch_size.unwrap_or(0) as i64;
    Table::new()
        .with_reals("learning_rate", vec![conditions.learning_rate; n_rows])
        .with_integers("batch_size", vec![batch_size; n_rows])
        .with_texts("alpha", vec![alpha.join(", "); n_rows])
        .with_texts("basin", vec![basin.to_string(); n_rows])
}

/// One row per trial, in the order of seeds: `exits` of one basin.
pub fn trials(
    conditions: &Conditions,
    basin: &Basin,
    exits: &[Exit],
    landscape: &dyn Landscape,
) -> Table {
    let name =
        |exit: &Exit| exit.coordinate.map_or_else(String::new, |i| landscape.coordinate_name(i));
    of_ensemble(conditions, basin, exits.len())
        .with_integers("seed", 0..exits.len() as i64)
        .with_flags("exited", exits.iter().map(|exit| exit.time.exited()))
        .with_integers("iterations", exits.iter().map(|exit| exit.time.iterations() as i64))
        .with_reals("time", exits.iter().map(|exit| exit.elapsed))
        .with_texts("coordinate", exits.iter().map(name))
        .with_flags("diverged", exits.iter().map(|exit| exit.diverged))
}

/// One row: how many left, the mean exit time with its 95 % interval, in iterations and in time ηk, and how far exits
/// are from a constant rate: the shape of a Weibull law, its likelihood ratio to the exponential law, and the
/// exponential law's goodness of fit by 199 replicates drawn from `streams`.
///
/// The mean time is NaN where the step size has a schedule: time is then no multiple of iterations. What can't be fitted
/// is NaN.
pub fn summary(
    conditions: &Conditions,
    basin: &Basin,
    watch: &Watch,
    exits: &[Exit],
    streams: &Streams,
) -> Table {
    let times: Vec<ExitTime> = exits.iter().map(|exit| exit.time).collect();
    let laws = exit_laws(&times, watch.check_every).ok();
    let of_laws = |of: &dyn Fn(&ExitLaws) -> f64| [laws.as_ref().map_or(f64::NAN, of)];
    let fit = goodness_of_fit(
        &times,
        watch.check_every,
        watch.horizon,
        Family::Exponential,
        N_REPLICATES,
        |replicate| streams.rng(replicate),
    );
    let sample = ExitSample::new(times).checked_every(watch.check_every);
    let mean = sample.mean();
    let constant_step = watch.schedule == Schedule::Constant;
    let unit = if constant_step { conditions.learning_rate } else { f64::NAN };
    let (n_trials, n_exited) = (sample.n_trials() as i64, sample.n_exited() as i64);
    let n_diverged = exits.iter().filter(|exit| exit.diverged).count() as i64;
    let median = sample.median().map_or(f64::NAN, |median| median as f64);
    of_ensemble(conditions, basin, 1)
        .with_integers("n_trials", [n_trials])
        .with_integers("n_exited", [n_exited])
        .with_integers("n_censored", [n_trials - n_exited])
        .with_integers("n_diverged", [n_diverged])
        .with_integers("horizon", [watch.horizon as i64])
        .with_texts("mean_method", [mean.method.name()])
        .with_reals("mean_iterations", [mean.mean])
        .with_reals("mean_iterations_low", [mean.low])
        .with_reals("mean_iterations_high", [mean.high])
        .with_reals("mean_time", [unit * mean.mean])
        .with_reals("mean_time_low", [unit * mean.low])
        .with_reals("mean_time_high", [unit * mean.high])
        .with_reals("median_iterations", [median])
        .with_reals("constant_rate_p", [sample.constant_rate_p()])
        .with_reals("weibull_shape", of_laws(&|laws| laws.weibull.shape.value))
        .with_reals("weibull_shape_low", of_laws(&|laws| laws.weibull.shape.low))
        .with_reals("weibull_shape_high", of_laws(&|laws| laws.weibull.shape.high))
        .with_reals("weibull_p", of_laws(&|laws| laws.p_value))
        .with_reals("exponential_p", [fit.map_or(f64::NAN, |fit| fit.p_value)])
}

/// The survival curve, one row per step.
pub fn survival(conditions: &Conditions, basin: &Basin, exits: &[Exit]) -> Table {
    let sample = ExitSample::new(exits.iter().map(|exit| exit.time).collect());
    let curve = sample.survival();
    of_ensemble(conditions, basin, curve.len())
        .with_integers("iterations", curve.iter().map(|point| point.iterations as i64))
        .with_reals("survival", curve.iter().map(|point| point.survival))
        .with_reals("low", curve.iter().map(|point| point.low))
        .with_reals("high", curve.iter().map(|point| point.high))
}

/// Through which coordinate trials left: one row for each that was the farthest from the minimum at an exit, most
/// frequent first, with its share of the exits and the share's 95 % interval (Wilson 1927).
pub fn axes(
    conditions: &Conditions,
    basin: &Basin,
    exits: &[Exit],
    landscape: &dyn Landscape,
) -> Table {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for coordinate in exits.iter().filter_map(|exit| exit.coordinate) {
        match counts.iter_mut().find(|(own, _)| *own == coordinate) {
            Some((_, count)) => *count += 1,
            None => counts.push((coordinate, 1)),
        }
    }
    // The few axes of a plane are listed even where none left through them.
    let dim = landscape.minimum().len();
    for coordinate in (0..dim).filter(|_| dim <= 3) {
        if !counts.iter().any(|(own, _)| *own == coordinate) {
            counts.push((coordinate, 0));
        }
    }
    counts.sort_by_key(|&(coordinate, count)| (usize::MAX - count, coordinate));
    let n_exits = counts.iter().map(|(_, count)| count).sum::<usize>();
    let alpha = |coordinate: usize| match conditions.alpha[..] {
        [] => f64::NAN,
        [common] => common,
        _ => conditions.alpha[coordinate],
    };
    let interval = |count: usize| wilson(count as f64, n_exits as f64);
    of_ensemble(conditions, basin, counts.len())
        .with_texts("coordinate", counts.iter().map(|(i, _)| landscape.coordinate_name(*i)))
        .with_reals("coordinate_alpha", counts.iter().map(|(i, _)| alpha(*i)))
        .with_integers("n_exits", counts.iter().map(|(_, count)| *count as i64))
        .with_reals("share", counts.iter().map(|(_, count)| *count as f64 / n_exits as f64))
        .with_reals("share_low", counts.iter().map(|(_, count)| interval(*count).0))
        .with_reals("share_high", counts.iter().map(|(_, count)| interval(*count).1))
}

fn or_nan(count: Option<usize>) -> f64 {
    count.map_or(f64::NAN, |count| count as f64)
}

/// The score interval of a share, 95 %.
fn wilson(count: f64, n: f64) -> (f64, f64) {
    let z2 = Z * Z;
    let centre = (count + z2 / 2.) / (n + z2);
    let half = (z2 * (count * (n - count) / n + z2 / 4.)).sqrt() / (n + z2);
    (centre - half, centre + half)
}

/// The slope of ln(mean exit time) against ln(loss ratio) beside Mori's prediction for a saddle and that for the edges
/// through which trials left, one row; `None` for fewer than three basins by loss ratio, too few exits, or a driver without
/// minibatches.
pub fn mori_slope(
    conditions: &Conditions,
    basins: &[Basin],
    exits: &[Vec<Exit>],
    curvature: &Curvature,
) -> Option<Table> {
    let ratio = |basin: &Basin| match basin {
        Basin::LossRatio(ratio) => Some(*ratio),
        _ => None,
    };
    let ratios: Vec<f64> = basins.iter().filter_map(ratio).collect();
    let of_basin = |idx: usize| exits.iter().map(|exits| exits[idx].time).collect();
    let times: Vec<Vec<ExitTime>> =
        (0..basins.len()).filter(|&idx| ratio(&basins[idx]).is_some()).map(of_basin).collect();
    let found = slope(&ratios, &times)?;
    let (batch_size, eta) = (conditions.batch_size? as f64, conditions.learning_rate);
    let h = *curvature.eigenvalues.first()?;
    let n = curvature.n_outliers();
    let predicted = n.map_or(f64::NAN, |n| moris_slope(batch_size, eta, h, n));
    let at_edges = n.map_or(f64::NAN, |n| edge_slope(&ratios, batch_size, eta, h, n));
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0., f64::max);
    Some(
        Table::new()
            .with_reals("learning_rate", [eta])
            .with_integers("batch_size", [batch_size as i64])
            .with_reals("least_ratio", [least])
            .with_reals("largest_ratio", [most])
            .with_reals("slope", [found.slope])
            .with_reals("slope_low", [found.low])
            .with_reals("slope_high", [found.high])
            .with_reals("curvature", [h])
            .with_reals("n_outliers", [or_nan(n)])
            .with_reals("mori_slope", [predicted])
            .with_reals("edge_slope", [at_edges]),
    )
}

/// The certificate of the minimum, one row: loss, gradient norm, number of outliers of the Hessian (NaN where it is unknown)
/// and its extremes (NaN where there is no Hessian, and `no_hessian` says why).
pub fn minimum(loss: f64, curvature: &Curvature) -> Table {
    Table::new()
        .with_reals("loss", [loss])
        .with_reals("gradient_norm", [curvature.gradient_norm])
        .with_reals("n_outliers", [or_nan(curvature.n_outliers())])
        .with_reals(
            "largest_eigenvalue",
            [curvature.eigenvalues.first().copied().unwrap_or(f64::NAN)],
        )
        .with_reals("smallest_eigenvalue_seen", [curvature.smallest])
        .with_texts("no_hessian", [curvature.no_hessian.clone().unwrap_or_default()])
}

/// The batch size whose minibatches are the whole data set, one row: its trials have no noise.
pub fn full_batch(batch_size: usize) -> Table {
    Table::new().with_integers("batch_size", [batch_size as i64])
}

/// The largest eigenvalues of the Hessian, one row each.
pub fn eigenvalues(curvature: &Curvature) -> Table {
    let n_outliers = curvature.n_outliers().unwrap_or(0);
    let n_rows = curvature.eigenvalues.len();
    Table::new()
        .with_integers("rank", 1..=n_rows as i64)
        .with_reals("eigenvalue", curvature.eigenvalues.iter().copied())
        .with_reals("residual", curvature.residuals.iter().copied())
        .with_flags("outlier", (0..n_rows).map(|rank| rank < n_outliers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_intervals_by_hand() {
        // 8 of 10: Brown, Cai and DasGupta (2001) give 0.490 to 0.943.
        let (low, high) = wilson(8., 10.);
        assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4, "{low} {high}");
    }
}
