//! Training to a certified minimum, or through the last epoch.

use train::steps_log::StepsLog;
use train::{Ending, RunDir, Trainer, checkpoint};

use super::TRAINED;
use super::training_watch::TrainingWatch;
use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::plot::number::significant;
use crate::progress::Task;

/// The checkpoint of an unfinished training.
const LAST: &str = "checkpoints/last.safetensors";

/// Trains from the start, or from the last checkpoint.
pub fn run(experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
    let (objective, spec) = (&experiment.objective, &experiment.file.training);
    let task = Task::begin("train", None);
    let last = run.file(LAST);
    let state = match last.exists() {
        true => Some(checkpoint::load(&last, objective.params())?),
        false => None,
    };
    let log = StepsLog::open(&run.file("steps.csv"), state.map_or(0, |state| state.step))?;
    let mut watch = TrainingWatch::new(&task, log, last);
    let mut trainer = Trainer::new(objective, spec, &experiment.streams, state);
    let outcome = match trainer.run(&mut watch)? {
        Ending::Stopped => return Err(Failure::Interrupted("interrupted".into())),
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
                return Err(Failure::Run(format!(
                    "no minimum: after training.max_epochs = {} the gradient norm is {}, \
                     training.minimum.gradient_norm = {}; raise either",
                    spec.max_epochs,
                    significant(row.gradient_norm, 3),
                    minimum.gradient_norm
                )));
            }
            format!(
                "{} steps: loss {}, accuracy {}",
                row.step,
                significant(row.loss, 3),
                significant(row.accuracy, 4)
            )
        }
    };
    checkpoint::save(&run.file(TRAINED), trainer.params(), trainer.state())?;
    run.remove(LAST)?;
    task.finish(&outcome);
    Ok(())
}
