//! One trial at a time.

use train::Evaluation;

use super::Product;
use super::aligned::{Aligned, padded};
use super::lanes::LANES;
use super::perceptron::Perceptron;
use super::transpose::transpose;
use super::workspace::Workspace;

/// Samples that are evaluated at once.
const BLOCK: usize = 32;

/// The place where trials run, one after the other: weights, velocity and buffers.
///
/// It begins at w*, and [`Seed::restart`] takes it back there. Steps are those of
/// [`Sgd`](train::Sgd) on [`Objective::loss_and_gradient`](train::Objective::loss_and_gradient), up to rounding.
pub struct Seed<'a> {
    perceptron: &'a Perceptron,
    weights: Aligned,
    /// Made by the first step with momentum.
    velocity: Option<Aligned>,
    workspace: Workspace,
    /// The outputs of a sample, and the gradient of its loss with respect to them.
    outputs: Vec<f64>,
    slopes: Vec<f64>,
}

impl<'a> Seed<'a> {
    /// A place at w*.
    pub fn new(perceptron: &'a Perceptron) -> Self {
        let n_classes = perceptron.layers.last().map_or(0, |layer| layer.n_out);
        let mut seed = Self {
            perceptron,
            weights: Aligned::zeros(perceptron.start.len()),
            velocity: None,
            workspace: Workspace::new(&perceptron.layers, BLOCK),
            outputs: vec![0.; n_classes],
            slopes: vec![0.; n_classes],
        };
        seed.restart();
        seed
    }

    /// Back to w*, with a velocity of 0.
    pub fn restart(&mut self) {
        self.weights.copy_from_slice(&self.perceptron.start);
        if let Some(velocity) = &mut self.velocity {
            velocity.fill(0.);
        }
    }

    /// One step on a minibatch: `v ← μv + g; w ← w − ηv`, and without momentum `w ← w − ηg`, where g is the gradient of
    /// the mean loss of `samples`.
    ///
    /// μ is meant to be the same in all steps of a trial: one without momentum leaves the velocity as it is.
    ///
    /// # Panics
    /// When there are no samples, or one that is not there.
    pub fn step(&mut self, samples: &[u32], learning_rate: f32, momentum: f32) {
        let n_samples = samples.len();
        if n_samples > self.workspace.capacity {
            self.workspace = Workspace::new(&self.perceptron.layers, n_samples);
        }
        self.forward(samples.iter().copied());
        let has_momentum = momentum != 0.;
        let factor = if has_momentum { 1. } else { -f64::from(learning_rate) };
        self.differentiate(samples, factor / n_samples as f64);
        if !has_momentum {
            self.backward(n_samples, None);
            return;
        }
        let n_numbers = self.weights.len();
        let mut velocity = self.velocity.take().unwrap_or_else(|| Aligned::zeros(n_numbers));
        velocity.iter_mut().for_each(|v| *v *= momentum);
        self.backward(n_samples, Some(&mut velocity));
        for (weight, v) in self.weights.iter_mut().zip(velocity.iter()) {
            *weight -= learning_rate * v;
        }
        self.velocity = Some(velocity);
    }

    /// Loss and accuracy over the whole training set, summed in `f64` in the order of samples.
    pub fn evaluate(&mut self) -> Evaluation {
        let Perceptron { labels, loss, .. } = self.perceptron;
        let (mut sum, mut n_correct) = (0., 0usize);
        for (block, labels) in labels.chunks(BLOCK).enumerate() {
            let first = (block * BLOCK) as u32;
            self.forward(first..first + labels.len() as u32);
            for (row, &label) in labels.iter().enumerate() {
                self.read_outputs(row);
                sum += loss.differentiate(&self.outputs, label as usize, &mut self.slopes);
                n_correct += usize::from(loss.is_right(&self.outputs, label as usize));
            }
        }
        let n_samples = labels.len() as f64;
        Evaluation { loss: sum / n_samples, accuracy: n_correct as f64 / n_samples }
    }

    /// The mean loss over the whole training set; NaN where an output is.
    pub fn loss(&mut self) -> f64 {
        self.evaluate().loss
    }

    /// `‖w − w*‖`, summed in `f64`.
    pub fn distance(&self) -> f64 {
        let mut sums = [0.; LANES];
        let [weights, start] = [&self.weights, &self.perceptron.start].map(|all| all.chunks(LANES));
        for (weights, start) in weights.zip(start) {
            for ((sum, w), start) in sums.iter_mut().zip(weights).zip(start) {
                *sum += (f64::from(*w) - f64::from(*start)).powi(2);
            }
        }
        sums.iter().sum::<f64>().sqrt()
    }

    /// The coordinate of the greatest `|w_i − w*_i|`, the first of equal ones; a NaN is greater than all numbers.
    ///
    /// Coordinates count the parameters in the order of a [`ParamSet`](train::ParamSet), which is that of PyTorch's
    /// state dict: `fc1.weight` `[out, in]`, `fc1.bias`, ….
    pub fn farthest(&self) -> usize {
        let (mut farthest, mut greatest) = (0, -1f32);
        for (coordinate, place) in self.perceptron.parameters() {
            let moved = (self.weights[place] - self.perceptron.start[place]).abs();
            if moved.total_cmp(&greatest).is_gt() {
                (farthest, greatest) = (coordinate, moved);
            }
        }
        farthest
    }

