//! Pooling layers.

use candle_core::{Result, Tensor};

use super::{Layer, Pass};
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
}
