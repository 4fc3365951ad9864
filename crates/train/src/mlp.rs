//! The multilayer perceptron: linear layers with ReLU between them.

use candle_core::{Device, Tensor};
use rand::RngExt;

use crate::error::TrainError;
use crate::model::{Mode, Model, Network};
use crate::params::ParamSet;
use crate::streams::Streams;

/// `logits = W_L relu(… relu(W_1 x + b_1) …) + b_L`, parameters named `fc1.weight` `[out, in]`, `fc1.bias` `[out]`, ….
///
/// Initialised as PyTorch's `nn.Linear`: weights and biases uniform on ±1/√in. The derivative of ReLU at 0 is
/// candle's 1 and not PyTorch's 0; it matters only where a pre-activation is exactly 0.
pub struct Mlp {
    widths: Vec<usize>,
}

impl Mlp {
    /// A network from `n_features` over the `hidden` widths to `n_classes`.
    pub fn new(n_features: usize, hidden: &[usize], n_classes: usize) -> Self {
        Self { widths: [&[n_features], hidden, &[n_classes]].concat() }
    }
}

impl Model for Mlp {
    fn init(&self, streams: &Streams, device: &Device) -> Result<ParamSet, TrainError> {
        let mut tensors = Vec::new();
        for (layer_idx, width) in self.widths.windows(2).enumerate() {
            let (n_in, n_out) = (width[0], width[1]);
            let bound = 1. / (n_in as f32).sqrt();
            let mut rng = streams.rng(layer_idx as u64);
            let mut uniform = |n: usize| -> Vec<f32> {
                (0..n).map(|_| bound * (2. * rng.random::<f32>() - 1.)).collect()
            };
            let weight = Tensor::from_vec(uniform(n_in * n_out), (n_out, n_in), device)?;
            let bias = Tensor::from_vec(uniform(n_out), n_out, device)?;
            tensors.push((format!("fc{}.weight", layer_idx + 1), weight));
            tensors.push((format!("fc{}.bias", layer_idx + 1), bias));
        }
        ParamSet::new(tensors)
    }

    fn bind(&self, params: &ParamSet) -> Result<Box<dyn Network>, TrainError> {
        // A clone of a variable's tensor shares its storage, so the network follows every update.
        let tensors: Vec<Tensor> = params.vars().map(|var| var.as_tensor().clone()).collect();
        let layers = tensors.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        Ok(Box::new(BoundMlp { layers }))
    }
}

struct BoundMlp {
    layers: Vec<(Tensor, Tensor)>,
}

impl Network for BoundMlp {
    fn forward(&self, inputs: &Tensor, _mode: Mode) -> candle_core::Result<Tensor> {
        let mut activations = inputs.clone();
        for (layer_idx, (weight, bias)) in self.layers.iter().enumerate() {
            if layer_idx > 0 {
                activations = activations.relu()?;
            }
            activations = activations.matmul(&weight.t()?)?.broadcast_add(bias)?;
        }
        Ok(activations)
    }
}
