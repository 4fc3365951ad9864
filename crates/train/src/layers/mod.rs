//! Layers with an explicit backward pass, from which the networks are put together.
//!
//! *Why not candle's graph?* It fills every gradient with zeros before it adds the first, three more passes over memory
//! for each operation, and keeps everything alive until the end. Here a forward pass leaves on a stack what its backward
//! pass needs, which takes it off again in reverse order.

mod activation;
mod batch_norm;
mod block;
mod conv;
mod linear;
mod pool;
mod store;

use candle_core::{Result, Tensor};

pub use activation::Activate;
pub use batch_norm::BatchNormLayer;
pub use block::{Residual, Shortcut};
pub use conv::{ChannelsFirst, ChannelsLast, Conv};
pub use linear::LinearLayer;
pub use pool::{GlobalMean, Pool};
pub(crate) use store::draw;
pub use store::{Initial, Initialisation, Parameter, Store};

use crate::model::{Mode, Network};
use crate::ops::ChannelMoments;

/// A function with parameters, and its backward pass.
pub trait Layer: Send + Sync {
    /// The outputs, which nobody else holds; the inputs may be overwritten if nobody else holds them.
    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor>;

    /// The gradient with respect to the inputs, from that with respect to the outputs of the last forward pass that has
    /// not been gone back through; those of the parameters are left in `pass`.
    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor>;

    /// Whether anything in it is trained.
    fn has_parameters(&self) -> bool {
        true
    }

    /// As [`Layer::backward`] where nobody asks for the gradient with respect to the inputs.
    fn backward_to_parameters(&self, gradient: Tensor, pass: &mut Pass) -> Result<()> {
        self.backward(gradient, pass).map(drop)
    }
}

/// One pass through a network: what it is for, what was kept, and the gradients that were found.
pub struct Pass {
    mode: Mode,
    keeps: bool,
    tensors: Vec<Tensor>,
    moments: Vec<ChannelMoments>,
    gradients: Vec<Option<Tensor>>,
}

impl Pass {
    /// A pass of which nothing is kept.
    fn forward_only(mode: Mode) -> Self {
        Self { mode, keeps: false, tensors: vec![], moments: vec![], gradients: vec![] }
    }

    /// A pass that will be gone back through.
    fn there_and_back(mode: Mode, n_parameters: usize) -> Self {
        Self { keeps: true, gradients: vec![None; n_parameters], ..Self::forward_only(mode) }
    }

    /// What the pass is for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Keeps a tensor for the way back.
    pub fn keep(&mut self, tensor: &Tensor) {
        if self.keeps {
            self.tensors.push(tensor.clone());
        }
    }

    /// Keeps moments for the way back.
    pub fn keep_moments(&mut self, moments: ChannelMoments) {
        if self.keeps {
            self.moments.push(moments);
        }
    }

    /// The tensor that was kept last.
    pub fn recall(&mut self) -> Tensor {
        self.tensors.pop().expect("each layer takes what it kept")
    }

    /// The moments that were kept last.
    pub fn recall_moments(&mut self) -> ChannelMoments {
        self.moments.pop().expect("each layer takes what it kept")
    }

    /// Sets the gradient of a parameter.
    pub fn set_gradient(&mut self, parameter: &Parameter, gradient: Tensor) {
        self.gradients[parameter.idx] = Some(gradient);
    }
}

/// Layers one after the other.
pub struct Sequential {
    /// The layers in order.
    pub layers: Vec<Box<dyn Layer>>,
    /// The shape of one sample, as the first layer takes it.
    pub input_shape: Vec<usize>,
    /// Tensors of parameters in all layers.
    pub n_parameters: usize,
    /// See [`Network::samples_at_once`].
    pub samples_at_once: usize,
}

impl Sequential {
    fn through(&self, inputs: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        let shape = [&[inputs.dim(0)?], self.input_shape.as_slice()].concat();
        let inputs = inputs.reshape(shape)?;
        self.layers.iter().try_fold(inputs, |inputs, layer| layer.forward(inputs, pass))
    }
}

impl Network for Sequential {
    fn samples_at_once(&self) -> usize {
        self.samples_at_once
    }

    fn forward(&self, inputs: &Tensor, mode: Mode) -> Result<Tensor> {
        self.through(inputs, &mut Pass::forward_only(mode))
    }

    fn gradient(
        &self,
        inputs: &Tensor,
        mode: Mode,
        loss: &mut dyn FnMut(&Tensor) -> Result<Tensor>,
    ) -> Result<Vec<Option<Tensor>>> {
        let mut pass = Pass::there_and_back(mode, self.n_parameters);
        let outputs = self.through(inputs, &mut pass)?;
        let mut gradient = loss(&outputs)?;
        drop(outputs);
        let first = self.layers.iter().position(|layer| layer.has_parameters());
        for (idx, layer) in self.layers.iter().enumerate().rev() {
            if Some(idx) == first {
                layer.backward_to_parameters(gradient, &mut pass)?;
                break;
            }
            gradient = layer.backward(gradient, &mut pass)?;
        }
        Ok(pass.gradients)
    }
}
