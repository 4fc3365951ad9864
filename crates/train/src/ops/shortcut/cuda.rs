//! Shortcuts on a GPU.

use candle_core::{CudaStorage, Result};

use super::ChannelPadding;
use crate::ops::cuda::{CudaReal, Numbers, each, launch, room};

/// Adds `addend` to `target`.
pub fn accumulate<T: CudaReal>(target: &Numbers<'_, T>, addend: &Numbers<'_, T>) -> Result<()> {
    let n = target.len();
    launch!(T, target.device, "accumulate", each(n); n as i64, addend.view, target.view);
    Ok(())
}

/// The smaller, deeper map.
pub fn pad<T: CudaReal>(
    padding: ChannelPadding,
    x: &Numbers<'_, T>,
    [_, height, width, channels]: [usize; 4],
    outputs: [usize; 4],
) -> Result<CudaStorage> {
    let n = outputs.iter().product();
    let y = room::<T>(x.device, n)?;
    launch!(T, x.device, "channel_padding", each(n);
        n as i64, height as i64, width as i64, channels as i64, outputs[1] as i64, outputs[2] as i64,
        padding.stride as i64, padding.padding as i64, x.view, y.as_view());
    Ok(CudaStorage::wrap_cuda_slice(y, x.device.clone()))
}

/// Adds the gradient with respect to the inputs to `target`.
pub fn accumulate_backward<T: CudaReal>(
    padding: ChannelPadding,
    target: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
    [_, height, width, channels]: [usize; 4],
    outputs: [usize; 4],
) -> Result<()> {
    let n = target.len();
    launch!(T, target.device, "channel_padding_gradient", each(n);
        n as i64, height as i64, width as i64, channels as i64, outputs[1] as i64, outputs[2] as i64,
        padding.stride as i64, padding.padding as i64, gradient.view, target.view);
    Ok(())
}
