//! Residual blocks.

use candle_core::{Result, Tensor};

use super::{BatchNormLayer, Conv, Dual, Layer, Pass, TangentPass};
use crate::ops::{ChannelPadding, accumulate, close_relu};

/// `relu(F(x) + shortcut(x))`, F convolutions with batch normalisations and a ReLU behind each but the last.
///
/// He et al. (2016), doi:10.1109/CVPR.2016.90, equations 1 and 2.
pub struct Residual {
    /// Convolutions and normalisations in order; the ReLU of the last comes after the addition.
    pub branch: Vec<(Conv, BatchNormLayer)>,
    /// What is added.
    pub shortcut: Shortcut,
}

/// What a residual block adds to its branch.
pub enum Shortcut {
    /// The inputs.
    Identity,
    /// Every other pixel of the inputs, and zeros for the channels that are missing: option A of He et al.
    Padded(ChannelPadding),
    /// A convolution of 1 × 1 and a normalisation: option B.
    Projection(Box<(Conv, BatchNormLayer)>),
}

impl Layer for Residual {
    fn forward(&self, inputs: Tensor, pass: &mut Pass) -> Result<Tensor> {
        let ((last_conv, last_norm), others) =
            self.branch.split_last().expect("a branch has layers");
        let shortcut = match &self.shortcut {
            Shortcut::Identity => inputs.clone(),
            Shortcut::Padded(padding) => padding.forward(&inputs)?,
            Shortcut::Projection(layers) => {
                let projected = layers.0.forward(inputs.clone(), pass)?;
                layers.1.forward(projected, pass)?
            }
        };
        let mut map = inputs;
        for (conv, norm) in others {
            map = norm.forward(conv.forward(map, pass)?, pass)?;
        }
        let map = last_conv.forward(map, pass)?;
        let outputs = last_norm.forward_with(map, Some(&shortcut), pass)?;
        pass.keep(&outputs);
        Ok(outputs)
    }

    fn backward(&self, gradient: Tensor, pass: &mut Pass) -> Result<Tensor> {
        let ((last_conv, last_norm), others) =
            self.branch.split_last().expect("a branch has layers");
        let outputs = pass.recall();
        close_relu(&outputs, &gradient)?;
        drop(outputs);
        let of_sum = gradient;
        let mut of_map = last_norm.backward_behind_residual(&of_sum, pass)?;
        of_map = last_conv.backward(of_map, pass)?;
        for (conv, norm) in others.iter().rev() {
            of_map = conv.backward(norm.backward(of_map, pass)?, pass)?;
        }
        match &self.shortcut {
            Shortcut::Identity => accumulate(&of_map, &of_sum)?,
            Shortcut::Padded(padding) => padding.accumulate_backward(&of_map, &of_sum)?,
            Shortcut::Projection(layers) => {
                let of_shortcut = layers.1.backward(of_sum, pass)?;
                accumulate(&of_map, &layers.0.backward(of_shortcut, pass)?)?;
            }
        }
        Ok(of_map)
    }

    fn forward_tangent(&self, inputs: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let ((last_conv, last_norm), others) =
            self.branch.split_last().expect("a branch has layers");
        let shortcut = match &self.shortcut {
            Shortcut::Identity => inputs.clone(),
            Shortcut::Padded(padding) => inputs.map(|map| padding.forward(map))?,
            Shortcut::Projection(layers) => {
                let projected = layers.0.forward_tangent(inputs.clone(), pass)?;
                layers.1.forward_tangent(projected, pass)?
            }
        };
        let mut map = inputs;
        for (conv, norm) in others {
            map = norm.forward_tangent(conv.forward_tangent(map, pass)?, pass)?;
        }
        let map = last_conv.forward_tangent(map, pass)?;
        let outputs = last_norm.forward_tangent_with(map, Some(&shortcut), pass)?;
        pass.keep(&outputs);
        Ok(outputs)
    }

    fn backward_tangent(&self, gradient: Dual, pass: &mut TangentPass<'_>) -> Result<Dual> {
        let ((last_conv, last_norm), others) =
            self.branch.split_last().expect("a branch has layers");
        gradient.close(&pass.recall().value)?;
        let of_sum = gradient;
        let of_last = last_norm.backward_tangent_behind_relu(&of_sum, pass)?;
        let mut of_map = last_conv.backward_tangent(of_last, pass)?;
        for (conv, norm) in others.iter().rev() {
            of_map = conv.backward_tangent(norm.backward_tangent(of_map, pass)?, pass)?;
        }
        match &self.shortcut {
            Shortcut::Identity => of_map.add_to_both(&of_sum, accumulate)?,
            Shortcut::Padded(padding) => of_map
                .add_to_both(&of_sum, |target, own| padding.accumulate_backward(target, own))?,
            Shortcut::Projection(layers) => {
                let of_shortcut = layers.1.backward_tangent(of_sum, pass)?;
                let of_shortcut = layers.0.backward_tangent(of_shortcut, pass)?;
                of_map.add_to_both(&of_shortcut, accumulate)?;
            }
        }
        Ok(of_map)
    }
}