    /// The weights in the order of coordinates, `[n_parameters]`.
    pub fn weights(&self) -> Vec<f32> {
        self.perceptron.parameters().map(|(_, place)| self.weights[place]).collect()
    }

    /// The outputs of the network for up to as many samples as there is room for.
    fn forward(&mut self, samples: impl ExactSizeIterator<Item = u32>) {
        let Perceptron { layers, activation, .. } = self.perceptron;
        let n_samples = samples.len();
        for (row, sample) in samples.enumerate() {
            let features = self.perceptron.features_of(sample);
            self.workspace.inputs[0].row_mut(row, features.len()).copy_from_slice(features);
        }
        for (idx, layer) in layers.iter().enumerate() {
            let (before, after) = self.workspace.inputs.split_at_mut(idx + 1);
            let (inputs, outputs) = (&before[idx], &mut after[0]);
            let outputs_of_all = Product {
                left: &inputs.numbers,
                left_steps: [inputs.step, 1],
                right: &self.weights[layer.begin..],
                right_step: layer.step,
                n_rows: n_samples,
                n_terms: layer.n_rows,
                n_columns: padded(layer.n_out),
            };
            outputs_of_all.write(&mut outputs.numbers, outputs.step);
            for row in 0..n_samples {
                // The product has written over the 1.
                let row = outputs.row_mut(row, layer.n_out + 1);
                row[layer.n_out] = 1.;
                if idx + 1 < layers.len() {
                    activation.apply(&mut row[..layer.n_out]);
                }
            }
        }
    }

    fn read_outputs(&mut self, row: usize) {
        let outputs = &self.workspace.inputs[self.perceptron.layers.len()];
        for (output, number) in self.outputs.iter_mut().zip(outputs.row(row, self.slopes.len())) {
            *output = f64::from(*number);
        }
    }

    /// Leaves `factor` times the gradient of the sum of losses with respect to the outputs, both ways round.
    fn differentiate(&mut self, samples: &[u32], factor: f64) {
        let last = self.perceptron.layers.len() - 1;
        for (row, &sample) in samples.iter().enumerate() {
            self.read_outputs(row);
            let label = self.perceptron.labels[sample as usize] as usize;
            self.perceptron.loss.differentiate(&self.outputs, label, &mut self.slopes);
            let Workspace { gradients, transposed, sample_step, .. } = &mut self.workspace;
            let gradient = gradients[last].row_mut(row, self.slopes.len());
            for (class, (gradient, slope)) in gradient.iter_mut().zip(&self.slopes).enumerate() {
                *gradient = (slope * factor) as f32;
                transposed[last][class * *sample_step + row] = *gradient;
            }
        }
    }

    /// From the last layer to the first: adds what the gradients of the samples sum up to, to the velocity or right to
    /// the weights.
    fn backward(&mut self, n_samples: usize, mut velocity: Option<&mut Aligned>) {
        let Perceptron { layers, activation, .. } = self.perceptron;
        let Workspace { inputs, gradients, transposed, sample_step, .. } = &mut self.workspace;
        let sample_step = *sample_step;
        for (idx, layer) in layers.iter().enumerate().rev() {
            if let Some(before) = idx.checked_sub(1) {
                // With the weights of this layer as they were.
                let (below, above) = transposed.split_at_mut(idx);
                let gradient_of_inputs = Product {
                    left: &self.weights[layer.begin..],
                    left_steps: [layer.step, 1],
                    right: &above[0],
                    right_step: sample_step,
                    n_rows: layer.n_in,
                    n_terms: layer.n_out,
                    n_columns: padded(n_samples),
                };
                gradient_of_inputs.write(&mut below[before], sample_step);
            }
            let gradient_of_weights = Product {
                left: &inputs[idx].numbers,
                left_steps: [1, inputs[idx].step],
                right: &gradients[idx].numbers,
                right_step: gradients[idx].step,
                n_rows: layer.n_rows,
                n_terms: n_samples,
                n_columns: padded(layer.n_out),
            };
            let target = match &mut velocity {
                Some(velocity) => velocity,
                None => &mut self.weights,
            };
            gradient_of_weights.add_to(&mut target[layer.begin..], layer.step);
            if let Some(before) = idx.checked_sub(1) {
                let (values, gradients) = (&inputs[idx], &mut gradients[before]);
                let (transposed, sizes) = (&mut transposed[before], [layer.n_in, n_samples]);
                let step = gradients.step;
                transpose((transposed, sample_step), (&mut gradients.numbers, step), sizes);
                for row in 0..n_samples {
                    let values = values.row(row, layer.n_in);
                    activation.close(values, gradients.row_mut(row, layer.n_in));
                }
                if before > 0 {
                    let sizes = [n_samples, layer.n_in];
                    transpose((&gradients.numbers, step), (transposed, sample_step), sizes);
                }
            }
        }
    }
}
