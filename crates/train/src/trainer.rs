//! The training loop: the trainer drives, observers are told.

use std::path::Path;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::certificate::{Certificate, MinimumSpec, PlateauState};
use crate::checkpoint;
use crate::data::Dataset;
use crate::error::{SpecError, TrainError};
use crate::loss::Loss;
use crate::model::Mode;
use crate::objective::Objective;
use crate::optimizer::{Optimizer, OptimizerSpec, is_finite};
use crate::params::ParamSet;
use crate::sampler::{MinibatchSampler, SamplerPosition, Sampling};
use crate::schedule::{Progress, Schedule};
use crate::streams::Streams;

/// `[training]` of an experiment: minibatch descent of the mean loss.
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
    /// What is descended.
    #[serde(default, skip_serializing_if = "Loss::is_cross_entropy")]
    pub loss: Loss,
    /// What is done to the images of a minibatch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<Augmentation>,
    /// Minibatches go through the network in parts of at most so many samples: for a batch that does not fit the memory,
    /// and for ghost batch normalisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// How a gradient moves the weights.
    #[serde(default, skip_serializing_if = "OptimizerSpec::is_plain")]
    pub optimizer: OptimizerSpec,
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
    /// Plain SGD on the cross-entropy with constant learning rate and batch size, through the last epoch.
    pub fn new(learning_rate: f64, batch_size: usize, max_epochs: u64) -> Self {
        Self {
            learning_rate,
            batch_size,
            max_epochs,
            sampling: Sampling::default(),
            evaluate: Cadence::default(),
            learning_rate_schedule: Schedule::default(),
            batch_size_schedule: Schedule::default(),
            loss: Loss::default(),
            augmentation: None,
            micro_batch: None,
            optimizer: OptimizerSpec::default(),
            minimum: None,
        }
    }

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
        if let Some(micro_batch) = self.micro_batch {
            SpecError::check(micro_batch >= 1, section, "micro_batch", micro_batch, "1 or more")?;
        }
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
        self.optimizer.validate(&format!("{section}.optimizer"))?;
        self.minimum.as_ref().map_or(Ok(()), |spec| spec.validate(&format!("{section}.minimum")))
    }

    /// Checks what depends on the data.
    pub fn validate_against(&self, section: &str, data: &Dataset) -> Result<(), SpecError> {
        let n_samples = data.train.len();
        let permitted = format!("at most the {n_samples} training samples");
        let holds = self.batch_size <= n_samples;
        SpecError::check(holds, section, "batch_size", self.batch_size, permitted)?;
        let section = format!("{section}.augmentation");
        self.augmentation.map_or(Ok(()), |spec| spec.validate(&section, data.image))
    }

    /// Learning rate of a step.
    pub fn learning_rate_at(&self, progress: &Progress) -> f64 {
        self.learning_rate * self.learning_rate_schedule.multiplier(progress)
    }

    /// Batch size of a step for a training set of `n_samples`: at least 1, at most all of them.
    pub fn batch_size_at(&self, progress: &Progress, n_samples: usize) -> usize {
        let scheduled = self.batch_size as f64 * self.batch_size_schedule.multiplier(progress);
        (scheduled.round() as usize).clamp(1, n_samples)
    }
}

/// Where training stands. With the parameters, the optimizer and the streams, this determines everything to come.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TrainingState {
    /// Steps taken.
    pub step: u64,
    /// Where the sampler stands.
    pub position: SamplerPosition,
    /// Step of the evaluation with the lowest full-batch loss.
    pub best_step: u64,
    /// That loss; `None` before the first evaluation.
    pub best_loss: Option<f64>,
    /// What the criterion of a plateau has seen, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<PlateauState>,
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
    /// Euclidean norm of its gradient; NaN in a training that seeks no minimum, since it takes as long as an epoch.
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
    /// At a point that meets a criterion of the experiment.
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
    augment: Streams,
    optimizer: Optimizer,
    state: TrainingState,
    /// The progress at the last step.
    progress: Progress,
    gradient_is_checked: bool,
}

impl<'a> Trainer<'a> {
    /// A trainer that begins at the parameters of `objective`.
    ///
    /// Minibatches come from the stream `shuffle` of `streams`.
    pub fn new(
        objective: &'a Objective,
        spec: &'a TrainingSpec,
        streams: &Streams,
    ) -> Result<Self, TrainError> {
        let optimizer = Optimizer::new(&spec.optimizer, objective.params())?;
        let state = TrainingState {
            step: 0,
            position: SamplerPosition::default(),
            best_step: 0,
            best_loss: None,
            plateau: None,
        };
        Ok(Self::at(objective, spec, streams, optimizer, state))
    }

    /// A trainer that goes on from what [`save`](Self::save) left in a file. The parameters of `objective` become those
    /// of the file.
    ///
    /// # Errors
    /// When the file is damaged or belongs to another network, optimizer or criterion.
    pub fn resume(
        objective: &'a Objective,
        spec: &'a TrainingSpec,
        streams: &Streams,
        path: &Path,
    ) -> Result<Self, TrainError> {
        let optimizer = Optimizer::new(&spec.optimizer, objective.params())?;
        let state = checkpoint::resume(path, objective.params(), &optimizer)?;
        let watched = spec.minimum.as_ref().is_some_and(|minimum| minimum.plateau.is_some());
        if watched && state.plateau.is_none() {
            let reason = "it holds no state of the plateau that training.minimum asks for".into();
            return Err(TrainError::Checkpoint { path: path.to_owned(), reason });
        }
        Ok(Self::at(objective, spec, streams, optimizer, state))
    }

