//! Training to a certified minimum, or through the last epoch.

use train::steps_log::StepsLog;
use train::tensorboard::{self, EventFile};
use train::{Ending, EvaluationRow, MinimumSpec, Plateau, RunDir, Trainer, TrainingSpec};

use super::TRAINED;
use super::noise_during::NoiseDuring;
use super::training_watch::TrainingWatch;
use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::plot::number::significant;
use crate::progress::Task;

/// The checkpoint of an unfinished training.
const LAST: &str = "checkpoints/last.safetensors";

/// Trains from the start, or from the last checkpoint.
pub fn run(experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
    let Some(spec) = &experiment.file.training else { return Ok(()) };
    let objective = experiment.objective();
    let task = Task::begin("train", None);
    let last = run.file(LAST);
    let mut trainer = match last.exists() {
        true => Trainer::resume(objective, spec, &experiment.streams, &last)?,
        false => Trainer::new(objective, spec, &experiment.streams)?,
    };
    let log = StepsLog::open(&run.file("steps.csv"), trainer.state().step)?;
    let events = EventFile::create(&run.file(tensorboard::FILE), &log.table()?)?;
    let noise = NoiseDuring::new(experiment, run);
    let mut watch = TrainingWatch::new(&task, log, events, last).with_noise(noise.as_ref());
    let outcome = match trainer.run(&mut watch)? {
        Ending::Stopped => return Err(watch.why_stopped()),
        Ending::Minimum(certificate) => {
            run.write_table("certificate", &certificate.to_table())?;
            format!(
                "minimum at step {}: loss {}, gradient norm {}, accuracy {}",
                certificate.step,
                significant(certificate.loss, 3),
                significant(certificate.gradient_norm, 3),
                significant(certificate.accuracy, 4)
            )
        }
        Ending::Epochs(row) => {
            if let Some(minimum) = &spec.minimum {
                return Err(Failure::Run(no_minimum(spec, minimum, &row)));
            }
            format!(
                "{} steps: loss {}, accuracy {}",
                row.step,
                significant(row.loss, 3),
                significant(row.accuracy, 4)
            )
        }
    };
    if let Some(noise) = &noise {
        // The last step is not followed by a call of the observer.
        noise.measure(&trainer, &task)?;
        noise.finish()?;
    }
    trainer.save(&run.file(TRAINED))?;
    run.remove(LAST)?;
    if let Some(noise) = &noise {
        noise.tidy()?;
    }
    task.finish(&outcome);
    Ok(())
}

fn no_minimum(spec: &TrainingSpec, minimum: &MinimumSpec, row: &EvaluationRow) -> String {
    let missed = |limit: f64| {
        let norm = significant(row.gradient_norm, 3);
        format!("the gradient norm is {norm}, training.minimum.gradient_norm = {limit}")
    };
    let falling = |plateau: Plateau| {
        let Plateau { evaluations, relative_improvement } = plateau;
        format!(
            "the loss is on no plateau of {evaluations} evaluations, \
             training.minimum.plateau.relative_improvement = {relative_improvement}"
        )
    };
    let reasons = [minimum.gradient_norm.map(missed), minimum.plateau.map(falling)];
    let reasons: Vec<String> = reasons.into_iter().flatten().collect();
    let (reasons, n_epochs) = (reasons.join(", and "), spec.max_epochs);
    format!("no minimum: after training.max_epochs = {n_epochs} {reasons}; raise either")
}
