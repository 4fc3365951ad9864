//! What noise is centred on.

use train::{Mode, Objective};

use crate::error::ProbeError;

/// The gradient over the whole training set, flattened to `[n_parameters]`.
///
/// *Why not the mean over the draws?* It would make the noise sum to zero by construction and hide a biased sampler.
pub struct Reference {
    gradient: Vec<f64>,
}

impl Reference {
    /// Computes the full-batch gradient at the current weights, in a probing pass.
    pub fn full_batch(objective: &Objective) -> Result<Self, ProbeError> {
        Ok(Self { gradient: objective.full_gradient(Mode::Probe)?.1 })
    }

    /// The gradient.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }
}
