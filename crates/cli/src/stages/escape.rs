//! Escapes from the certified minimum, one ensemble per learning rate.

use escape::{ExitSample, MinibatchSgd, NetworkLandscape, ensemble, tables};
use train::{RunDir, Table};

use super::load_trained;
use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Task;

/// Runs the ensembles that an earlier start has not finished.
pub fn run(experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
    let Some(spec) = &experiment.file.escape else { return Ok(()) };
    load_trained(experiment, run)?;
    let landscape = NetworkLandscape::new(experiment.objective.fork()?)?;
    let watch = spec.watch();
    let task = Task::begin("escape", Some((spec.seeds * spec.learning_rates.len()) as u64));
    let mut trials = Vec::new();
    for (rate_idx, &learning_rate) in spec.learning_rates.iter().enumerate() {
        let partial = format!("partial/escape-{rate_idx}");
        if let Some(done) = run.table(&partial)? {
            (0..spec.seeds).for_each(|_| task.advance());
            trials.push(done);
            continue;
        }
        let (batch_size, sampling) = (spec.batch_size, spec.sampling);
        let driver = MinibatchSgd { batch_size, learning_rate, sampling };
        let streams = experiment.streams.named("escape").named(&learning_rate.to_string());
        let finished = || task.advance();
        let n_seeds = spec.seeds;
        let times =
            ensemble(&landscape, &driver, &watch, &streams, n_seeds, &interrupt::flow, &finished)?;
        let table = tables::trials(batch_size, learning_rate, &times);
        run.write_table(&partial, &table)?;
        trials.push(table);
    }
    let (mut summaries, mut curves) = (Vec::new(), Vec::new());
    let mut n_exited = 0;
    for (table, &learning_rate) in trials.iter().zip(&spec.learning_rates) {
        let sample = ExitSample::new(tables::exit_times(table)?);
        n_exited += sample.n_exited();
        summaries.push(tables::summary(spec.batch_size, learning_rate, spec.horizon, &sample));
        curves.push(tables::survival(learning_rate, &sample));
    }
    run.write_table("escape_trials", &Table::concat(trials))?;
    run.write_table("escape_summary", &Table::concat(summaries))?;
    run.write_table("escape_survival", &Table::concat(curves))?;
    run.remove("partial")?;
    let n_trials = spec.seeds * spec.learning_rates.len();
    task.finish(&format!("{n_exited} of {n_trials} trials left the minimum"));
    Ok(())
}
