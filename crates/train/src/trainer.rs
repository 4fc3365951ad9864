//! The training loop: the trainer drives, observers are told.

use serde::{Deserialize, Serialize};

use crate::certificate::{Certificate, MinimumSpec};
use crate::error::{SpecError, TrainError};
use crate::model::Mode;
use crate::objective::Objective;
use crate::params::ParamSet;
use crate::sampler::{MinibatchSampler, SamplerPosition, Sampling};
use crate::schedule::Schedule;
use crate::sgd;
use crate::streams::Streams;

/// `[training]` of an experiment: plain SGD on the mean cross-entropy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingSpec {
    /// Step size η.
    pub learning_rate: f64,
    /// Minibatch size B.
    pub batch_size: usize,
    /// Training ends here at the latest.
    pub max_epochs: u64,
    /// How minibatches are drawn.
    #[serde(default)]
    pub sampling: Sampling,
    /// When the full-batch loss and gradient are computed.
    #[serde(default)]
    pub evaluate: Cadence,
    /// Multiplies the learning rate.
    #[serde(default)]
    pub learning_rate_schedule: Schedule,
    /// Multiplies the batch size.
    #[serde(default)]
    pub batch_size_schedule: Schedule,
    /// Training ends at a minimum; without this, after `max_epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<MinimumSpec>,
}

/// When to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Cadence {
    /// At the end of each epoch.
    #[default]
    Epoch,
    /// After every so many steps.
    Steps(u64),
}

impl TrainingSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let positive = self.learning_rate.is_finite() && self.learning_rate > 0.;
        SpecError::check(
            positive,
            section,
            "learning_rate",
            self.learning_rate,
            "a number above 0",
        )?;
        SpecError::check(
            self.batch_size >= 1,
            section,
            "batch_size",
            self.batch_size,
            "1 or more",
        )?;
        let epochs = (1..=1_000_000_000).contains(&self.max_epochs);
        SpecError::check(epochs, section, "max_epochs", self.max_epochs, "1 to 10^9")?;
        SpecError::check(
            self.evaluate != Cadence::Steps(0),
            section,
            "evaluate.steps",
            0,
            "1 or more",
        )?;
        self.learning_rate_schedule.validate(&format!("{section}.learning_rate_schedule"))?;
        self.batch_size_schedule.validate(&format!("{section}.batch_size_schedule"))?;
        self.minimum.as_ref().map_or(Ok(()), |spec| spec.validate(&format!("{section}.minimum")))
    }

    /// Checks what depends on the data.
    pub fn validate_against(&self, section: &str, n_samples: usize) -> Result<(), SpecError> {
        let permitted = format!("at most the {n_samples} training samples");
        let holds = self.batch_size <= n_samples;
        SpecError::check(holds, section, "batch_size", self.batch_size, permitted)
    }

    /// Learning rate in an epoch.
    pub fn learning_rate_at(&self, epoch: u64) -> f64 {
        self.learning_rate * self.learning_rate_schedule.multiplier(epoch)
    }

    /// Batch size in an epoch for a training set of `n_samples`: at least 1, at most all of them.
    pub fn batch_size_at(&self, epoch: u64, n_samples: usize) -> usize {
        let scheduled = self.batch_size as f64 * self.batch_size_schedule.multiplier(epoch);
        (scheduled.round() as usize).clamp(1, n_samples)
    }
}

/// Where training stands. With the parameters and the streams, this determines everything to come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// Steps taken.
    pub step: u64,
    /// Where the sampler stands.
    pub position: SamplerPosition,
    /// Step of the evaluation with the lowest full-batch loss.
    pub best_step: u64,
    /// That loss; `None` before the first evaluation.
    pub best_loss: Option<f64>,
}

/// One evaluation on the full data set; a row of `steps.csv`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvaluationRow {
    /// Steps taken.
    pub step: u64,
    /// Epochs finished.
    pub epoch: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Scheduled batch size of the last step.
    pub batch_size: usize,
    /// Full-batch training loss.
    pub loss: f64,
    /// Euclidean norm of its gradient.
    pub gradient_norm: f64,
    /// Training accuracy.
    pub accuracy: f64,
    /// Test loss; NaN without a test set.
    pub test_loss: f64,
    /// Test accuracy; NaN without a test set.
    pub test_accuracy: f64,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End the loop cleanly; the state can be saved and resumed.
    Stop,
}

/// Is told what happens in training, and may end it. Nothing it does can change the numbers.
pub trait Observer {
    /// After every step.
    fn stepped(&mut self, _trainer: &Trainer<'_>) -> Result<Flow, TrainError> {
        Ok(Flow::Continue)
    }

    /// After every evaluation.
    fn evaluated(
        &mut self,
        _trainer: &Trainer<'_>,
        _row: &EvaluationRow,
    ) -> Result<(), TrainError> {
        Ok(())
    }
}

/// An observer that does nothing.
impl Observer for () {}

