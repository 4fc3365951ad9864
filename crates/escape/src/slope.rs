//! How the mean exit time grows with the height of the edge.

use crate::exit_sample::{ExitSample, Z};
use crate::exit_time::ExitTime;
use crate::theories::edge;

/// The slope of ln(mean exit time) against ln(loss ratio c), with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slope {
    /// Least-squares slope over all ratios.
    pub slope: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The slope over three or more basins, timed in the same trials: `times[basin][trial]`. `None` where a basin was left in
/// fewer than two trials.
///
/// # Formula
/// Ordinary least squares over the points (ln c, ln τ̂), τ̂ the mean of [`ExitSample::constant_rate_mean`]. The exits of one
/// trial depend on each other, so the standard error is that of the jackknife over trials (Efron and Tibshirani 1993,
/// eq. 11.5).
pub fn slope(ratios: &[f64], times: &[Vec<ExitTime>]) -> Option<Slope> {
    let n_trials = times.first()?.len();
    let n_exits = |of_basin: &Vec<ExitTime>| of_basin.iter().filter(|time| time.exited()).count();
    if ratios.len() < 3 || times.iter().any(|of_basin| n_exits(of_basin) < 2) {
        return None;
    }
    let x: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let without = |left_out: usize| {
        let y = times.iter().map(|of_basin| {
            let kept = (0..n_trials).filter(|trial| *trial != left_out);
            let kept = kept.map(|trial| of_basin[trial]).collect();
            ExitSample::new(kept).constant_rate_mean().mean.ln()
        });
        least_squares(&x, &y.collect::<Vec<_>>())
    };
    let slope = without(n_trials);
    let replicates: Vec<f64> = (0..n_trials).map(without).collect();
    let n = n_trials as f64;
    let mean = replicates.iter().sum::<f64>() / n;
    let variance = (n - 1.) / n * replicates.iter().map(|own| (own - mean).powi(2)).sum::<f64>();
    let half = Z * variance.sqrt();
    Some(Slope { slope, low: slope - half, high: slope + half })
}

fn least_squares(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (x_mean, y_mean) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let products = x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>();
    products / x.iter().map(|x| (x - x_mean).powi(2)).sum::<f64>()
}

/// The slope that Mori et al. (2022), eq. 15, predict: `B/(ηh*) + 1 − n/2`.
pub fn moris_slope(batch_size: f64, learning_rate: f64, curvature: f64, n_outliers: usize) -> f64 {
    batch_size / (learning_rate * curvature) + 1. - n_outliers as f64 / 2.
}

/// The slope over the same ratios of the time in which a bowl of n equal curvatures h is left through these edges by noise in
/// proportion to the loss, as discrete steps see them: `(κ + 1) ln R − (n/2) ln(R − 1)`, see
/// [`theories::Mori`](crate::theories::Mori).
pub fn edge_slope(
    ratios: &[f64],
    batch_size: f64,
    learning_rate: f64,
    curvature: f64,
    n_outliers: usize,
) -> f64 {
    let kappa = batch_size / (learning_rate * curvature);
    let step = learning_rate * curvature / batch_size.sqrt();
    let ln_time = |ratio: &f64| {
        let seen = edge::seen_ratio(*ratio, step);
        kappa * seen.ln() + edge::growing_noise(seen, n_outliers as f64)
    };
    let x: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    least_squares(&x, &ratios.iter().map(ln_time).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use train::Streams;

    #[test]
    fn a_power_law_has_its_slope_and_intervals_cover_it() {
        let ratios = [2f64, 3., 4., 6.];
        let covered = (0..200).filter(|&repeat| {
            let mut rng = Streams::new(5).rng(repeat);
            // One exponential number per trial, for all basins: the worst dependence.
            let trials: Vec<f64> = (0..60).map(|_| -(1. - rng.random::<f64>()).ln()).collect();
            let noise: Vec<f64> = (0..240).map(|_| -(1. - rng.random::<f64>()).ln()).collect();
            let times = ratios.iter().enumerate().map(|(basin, ratio)| {
                let time = |trial: usize| {
                    let time = 100. * ratio.powf(2.5) * (trials[trial] + noise[60 * basin + trial]);
                    if time < 3e4 {
                        ExitTime::Exited(time as u64 + 1)
                    } else {
                        ExitTime::Censored(30_000)
                    }
                };
                (0..60).map(time).collect()
            });
            let found = slope(&ratios, &times.collect::<Vec<_>>()).unwrap();
            found.low < 2.5 && 2.5 < found.high
        });
        // 95 % of 200, standard error 1.5 %.
        let covered = covered.count();
        assert!((180..=199).contains(&covered), "{covered}");
        assert_eq!(slope(&ratios[..2], &[vec![], vec![]]), None);
    }

    /// Against slopes of the exact mean time to the edge as steps see it, and of 400 trials a basin of the driver `decoupled`
    /// on a quadratic bowl, whose intervals end 0.3 to either side; κ = 10 and ηh = 0.1. His formula has 10.5, 10 and 9.5.
    #[test]
    fn edges_as_steps_see_them() {
        use crate::theories::edge::tests::exact_ln_time;
        for (n, least, most, driver) in [(1, 1.5, 3., 10.6), (2, 1.5, 4., 9.42), (3, 1.5, 3., 8.28)]
        {
            let ratios = [least, f64::sqrt(least * most), most];
            let slope = edge_slope(&ratios, 1., 0.1, 1., n);
            let ln_time = |ratio: f64| exact_ln_time(n as f64, 10., edge::seen_ratio(ratio, 0.1));
            let exact = least_squares(&ratios.map(f64::ln), &ratios.map(ln_time));
            assert!((slope - exact).abs() < 0.35, "{n}: {slope} {exact}");
            assert!((slope - driver).abs() < 0.35, "{n}: {slope} {driver}");
        }
        // Far up it is his.
        let far = edge_slope(&[1e3, 2e3, 4e3], 1., 1e-3, 1., 4);
        assert!((far - moris_slope(1., 1e-3, 1., 4)).abs() < 0.2, "{far}");
    }

    #[test]
    fn the_first_passage_prediction_of_the_paper() {
        for n in [1, 2, 4, 8] {
            assert!((moris_slope(1., 0.1, 1., n) - (11. - n as f64 / 2.)).abs() < 1e-12);
        }
    }
}
