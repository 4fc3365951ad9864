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
mod tangent;

use std::ops::Range;

use candle_core::{Result, Tensor, Var};

pub use activation::Activate;
pub use batch_norm::BatchNormLayer;
pub use block::{Residual, Shortcut};
pub use conv::{ChannelsFirst, ChannelsLast, Conv};
pub use linear::LinearLayer;
pub use pool::{GlobalMean, Pool};
pub(crate) use store::draw;
pub use store::{Initial, Initialisation, Parameter, Store};
pub use tangent::{Dual, TangentPass};

use crate::model::{LossTangent, Mode, Network};
use crate::ops::ChannelMoments;

/// A function with parameters, and its backward pass.
pub trait Layer: Send + Sync {
    /// The outputs, which nobody else holds; the inputs may be overwritten if nobody else holds them.
    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor>;

    /// The gradient with respect to the inputs, from that with respect to the outputs of the last forward pass that has
    /// not been gone back through; those of the parameters are left in `pass`.
    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor>;

    /// As [`Layer::forward`], with directional derivatives and [`Mode::Eval`].
    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual>;

    /// As [`Layer::backward`], with directional derivatives: those of the gradients of the parameters are left in `pass`.
    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual>;

    /// Whether anything in it is trained.
    fn has_parameters(&self) -> bool {
        true
    }

    /// As [`Layer::backward`] where nobody asks for the gradient with respect to the inputs.
    fn backward_to_parameters(&self, gradient: Tensor, pass: &mut Pass) -> Result<()> {
        self.backward(gradient, pass).map(drop)
    }

    /// As [`Layer::backward_tangent`] where nobody asks for the gradient with respect to the inputs.
    fn backward_tangent_to_parameters(
        &self,
        gradient: Dual,
        pass: &mut TangentPass<'_>,
    ) -> Result<()> {
        self.backward_tangent(gradient, pass).map(drop)
    }
}

/// One pass through a network: what it is for, what was kept, and the gradients that were found.
pub struct Pass {
    mode: Mode,
    keeps: bool,
    tensors: Vec<Tensor>,
    moments: Vec<ChannelMoments>,
    /// The positions in each parameter where the gradients of single samples are wanted; `None` where sums are.
    wanted: Option<Vec<Vec<usize>>>,
    gradients: Vec<Option<Tensor>>,
    /// How many batch normalisations come before the one whose inputs are looked for.
    norms_before: Option<usize>,
    norm_inputs: Option<NormInputs>,
}

/// What a batch normalisation was given, and where it keeps its running statistics.
pub struct NormInputs {
    /// The moments of its inputs.
    pub moments: ChannelMoments,
    /// Its running mean, `[C]`.
    pub running_mean: Var,
    /// Its running variance, `[C]`.
    pub running_variance: Var,
}

impl Pass {
    /// A pass of which nothing is kept.
    fn forward_only(mode: Mode) -> Self {
        Self {
            mode,
            keeps: false,
            tensors: vec![],
            moments: vec![],
            wanted: None,
            gradients: vec![],
            norms_before: None,
            norm_inputs: None,
        }
    }

    /// A pass that will be gone back through.
    fn there_and_back(mode: Mode, n_parameters: usize) -> Self {
        Self { keeps: true, gradients: vec![None; n_parameters], ..Self::forward_only(mode) }
    }

    /// A pass that will be gone back through, for the gradients of single samples at positions of each parameter.
    fn of_samples(mode: Mode, wanted: &[Vec<usize>]) -> Self {
        Self { wanted: Some(wanted.to_vec()), ..Self::there_and_back(mode, wanted.len()) }
    }

