//! Exit times as tables, per learning rate.

use train::Table;

use crate::exit_sample::{CensoredMean, ExitSample};
use crate::exit_time::ExitTime;

/// One row per trial, in the order of seeds; `time` is η times iterations.
pub fn trials(batch_size: usize, learning_rate: f64, times: &[ExitTime]) -> Table {
    Table::new()
        .with_reals("learning_rate", times.iter().map(|_| learning_rate))
        .with_integers("batch_size", times.iter().map(|_| batch_size as i64))
        .with_integers("seed", 0..times.len() as i64)
        .with_flags("exited", times.iter().map(|time| time.exited()))
        .with_integers("iterations", times.iter().map(|time| time.iterations() as i64))
        .with_reals("time", times.iter().map(|time| learning_rate * time.iterations() as f64))
}

/// One row: how many left, and the mean exit time with its 95 % interval, in iterations and in time ηk.
pub fn summary(batch_size: usize, learning_rate: f64, horizon: u64, sample: &ExitSample) -> Table {
    let mean = sample.mean();
    let time = CensoredMean {
        mean: learning_rate * mean.mean,
        low: learning_rate * mean.low,
        high: learning_rate * mean.high,
    };
    let (n_trials, n_exited) = (sample.n_trials() as i64, sample.n_exited() as i64);
    let table = Table::new()
        .with_reals("learning_rate", [learning_rate])
        .with_integers("batch_size", [batch_size as i64])
        .with_integers("n_trials", [n_trials])
        .with_integers("n_exited", [n_exited])
        .with_integers("n_censored", [n_trials - n_exited])
        .with_integers("horizon", [horizon as i64]);
    let table = with_mean(table, "mean_iterations", mean);
    let table = with_mean(table, "restricted_mean_iterations", sample.restricted_mean());
    let median = sample.median().map_or(f64::NAN, |median| median as f64);
    with_mean(table.with_reals("median_iterations", [median]), "mean_time", time)
}

fn with_mean(table: Table, name: &str, mean: CensoredMean) -> Table {
    table
        .with_reals(name, [mean.mean])
        .with_reals(&format!("{name}_low"), [mean.low])
        .with_reals(&format!("{name}_high"), [mean.high])
}

/// The survival curve, one row per step.
pub fn survival(learning_rate: f64, sample: &ExitSample) -> Table {
    let curve = sample.survival();
    Table::new()
        .with_reals("learning_rate", curve.iter().map(|_| learning_rate))
        .with_integers("iterations", curve.iter().map(|point| point.iterations as i64))
        .with_reals("survival", curve.iter().map(|point| point.survival))
        .with_reals("low", curve.iter().map(|point| point.low))
        .with_reals("high", curve.iter().map(|point| point.high))
}
