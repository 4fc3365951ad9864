//! Model + data + loss: the function that training descends and whose gradient is noisy.

mod hessian;

use std::sync::Arc;

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use crate::data::{Dataset, Split};
use crate::error::TrainError;
use crate::layers::NormInputs;
use crate::loss::Loss;
use crate::model::{Mode, Model, Network};
use crate::ops::accumulate;
use crate::params::{ParamSet, flatten};

/// The mean loss of a network on a data set, as a function of its parameters.
pub struct Objective {
    model: Arc<dyn Model>,
    data: Arc<Dataset>,
    params: ParamSet,
    network: Box<dyn Network>,
    loss: Loss,
    micro_batch: Option<usize>,
}

/// Loss and accuracy on one split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean loss; of the cross-entropy, in nats.
    pub loss: f64,
    /// Share of samples whose largest logit is that of their class.
    pub accuracy: f64,
}

impl Objective {
    /// Binds `model` to `params`.
    pub fn new(
        model: Arc<dyn Model>,
        data: Arc<Dataset>,
        params: ParamSet,
    ) -> Result<Self, TrainError> {
        let network = model.bind(&params)?;
        Ok(Self { model, data, params, network, loss: Loss::CrossEntropy, micro_batch: None })
    }

    /// With another loss than the cross-entropy.
    pub fn with_loss(self, loss: Loss) -> Self {
        Self { loss, ..self }
    }

    /// With minibatches that go through the network in parts of at most so many samples.
    ///
    /// The gradient is that of the whole minibatch, except that a batch normalisation sees each part by itself: ghost
    /// batch normalisation (Hoffer et al. 2017, algorithm 1).
    pub fn with_micro_batch(self, micro_batch: Option<usize>) -> Self {
        Self { micro_batch, ..self }
    }

    /// The same objective with a copy of the weights of its own: what happens to one is not seen by the other.
    pub fn fork(&self) -> Result<Self, TrainError> {
        let fork = Self::new(self.model.clone(), self.data.clone(), self.params.duplicate()?)?;
        Ok(fork.with_loss(self.loss).with_micro_batch(self.micro_batch))
    }

    /// The same objective with a copy of the weights in `f64`, and computed in `f64`.
    pub fn in_f64(&self) -> Result<Self, TrainError> {
        let params = self.params.to_dtype(DType::F64)?;
        let twin = Self::new(self.model.clone(), self.data.clone(), params)?;
        Ok(twin.with_loss(self.loss).with_micro_batch(self.micro_batch))
    }

    /// The parameters.
    pub fn params(&self) -> &ParamSet {
        &self.params
    }

    /// The architecture.
    pub fn model(&self) -> &dyn Model {
        self.model.as_ref()
    }

    /// The loss of a sample, of which the objective is the mean.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The data.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// Loss on a minibatch of training samples, and its gradient, one tensor per parameter in order.
    ///
    /// # Errors
    /// When a parameter received no gradient, which candle would otherwise pass over in silence.
    pub fn loss_and_gradient(
        &self,
        samples: &[u32],
        mode: Mode,
    ) -> Result<(f64, Vec<Tensor>), TrainError> {
        self.loss_and_gradient_of(samples, mode, Ok)
    }

    /// As [`Objective::loss_and_gradient`], with inputs `[B, n_features]` that are changed first.
    pub fn loss_and_gradient_of(
        &self,
        samples: &[u32],
        mode: Mode,
        change: impl FnOnce(Tensor) -> candle_core::Result<Tensor>,
    ) -> Result<(f64, Vec<Tensor>), TrainError> {
        let (inputs, labels) = self.data.train.batch(samples)?;
        self.backward(&change(inputs)?, &labels, mode)
    }

    /// Loss and gradient over the whole training set, the gradient flattened to `[n_parameters]`.
    pub fn full_gradient(&self, mode: Mode) -> Result<(f64, Vec<f64>), TrainError> {
        let train = &self.data.train;
        self.sum_over_chunks(|start, n_chunk| {
            let (inputs, labels) = train.range(start..start + n_chunk)?;
            let (loss, gradient) = self.backward(&inputs, labels, mode)?;
            Ok((n_chunk as f64 / train.len() as f64, loss, gradient))
        })
    }

