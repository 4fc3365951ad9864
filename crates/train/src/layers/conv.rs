//! Convolutions, and the ways into and out of `[N, H, W, C]`.

use candle_core::{Result, Tensor};

use super::{Dual, Initial, Layer, Parameter, Pass, Store, TangentPass};
use crate::ops::{Conv2d, Linear};

/// A convolution, parameters `<name>.weight` `[out, in, k, k]` and, with a bias, `<name>.bias` `[out]`.
pub struct Conv {
    conv: Conv2d,
    weight: Parameter,
    bias: Option<Parameter>,
}

impl Conv {
    /// Without a bias; `pytorch` is PyTorch's law of the weights.
    pub fn new(
        store: &mut Store<'_>,
        name: &str,
        conv: Conv2d,
        (n_in, n_out): (usize, usize),
        kernel: usize,
        pytorch: Initial,
    ) -> Result<Self> {
        store.next_layer();
        let shape = (n_out, n_in, kernel, kernel);
        let weight = store.parameter(&format!("{name}.weight"), shape, pytorch)?;
        Ok(Self { conv, weight, bias: None })
    }

    /// With a bias, for both of which PyTorch has the law `pytorch`.
    pub fn with_bias(
        store: &mut Store<'_>,
        name: &str,
        conv: Conv2d,
        (n_in, n_out): (usize, usize),
        kernel: usize,
        pytorch: Initial,
    ) -> Result<Self> {
        let layer = Self::new(store, name, conv, (n_in, n_out), kernel, pytorch)?;
        let bias = store.parameter(&format!("{name}.bias"), n_out, pytorch)?;
        Ok(Self { bias: Some(bias), ..layer })
    }

    fn leave_gradients(&self, inputs: &Tensor, gradient: &Tensor, pass: &mut Pass) -> Result<()> {
        let (_, _, height, width) = self.weight.tensor.dims4()?;
        let kernel = (height, width);
        pass.leave_gradient(
            &self.weight,
            || self.conv.weight_gradient(inputs, gradient, kernel),
            |positions| self.conv.sample_weight_gradients(inputs, gradient, kernel, positions),
        )?;
        let Some(bias) = &self.bias else { return Ok(()) };
        pass.leave_gradient(
            bias,
            || Linear::bias_gradient(&gradient.flatten_to(2)?),
            |positions| Conv2d::sample_bias_gradients(gradient, positions),
        )
    }

    fn leave_products(
        &self,
        inputs: &Dual,
        gradient: &Dual,
        pass: &mut TangentPass<'_>,
    ) -> Result<()> {
        let (_, _, height, width) = self.weight.tensor.dims4()?;
        let of_weight = |g: &Tensor, x: &Tensor| self.conv.weight_gradient(x, g, (height, width));
        pass.leave_product(&self.weight, gradient.with_inputs(inputs, of_weight)?);
        if let Some(bias) = &self.bias {
            let of_bias = Linear::bias_gradient(&gradient.moving().flatten_to(2)?)?;
            pass.leave_product(bias, of_bias);
        }
        Ok(())
    }
}

impl Layer for Conv {
    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        pass.keep(&inputs);
        let outputs = self.conv.forward(&inputs, &self.weight.tensor)?;
        match &self.bias {
            Some(bias) => outputs.broadcast_add(&bias.tensor.detach()),
            None => Ok(outputs),
        }
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        let inputs = pass.recall();
        let (_, height, width, _) = inputs.dims4()?;
        self.leave_gradients(&inputs, &gradient, pass)?;
        self.conv.input_gradient(&gradient, &self.weight.tensor, (height, width))
    }

    fn backward_to_parameters(&self, gradient: Tensor, pass: &mut Pass) -> Result<()> {
        let inputs = pass.recall();
        self.leave_gradients(&inputs, &gradient, pass)
    }

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        pass.keep(&inputs);
        let moving = pass.moving(&self.weight);
        let outputs = inputs.product(moving, |x, w| self.conv.forward(x, w))?;
        match &self.bias {
            Some(bias) => outputs.plus_channels(pass.moving(bias)),
            None => Ok(outputs),
        }
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let inputs = pass.recall();
        self.leave_products(&inputs, &gradient, pass)?;
        let (_, height, width, _) = inputs.value.dims4()?;
        let moving = pass.moving(&self.weight);
        gradient.product(moving, |g, w| self.conv.input_gradient(g, w, (height, width)))
    }

    fn backward_tangent_to_parameters(
        &self,
        gradient: Dual,
        pass: &mut TangentPass<'_>,
    ) -> Result<()> {
        let inputs = pass.recall();
        self.leave_products(&inputs, &gradient, pass)
    }
}

/// From `[N, C, H, W]`, as images come, to `[N, H, W, C]`.
pub struct ChannelsLast;

/// From `[N, H, W, C]` to `[N, C · H · W]`, the order in which PyTorch flattens a map.
pub struct ChannelsFirst;

impl ChannelsLast {
    fn apply(map: &Tensor) -> Result<Tensor> {
        map.permute((0, 2, 3, 1))?.contiguous()
    }

    fn undo(map: &Tensor) -> Result<Tensor> {
        map.permute((0, 3, 1, 2))?.contiguous()
    }
}

impl Layer for ChannelsLast {
    fn has_parameters(&self) -> bool {
        false
    }

    fn forward(&self, inputs: Tensor, _pass: &mut Pass) -> Result<Tensor> {
        Self::apply(&inputs)
    }

    fn backward(&self, gradient: Tensor, _pass: &mut Pass) -> Result<Tensor> {
        Self::undo(&gradient)
    }

    fn forward_tangent(&self, inputs: Dual, _pass: &mut TangentPass<'_>) -> Result<Dual> {
        inputs.map(Self::apply)
    }

    fn backward_tangent(&self, gradient: Dual, _pass: &mut TangentPass<'_>) -> Result<Dual> {
        gradient.map(Self::undo)
    }
}

impl ChannelsFirst {
    fn apply(map: &Tensor) -> Result<Tensor> {
        map.permute((0, 3, 1, 2))?.flatten_from(1)
    }

    /// Back to the shape of `inputs`.
    fn undo(flat: &Tensor, inputs: &Tensor) -> Result<Tensor> {
        let (n, height, width, channels) = inputs.dims4()?;
        flat.reshape((n, channels, height, width))?.permute((0, 2, 3, 1))?.contiguous()
    }
}

impl Layer for ChannelsFirst {
    fn has_parameters(&self) -> bool {
        false
    }

    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        pass.keep(&inputs);
        Self::apply(&inputs)
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        Self::undo(&gradient, &pass.recall())
    }

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        pass.keep(&inputs);
        inputs.map(Self::apply)
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let inputs = pass.recall().value;
        gradient.map(|gradient| Self::undo(gradient, &inputs))
    }
}
