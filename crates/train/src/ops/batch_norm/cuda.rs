//! Batch normalisation on a GPU.

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{CudaStorage, Result};

use crate::ops::cuda::{CudaReal, Numbers, blocks, each, launch, room};

/// Channels of a block, `LANES` of the kernels.
const LANES: usize = 32;

/// Rows of a slice, where that makes no more than [`MOST_SLICES`].
const ROWS: usize = 256;

/// Slices of a group: more would fill a GPU even where channels are few, but their sums are added one after the other.
const MOST_SLICES: usize = 512;

/// How the pixels of every group are cut.
struct Slices {
    n_groups: usize,
    n_rows: usize,
    n_channels: usize,
    len: usize,
    n_slices: usize,
}

impl Slices {
    fn of(len: usize, n_groups: usize, n_channels: usize) -> Self {
        let n_rows = len / n_groups / n_channels;
        let len = n_rows.div_ceil(MOST_SLICES).max(ROWS);
        Self { n_groups, n_rows, n_channels, len, n_slices: n_rows.div_ceil(len) }
    }

    fn grid(&self) -> (usize, usize, usize) {
        (self.n_channels.div_ceil(LANES), self.n_slices, self.n_groups)
    }

    /// Numbers in two sums for every channel of every slice.
    fn n_partial(&self) -> usize {
        self.n_groups * self.n_slices * 2 * self.n_channels
    }
}

/// Mean and biased variance, `[n_groups, 2, n_channels]`.
pub fn moments<T: CudaReal>(
    x: &Numbers<'_, T>,
    n_groups: usize,
    n_channels: usize,
) -> Result<CudaStorage> {
    let (device, slices) = (x.device, Slices::of(x.len(), n_groups, n_channels));
    let partial = room::<f64>(device, slices.n_partial())?;
    launch!(T, device, "batch_norm_slices", blocks(slices.grid());
        slices.n_rows as i64, n_channels as i64, slices.len as i64, x.view, partial.as_view());
    let (n, moments) = (n_groups * n_channels, room::<f64>(device, n_groups * 2 * n_channels)?);
    launch!(T, device, "batch_norm_moments", each(n);
        n as i64, slices.n_rows as i64, n_channels as i64, slices.n_slices as i64, x.view, partial.as_view(),
        moments.as_view());
    Ok(CudaStorage::wrap_cuda_slice(moments, device.clone()))
}

/// Moves running statistics towards the newest ones.
pub fn track<T: CudaReal>(
    running: &Numbers<'_, T>,
    newest: &Numbers<'_, f64>,
    share: f64,
    factor: f64,
) -> Result<()> {
    let n = running.len();
    launch!(T, running.device, "batch_norm_track", each(n);
        n as i64, share, factor, newest.view, running.view);
    Ok(())
}

/// Mean, γ/√(σ² + ε) and β of every group, `[n_groups, 3, n_channels]`.
pub fn scales<T: CudaReal>(
    moments: &Numbers<'_, f64>,
    gamma: &Numbers<'_, T>,
    beta: &Numbers<'_, T>,
    epsilon: f64,
) -> Result<CudaStorage> {
    let (device, n) = (gamma.device, moments.len() / 2);
    let scales = room::<T>(device, 3 * n)?;
    launch!(T, device, "batch_norm_scales", each(n);
        n as i64, gamma.len() as i64, epsilon, moments.view, gamma.view, beta.view, scales.as_view());
    Ok(CudaStorage::wrap_cuda_slice(scales, device.clone()))
}

/// a and b of [`input_gradient`], `[n_groups, 2, n_channels]`, where the moments are those of `count` numbers each.
pub fn terms<T: CudaReal>(
    moments: &Numbers<'_, f64>,
    gamma: &Numbers<'_, T>,
    sums: &Numbers<'_, f64>,
    epsilon: f64,
    count: usize,
) -> Result<CudaStorage> {
    let (device, n) = (gamma.device, moments.len() / 2);
    let terms = room::<T>(device, 2 * n)?;
    launch!(T, device, "batch_norm_terms", each(n);
        n as i64, gamma.len() as i64, epsilon, count as f64, moments.view, gamma.view, sums.view, terms.as_view());
    Ok(CudaStorage::wrap_cuda_slice(terms, device.clone()))
}

