//! Minibatch SGD on a perceptron from many seeds at once, as batches of matrices: what a GPU is fast at.

use std::borrow::Cow;

use candle_core::{DType, Device, Tensor, Var};
use rayon::prelude::*;
use train::ops::Activation;
use train::optimizer::sgd_step;
use train::{MinibatchSampler, Objective, ParamSet, SamplerPosition, Streams};

use crate::drivers::MinibatchSgd;
use crate::error::EscapeError;
use crate::landscape::Evaluation;
use crate::walk::{Place, Start, Walks};

/// Trials that step together, where their weights are no more than [`MOST_NUMBERS`]. So many always do, asked for or not:
/// a product rounds differently in a batch of another size, and a trial must not depend on how many others there are.
const AT_ONCE: usize = 512;

/// Weights of all trials of a block, or outputs of a layer while their losses are evaluated.
const MOST_NUMBERS: usize = 1 << 24;

/// Minibatch SGD on a perceptron: what [`ManySeeds`](crate::ManySeeds) does, on the same minibatches, with tensors
/// `[S, …]` for S trials, wherever the network is.
///
/// A layer is a strided-batched product; weights, velocities and data stay on the device, and a step waits for nothing.
pub struct Batched<'a> {
    network: &'a Objective,
    widths: Vec<usize>,
    has_biases: bool,
    activation: Activation,
    driver: MinibatchSgd,
    minimum: Vec<f64>,
    /// The training set, `[N, d]`.
    features: Tensor,
    /// `[N]`.
    labels: Tensor,
}

impl<'a> Batched<'a> {
    /// `None` for a network that is not an [`Mlp`](train::Mlp), or has its parameters in another order.
    pub fn of(network: &'a Objective, driver: &MinibatchSgd) -> Result<Option<Self>, EscapeError> {
        let Some(mlp) = network.model().as_mlp() else { return Ok(None) };
        let names = network.params().named_tensors().map(|(name, _)| name);
        if !names.eq(mlp.parameter_names()) {
            return Ok(None);
        }
        let train = &network.data().train;
        let first = network.params().vars().next().expect("a perceptron has weights");
        let features = train.range(0..train.len())?.0.to_device(first.device())?;
        let features = features.to_dtype(first.dtype())?.contiguous()?;
        Ok(Some(Self {
            network,
            widths: mlp.widths().to_vec(),
            has_biases: mlp.has_biases(),
            activation: mlp.activation(),
            driver: driver.clone(),
            minimum: network.params().flatten()?,
            labels: Tensor::new(train.labels(), first.device())?,
            features,
        }))
    }

    /// The parameters of every layer: weights, and biases if there are any.
    fn layers<'b>(&self, params: &'b [Tensor]) -> std::slice::ChunksExact<'b, Tensor> {
        params.chunks_exact(1 + usize::from(self.has_biases))
    }

    /// What the layers are given and what they make of it before the activation, for inputs `[S, B, d]`.
    fn forward(&self, params: &[Tensor], inputs: &Tensor) -> candle_core::Result<Vec<[Tensor; 2]>> {
        let mut passed: Vec<[Tensor; 2]> = Vec::new();
        for layer in self.layers(params) {
            let inputs = match passed.last() {
                Some([_, outputs]) => self.activation.forward(outputs)?,
                None => inputs.clone(),
            };
            let mut outputs = inputs.matmul(&layer[0].t()?)?;
            if let Some(bias) = layer.get(1) {
                outputs = outputs.broadcast_add(&bias.unsqueeze(1)?)?;
            }
            passed.push([inputs, outputs]);
        }
        Ok(passed)
    }
}

