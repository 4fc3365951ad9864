//! What all trials share.

use candle_core::{DType, Tensor};
use train::{Loss, Objective};

use super::activation::Activation;
use super::aligned::{Aligned, row_step};

/// A perceptron at its starting weights w*, and its training data, laid out for many seeds.
///
/// One is shared by all threads; it holds the weights and the features `[N, d]` once, in `f32`. A trial in a
/// [`Seed`](super::Seed) depends on its inputs alone and on no thread: every sum is taken in the order of its terms. With
/// AVX2 and FMA, and on aarch64, a product and a sum are rounded once; on other processors twice, which changes the last
/// bits.
pub struct Perceptron {
    pub(super) layers: Vec<Layer>,
    pub(super) activation: Activation,
    pub(super) loss: Loss,
    pub(super) start: Aligned,
    pub(super) features: Vec<f32>,
    pub(super) labels: Vec<u32>,
}

/// A fully connected layer: a row of weights for each input, and one more for the bias if there is one.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub n_in: usize,
    pub n_out: usize,
    /// `n_in`, and 1 for the bias.
    pub n_rows: usize,
    /// From row to row.
    pub step: usize,
    /// Where its weights begin among all.
    pub begin: usize,
    /// The coordinate of its first parameter.
    first: usize,
}

impl Layer {
    /// The numbers that its weights take up, padding included.
    pub fn len(&self) -> usize {
        self.n_rows * self.step
    }

    /// Coordinates and places of its parameters, in the order of coordinates: the weight `[out, in]`, the bias `[out]`.
    fn parameters(&self) -> impl Iterator<Item = (usize, usize)> {
        let outputs = 0..self.n_out;
        let weights = outputs.clone().flat_map(|out| (0..self.n_in).map(move |row| (row, out)));
        let biases = outputs.flat_map(|out| (self.n_in..self.n_rows).map(move |row| (row, out)));
        let place = |(row, out)| self.begin + row * self.step + out;
        (self.first..).zip(weights.chain(biases).map(place))
    }
}

impl Perceptron {
    /// The network and the training data of an objective, its present weights being w*.
    ///
    /// `None` where this engine does not apply: for a network that is not an [`Mlp`](train::Mlp), for GELU, for parameters
    /// in another order than the network's, and for numbers that are not `f32` in the memory of the CPU. The way through
    /// tensors then does it, or says what is wrong.
    pub fn of(objective: &Objective) -> Option<Self> {
        let mlp = objective.model().as_mlp()?;
        let activation = Activation::of(mlp.activation())?;
        let mut layers = Vec::new();
        let (mut begin, mut first) = (0, 0);
        for widths in mlp.widths().windows(2) {
            let (n_in, n_out) = (widths[0], widths[1]);
            let n_rows = n_in + usize::from(mlp.has_biases());
            let layer = Layer { n_in, n_out, n_rows, step: row_step(n_out), begin, first };
            (begin, first) = (begin + layer.len(), first + n_rows * n_out);
            layers.push(layer);
        }
        let names = objective.params().named_tensors().map(|(name, _)| name);
        if !names.eq(mlp.parameter_names()) {
            return None;
        }
        let mut weights = Vec::new();
        for (_, tensor) in objective.params().named_tensors() {
            weights.extend(numbers(tensor)?);
        }
        let (mut features, train) = (Vec::new(), &objective.data().train);
        for begin in (0..train.len()).step_by(1024) {
            let samples = begin..train.len().min(begin + 1024);
            features.extend(numbers(&train.range(samples).ok()?.0)?);
        }
        let labels = train.labels().to_vec();
        let loss = objective.loss();
        let start = Aligned::zeros(begin);
        let mut perceptron = Self { layers, activation, loss, start, features, labels };
        for (coordinate, place) in perceptron.parameters().collect::<Vec<_>>() {
            perceptron.start[place] = weights[coordinate];
        }
        Some(perceptron)
    }

    /// Features of a sample.
    pub fn n_features(&self) -> usize {
        self.layers[0].n_in
    }

    /// Training samples.
    pub fn n_samples(&self) -> usize {
        self.labels.len()
    }

    /// The features of a sample, `[d]`.
    pub(super) fn features_of(&self, sample: u32) -> &[f32] {
        let n_features = self.n_features();
        &self.features[sample as usize * n_features..][..n_features]
    }

    /// Coordinates and places of all parameters, in the order of coordinates.
    pub(super) fn parameters(&self) -> impl Iterator<Item = (usize, usize)> {
        self.layers.iter().flat_map(Layer::parameters)
    }
}

/// Numbers that are `f32` in the memory of the CPU.
fn numbers(tensor: &Tensor) -> Option<Vec<f32>> {
    let is_near = tensor.device().is_cpu() && tensor.dtype() == DType::F32;
    let flat = is_near.then(|| tensor.flatten_all().and_then(|flat| flat.to_vec1()));
    flat?.ok()
}
