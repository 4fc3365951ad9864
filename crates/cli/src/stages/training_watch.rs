//! What observes a training of ours: progress, the log of evaluations, checkpoints, Ctrl-C.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use train::steps_log::{self, StepsLog};
use train::tensorboard::EventFile;
use train::{EvaluationRow, Flow, Observer, TrainError, Trainer};

use super::noise_during::NoiseDuring;
use crate::failure::Failure;
use crate::interrupt;
use crate::plot::number::significant;
use crate::progress::Task;

/// Time between two checkpoints; a kill loses at most this much work.
const INTERVAL: Duration = Duration::from_secs(5);

/// Observes one training.
pub struct TrainingWatch<'a> {
    task: &'a Task,
    log: StepsLog,
    events: EventFile,
    checkpoint: PathBuf,
    saved: Instant,
    noise: Option<&'a NoiseDuring<'a>>,
    failure: Option<Failure>,
}

impl<'a> TrainingWatch<'a> {
    /// Logs to `log` and `events`, and saves to `checkpoint`.
    pub fn new(task: &'a Task, log: StepsLog, events: EventFile, checkpoint: PathBuf) -> Self {
        let saved = Instant::now();
        Self { task, log, events, checkpoint, saved, noise: None, failure: None }
    }

    /// Also measures noise.
    pub fn with_noise(self, noise: Option<&'a NoiseDuring<'a>>) -> Self {
        Self { noise, ..self }
    }

    /// Why it said stop.
    pub fn why_stopped(self) -> Failure {
        self.failure.unwrap_or_else(|| Failure::Interrupted("interrupted".into()))
    }
}

impl Observer for TrainingWatch<'_> {
    fn stepped(&mut self, trainer: &Trainer<'_>) -> Result<Flow, TrainError> {
        if let Some(noise) = self.noise
            && let Err(failure) = noise.measure(trainer, self.task)
        {
            // No checkpoint: training goes on from an earlier one, and comes by here again.
            self.failure = Some(failure);
            return Ok(Flow::Stop);
        }
        let flow = interrupt::flow();
        if flow == Flow::Stop || self.saved.elapsed() >= INTERVAL {
            trainer.save(&self.checkpoint)?;
            self.saved = Instant::now();
        }
        Ok(flow)
    }

    fn evaluated(&mut self, trainer: &Trainer<'_>, row: &EvaluationRow) -> Result<(), TrainError> {
        self.task.note(|| {
            let loss = format!("step {}, loss {}", row.step, significant(row.loss, 3));
            let Some(minimum) = &trainer.spec().minimum else {
                return format!("{loss}, accuracy {}", significant(row.accuracy, 3));
            };
            let goal = minimum.gradient_norm.map(|limit| format!(" → {}", significant(limit, 2)));
            let norm = significant(row.gradient_norm, 3);
            format!("{loss}, gradient norm {norm}{}", goal.unwrap_or_default())
        });
        self.events.append(&steps_log::to_table(&[*row]))?;
        self.log.append(row)
    }
}
