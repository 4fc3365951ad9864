//! The stages of a run, one file each. A stage reads the experiment and what earlier stages left in the run directory,
//! and leaves its tables there.

mod ablation;
mod escape;
mod noise_during;
mod probe;
mod report;
mod train;
mod training_watch;

use ::train::{RunDir, TrainError, checkpoint};

pub use self::report::write as write_report;
use crate::experiment::{Experiment, ExperimentFile};
use crate::failure::Failure;

/// A part of a run that is done as a whole, or done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Trains to a minimum.
    Train,
    /// Draws noise and fits it.
    Probe,
    /// Times escapes.
    Escape,
    /// Trains the three arms.
    Ablation,
}

impl Stage {
    /// All stages, in the order in which they are run.
    pub const ALL: [Stage; 4] = [Stage::Train, Stage::Probe, Stage::Escape, Stage::Ablation];

    /// Its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Train => "train",
            Stage::Probe => "probe",
            Stage::Escape => "escape",
            Stage::Ablation => "ablation",
        }
    }

    /// Whether an experiment has it.
    pub fn is_in(self, file: &ExperimentFile) -> bool {
        match self {
            Stage::Train => file.training.is_some() && file.checkpoint().is_none(),
            Stage::Probe => file.probe.is_some(),
            Stage::Escape => file.escape.is_some(),
            Stage::Ablation => file.ablation.is_some(),
        }
    }

    /// Does the work.
    pub fn run(self, experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
        match self {
            Stage::Train => train::run(experiment, run),
            Stage::Probe => probe::run(experiment, run),
            Stage::Escape => escape::run(experiment, run),
            Stage::Ablation => ablation::run(experiment, run),
        }
    }
}

/// Where the trained weights are.
const TRAINED: &str = "checkpoints/trained.safetensors";

/// Loads the trained weights into the experiment's objective.
fn load_trained(experiment: &Experiment, run: &RunDir) -> Result<(), TrainError> {
    checkpoint::load(&run.file(TRAINED), experiment.objective().params())?;
    Ok(())
}
