//! Pooling layers.

use candle_core::{Result, Tensor};

use super::{Dual, Layer, Pass, TangentPass};
use crate::ops::{GlobalMeanPool, MaxPool};

/// A maximum over windows as a layer.
pub struct Pool(pub MaxPool);

impl Layer for Pool {
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

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        pass.keep(&inputs);
        let along = |tangent: &Tensor| self.0.forward_tangent(&inputs.value, tangent);
        let tangent = inputs.tangent.as_ref().map(along).transpose()?;
        Ok(Dual { value: self.0.forward(&inputs.value)?, tangent })
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let inputs = pass.recall().value;
        gradient.map(|gradient| self.0.backward(&inputs, gradient))
    }
}

/// The mean over the whole map, `[N, H, W, C]` to `[N, C]`.
pub struct GlobalMean;

impl Layer for GlobalMean {
    fn has_parameters(&self) -> bool {
        false
    }

    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        pass.keep(&inputs);
        GlobalMeanPool::forward(&inputs)
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        let (_, height, width, _) = pass.recall().dims4()?;
        GlobalMeanPool::backward(&gradient, (height, width))
    }

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        pass.keep(&inputs);
        inputs.map(GlobalMeanPool::forward)
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let (_, height, width, _) = pass.recall().value.dims4()?;
        gradient.map(|gradient| GlobalMeanPool::backward(gradient, (height, width)))
    }
}
