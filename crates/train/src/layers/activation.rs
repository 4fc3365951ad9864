//! Activations between layers.

use candle_core::{Result, Tensor};

use super::{Layer, Pass};
use crate::ops::{Activation, close_relu, relu_in_place};

/// An activation as a layer. The ReLU overwrites its inputs, and on the way back the gradient.
pub struct Activate(pub Activation);

impl Layer for Activate {
    fn has_parameters(&self) -> bool {
        false
    }

    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        if self.0 == Activation::Relu {
            relu_in_place(&inputs)?;
            pass.keep(&inputs);
            return Ok(inputs);
        }
        pass.keep(&inputs);
        self.0.forward(&inputs)
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        let kept = pass.recall();
        if self.0 == Activation::Relu {
            close_relu(&kept, &gradient)?;
            return Ok(gradient);
        }
        self.0.backward(&kept, &gradient)
    }
}
