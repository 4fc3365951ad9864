//! What observes a training of ours: progress, the log of evaluations, checkpoints, Ctrl-C.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use train::steps_log::StepsLog;
use train::{EvaluationRow, Flow, Observer, TrainError, Trainer, checkpoint};

use crate::interrupt;
use crate::plot::number::significant;
use crate::progress::Task;

/// Time between two checkpoints; a kill loses at most this much work.
const INTERVAL: Duration = Duration::from_secs(5);

/// Observes one training.
pub struct TrainingWatch<'a> {
    task: &'a Task,
    log: StepsLog,
    checkpoint: PathBuf,
    saved: Instant,
}

impl<'a> TrainingWatch<'a> {
    /// Logs to `log` and saves to `checkpoint`.
    pub fn new(task: &'a Task, log: StepsLog, checkpoint: PathBuf) -> Self {
        Self { task, log, checkpoint, saved: Instant::now() }
    }
}

impl Observer for TrainingWatch<'_> {
    fn stepped(&mut self, trainer: &Trainer<'_>) -> Result<Flow, TrainError> {
        let flow = interrupt::flow();
        if flow == Flow::Stop || self.saved.elapsed() >= INTERVAL {
            checkpoint::save(&self.checkpoint, trainer.params(), trainer.state())?;
            self.saved = Instant::now();
        }
        Ok(flow)
    }

    fn evaluated(&mut self, trainer: &Trainer<'_>, row: &EvaluationRow) -> Result<(), TrainError> {
        self.task.note(|| {
            let goal = trainer.spec().minimum.as_ref().map_or(String::new(), |minimum| {
                format!(" → {}", significant(minimum.gradient_norm, 2))
            });
            let (loss, norm) = (significant(row.loss, 3), significant(row.gradient_norm, 3));
            format!("step {}, loss {loss}, gradient norm {norm}{goal}", row.step)
        });
        self.log.append(row)
    }
}