    /// `(1/N) Σ_i weights_i ∇ℓ_i` over the whole training set, flattened to `[n_parameters]`.
    ///
    /// # Errors
    /// As [`Objective::loss_and_gradient`].
    ///
    /// # Panics
    /// When there is not a weight for each training sample.
    pub fn weighted_gradient(&self, weights: &[f64], mode: Mode) -> Result<Vec<f64>, TrainError> {
        let train = &self.data.train;
        assert_eq!(weights.len(), train.len(), "a weight for each sample");
        let (_, gradient) = self.sum_over_chunks(|start, n_chunk| {
            let (inputs, labels) = train.range(start..start + n_chunk)?;
            let inputs = self.cast(&inputs)?;
            let gradients = self.network.gradient(&inputs, mode, &mut |outputs| {
                let rows = self.loss.gradients_of_samples(outputs, labels)?;
                let weights = Tensor::new(&weights[start..start + n_chunk], rows.device())?;
                rows.broadcast_mul(&weights.to_dtype(rows.dtype())?.unsqueeze(1)?)
            })?;
            Ok((1. / train.len() as f64, 0., self.all_received(gradients)?))
        })?;
        Ok(gradient)
    }

    /// The sum over chunks of the training set of a share times a loss and a gradient.
    fn sum_over_chunks(
        &self,
        of_chunk: impl Fn(usize, usize) -> Result<(f64, f64, Vec<Tensor>), TrainError> + Sync,
    ) -> Result<(f64, Vec<f64>), TrainError> {
        let mut loss = 0.;
        let mut gradient = vec![0.; self.params.n_parameters()];
        let of_chunk = |&(start, n_chunk): &(usize, usize)| -> Result<_, TrainError> {
            let (share, loss, gradient) = of_chunk(start, n_chunk)?;
            Ok((share, loss, flatten(gradient.iter())?))
        };
        let train = &self.data.train;
        let chunks: Vec<_> = chunks(train.len(), self.network.samples_at_once()).collect();
        // A chunk for each thread, whose activations stay near it, and one by one on a GPU; added up in order.
        for group in chunks.chunks(self.passes_at_once()) {
            let found = group.par_iter().map(of_chunk).collect::<Result<Vec<_>, _>>()?;
            for (weight, chunk_loss, chunk_gradient) in found {
                loss += weight * chunk_loss;
                for (sum, value) in gradient.iter_mut().zip(chunk_gradient) {
                    *sum += weight * value;
                }
            }
        }
        Ok((loss, gradient))
    }

    /// How many passes are worth making at once: one for each thread, but a GPU is busy with one, and its memory is short.
    pub fn passes_at_once(&self) -> usize {
        match self.params.vars().all(|var| var.device().is_cpu()) {
            true => rayon::current_num_threads(),
            false => 1,
        }
    }

    /// ‖∇L_B − ∇L‖² of a minibatch over all parameters, `mean` being the gradient ∇L that it is compared with,
    /// `[n_parameters]`.
    pub fn square_noise(
        &self,
        samples: &[u32],
        mean: &[f64],
        mode: Mode,
    ) -> Result<f64, TrainError> {
        let (_, gradient) = self.loss_and_gradient(samples, mode)?;
        let gradient = flatten(gradient.iter())?;
        Ok(gradient.iter().zip(mean).map(|(value, mean)| (value - mean).powi(2)).sum())
    }

    /// The gradients of the losses of single training samples at flat `coordinates`, `[B, K]`, by one pass there and back.
    ///
    /// # Errors
    /// When the network makes samples depend on each other in this mode, see [`Network::sample_gradients`]; when a
    /// parameter that is asked for received no gradient.
    ///
    /// # Panics
    /// When `coordinates` is empty, does not increase or goes beyond the parameters.
    pub fn sample_gradients(
        &self,
        samples: &[u32],
        coordinates: &[usize],
        mode: Mode,
    ) -> Result<Tensor, TrainError> {
        assert!(!coordinates.is_empty(), "gradients of no parameter");
        let (inputs, labels) = self.data.train.batch(samples)?;
        let wanted = self.params.by_tensor(coordinates);
        let found = self.network.sample_gradients(
            &self.cast(&inputs)?,
            mode,
            &wanted,
            &mut |range, outputs| self.loss.gradients_of_samples(outputs, &labels[range]),
        )?;
        let mut columns = Vec::new();
        for (((name, _), gradients), wanted) in self.params.named_tensors().zip(found).zip(&wanted)
        {
            match gradients {
                Some(gradients) => columns.push(gradients),
                None if wanted.is_empty() => {}
                None => return Err(TrainError::NoGradient(name.to_owned())),
            }
        }
        Ok(Tensor::cat(&columns, 1)?)
    }

