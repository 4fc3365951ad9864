//! Trials of minibatch SGD on a perceptron.

use std::borrow::Cow;

use train::{MinibatchSampler, Objective, SamplerPosition, Streams};

use super::{Perceptron, Seed};
use crate::drivers::MinibatchSgd;
use crate::error::EscapeError;
use crate::landscape::Evaluation;
use crate::walk::{Place, Start, Walks};

/// Minibatch SGD on a perceptron: what [`Dynamics`](crate::Dynamics) does with it, on the same minibatches, some fifty
/// times as fast. Rounding differs, so that a trial is another one after some hundred steps.
pub struct ManySeeds<'a> {
    perceptron: &'a Perceptron,
    driver: MinibatchSgd,
    minimum: Vec<f64>,
}

struct Trial<'a> {
    seed: Seed<'a>,
    driver: &'a MinibatchSgd,
    sampler: MinibatchSampler,
}

impl<'a> ManySeeds<'a> {
    /// `objective` is the one that the perceptron was made of.
    pub fn new(
        perceptron: &'a Perceptron,
        objective: &Objective,
        driver: MinibatchSgd,
    ) -> Result<Self, EscapeError> {
        Ok(Self { perceptron, driver, minimum: objective.params().flatten()? })
    }
}

impl Start for ManySeeds<'_> {
    fn minimum(&self) -> &[f64] {
        &self.minimum
    }

    fn begin(&self, trials: &[Streams]) -> Result<Box<dyn Walks + '_>, EscapeError> {
        let (n_samples, start) = (self.perceptron.n_samples(), SamplerPosition::default());
        let sampling = self.driver.sampling;
        let sampler = MinibatchSampler::new(sampling, n_samples, trials[0].clone(), start);
        Ok(Box::new(Trial { seed: Seed::new(self.perceptron), driver: &self.driver, sampler }))
    }
}

impl Walks for Trial<'_> {
    fn step(&mut self, learning_rate: f64) -> Result<(), EscapeError> {
        let samples = self.sampler.next(self.driver.batch_size);
        self.seed.step(&samples, learning_rate as f32, self.driver.momentum as f32);
        Ok(())
    }

    fn at(&mut self, _trial: usize) -> &mut dyn Place {
        self
    }
}

impl Place for Trial<'_> {
    fn evaluate(&mut self) -> Result<Evaluation, EscapeError> {
        Ok(self.seed.evaluate().into())
    }

    fn point(&mut self) -> Result<Cow<'_, [f64]>, EscapeError> {
        Ok(self.seed.weights().into_iter().map(f64::from).collect())
    }

    fn distance(&mut self, _minimum: &[f64]) -> Result<f64, EscapeError> {
        Ok(self.seed.distance())
    }

    fn farthest(&mut self, _minimum: &[f64]) -> Result<usize, EscapeError> {
        Ok(self.seed.farthest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscape::Landscape;
    use crate::landscapes::NetworkLandscape;
    use crate::walk::Dynamics;
    use std::sync::Arc;
    use train::{ModelSpec, Sampling, data};

    #[test]
    fn both_engines_walk_alike() {
        let spec = data::DataSpec::embedded("ionosphere");
        let data = Arc::new(data::load(&spec, &candle_core::Device::Cpu).unwrap());
        let model: Arc<dyn train::Model> = ModelSpec::mlp(&[20, 10]).build(&data).into();
        let params = model.init(&Streams::new(1), &candle_core::Device::Cpu).unwrap();
        let objective = Objective::new(model, data, params).unwrap();
        for sampling in [Sampling::WithReplacement, Sampling::Reshuffled] {
            let driver = MinibatchSgd { batch_size: 8, sampling, momentum: 0.5 };
            let perceptron = Perceptron::of(&objective).unwrap();
            let fast = ManySeeds::new(&perceptron, &objective, driver.clone()).unwrap();
            let landscape = NetworkLandscape::new(objective.fork().unwrap()).unwrap();
            let slow = Dynamics { landscape: &landscape, driver: &driver };
            assert_eq!(fast.minimum(), slow.minimum());
            let streams = Streams::new(3);
            let trials = std::slice::from_ref(&streams);
            let mut walks = [fast.begin(trials).unwrap(), slow.begin(trials).unwrap()];
            for step in 1..=100 {
                walks.iter_mut().for_each(|walk| walk.step(0.05).unwrap());
                let [fast, slow] = walks.each_mut().map(|walk| walk.at(0));
                let (found, expected) = (fast.evaluate().unwrap(), slow.evaluate().unwrap());
                let ratio = found.loss / expected.loss;
                assert!((ratio - 1.).abs() < 1e-3, "{step}: {found:?} {expected:?}");
                assert!(expected.accuracy.is_some() && found.accuracy.is_some());
                let [found, expected] = [&mut *fast, &mut *slow]
                    .map(|place| place.distance(landscape.minimum()).unwrap());
                assert!((found / expected - 1.).abs() < 1e-3, "{step}: {found} {expected}");
                assert_eq!(fast.point().unwrap().len(), slow.point().unwrap().len());
            }
        }
    }
}