impl Start for Batched<'_> {
    fn minimum(&self) -> &[f64] {
        &self.minimum
    }

    fn at_once(&self) -> usize {
        (MOST_NUMBERS / self.minimum.len()).clamp(1, AT_ONCE)
    }

    fn begin(&self, trials: &[Streams]) -> Result<Box<dyn Walks + '_>, EscapeError> {
        let n_trials = trials.len();
        let copies = |(name, tensor): (&str, &Tensor)| {
            let shape = [&[n_trials], tensor.dims()].concat();
            Ok((name.to_owned(), tensor.broadcast_as(shape)?.contiguous()?))
        };
        let params = self.network.params().named_tensors().map(copies);
        let params = ParamSet::new(params.collect::<candle_core::Result<_>>()?)?;
        let sampler = |streams: &Streams| {
            let start = SamplerPosition::default();
            let n_samples = self.network.data().train.len();
            MinibatchSampler::new(self.driver.sampling, n_samples, streams.clone(), start)
        };
        Ok(Box::new(Batch {
            of: self,
            samplers: trials.iter().map(sampler).collect(),
            params,
            velocity: None,
            n_trials,
            trial: 0,
            evaluations: None,
            points: None,
        }))
    }
}

/// Trials under way.
struct Batch<'a> {
    of: &'a Batched<'a>,
    /// `[S, …]`.
    params: ParamSet,
    /// Made by the first step with momentum.
    velocity: Option<Vec<Tensor>>,
    samplers: Vec<MinibatchSampler>,
    n_trials: usize,
    /// The one whose place is asked for.
    trial: usize,
    /// Where the trials are now, if that was asked for.
    evaluations: Option<Vec<Evaluation>>,
    points: Option<Vec<Vec<f64>>>,
}

impl Batch<'_> {
    fn tensors(&self) -> Vec<Tensor> {
        self.params.vars().map(|var: &Var| var.as_tensor().detach()).collect()
    }

    /// Gradients of the mean losses of minibatches `[S, B]`, one after the other in `samples`.
    fn gradients(&self, samples: &[u32]) -> candle_core::Result<Vec<Tensor>> {
        let (of, params, batch_size) = (self.of, self.tensors(), samples.len() / self.n_trials);
        let places = Tensor::new(samples, of.features.device())?;
        let inputs = of.features.index_select(&places, 0)?;
        let inputs = inputs.reshape((self.n_trials, batch_size, inputs.dim(1)?))?;
        let passed = of.forward(&params, &inputs)?;
        let all_labels = of.network.data().train.labels();
        let labels: Vec<u32> = samples.iter().map(|&sample| all_labels[sample as usize]).collect();
        let [_, last] = passed.last().expect("a network has layers");
        let rows = of.network.loss().gradients_of_samples(&last.flatten_to(1)?, &labels)?;
        let mut delta = (rows * (1. / batch_size as f64))?.reshape(last.shape())?;
        // From the last parameter to the first.
        let mut gradients = Vec::with_capacity(params.len());
        for (idx, layer) in of.layers(&params).enumerate().rev() {
            if of.has_biases {
                let ones =
                    Tensor::ones((self.n_trials, 1, batch_size), delta.dtype(), delta.device())?;
                gradients.push(ones.matmul(&delta)?.squeeze(1)?);
            }
            gradients.push(delta.t()?.matmul(&passed[idx][0])?);
            if idx > 0 {
                let of_inputs = delta.matmul(&layer[0])?;
                delta = of.activation.backward(&passed[idx - 1][1], &of_inputs)?;
            }
        }
        gradients.reverse();
        Ok(gradients)
    }

    /// Loss and accuracy of every trial over the whole training set, summed in `f64`.
    fn evaluations(&self) -> candle_core::Result<Vec<Evaluation>> {
        let (of, params, loss) = (self.of, self.tensors(), self.of.network.loss());
        let (n_samples, n_features) = of.features.dims2()?;
        let widest = of.widths[1..].iter().max().expect("a network has layers");
        let at_once = (MOST_NUMBERS / (self.n_trials * widest)).clamp(1, n_samples);
        let mut sums = vec![[0.; 2]; self.n_trials];
        for first in (0..n_samples).step_by(at_once) {
            let n = at_once.min(n_samples - first);
            let inputs = of.features.narrow(0, first, n)?;
            let inputs = inputs.broadcast_as((self.n_trials, n, n_features))?;
            let labels = of.labels.narrow(0, first, n)?.broadcast_as((self.n_trials, n))?;
            let [_, outputs] = of.forward(&params, &inputs)?.pop().expect("a network has layers");
            let found = loss.losses_and_hits(&outputs.flatten_to(1)?, &labels.flatten_all()?)?;
            let ones = Tensor::ones((self.n_trials, 1, n), DType::F64, found.device())?;
            let of_chunk = ones.matmul(&found.reshape((self.n_trials, n, 2))?)?.squeeze(1)?;
            for (sum, own) in sums.iter_mut().zip(of_chunk.to_vec2::<f64>()?) {
                sum.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
        }
        let evaluation = |[loss, n_right]: [f64; 2]| Evaluation {
            loss: loss / n_samples as f64,
            accuracy: Some(n_right / n_samples as f64),
        };
        Ok(sums.into_iter().map(evaluation).collect())
    }

    /// The points of all trials, `[S][D]`.
    fn points(&self) -> candle_core::Result<Vec<Vec<f64>>> {
        let mut points = vec![Vec::with_capacity(self.of.minimum.len()); self.n_trials];
        for var in self.params.vars() {
            let numbers = var.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
            let numbers = numbers.flatten_all()?.to_vec1::<f64>()?;
            let of_trials = numbers.chunks_exact(numbers.len() / self.n_trials);
            points.iter_mut().zip(of_trials).for_each(|(point, own)| point.extend_from_slice(own));
        }
        Ok(points)
    }
}

