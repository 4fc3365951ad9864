//! Exit times as tables, per learning rate.

use train::{Table, TableError};

use crate::exit_sample::ExitSample;
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

/// Exit times back from the rows that [`trials`] made.
pub fn exit_times(trials: &Table) -> Result<Vec<ExitTime>, TableError> {
    let rows = trials.flags("exited")?.iter().zip(trials.integers("iterations")?);
    Ok(rows
        .map(|(&exited, &iterations)| match exited {
            true => ExitTime::Exited(iterations as u64),
            false => ExitTime::Censored(iterations as u64),
        })
        .collect())
}

/// One row: how many left, and the mean exit time with its 95 % interval, in iterations and in time ηk.
pub fn summary(batch_size: usize, learning_rate: f64, horizon: u64, sample: &ExitSample) -> Table {
    let mean = sample.mean();
    let (n_trials, n_exited) = (sample.n_trials() as i64, sample.n_exited() as i64);
    let median = sample.median().map_or(f64::NAN, |median| median as f64);
    Table::new()
        .with_reals("learning_rate", [learning_rate])
        .with_integers("batch_size", [batch_size as i64])
        .with_integers("n_trials", [n_trials])
        .with_integers("n_exited", [n_exited])
        .with_integers("n_censored", [n_trials - n_exited])
        .with_integers("horizon", [horizon as i64])
        .with_texts("mean_method", [mean.method.name()])
        .with_reals("mean_iterations", [mean.mean])
        .with_reals("mean_iterations_low", [mean.low])
        .with_reals("mean_iterations_high", [mean.high])
        .with_reals("mean_time", [learning_rate * mean.mean])
        .with_reals("mean_time_low", [learning_rate * mean.low])
        .with_reals("mean_time_high", [learning_rate * mean.high])
        .with_reals("median_iterations", [median])
        .with_reals("constant_rate_p", [sample.constant_rate_p()])
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
