//! Where noise is measured: weights that stay, and what batch normalisation does meanwhile.

use serde::{Deserialize, Serialize};
use train::{Mode, Objective};

use crate::error::ProbeError;

/// By which statistics batch normalisation normalises while noise is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistics {
    /// Those of the minibatch, as in training; running statistics are not updated. They make the samples of a minibatch
    /// depend on each other, so that a single one has no gradient.
    #[default]
    Minibatch,
    /// The running statistics, as in evaluation.
    Running,
    /// Those of the whole training set, mean and biased variance, held fixed: what a minibatch of all samples would give.
    FullBatch,
}

impl Statistics {
    /// The name that they have in an experiment.
    pub fn name(self) -> &'static str {
        match self {
            Statistics::Minibatch => "minibatch",
            Statistics::Running => "running",
            Statistics::FullBatch => "full_batch",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(crate) fn is_minibatch(&self) -> bool {
        *self == Statistics::Minibatch
    }
}

/// An objective at the weights that it had, with a named choice of statistics.
pub struct Frozen {
    objective: Objective,
    statistics: Statistics,
}

impl Frozen {
    /// Copies the weights: what happens to `objective` afterwards is not seen.
    ///
    /// [`Statistics::FullBatch`] costs a forward pass over the training set for every normalisation, on average through
    /// half of the network.
    pub fn new(objective: &Objective, statistics: Statistics) -> Result<Self, ProbeError> {
        let objective = objective.fork()?;
        if statistics == Statistics::FullBatch {
            objective.use_full_batch_statistics()?;
        }
        Ok(Self { objective, statistics })
    }

    /// The objective.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// The statistics, where there is a batch normalisation.
    pub fn statistics(&self) -> Option<Statistics> {
        self.objective.params().has_batch_norm().then_some(self.statistics)
    }

    /// What a pass through the network is for.
    pub fn mode(&self) -> Mode {
        match self.statistics {
            Statistics::Minibatch => Mode::Probe,
            Statistics::Running | Statistics::FullBatch => Mode::Eval,
        }
    }
}
