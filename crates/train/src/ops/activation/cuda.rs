//! The activations on a GPU.

use candle_core::{CudaStorage, Result};

use super::Activation;
use crate::ops::cuda::{CudaReal, Numbers, each, launch, room};

/// The function at every number.
pub fn forward<T: CudaReal>(activation: Activation, x: &Numbers<'_, T>) -> Result<CudaStorage> {
    let (n, y) = (x.len(), room::<T>(x.device, x.len())?);
    launch!(T, x.device, "activation", each(n); n as i64, activation as i32, x.view, y.as_view());
    Ok(CudaStorage::wrap_cuda_slice(y, x.device.clone()))
}

/// A factor times the derivative of the first or second order at every number.
pub fn derivative<T: CudaReal>(
    activation: Activation,
    order: u32,
    x: &Numbers<'_, T>,
    factor: &Numbers<'_, T>,
) -> Result<CudaStorage> {
    let (n, target) = (x.len(), room::<T>(x.device, x.len())?);
    let kernel = if order == 1 { "activation_gradient" } else { "activation_second_derivative" };
    launch!(T, x.device, kernel, each(n);
        n as i64, activation as i32, x.view, factor.view, target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, x.device.clone()))
}

/// The ReLU, in place.
pub fn relu_in_place<T: CudaReal>(x: &Numbers<'_, T>) -> Result<()> {
    let n = x.len();
    launch!(T, x.device, "activation", each(n);
        n as i64, Activation::Relu as i32, x.view, x.view);
    Ok(())
}

/// The gradient of a ReLU with these outputs, in place.
pub fn close_relu<T: CudaReal>(gradient: &Numbers<'_, T>, y: &Numbers<'_, T>) -> Result<()> {
    let n = y.len();
    launch!(T, y.device, "activation_gradient", each(n);
        n as i64, Activation::Relu as i32, y.view, gradient.view, gradient.view);
    Ok(())
}
