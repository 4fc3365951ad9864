//! Batch normalisation by fixed moments, differentiated along a direction.

use candle_core::{Result, Tensor};

use super::{BatchNorm, ChannelMoments};
use crate::ops::accumulate;

/// What [`BatchNorm::backward_tangent`] gives.
pub struct BatchNormTangent {
    /// The gradient with respect to the inputs.
    pub inputs: Tensor,
    /// Its directional derivative.
    pub inputs_tangent: Tensor,
    /// The directional derivative of the gradient with respect to γ, `[C]`.
    pub gamma: Tensor,
    /// The same with respect to β.
    pub beta: Tensor,
}

impl BatchNorm {
    /// The directional derivative of [`BatchNorm::forward`] before the ReLU and without a residual, where the moments do not
    /// depend on the inputs: `s ẋ + γ̇ x̂ + β̇`, `(γ̇, β̇)` being the `direction` of the parameters and `tangent` ẋ, which is 0
    /// where it is `None`.
    ///
    /// # Errors
    /// When the shapes do not fit together.
    pub fn forward_tangent(
        &self,
        (inputs, tangent): (&Tensor, Option<&Tensor>),
        moments: &ChannelMoments,
        gamma: &Tensor,
        direction: (&Tensor, &Tensor),
    ) -> Result<Tensor> {
        let norm = BatchNorm { relu: false, ..*self };
        let of_inputs = match tangent {
            Some(tangent) => {
                let parameters = (gamma, &gamma.zeros_like()?);
                Some(norm.forward(tangent, &moments.about_zero()?, parameters, None)?)
            }
            None => None,
        };
        norm.forward(inputs, moments, direction, of_inputs.as_ref())
    }

    /// The way back of [`BatchNorm::forward_tangent`]: with g the gradient and ġ its directional derivative, which have passed
    /// the ReLU already, and r = 1/√(σ² + ε): ∂x = s g, ∂̇x = s ġ + γ̇ r g, ∂̇γ = Σ (ġ x̂ + g r ẋ), ∂̇β = Σ ġ.
    ///
    /// # Errors
    /// When the shapes do not fit together.
    pub fn backward_tangent(
        &self,
        (inputs, tangent): (&Tensor, Option<&Tensor>),
        moments: &ChannelMoments,
        (gamma, beta): (&Tensor, &Tensor),
        direction: (&Tensor, &Tensor),
        (gradient, gradient_tangent): (&Tensor, &Tensor),
    ) -> Result<BatchNormTangent> {
        let norm = BatchNorm { relu: false, ..*self };
        let scales = norm.scales(inputs, moments, (gamma, beta))?;
        let along = norm.scales(inputs, moments, direction)?;
        let nothing = Tensor::zeros((1, 2, scales.dim(2)?), inputs.dtype(), inputs.device())?;

        let mut sums = norm.gradient_sums(inputs, gradient_tangent, &scales)?;
        if let Some(tangent) = tangent {
            let scales = norm.scales(tangent, &moments.about_zero()?, (gamma, beta))?;
            let of_gradient = norm.gradient_sums(tangent, gradient, &scales)?.narrow(1, 1, 1)?;
            let with_inputs = (sums.narrow(1, 1, 1)? + of_gradient)?;
            sums = Tensor::cat(&[&sums.narrow(1, 0, 1)?, &with_inputs], 1)?;
        }
        let of_parameters = norm.parameter_gradients(moments, &sums, true)?.get(0)?;
        let of_parameters = of_parameters.to_dtype(inputs.dtype())?;

        let of_inputs = |gradient, scales| norm.input_gradient(inputs, gradient, scales, &nothing);
        let inputs_tangent = of_inputs(gradient_tangent, &scales)?;
        accumulate(&inputs_tangent, &of_inputs(gradient, &along)?)?;
        Ok(BatchNormTangent {
            inputs: of_inputs(gradient, &scales)?,
            inputs_tangent,
            gamma: of_parameters.get(0)?,
            beta: of_parameters.get(1)?,
        })
    }
}

impl ChannelMoments {
    /// The same variances about 0.
    fn about_zero(&self) -> Result<Self> {
        let (mean, variance) = (self.values.narrow(1, 0, 1)?, self.values.narrow(1, 1, 1)?);
        Ok(Self { values: Tensor::cat(&[mean.zeros_like()?, variance], 1)?, count: None })
    }
}
