//! Matrix products on a GPU, by cuBLAS.

use candle_core::{CudaStorage, Result};

use crate::ops::cuda::{CudaReal, Numbers, Product, each, launch, room, upload};

/// `A B + bias`, `[n, m]`; `sizes` is n, k, m, and `transposed` says which factor is stored so.
pub fn product<T: CudaReal>(
    a: &Numbers<'_, T>,
    b: &Numbers<'_, T>,
    bias: Option<&Numbers<'_, T>>,
    sizes: [usize; 3],
    transposed: [bool; 2],
) -> Result<CudaStorage> {
    let (device, [n, _, m]) = (a.device, sizes);
    let mut y = room::<T>(device, n * m)?;
    if let Some(bias) = bias {
        launch!(T, device, "rows", each(n * m); (n * m) as i64, m as i64, bias.view, y.as_view());
    }
    let product = Product { sizes, transposed, add: bias.is_some(), n_products: 1 };
    product.run(device, &a.view, &b.view, &mut y.as_view_mut())?;
    Ok(CudaStorage::wrap_cuda_slice(y, device.clone()))
}

/// `g_no x_ni` for every sample and position (o, i), `[N, K]`.
pub fn sample_weight_gradients<T: CudaReal>(
    gradient: &Numbers<'_, T>,
    inputs: &Numbers<'_, T>,
    [n_samples, n_in, n_out]: [usize; 3],
    positions: &[usize],
) -> Result<CudaStorage> {
    let (device, n) = (gradient.device, n_samples * positions.len());
    let (places, target) = (upload(device, positions)?, room::<T>(device, n)?);
    launch!(T, device, "linear_sample_weights", each(n);
        n as i64, positions.len() as i64, n_in as i64, n_out as i64, places.as_view(), gradient.view, inputs.view,
        target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}
