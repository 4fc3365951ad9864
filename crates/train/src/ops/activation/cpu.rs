//! The loops of the activations.

use super::Activation;
use crate::ops::parallel::for_chunks;
use crate::ops::simd::{Real, multiversion};

const CHUNK: usize = 1 << 13;

/// The function at every number.
pub fn forward<T: Real>(activation: Activation, inputs: &[T]) -> Vec<T> {
    let mut outputs = vec![T::zero(); inputs.len()];
    let work = inputs.len() * cost(activation);
    for_chunks(&mut outputs, CHUNK, work, |chunk, outputs, _: &mut ()| {
        let inputs = &inputs[chunk * CHUNK..][..outputs.len()];
        match activation {
            Activation::Relu => relu(inputs, outputs),
            Activation::Tanh => map(inputs, outputs, |x| x.tanh()),
            Activation::Gelu => map(inputs, outputs, |x| x * distribution(x)),
        }
    });
    outputs
}

/// A factor times the derivative of the first or second order at every number.
pub fn derivative<T: Real>(
    activation: Activation,
    order: u32,
    inputs: &[T],
    factor: &[T],
) -> Vec<T> {
    let mut outputs = factor.to_vec();
    let work = inputs.len() * cost(activation);
    for_chunks(&mut outputs, CHUNK, work, |chunk, outputs, _: &mut ()| {
        let inputs = &inputs[chunk * CHUNK..][..outputs.len()];
        let two = T::one() + T::one();
        match (activation, order) {
            (Activation::Relu, 1) => relu_gradient(inputs, outputs),
            (Activation::Relu, _) => outputs.fill(T::zero()),
            (Activation::Tanh, 1) => scale(inputs, outputs, |x| T::one() - x.tanh().powi(2)),
            (Activation::Tanh, _) => {
                scale(inputs, outputs, |x| -two * x.tanh() * (T::one() - x.tanh().powi(2)));
            }
            (Activation::Gelu, 1) => scale(inputs, outputs, |x| distribution(x) + x * density(x)),
            (Activation::Gelu, _) => scale(inputs, outputs, |x| density(x) * (two - x * x)),
        }
    });
    outputs
}

/// The ReLU, in place.
pub fn relu_in_place<T: Real>(values: &mut [T]) {
    let work = values.len();
    for_chunks(values, CHUNK, work, |_, values, _: &mut ()| clip(values));
}

/// The gradient of a ReLU with these outputs, in place.
pub fn close_relu<T: Real>(gradient: &mut [T], outputs: &[T]) {
    let work = outputs.len();
    for_chunks(gradient, CHUNK, work, |chunk, gradient, _: &mut ()| {
        relu_gradient(&outputs[chunk * CHUNK..][..gradient.len()], gradient);
    });
}

/// Elementary operations for a number.
fn cost(activation: Activation) -> usize {
    match activation {
        Activation::Relu => 1,
        Activation::Tanh | Activation::Gelu => 20,
    }
}

/// Φ of the standard Gaussian.
fn distribution<T: Real>(x: T) -> T {
    let x = candle_core::WithDType::to_f64(x);
    T::from_f64(0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2))
}

fn density<T: Real>(x: T) -> T {
    let normalisation =
        T::from_f64(0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2);
    (x * x * T::from_f64(-0.5)).exp() * normalisation
}

fn map<T: Real>(inputs: &[T], outputs: &mut [T], function: impl Fn(T) -> T) {
    outputs.iter_mut().zip(inputs).for_each(|(output, input)| *output = function(*input));
}

fn scale<T: Real>(inputs: &[T], outputs: &mut [T], function: impl Fn(T) -> T) {
    outputs.iter_mut().zip(inputs).for_each(|(output, input)| *output *= function(*input));
}

multiversion! {
    fn relu<T: Real>(inputs: &[T], outputs: &mut [T]) {
        for (output, input) in outputs.iter_mut().zip(inputs) {
            // A NaN stays one.
            *output = if *input < T::zero() { T::zero() } else { *input };
        }
    }
}

multiversion! {
    fn clip<T: Real>(values: &mut [T]) {
        for value in values {
            *value = if *value < T::zero() { T::zero() } else { *value };
        }
    }
}

multiversion! {
    fn relu_gradient<T: Real>(inputs: &[T], outputs: &mut [T]) {
        for (output, input) in outputs.iter_mut().zip(inputs) {
            *output = if *input > T::zero() { *output } else { T::zero() };
        }
    }
}