impl Walks for Batch<'_> {
    fn step(&mut self, learning_rate: f64) -> Result<(), EscapeError> {
        let batch_size = self.of.driver.batch_size;
        let samples = self.samplers.par_iter_mut().map(|sampler| sampler.next(batch_size));
        let samples: Vec<Vec<u32>> = samples.collect();
        let gradients = self.gradients(&samples.concat())?;
        (self.evaluations, self.points) = (None, None);
        let momentum = self.of.driver.momentum;
        if momentum == 0. {
            return Ok(sgd_step(&self.params, &gradients, learning_rate)?);
        }
        let velocity = match self.velocity.take() {
            Some(before) => {
                let sum = |(v, g): (&Tensor, &Tensor)| (v * momentum)? + g;
                before.iter().zip(&gradients).map(sum).collect::<candle_core::Result<_>>()?
            }
            None => gradients,
        };
        sgd_step(&self.params, &velocity, learning_rate)?;
        self.velocity = Some(velocity);
        Ok(())
    }

    fn at(&mut self, trial: usize) -> &mut dyn Place {
        self.trial = trial;
        self
    }
}

impl Place for Batch<'_> {
    fn evaluate(&mut self) -> Result<Evaluation, EscapeError> {
        let all = match self.evaluations.take() {
            Some(all) => all,
            None => self.evaluations()?,
        };
        Ok(self.evaluations.insert(all)[self.trial])
    }

    fn point(&mut self) -> Result<Cow<'_, [f64]>, EscapeError> {
        let all = match self.points.take() {
            Some(all) => all,
            None => self.points()?,
        };
        Ok((&self.points.insert(all)[self.trial]).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::many_seeds::{ManySeeds, Perceptron};
    use crate::{Basin, Ensemble, Watch, ensemble};
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use train::{Flow, Model, Sampling, Schedule, data};

    /// The same walks, one by one and together, with every activation that the other engine has, and GELU on its own.
    #[test]
    fn trials_that_step_together_walk_as_alone() {
        let spec = data::DataSpec::embedded("ionosphere");
        let data = Arc::new(data::load(&spec, &Device::Cpu).unwrap());
        for (activation, momentum) in
            [(Activation::Relu, 0.), (Activation::Tanh, 0.5), (Activation::Gelu, 0.)]
        {
            let mlp = train::Mlp::new(data.n_features(), &[20, 10], 2).with_activation(activation);
            let model: Arc<dyn Model> = Arc::new(mlp);
            let params = model.init(&Streams::new(1), &Device::Cpu).unwrap();
            let network = Objective::new(model, data.clone(), params).unwrap();
            let sampling = Sampling::Reshuffled;
            let driver = MinibatchSgd { batch_size: 8, sampling, momentum };
            let batched = Batched::of(&network, &driver).unwrap().unwrap();
            let trials = [3, 4, 5].map(Streams::new);
            let mut together = batched.begin(&trials).unwrap();
            let perceptron = Perceptron::of(&network);
            let seeds = perceptron
                .as_ref()
                .map(|perceptron| ManySeeds::new(perceptron, &network, driver.clone()).unwrap());
            let landscape = crate::NetworkLandscape::new(network.fork().unwrap()).unwrap();
            let slow = crate::Dynamics { landscape: &landscape, driver: &driver };
            let alone: &dyn Start = seeds.as_ref().map_or(&slow, |seeds| seeds);
            let mut alone: Vec<_> =
                trials.iter().map(|own| alone.begin(std::slice::from_ref(own)).unwrap()).collect();
            for step in 1..=60 {
                together.step(0.05).unwrap();
                alone.iter_mut().for_each(|walk| walk.step(0.05).unwrap());
                for (trial, alone) in alone.iter_mut().enumerate() {
                    let (found, expected) = (together.at(trial), alone.at(0));
                    let losses =
                        (found.evaluate().unwrap().loss, expected.evaluate().unwrap().loss);
                    assert!((losses.0 / losses.1 - 1.).abs() < 1e-3, "{step}: {losses:?}");
                    let at = |place: &mut dyn Place| place.distance(batched.minimum()).unwrap();
                    let (found, expected) = (at(found), at(expected));
                    assert!((found / expected - 1.).abs() < 1e-3, "{step}: {found} {expected}");
                }
            }
            // Two of them are no copies of each other.
            let first = together.at(0).point().unwrap().into_owned();
            assert!(first != *together.at(1).point().unwrap());
            assert_eq!(first.len(), network.params().n_parameters());
        }
    }
    /// Blocks are whole, whoever is asked for: 20 trials, then one of them.
    #[test]
    fn a_trial_does_not_depend_on_which_others_are_asked_for() {
        let spec = data::DataSpec::embedded("ionosphere");
        let data = Arc::new(data::load(&spec, &Device::Cpu).unwrap());
        let model: Arc<dyn Model> = Arc::new(train::Mlp::new(data.n_features(), &[5], 2));
        let params = model.init(&Streams::new(1), &Device::Cpu).unwrap();
        let network = Objective::new(model, data, params).unwrap();
        let sampling = Sampling::WithReplacement;
        let driver = MinibatchSgd { batch_size: 4, sampling, momentum: 0. };
        let start = Batched::of(&network, &driver).unwrap().unwrap();
        let basins = vec![Basin::Distance(0.3), Basin::LossRise(0.5)];
        let minimum_loss = crate::check_start(&start, &basins).unwrap();
        let ensembles = [Ensemble {
            start: Box::new(start),
            minimum_loss,
            watch: Watch {
                basins,
                learning_rate: 0.3,
                schedule: Schedule::Constant,
                check_every: 2,
                horizon: 12,
            },
            streams: Streams::new(5),
        }];
        let exits = |trials: &[(usize, u64)]| {
            let found = Mutex::new(BTreeMap::new());
            let finished = |_, seed, exits| {
                found.lock().unwrap().insert(seed, exits);
                Ok::<(), EscapeError>(())
            };
            let points = ensemble(&ensembles, trials, &|| Flow::Continue, &finished).unwrap();
            (found.into_inner().unwrap(), points)
        };
        let trials: Vec<_> = (0..20).chain([600]).map(|seed| (0, seed)).collect();
        let (all, points) = exits(&trials);
        assert_eq!(all.len(), 21);
        let times = all.values().map(|exits| exits[0].time.iterations());
        assert!(times.collect::<std::collections::BTreeSet<_>>().len() > 1, "they differ");
        let (one, _) = exits(&[(0, 17)]);
        assert_eq!((one.len(), &one[&17]), (1, &all[&17]));
        assert!(points[&0].len() == network.params().n_parameters());
    }
}
