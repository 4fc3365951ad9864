//! Batch normalisation with its running statistics.

use candle_core::{Result, Tensor, Var, bail};

use super::{Dual, Initial, Layer, NormInputs, Parameter, Pass, Store, TangentPass};
use crate::model::Mode;
use crate::ops::{BatchNorm, ChannelMoments, accumulate, close_relu, columns, track};

/// Share of the newest minibatch in the running statistics, as PyTorch's.
const MOMENTUM: f64 = 0.1;

/// Batch normalisation, with a ReLU behind it if asked for. Parameters `<name>.weight` and `<name>.bias`, buffers
/// `<name>.running_mean`, `<name>.running_var` (unbiased) and `<name>.num_batches_tracked`.
///
/// In [`Mode::Train`] and [`Mode::Probe`] the moments are those of the minibatch, and only in training do they enter the
/// running statistics; in [`Mode::Eval`] the running statistics are used. Only there have single samples gradients.
pub struct BatchNormLayer {
    norm: BatchNorm,
    weight: Parameter,
    bias: Parameter,
    running_mean: Var,
    running_variance: Var,
    n_batches: Var,
}

impl BatchNormLayer {
    /// Begins as the identity of standardised maps: weights 1, biases 0.
    pub fn new(store: &mut Store<'_>, name: &str, n_channels: usize, relu: bool) -> Result<Self> {
        let mut parameter = |what: &str, value: f64| {
            store.parameter(&format!("{name}.{what}"), n_channels, Initial::Constant(value))
        };
        let (weight, bias) = (parameter("weight", 1.)?, parameter("bias", 0.)?);
        Ok(Self {
            norm: BatchNorm { epsilon: 1e-5, relu },
            weight,
            bias,
            running_mean: store.channel_buffer(&format!("{name}.running_mean"), n_channels, 0.)?,
            running_variance: store.channel_buffer(
                &format!("{name}.running_var"),
                n_channels,
                1.,
            )?,
            n_batches: store.counter(&format!("{name}.num_batches_tracked"))?,
        })
    }

    /// Normalises, and adds a residual before the ReLU.
    pub fn forward_with(
        &self,
        inputs: Tensor,
        residual: Option<&Tensor>,
        pass: &mut Pass,
    ) -> Result<Tensor> {
        let moments = match pass.mode() {
            Mode::Eval => ChannelMoments::stored(&self.running_mean, &self.running_variance)?,
            Mode::Train | Mode::Probe => ChannelMoments::of(&inputs, 1)?,
        };
        if pass.mode() != Mode::Eval && pass.is_of_samples() {
            bail!(
                "batch normalisation by the statistics of the minibatch makes its samples depend on each other: a single \
                 one has no gradient; with the running statistics or those of the full batch it has"
            );
        }
        if pass.mode() == Mode::Train {
            self.track(&moments)?;
        }
        pass.meet_norm(|| {
            Ok(NormInputs {
                moments: ChannelMoments::of(&inputs, 1)?,
                running_mean: self.running_mean.clone(),
                running_variance: self.running_variance.clone(),
            })
        })?;
        let parameters = (&self.weight.tensor, &self.bias.tensor);
        let outputs = self.norm.forward(&inputs, &moments, parameters, residual)?;
        pass.keep(&inputs);
        pass.keep_moments(moments);
        Ok(outputs)
    }

    /// The way back to the inputs, from a gradient that has passed the ReLU behind a residual already.
    pub fn backward_behind_residual(&self, gradient: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        self.back(BatchNorm { relu: false, ..self.norm }, gradient, pass)
    }

    fn back(&self, norm: BatchNorm, gradient: &Tensor, pass: &mut Pass) -> Result<Tensor> {
        let (inputs, moments) = (pass.recall(), pass.recall_moments());
        let parameters = (&self.weight.tensor, &self.bias.tensor);
        let found = match pass.is_of_samples() {
            false => norm.backward(&inputs, &moments, parameters, gradient)?,
            true => norm.backward_of_samples(&inputs, &moments, parameters, gradient)?,
        };
        for (parameter, gradient) in [(&self.weight, &found.gamma), (&self.bias, &found.beta)] {
            let of_samples = |positions: &[usize]| columns(gradient, positions);
            pass.leave_gradient(parameter, || Ok(gradient.clone()), of_samples)?;
        }
        Ok(found.inputs)
    }

    fn track(&self, moments: &ChannelMoments) -> Result<()> {
        let count = moments.count.expect("moments of a minibatch") as f64;
        let unbiased = if count > 1. { count / (count - 1.) } else { 1. };
        track(&self.running_mean, &moments.mean()?, MOMENTUM, 1.)?;
        track(&self.running_variance, &moments.variance()?, MOMENTUM, unbiased)?;
        let n_batches = self.n_batches.to_scalar::<i64>()? + 1;
        self.n_batches.set(&Tensor::new(n_batches, self.n_batches.device())?)
    }

    /// As [`BatchNormLayer::forward_with`], with directional derivatives, by the stored statistics.
    pub fn forward_tangent_with(
        &self,
        inputs: Dual,
        residual: Option<&Dual>,
        pass: &mut TangentPass<'_>,
    ) -> Result<Dual> {
        let moments = ChannelMoments::stored(&self.running_mean, &self.running_variance)?;
        let ((gamma, along_gamma), (beta, along_beta)) =
            (pass.moving(&self.weight), pass.moving(&self.bias));
        let both = (&inputs.value, inputs.tangent.as_ref());
        let tangent =
            self.norm.forward_tangent(both, &moments, gamma, (along_gamma, along_beta))?;
        if let Some(own) = residual.and_then(|residual| residual.tangent.as_ref()) {
            accumulate(&tangent, own)?;
        }
        let residual = residual.map(|residual| &residual.value);
        let value = self.norm.forward(&inputs.value, &moments, (gamma, beta), residual)?;
        if self.norm.relu {
            close_relu(&value, &tangent)?;
        }
        pass.keep(&inputs);
        Ok(Dual { value, tangent: Some(tangent) })
    }

    /// The way back to the inputs, from a gradient that has passed the ReLU already.
    pub fn backward_tangent_behind_relu(
        &self,
        gradient: &Dual,
        pass: &mut TangentPass<'_>,
    ) -> Result<Dual> {
        let inputs = pass.recall();
        let moments = ChannelMoments::stored(&self.running_mean, &self.running_variance)?;
        let ((gamma, along_gamma), (beta, along_beta)) =
            (pass.moving(&self.weight), pass.moving(&self.bias));
        let found = self.norm.backward_tangent(
            (&inputs.value, inputs.tangent.as_ref()),
            &moments,
            (gamma, beta),
            (along_gamma, along_beta),
            (&gradient.value, gradient.moving()),
        )?;
        pass.leave_product(&self.weight, found.gamma);
        pass.leave_product(&self.bias, found.beta);
        Ok(Dual { value: found.inputs, tangent: Some(found.inputs_tangent) })
    }
}

impl Layer for BatchNormLayer {
    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        self.forward_with(inputs, None, pass)
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        self.back(self.norm, &gradient, pass)
    }

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let outputs = self.forward_tangent_with(inputs, None, pass)?;
        pass.keep(&outputs);
        Ok(outputs)
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let outputs = pass.recall().value;
        if self.norm.relu {
            gradient.close(&outputs)?;
        }
        self.backward_tangent_behind_relu(&gradient, pass)
    }
}
