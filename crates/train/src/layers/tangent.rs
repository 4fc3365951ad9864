//! The pass that multiplies a Hessian with a vector.
//!
//! Pearlmutter (1994), doi:10.1162/neco.1994.6.1.147: every number of a pass there and back carries its directional
//! derivative along a direction v of the parameters; that of the gradient is H v. No step, no difference: where the network
//! has kinks (ReLU, a maximum over windows) it is the second derivative of the piece that the point lies on, as that of
//! PyTorch's double backward.

use candle_core::{Result, Tensor};

use super::Parameter;
use crate::ops::{accumulate, close_relu};

/// Numbers of a pass with their directional derivative.
#[derive(Clone)]
pub struct Dual {
    /// The numbers.
    pub value: Tensor,
    /// Their directional derivative; `None` is 0, as of inputs that no parameter has changed.
    pub tangent: Option<Tensor>,
}

impl Dual {
    /// The image under a linear map that no parameter takes part in.
    pub fn map(&self, linear: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        let tangent = self.tangent.as_ref().map(&linear).transpose()?;
        Ok(Self { value: linear(&self.value)?, tangent })
    }

    /// The image under a map that is linear in the numbers, by a parameter, and in that parameter, which moves along v:
    /// `by(value, W)` and `by(value, V) + by(tangent, W)`.
    pub fn product(
        &self,
        (parameter, direction): (&Tensor, &Tensor),
        by: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<Self> {
        let tangent = by(&self.value, direction)?;
        if let Some(own) = &self.tangent {
            accumulate(&tangent, &by(own, parameter)?)?;
        }
        Ok(Self { value: by(&self.value, parameter)?, tangent: Some(tangent) })
    }

    /// With a bias for each of the last dimension's channels, which moves too.
    pub fn plus_channels(&self, (bias, direction): (&Tensor, &Tensor)) -> Result<Self> {
        let tangent = match &self.tangent {
            Some(tangent) => tangent.broadcast_add(direction)?,
            None => direction.broadcast_as(self.value.shape())?.contiguous()?,
        };
        Ok(Self { value: self.value.broadcast_add(&bias.detach())?, tangent: Some(tangent) })
    }

    /// Of a gradient with respect to outputs, the directional derivative of that with respect to the weights, which is linear
    /// in both: `by(gradient, inputs)`.
    pub(super) fn with_inputs(
        &self,
        inputs: &Dual,
        by: impl Fn(&Tensor, &Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let product = by(self.moving(), &inputs.value)?;
        if let Some(tangent) = &inputs.tangent {
            accumulate(&product, &by(&self.value, tangent)?)?;
        }
        Ok(product)
    }

    /// Sets both to 0, in place, where the `outputs` of a ReLU are not above 0.
    pub(super) fn close(&self, outputs: &Tensor) -> Result<()> {
        close_relu(outputs, &self.value)?;
        self.tangent.iter().try_for_each(|tangent| close_relu(outputs, tangent))
    }

    /// Adds, in place, to a gradient and its directional derivative those of another way.
    pub(super) fn add_to_both(
        &self,
        other: &Dual,
        add: impl Fn(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        add(&self.value, &other.value)?;
        add(self.moving(), other.moving())
    }

    /// The directional derivative of a gradient, which always has one: that of the loss depends on the outputs.
    pub(super) fn moving(&self) -> &Tensor {
        self.tangent.as_ref().expect("a gradient moves with the outputs")
    }
}

/// One pass through a network in whose course every number carries its directional derivative. Batch normalisations use their
/// stored statistics.
pub struct TangentPass<'a> {
    direction: &'a [Tensor],
    kept: Vec<Dual>,
    products: Vec<Option<Tensor>>,
}

impl<'a> TangentPass<'a> {
    /// Along a direction, one tensor for each parameter.
    pub(super) fn along(direction: &'a [Tensor]) -> Self {
        Self { direction, kept: vec![], products: vec![None; direction.len()] }
    }

    /// A parameter with the direction that it moves in.
    pub fn moving<'b>(&'b self, parameter: &'b Parameter) -> (&'b Tensor, &'b Tensor) {
        (&parameter.tensor, &self.direction[parameter.idx])
    }

    /// Keeps numbers for the way back.
    pub fn keep(&mut self, numbers: &Dual) {
        self.kept.push(numbers.clone());
    }

    /// The numbers that were kept last.
    pub fn recall(&mut self) -> Dual {
        self.kept.pop().expect("each layer takes what it kept")
    }

    /// Leaves the part of H v that belongs to a parameter: the directional derivative of its gradient.
    pub fn leave_product(&mut self, parameter: &Parameter, product: Tensor) {
        self.products[parameter.idx] = Some(product);
    }

    /// What was left.
    pub(super) fn into_products(self) -> Vec<Option<Tensor>> {
        self.products
    }
}
