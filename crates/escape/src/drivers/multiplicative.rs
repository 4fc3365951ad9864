//! Gaussian noise with the covariance of SGD, without the gradients of single samples.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use train::Streams;

use super::descend;
use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Landscape, NO_SAMPLES, Site};

/// `w ← w − η (1/N) Σ_i (1 + ξ_i − ξ̄) ∇ℓ_i(w)`, ξ_i ~ N(0, N/B) (Wu et al. 2020, algorithm 2, centred).
///
/// At every w its covariance is that of a minibatch of B samples drawn with replacement,
/// `(1/B) [(1/N) Σ ∇ℓ ∇ℓᵀ − ∇L ∇Lᵀ]`, at the price of one pass over all samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Multiplicative {
    /// Minibatch size B whose covariance it has.
    pub batch_size: usize,
}

struct Weighting {
    deviation: f64,
    rng: ChaCha8Rng,
    weights: Vec<f64>,
    gradient: Vec<f64>,
}

impl Driver for Multiplicative {
    fn begin<'a>(
        &'a self,
        landscape: &'a dyn Landscape,
        streams: &Streams,
    ) -> Result<Box<dyn Rule + 'a>, EscapeError> {
        let n_samples = landscape.n_samples().ok_or(NO_SAMPLES)?;
        Ok(Box::new(Weighting {
            deviation: (n_samples as f64 / self.batch_size as f64).sqrt(),
            rng: streams.rng(0),
            weights: vec![0.; n_samples],
            gradient: vec![0.; landscape.minimum().len()],
        }))
    }
}

impl Rule for Weighting {
    fn step(
        &mut self,
        site: &mut dyn Site,
        w: &mut [f64],
        learning_rate: f64,
    ) -> Result<(), EscapeError> {
        let Self { deviation, rng, weights, gradient } = self;
        weights.fill_with(|| *deviation * rng.sample::<f64, _>(StandardNormal));
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        weights.iter_mut().for_each(|weight| *weight += 1. - mean);
        site.weighted_gradient(w, weights, gradient)?;
        descend(w, gradient, learning_rate);
        Ok(())
    }
}