    /// Replaces the running statistics of every batch normalisation by the mean and the biased variance of its inputs over
    /// the whole training set, so that [`Mode::Eval`] normalises as a minibatch of all samples would.
    ///
    /// One normalisation after the other, each by a pass over the training set up to it: no more than one chunk of the
    /// samples is in memory. The price is a forward pass per normalisation, on average half of the network.
    pub fn use_full_batch_statistics(&self) -> Result<(), TrainError> {
        let train = &self.data.train;
        for norm_idx in 0.. {
            let mut all: Option<NormInputs> = None;
            for (start, n_chunk) in chunks(train.len(), self.network.samples_at_once()) {
                let (inputs, _) = train.range(start..start + n_chunk)?;
                let Some(found) = self.network.norm_inputs(&self.cast(&inputs)?, norm_idx)? else {
                    return Ok(());
                };
                match &mut all {
                    None => all = Some(found),
                    Some(all) => all.moments.merge(&found.moments)?,
                }
            }
            let Some(NormInputs { moments, running_mean, running_variance }) = all else { break };
            for (running, values) in
                [(running_mean, moments.mean()?), (running_variance, moments.variance()?)]
            {
                running.set(&values.to_dtype(running.dtype())?)?;
            }
        }
        Ok(())
    }

    /// Loss and accuracy on the training set, computed in `f64` from the logits.
    pub fn evaluate_train(&self) -> Result<Evaluation, TrainError> {
        self.evaluate(&self.data.train)
    }

    /// Loss and accuracy on the test set, if there is one.
    pub fn evaluate_test(&self) -> Result<Option<Evaluation>, TrainError> {
        self.data.test.as_ref().map(|test| self.evaluate(test)).transpose()
    }

    fn evaluate(&self, split: &Split) -> Result<Evaluation, TrainError> {
        let (mut loss, mut n_correct) = (0., 0usize);
        for (start, n_chunk) in chunks(split.len(), self.network.samples_at_once()) {
            let (inputs, labels) = split.range(start..start + n_chunk)?;
            let logits = self.network.forward(&self.cast(&inputs)?, Mode::Eval)?;
            let logits = logits.to_dtype(DType::F64)?.to_vec2::<f64>()?;
            for (row, &label) in logits.iter().zip(labels) {
                loss += self.loss.of_sample(row, label as usize);
                n_correct += usize::from(self.loss.is_right(row, label as usize));
            }
        }
        let n_samples = split.len() as f64;
        Ok(Evaluation { loss: loss / n_samples, accuracy: n_correct as f64 / n_samples })
    }

    fn backward(
        &self,
        inputs: &Tensor,
        labels: &[u32],
        mode: Mode,
    ) -> Result<(f64, Vec<Tensor>), TrainError> {
        let n_samples = labels.len();
        let (mut loss, mut sums) = (0., Vec::new());
        for (start, n_part) in chunks(n_samples, self.micro_batch.unwrap_or(n_samples)) {
            let part = self.cast(&inputs.narrow(0, start, n_part)?.contiguous()?)?;
            let share = n_part as f64 / n_samples as f64;
            let mut value = f64::NAN;
            let gradients = self.network.gradient(&part, mode, &mut |outputs| {
                let labels = &labels[start..start + n_part];
                let (mean, gradient) = self.loss.value_and_gradient(outputs, labels)?;
                value = share * mean;
                if share < 1. { gradient * share } else { Ok(gradient) }
            })?;
            loss += value;
            let gradients = self.all_received(gradients)?;
            if sums.is_empty() {
                sums = gradients;
            } else {
                for (sum, gradient) in sums.iter().zip(&gradients) {
                    accumulate(sum, gradient)?;
                }
            }
        }
        Ok((loss, sums))
    }

    /// The gradients, if every parameter received one.
    fn all_received(&self, gradients: Vec<Option<Tensor>>) -> Result<Vec<Tensor>, TrainError> {
        let names = self.params.named_tensors().map(|(name, _)| name);
        let received = |(name, gradient): (&str, Option<Tensor>)| {
            gradient.ok_or_else(|| TrainError::NoGradient(name.to_owned()))
        };
        names.zip(gradients).map(received).collect()
    }

