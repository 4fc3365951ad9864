//! What noise is centred on.

use crate::error::ProbeError;
use crate::frozen::Frozen;

/// The gradient over the whole training set, flattened to `[n_parameters]`.
///
/// Where batch normalisation uses the statistics of minibatches there is no such thing: this is then the mean over chunks of
/// the training set in its order ([`train::Network::samples_at_once`] samples, 128 of a ResNet), each normalised by its own
/// statistics. The mean of minibatch gradients of another size differs from it, so that noise has a mean of its own, and ‖u‖²
/// the square of that in it.
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
