//! What moves a point.

use train::optimizer::sgd_step;
use train::{MinibatchSampler, Mode, Objective, SamplerPosition, Sampling, Streams};

use crate::error::EscapeError;
use crate::landscape::{Landscape, NetworkLandscape};

/// A rule that moves a point of a landscape by one step.
pub trait Driver<L: Landscape>: Sync {
    /// What one trial carries from step to step: its random numbers, its place in the data.
    type Trial;

    /// Begins a trial whose randomness comes from `streams` alone.
    fn begin(&self, point: &L::Point, streams: &Streams) -> Self::Trial;

    /// Takes one step.
    fn step(&self, point: &mut L::Point, trial: &mut Self::Trial) -> Result<(), EscapeError>;
}

/// Plain minibatch SGD: `w ← w − η ∇L_Ω(w)`.
#[derive(Debug, Clone, PartialEq)]
pub struct MinibatchSgd {
    /// Minibatch size B.
    pub batch_size: usize,
    /// Step size η.
    pub learning_rate: f64,
    /// How minibatches are drawn.
    pub sampling: Sampling,
}

impl Driver<NetworkLandscape> for MinibatchSgd {
    type Trial = MinibatchSampler;

    fn begin(&self, point: &Objective, streams: &Streams) -> MinibatchSampler {
        let n_samples = point.data().train.len();
        let start = SamplerPosition::default();
        MinibatchSampler::new(self.sampling, n_samples, streams.clone(), start)
    }

    fn step(
        &self,
        point: &mut Objective,
        sampler: &mut MinibatchSampler,
    ) -> Result<(), EscapeError> {
        let samples = sampler.next(self.batch_size);
        let (_, gradient) = point.loss_and_gradient(&samples, Mode::Train)?;
        Ok(sgd_step(point.params(), &gradient, self.learning_rate)?)
    }
}
