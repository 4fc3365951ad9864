//! What stands between layers, by its outputs.

/// An activation whose slope follows from its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `max(0, x)`.
    Relu,
    /// The hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// That of a network; `None` for one whose slope does not follow from its value.
    pub fn of(activation: train::ops::Activation) -> Option<Self> {
        match activation {
            train::ops::Activation::Relu => Some(Self::Relu),
            train::ops::Activation::Tanh => Some(Self::Tanh),
            train::ops::Activation::Gelu => None,
        }
    }

    /// Replaces numbers by their values. A NaN stays one.
    pub fn apply(self, numbers: &mut [f32]) {
        match self {
            Self::Relu => {
                numbers.iter_mut().for_each(|x| *x = if *x < 0. { 0. } else { *x });
            }
            Self::Tanh => numbers.iter_mut().for_each(|x| *x = x.tanh()),
        }
    }

    /// Multiplies a gradient with respect to `values` by the slope there: of the ReLU 0 at 0, of tanh `1 − y²`.
    pub fn close(self, values: &[f32], gradient: &mut [f32]) {
        let pairs = gradient.iter_mut().zip(values);
        match self {
            Self::Relu => pairs.for_each(|(g, y)| *g = if *y > 0. { *g } else { 0. }),
            Self::Tanh => pairs.for_each(|(g, y)| *g *= 1. - y * y),
        }
    }
}