    /// A pass that looks for the inputs of a batch normalisation.
    fn to_norm(mode: Mode, norm_idx: usize) -> Self {
        Self { norms_before: Some(norm_idx), ..Self::forward_only(mode) }
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

    /// Whether the gradients of single samples are wanted.
    pub fn is_of_samples(&self) -> bool {
        self.wanted.is_some()
    }

    /// Leaves the gradient of a parameter: the sum over samples, or a row for each with what it gives to certain positions
    /// in the parameter, `[N, K]`.
    pub fn leave_gradient(
        &mut self,
        parameter: &Parameter,
        sum: impl FnOnce() -> Result<Tensor>,
        of_samples: impl FnOnce(&[usize]) -> Result<Tensor>,
    ) -> Result<()> {
        self.gradients[parameter.idx] = match &self.wanted {
            None => Some(sum()?),
            Some(wanted) if wanted[parameter.idx].is_empty() => None,
            Some(wanted) => Some(of_samples(&wanted[parameter.idx])?),
        };
        Ok(())
    }

    /// Tells of a batch normalisation that the pass has come to; `inputs` is asked if it is the one that is looked for.
    pub fn meet_norm(&mut self, inputs: impl FnOnce() -> Result<NormInputs>) -> Result<()> {
        match self.norms_before {
            Some(0) => {
                self.norm_inputs = Some(inputs()?);
                self.norms_before = None;
            }
            Some(before) => self.norms_before = Some(before - 1),
            None => {}
        }
        Ok(())
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
    fn shaped(&self, inputs: &Tensor) -> Result<Tensor> {
        inputs.reshape([&[inputs.dim(0)?], self.input_shape.as_slice()].concat())
    }

    fn through(&self, inputs: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        let inputs = self.shaped(inputs)?;
        self.layers.iter().try_fold(inputs, |inputs, layer| layer.forward(inputs, pass))
    }

    fn there_and_back(
        &self,
        inputs: &Tensor,
        mut pass: Pass,
        loss: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Vec<Option<Tensor>>> {
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
        self.there_and_back(inputs, Pass::there_and_back(mode, self.n_parameters), loss)
    }

    fn sample_gradients(
        &self,
        inputs: &Tensor,
        mode: Mode,
        wanted: &[Vec<usize>],
        loss: &mut dyn FnMut(Range<usize>, &Tensor) -> Result<Tensor>,
    ) -> Result<Vec<Option<Tensor>>> {
        let samples = 0..inputs.dim(0)?;
        let loss = |outputs: &Tensor| loss(samples, outputs);
        self.there_and_back(inputs, Pass::of_samples(mode, wanted), loss)
    }

    fn hessian_product(
        &self,
        inputs: &Tensor,
        direction: &[Tensor],
        loss: &mut LossTangent<'_>,
    ) -> Result<Vec<Option<Tensor>>> {
        let mut pass = TangentPass::along(direction);
        let inputs = Dual { value: self.shaped(inputs)?, tangent: None };
        let outputs = (self.layers.iter())
            .try_fold(inputs, |inputs, layer| layer.forward_tangent(inputs, &mut pass))?;
        let Some(tangent) = &outputs.tangent else { return Ok(pass.into_products()) };
        let (value, tangent) = loss(&outputs.value, tangent)?;
        drop(outputs);
        let mut gradient = Dual { value, tangent: Some(tangent) };
        let first = self.layers.iter().position(|layer| layer.has_parameters());
        for (idx, layer) in self.layers.iter().enumerate().rev() {
            if Some(idx) == first {
                layer.backward_tangent_to_parameters(gradient, &mut pass)?;
                break;
            }
            gradient = layer.backward_tangent(gradient, &mut pass)?;
        }
        Ok(pass.into_products())
    }

    fn norm_inputs(&self, inputs: &Tensor, norm_idx: usize) -> Result<Option<NormInputs>> {
        let mut pass = Pass::to_norm(Mode::Eval, norm_idx);
        let mut map = self.shaped(inputs)?;
        for layer in &self.layers {
            map = layer.forward(map, &mut pass)?;
            if pass.norm_inputs.is_some() {
                break;
            }
        }
        Ok(pass.norm_inputs)
    }
}
