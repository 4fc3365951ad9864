//! Pooling on a GPU.

use candle_core::{CudaStorage, Result};

use super::{Map, MaxPool};
use crate::ops::cuda::{CudaReal, Numbers, each, launch, room};

/// The maxima.
pub fn maxima<T: CudaReal>(
    pool: &MaxPool,
    x: &Numbers<'_, T>,
    (n_samples, height, width, channels): Map,
    (out_height, out_width): (usize, usize),
) -> Result<CudaStorage> {
    let n = n_samples * out_height * out_width * channels;
    let y = room::<T>(x.device, n)?;
    launch!(T, x.device, "max_pool", each(n);
        n as i64, height as i32, width as i32, channels as i32, out_height as i32, out_width as i32,
        pool.kernel as i32, pool.stride as i32, pool.padding as i32, x.view, y.as_view());
    Ok(CudaStorage::wrap_cuda_slice(y, x.device.clone()))
}

/// The gradient of every maximum, added to the first number of its window that equals it.
pub fn gradient<T: CudaReal>(
    pool: &MaxPool,
    x: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
    (_, height, width, channels): Map,
    (out_height, out_width): (usize, usize),
) -> Result<CudaStorage> {
    let (n, target) = (x.len(), room::<T>(x.device, x.len())?);
    launch!(T, x.device, "max_pool_gradient", each(n);
        n as i64, height as i32, width as i32, channels as i32, out_height as i32, out_width as i32,
        pool.kernel as i32, pool.stride as i32, pool.padding as i32, x.view, gradient.view, target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, x.device.clone()))
}

/// The tangent at the first number of every window that equals its maximum.
pub fn tangent<T: CudaReal>(
    pool: &MaxPool,
    x: &Numbers<'_, T>,
    tangent: &Numbers<'_, T>,
    (n_samples, height, width, channels): Map,
    (out_height, out_width): (usize, usize),
) -> Result<CudaStorage> {
    let n = n_samples * out_height * out_width * channels;
    let target = room::<T>(x.device, n)?;
    launch!(T, x.device, "max_pool_tangent", each(n);
        n as i64, height as i32, width as i32, channels as i32, out_height as i32, out_width as i32,
        pool.kernel as i32, pool.stride as i32, pool.padding as i32, x.view, tangent.view, target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, x.device.clone()))
}

/// The mean of each channel of maps with `n_pixels`.
pub fn means<T: CudaReal>(
    x: &Numbers<'_, T>,
    n_pixels: usize,
    channels: usize,
) -> Result<CudaStorage> {
    let n = x.len() / n_pixels;
    let y = room::<T>(x.device, n)?;
    launch!(T, x.device, "global_mean_pool", each(n);
        n as i64, n_pixels as i64, channels as i64, x.view, y.as_view());
    Ok(CudaStorage::wrap_cuda_slice(y, x.device.clone()))
}

/// The gradient of the means.
pub fn spread<T: CudaReal>(
    gradient: &Numbers<'_, T>,
    n_pixels: usize,
    channels: usize,
) -> Result<CudaStorage> {
    let n = gradient.len() * n_pixels;
    let target = room::<T>(gradient.device, n)?;
    launch!(T, gradient.device, "global_mean_pool_gradient", each(n);
        n as i64, n_pixels as i64, channels as i64, gradient.view, target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, gradient.device.clone()))
}
