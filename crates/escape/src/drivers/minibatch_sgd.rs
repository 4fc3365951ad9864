//! Minibatch stochastic gradient descent.

use train::{MinibatchSampler, SamplerPosition, Sampling, Streams};

use super::descend;
use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Landscape, NO_SAMPLES, Site};

/// `v ← μ v + ∇L_Ω(w)`, `w ← w − η v` (PyTorch's SGD); without momentum v is the gradient of the minibatch.
#[derive(Debug, Clone, PartialEq)]
pub struct MinibatchSgd {
    /// Minibatch size B.
    pub batch_size: usize,
    /// How minibatches are drawn.
    pub sampling: Sampling,
    /// Momentum μ, from 0 to below 1.
    pub momentum: f64,
}

struct Sgd {
    batch_size: usize,
    momentum: f64,
    sampler: MinibatchSampler,
    gradient: Vec<f64>,
    velocity: Vec<f64>,
}

impl Driver for MinibatchSgd {
    fn begin<'a>(
        &'a self,
        landscape: &'a dyn Landscape,
        streams: &Streams,
    ) -> Result<Box<dyn Rule + 'a>, EscapeError> {
        let n_samples = landscape.n_samples().ok_or(NO_SAMPLES)?;
        let start = SamplerPosition::default();
        let sampler = MinibatchSampler::new(self.sampling, n_samples, streams.clone(), start);
        let zeros = vec![0.; landscape.minimum().len()];
        Ok(Box::new(Sgd {
            batch_size: self.batch_size,
            momentum: self.momentum,
            sampler,
            gradient: zeros.clone(),
            velocity: zeros,
        }))
    }
}

impl Rule for Sgd {
    fn step(
        &mut self,
        site: &mut dyn Site,
        w: &mut [f64],
        learning_rate: f64,
    ) -> Result<(), EscapeError> {
        let samples = self.sampler.next(self.batch_size);
        site.minibatch_gradient(w, &samples, &mut self.gradient)?;
        for (v, g) in self.velocity.iter_mut().zip(&self.gradient) {
            *v = self.momentum * *v + g;
        }
        descend(w, &self.velocity, learning_rate);
        Ok(())
    }
}