    /// Inputs where the parameters are, and in their type.
    fn cast(&self, inputs: &Tensor) -> candle_core::Result<Tensor> {
        let Some(var) = self.params.vars().next() else { return Ok(inputs.clone()) };
        inputs.to_device(var.device())?.to_dtype(var.dtype())
    }
}

fn chunks(n_samples: usize, at_once: usize) -> impl Iterator<Item = (usize, usize)> {
    let at_once = at_once.max(1);
    (0..n_samples).step_by(at_once).map(move |start| (start, at_once.min(n_samples - start)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tests::blobs;
    use crate::networks::{Mlp, ResNet};
    use crate::streams::Streams;
    use candle_core::Device;

    fn objective(n_samples: usize) -> Objective {
        let model = Arc::new(Mlp::new(3, &[5, 4], 2));
        let params = model.init(&Streams::new(3).named("init"), &Device::Cpu).unwrap();
        Objective::new(model, Arc::new(blobs(n_samples)), params).unwrap()
    }

    /// The same network in plain loops and `f64`.
    fn slow_loss(objective: &Objective, weights: &[f64], samples: &[u32]) -> f64 {
        let train = &objective.data().train;
        let (inputs, labels) = train.range(0..train.len()).unwrap();
        let inputs = inputs.to_vec2::<f32>().unwrap();
        let mut total = 0.;
        for &sample in samples {
            let mut x: Vec<f64> = inputs[sample as usize].iter().map(|&v| v as f64).collect();
            let mut start = 0;
            for (layer_idx, (n_in, n_out)) in [(3, 5), (5, 4), (4, 2)].into_iter().enumerate() {
                let (weight, bias) =
                    (&weights[start..start + n_in * n_out], &weights[start + n_in * n_out..]);
                if layer_idx > 0 {
                    x.iter_mut().for_each(|v| *v = v.max(0.));
                }
                x = (0..n_out)
                    .map(|o| bias[o] + (0..n_in).map(|i| weight[o * n_in + i] * x[i]).sum::<f64>())
                    .collect();
                start += n_in * n_out + n_out;
            }
            let label = labels[sample as usize] as usize;
            total += -(x[label].exp() / x.iter().map(|v| v.exp()).sum::<f64>()).ln();
        }
        total / samples.len() as f64
    }

    #[test]
    fn gradient_agrees_with_finite_differences_of_a_slow_twin() {
        let objective = objective(40);
        let samples = [3, 17, 17, 29, 0];
        let (loss, gradient) = objective.loss_and_gradient(&samples, Mode::Train).unwrap();
        let gradient = flatten(gradient.iter()).unwrap();
        let weights = objective.params().flatten().unwrap();
        assert!((loss - slow_loss(&objective, &weights, &samples)).abs() < 1e-6);
        for (coordinate, value) in gradient.iter().enumerate() {
            let shifted = |by: f64| {
                let mut weights = weights.clone();
                weights[coordinate] += by;
                slow_loss(&objective, &weights, &samples)
            };
            let expected = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
            assert!((value - expected).abs() < 2e-6, "{coordinate}: {value} against {expected}");
        }
    }

    #[test]
    fn full_gradient_is_the_mean_over_chunks_of_unequal_size() {
        let objective = objective(1024 + 100);
        let all: Vec<u32> = (0..1024 + 100).collect();
        let (loss, gradient) = objective.full_gradient(Mode::Probe).unwrap();
        let (expected_loss, expected) = objective.loss_and_gradient(&all, Mode::Probe).unwrap();
        assert!((loss - expected_loss).abs() < 1e-6);
        assert!((objective.evaluate_train().unwrap().loss - expected_loss).abs() < 1e-6);
        for (value, expected) in gradient.iter().zip(flatten(expected.iter()).unwrap()) {
            assert!((value - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn micro_batches_have_the_gradient_of_the_whole() {
        let samples: Vec<u32> = (0..25).collect();
        let whole = objective(40).loss_and_gradient(&samples, Mode::Train).unwrap();
        let parts = objective(40).with_micro_batch(Some(10));
        let parts = parts.loss_and_gradient(&samples, Mode::Train).unwrap();
        assert!((whole.0 - parts.0).abs() < 1e-6);
        let (whole, parts) = (flatten(whole.1.iter()).unwrap(), flatten(parts.1.iter()).unwrap());
        for (whole, part) in whole.iter().zip(parts) {
            assert!((whole - part).abs() < 1e-6, "{whole} {part}");
        }
    }

    #[test]
    fn rows_of_single_samples_are_their_gradients() {
        for loss in [Loss::CrossEntropy, Loss::MeanSquareSigned] {
            let objective = objective(40).with_loss(loss);
            let (samples, coordinates) = ([3, 17, 17, 29, 0], [1, 2, 3, 16, 20, 40, 43, 44, 53]);
            let rows = objective.sample_gradients(&samples, &coordinates, Mode::Probe).unwrap();
            for (row, sample) in rows.to_vec2::<f32>().unwrap().iter().zip(samples) {
                let (_, expected) = objective.loss_and_gradient(&[sample], Mode::Probe).unwrap();
                let expected = flatten(expected.iter()).unwrap();
                for (found, coordinate) in row.iter().zip(coordinates) {
                    assert!((f64::from(*found) - expected[coordinate]).abs() < 1e-6);
                }
            }
        }
    }

    /// A minibatch of all samples is normalised by the same statistics; two chunks, one of them small.
    #[test]
    fn full_batch_statistics_are_those_of_all_samples() {
        let image = [3, 1, 1];
        let model = Arc::new(ResNet::cifar(8, image, 2));
        let params = model.init(&Streams::new(3).named("init"), &Device::Cpu).unwrap();
        let data = Dataset { image: Some(image), ..blobs(128 + 30) };
        let objective = Objective::new(model, Arc::new(data), params).unwrap();
        let all: Vec<u32> = (0..128 + 30).collect();
        let (loss, by_minibatch) = objective.loss_and_gradient(&all, Mode::Probe).unwrap();
        let frozen = objective.fork().unwrap();
        frozen.use_full_batch_statistics().unwrap();
        let (frozen_loss, _) = frozen.loss_and_gradient(&all, Mode::Eval).unwrap();
        assert!((frozen_loss - loss).abs() < 1e-5 * loss, "{frozen_loss} {loss}");
        // Gradients are those of fixed statistics, so that those of the linear layer alone have to agree.
        let (_, by_frozen) = frozen.loss_and_gradient(&all, Mode::Eval).unwrap();
        let last = |gradients: &[Tensor]| flatten(gradients.last().into_iter()).unwrap();
        for (found, expected) in last(&by_frozen).iter().zip(last(&by_minibatch)) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        let (stored, _) = objective.loss_and_gradient(&all, Mode::Eval).unwrap();
        assert!((stored - loss).abs() > 1e-3 * loss, "the origin keeps its statistics");
    }

    #[test]
    fn a_fork_does_not_follow_its_origin() {
        let objective = objective(40);
        let fork = objective.fork().unwrap();
        let before = fork.evaluate_train().unwrap();
        for var in objective.params().vars() {
            var.set(&var.affine(2., 0.1).unwrap()).unwrap();
        }
        assert_eq!(fork.evaluate_train().unwrap(), before);
        assert_ne!(objective.evaluate_train().unwrap(), before);
    }

    #[test]
    fn weighted_gradients_are_weighted_sums_of_those_of_samples() {
        let objective = objective(40).in_f64().unwrap();
        let weights: Vec<f64> = (0..40).map(|i| f64::from(i % 7) - 2.).collect();
        let found = objective.weighted_gradient(&weights, Mode::Eval).unwrap();
        let mut expected = vec![0.; found.len()];
        for (sample, weight) in weights.iter().enumerate() {
            let (_, gradient) = objective.loss_and_gradient(&[sample as u32], Mode::Eval).unwrap();
            for (sum, g) in expected.iter_mut().zip(flatten(gradient.iter()).unwrap()) {
                *sum += weight * g / 40.;
            }
        }
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn in_f64_the_gradient_is_that_of_finite_differences() {
        let objective = objective(40).in_f64().unwrap();
        let (_, gradient) = objective.full_gradient(Mode::Eval).unwrap();
        let at = objective.params().flatten().unwrap();
        for i in [0, 5, at.len() - 1] {
            let loss = |by: f64| {
                let mut w = at.clone();
                w[i] += by;
                objective.params().assign(&w).unwrap();
                objective.evaluate_train().unwrap().loss
            };
            let slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
            assert!((gradient[i] - slope).abs() < 1e-9, "{} {slope}", gradient[i]);
        }
    }
}