    fn at(
        objective: &'a Objective,
        spec: &'a TrainingSpec,
        streams: &Streams,
        optimizer: Optimizer,
        state: TrainingState,
    ) -> Self {
        let n_samples = objective.data().train.len();
        let shuffle = streams.named("shuffle");
        let sampler = MinibatchSampler::new(spec.sampling, n_samples, shuffle, state.position);
        let progress = Progress::new(state.step, state.position, n_samples);
        let augment = streams.named("augment");
        let gradient_is_checked = false;
        Self { objective, spec, sampler, augment, optimizer, state, progress, gradient_is_checked }
    }

    /// Saves everything that [`resume`](Self::resume) needs.
    pub fn save(&self, path: &Path) -> Result<(), TrainError> {
        checkpoint::save(path, self.params(), &self.optimizer, &self.state)
    }

    /// Where training stands.
    pub fn state(&self) -> &TrainingState {
        &self.state
    }

    /// The parameters as they are now.
    pub fn params(&self) -> &ParamSet {
        self.objective.params()
    }

    /// What is trained.
    pub fn objective(&self) -> &Objective {
        self.objective
    }

    /// The number of finished epochs, if the last step ended one.
    pub fn ended_epoch(&self) -> Option<u64> {
        self.sampler.epoch_ended().then(|| self.sampler.n_finished_epochs())
    }

    /// How far training has come.
    pub fn progress(&self) -> Progress {
        Progress::new(self.state.step, self.state.position, self.objective.data().train.len())
    }

    /// Learning rate of the last step.
    pub fn learning_rate(&self) -> f64 {
        self.spec.learning_rate_at(&self.progress)
    }

    /// The specification that is followed.
    pub fn spec(&self) -> &TrainingSpec {
        self.spec
    }

    /// Trains until a minimum, the last epoch, or an observer's stop.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when a loss, a gradient or a parameter is not finite.
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
        self.progress = Progress::new(self.state.step, self.sampler.position(), n_samples);
        let learning_rate = self.spec.learning_rate_at(&self.progress);
        let samples = self.sampler.next(self.spec.batch_size_at(&self.progress, n_samples));
        let step = self.state.step + 1;
        let image = self.objective.data().image;
        let augment = |inputs| match self.spec.augmentation.zip(image) {
            Some((augmentation, image)) => {
                augmentation.apply(&inputs, image, &mut self.augment.rng(step))
            }
            None => Ok(inputs),
        };
        let (loss, gradient) =
            self.objective.loss_and_gradient_of(&samples, Mode::Train, augment)?;
        if !loss.is_finite() {
            return Err(self.diverged(step, format!("loss is {loss}")));
        }
        if !self.gradient_is_checked {
            self.check_gradient(&gradient)?;
            self.gradient_is_checked = true;
        }
        self.optimizer.step(self.objective.params(), &gradient, learning_rate, step)?;
        self.state.step = step;
        self.state.position = self.sampler.position();
        Ok(())
    }

    /// The first gradient of a run shows whether the backward pass is sound: it is seen before it reaches a weight.
    fn check_gradient(&self, gradient: &[Tensor]) -> Result<(), TrainError> {
        for ((name, _), gradient) in self.params().named_tensors().zip(gradient) {
            if !is_finite(gradient)? {
                let symptom = format!("the gradient of `{name}` is not finite");
                return Err(self.diverged(self.state.step + 1, symptom));
            }
        }
        Ok(())
    }

    fn diverged(&self, step: u64, symptom: String) -> TrainError {
        let learning_rate = self.spec.learning_rate_at(&self.progress);
        TrainError::Diverged { symptom, step, learning_rate }
    }

    fn evaluate(&mut self) -> Result<EvaluationRow, TrainError> {
        let train = self.objective.evaluate_train()?;
        if !train.loss.is_finite() {
            return Err(self.diverged(self.state.step, format!("loss is {}", train.loss)));
        }
        let mut gradient_norm = f64::NAN;
        if self.spec.minimum.is_some() {
            let (_, gradient) = self.objective.full_gradient(Mode::Probe)?;
            gradient_norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
            if !gradient_norm.is_finite() {
                let symptom = format!("the norm of the full-batch gradient is {gradient_norm}");
                return Err(self.diverged(self.state.step, symptom));
            }
        }
        let test = self.objective.evaluate_test()?;
        if self.state.best_loss.is_none_or(|best| train.loss < best) {
            self.state.best_loss = Some(train.loss);
            self.state.best_step = self.state.step;
        }
        if let Some(plateau) = self.spec.minimum.as_ref().and_then(|minimum| minimum.plateau) {
            self.state.plateau = Some(plateau.after(self.state.plateau, train.loss));
        }
        let n_samples = self.objective.data().train.len();
        Ok(EvaluationRow {
            step: self.state.step,
            epoch: self.sampler.n_finished_epochs(),
            learning_rate: self.spec.learning_rate_at(&self.progress),
            batch_size: self.spec.batch_size_at(&self.progress, n_samples),
            loss: train.loss,
            gradient_norm,
            accuracy: train.accuracy,
            test_loss: test.map_or(f64::NAN, |test| test.loss),
            test_accuracy: test.map_or(f64::NAN, |test| test.accuracy),
        })
    }

    fn certify(&self, row: &EvaluationRow) -> Option<Certificate> {
        let minimum = self.spec.minimum.as_ref()?;
        let criterion = minimum.criteria_met(row.gradient_norm, self.state.plateau)?;
        Some(Certificate {
            step: row.step,
            epoch: row.epoch,
            loss: row.loss,
            gradient_norm: row.gradient_norm,
            steps_since_improvement: row.step - self.state.best_step,
            accuracy: row.accuracy,
            criterion,
        })
    }
}

#[cfg(test)]
mod tests;