/// How training ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// At a point that meets the criterion of the experiment.
    Minimum(Certificate),
    /// After the last epoch; holds the last evaluation.
    Epochs(EvaluationRow),
    /// An observer said stop.
    Stopped,
}

/// Trains an objective in place.
pub struct Trainer<'a> {
    objective: &'a Objective,
    spec: &'a TrainingSpec,
    sampler: MinibatchSampler,
    state: TrainingState,
}

impl<'a> Trainer<'a> {
    /// A trainer that begins, or goes on from a saved `state` whose parameters are in `objective`.
    ///
    /// Minibatches come from the stream `shuffle` of `streams`.
    pub fn new(
        objective: &'a Objective,
        spec: &'a TrainingSpec,
        streams: &Streams,
        state: Option<TrainingState>,
    ) -> Self {
        let state = state.unwrap_or(TrainingState {
            step: 0,
            position: SamplerPosition::default(),
            best_step: 0,
            best_loss: None,
        });
        let n_samples = objective.data().train.len();
        let shuffle = streams.named("shuffle");
        let sampler = MinibatchSampler::new(spec.sampling, n_samples, shuffle, state.position);
        Self { objective, spec, sampler, state }
    }

    /// Where training stands.
    pub fn state(&self) -> &TrainingState {
        &self.state
    }

    /// The parameters as they are now.
    pub fn params(&self) -> &ParamSet {
        self.objective.params()
    }

    /// The specification that is followed.
    pub fn spec(&self) -> &TrainingSpec {
        self.spec
    }

    /// Trains until a minimum, the last epoch, or an observer's stop.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when the loss of a minibatch is not a finite number.
    pub fn run(&mut self, observer: &mut dyn Observer) -> Result<Ending, TrainError> {
        if self.state.step == 0 {
            let row = self.evaluate()?;
            observer.evaluated(self, &row)?;
        }
        loop {
            self.step()?;
            let epoch_ended = self.sampler.epoch_ended();
            let last = epoch_ended && self.sampler.n_finished_epochs() >= self.spec.max_epochs;
            let due = match self.spec.evaluate {
                Cadence::Epoch => epoch_ended,
                Cadence::Steps(n_steps) => self.state.step.is_multiple_of(n_steps),
            };
            if due || last {
                let row = self.evaluate()?;
                observer.evaluated(self, &row)?;
                if let Some(certificate) = self.certify(&row) {
                    return Ok(Ending::Minimum(certificate));
                }
                if last {
                    return Ok(Ending::Epochs(row));
                }
            }
            if observer.stepped(self)? == Flow::Stop {
                return Ok(Ending::Stopped);
            }
        }
    }

    fn step(&mut self) -> Result<(), TrainError> {
        let n_samples = self.objective.data().train.len();
        let epoch = self.sampler.n_finished_epochs();
        let learning_rate = self.spec.learning_rate_at(epoch);
        let samples = self.sampler.next(self.spec.batch_size_at(epoch, n_samples));
        let (loss, gradient) = self.objective.loss_and_gradient(&samples, Mode::Train)?;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { step: self.state.step + 1, loss, learning_rate });
        }
        sgd::step(self.objective.params(), &gradient, learning_rate)?;
        self.state.step += 1;
        self.state.position = self.sampler.position();
        Ok(())
    }

    fn evaluate(&mut self) -> Result<EvaluationRow, TrainError> {
        let (_, gradient) = self.objective.full_gradient(Mode::Probe)?;
        let train = self.objective.evaluate_train()?;
        if !train.loss.is_finite() {
            let learning_rate = self.spec.learning_rate_at(self.state.position.epoch);
            let (step, loss) = (self.state.step, train.loss);
            return Err(TrainError::Diverged { step, loss, learning_rate });
        }
        let test = self.objective.evaluate_test()?;
        if self.state.best_loss.is_none_or(|best| train.loss < best) {
            self.state.best_loss = Some(train.loss);
            self.state.best_step = self.state.step;
        }
        let epoch = self.state.position.epoch;
        Ok(EvaluationRow {
            step: self.state.step,
            epoch: self.sampler.n_finished_epochs(),
            learning_rate: self.spec.learning_rate_at(epoch),
            batch_size: self.spec.batch_size_at(epoch, self.objective.data().train.len()),
            loss: train.loss,
            gradient_norm: gradient.iter().map(|g| g * g).sum::<f64>().sqrt(),
            accuracy: train.accuracy,
            test_loss: test.map_or(f64::NAN, |test| test.loss),
            test_accuracy: test.map_or(f64::NAN, |test| test.accuracy),
        })
    }

    fn certify(&self, row: &EvaluationRow) -> Option<Certificate> {
        let limit = self.spec.minimum.as_ref()?.gradient_norm;
        (row.gradient_norm <= limit).then(|| Certificate {
            step: row.step,
            epoch: row.epoch,
            loss: row.loss,
            gradient_norm: row.gradient_norm,
            steps_since_improvement: row.step - self.state.best_step,
            accuracy: row.accuracy,
            criterion: format!("gradient norm ≤ {limit}"),
        })
    }
}
