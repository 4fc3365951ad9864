//! Activations between layers.

use candle_core::{Result, Tensor};

use super::{Layer, Pass};
use crate::ops::Activation;

/// An activation as a layer.
pub struct Activate(pub Activation);

impl Layer for Activate {
    fn has_parameters(&self) -> bool {
        false
    }

    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        pass.keep(&inputs);
        self.0.forward(&inputs)
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        self.0.backward(&pass.recall(), &gradient)
    }
}
