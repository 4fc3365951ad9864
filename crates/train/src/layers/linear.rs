//! Fully connected layers.

use candle_core::{Result, Tensor};

use super::{Dual, Initial, Layer, Parameter, Pass, Store, TangentPass};
use crate::ops::Linear;

/// `y = x Wᵀ + b`, parameters `<name>.weight` `[out, in]` and `<name>.bias` `[out]`.
pub struct LinearLayer {
    weight: Parameter,
    bias: Option<Parameter>,
}

impl LinearLayer {
    /// PyTorch's law, that of `nn.Linear`: weights and biases uniform on ±1/√in.
    pub fn new(
        store: &mut Store<'_>,
        name: &str,
        (n_in, n_out): (usize, usize),
        has_bias: bool,
    ) -> Result<Self> {
        store.next_layer();
        let initial = Initial::Uniform(1. / (n_in as f64).sqrt());
        let weight = store.parameter(&format!("{name}.weight"), (n_out, n_in), initial)?;
        let bias = has_bias.then(|| store.parameter(&format!("{name}.bias"), n_out, initial));
        Ok(Self { weight, bias: bias.transpose()? })
    }
}

impl Layer for LinearLayer {
    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        pass.keep(&inputs);
        Linear::forward(&inputs, &self.weight.tensor, self.bias.as_ref().map(|bias| &bias.tensor))
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        let inputs = Linear::input_gradient(&gradient, &self.weight.tensor)?;
        self.backward_to_parameters(gradient, pass)?;
        Ok(inputs)
    }

    fn backward_to_parameters(&self, gradient: Tensor, pass: &mut Pass) -> Result<()> {
        let inputs = pass.recall();
        pass.leave_gradient(
            &self.weight,
            || Linear::weight_gradient(&gradient, &inputs),
            |positions| Linear::sample_weight_gradients(&gradient, &inputs, positions),
        )?;
        let Some(bias) = &self.bias else { return Ok(()) };
        pass.leave_gradient(
            bias,
            || Linear::bias_gradient(&gradient),
            |positions| Linear::sample_bias_gradients(&gradient, positions),
        )
    }

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        pass.keep(&inputs);
        let moving = pass.moving(&self.weight);
        let outputs = inputs.product(moving, |x, w| Linear::forward(x, w, None))?;
        match &self.bias {
            Some(bias) => outputs.plus_channels(pass.moving(bias)),
            None => Ok(outputs),
        }
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let inputs = gradient.product(pass.moving(&self.weight), Linear::input_gradient)?;
        self.backward_tangent_to_parameters(gradient, pass)?;
        Ok(inputs)
    }

    fn backward_tangent_to_parameters(
        &self,
        gradient: Dual,
        pass: &mut TangentPass<'_>,
    ) -> Result<()> {
        let product = gradient.with_inputs(&pass.recall(), Linear::weight_gradient)?;
        pass.leave_product(&self.weight, product);
        if let Some(bias) = &self.bias {
            pass.leave_product(bias, Linear::bias_gradient(gradient.moving())?);
        }
        Ok(())
    }
}
