//! What noise is centred on.

use crate::error::ProbeError;
use crate::frozen::Frozen;

/// The gradient over the whole training set, flattened to `[n_parameters]`.
///
/// *Why not the mean over the draws?* It would make the noise sum to zero by construction and hide a biased sampler.
pub struct Reference {
    gradient: Vec<f64>,
}

impl Reference {
    /// Computes the full-batch gradient.
    pub fn full_batch(frozen: &Frozen) -> Result<Self, ProbeError> {
        Ok(Self { gradient: frozen.objective().full_gradient(frozen.mode())?.1 })
    }

    /// The gradient.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }
}
