//! Activations between layers.

use candle_core::{Result, Tensor};

use super::{Dual, Layer, Pass, TangentPass};
use crate::ops::{Activation, accumulate, close_relu, relu_in_place};

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

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        if self.0 == Activation::Relu {
            relu_in_place(&inputs.value)?;
            inputs.tangent.iter().try_for_each(|tangent| close_relu(&inputs.value, tangent))?;
            pass.keep(&inputs);
            return Ok(inputs);
        }
        pass.keep(&inputs);
        let slope = |tangent: &Tensor| self.0.backward(&inputs.value, tangent);
        let tangent = inputs.tangent.as_ref().map(slope).transpose()?;
        Ok(Dual { value: self.0.forward(&inputs.value)?, tangent })
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let kept = pass.recall();
        if self.0 == Activation::Relu {
            gradient.close(&kept.value)?;
            return Ok(gradient);
        }
        let back = gradient.map(|gradient| self.0.backward(&kept.value, gradient))?;
        if let Some(tangent) = &kept.tangent {
            let factor = (tangent * &gradient.value)?;
            accumulate(back.moving(), &self.0.second_derivative(&kept.value, &factor)?)?;
        }
        Ok(back)
    }
}