/// The gradients with respect to γ and β, `[n_rows, 2, n_channels]`: of every group, or with one row of all of them
/// together.
pub fn parameter_gradients(
    moments: &Numbers<'_, f64>,
    sums: &Numbers<'_, f64>,
    n_channels: usize,
    n_rows: usize,
    epsilon: f64,
) -> Result<CudaStorage> {
    let (device, n) = (sums.device, n_rows * n_channels);
    let target = room::<f64>(device, 2 * n)?;
    let n_groups = |numbers: &Numbers<'_, f64>| (numbers.len() / (2 * n_channels)) as i64;
    launch!(f64, device, "batch_norm_parameters", each(n);
        n_rows as i64, n_channels as i64, n_groups(sums), n_groups(moments), epsilon, moments.view, sums.view,
        target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}

/// `max(0, scale (x − mean) + beta + residual)`; rows of `scales` are mean, scale, beta.
pub fn normalised<T: CudaReal>(
    x: &Numbers<'_, T>,
    shape: &[usize],
    scales: &Numbers<'_, T>,
    residual: Option<&Numbers<'_, T>>,
    relu: bool,
) -> Result<CudaStorage> {
    let (device, n) = (x.device, x.len());
    let y = room::<T>(device, n)?;
    let group_len = (n / shape[0]) as i64;
    let (channels, relu) = (shape[2] as i64, i32::from(relu));
    match residual {
        Some(residual) => launch!(T, device, "batch_norm", each(n);
            n as i64, group_len, channels, relu, x.view, scales.view, residual.view, y.as_view()),
        None => launch!(T, device, "batch_norm", each(n);
            n as i64, group_len, channels, relu, x.view, scales.view, 0u64, y.as_view()),
    }
    Ok(CudaStorage::wrap_cuda_slice(y, device.clone()))
}

/// `Σ g` and `Σ g (x − mean)`, `[n_groups, 2, n_channels]`, g the gradient where the ReLU lets it pass.
pub fn gradient_sums<T: CudaReal>(
    x: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
    shape: &[usize],
    scales: &Numbers<'_, T>,
    relu: bool,
) -> Result<CudaStorage> {
    let (device, n_groups, n_channels) = (x.device, shape[0], shape[2]);
    let slices = Slices::of(x.len(), n_groups, n_channels);
    let partial = room::<f64>(device, slices.n_partial())?;
    launch!(T, device, "batch_norm_gradient_slices", blocks(slices.grid());
        slices.n_rows as i64, n_channels as i64, slices.len as i64, i32::from(relu), x.view, gradient.view, scales.view,
        partial.as_view());
    let sums: CudaSlice<f64> = room(device, n_groups * 2 * n_channels)?;
    launch!(T, device, "batch_norm_sums", each(sums.len());
        sums.len() as i64, n_channels as i64, slices.n_slices as i64, partial.as_view(), sums.as_view());
    Ok(CudaStorage::wrap_cuda_slice(sums, device.clone()))
}

/// `scale g + a (x − mean) + b`; rows of `scales` are mean, scale, beta, a, b.
pub fn input_gradient<T: CudaReal>(
    x: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
    shape: &[usize],
    scales: &Numbers<'_, T>,
    relu: bool,
) -> Result<CudaStorage> {
    let (device, n) = (x.device, x.len());
    let target = room::<T>(device, n)?;
    launch!(T, device, "batch_norm_input_gradient", each(n);
        n as i64, (n / shape[0]) as i64, shape[2] as i64, i32::from(relu), x.view, gradient.view, scales.view,
        target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}
