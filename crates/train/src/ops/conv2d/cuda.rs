//! The convolution on a GPU: windows as rows of a matrix, and products by cuBLAS.
//!
//! *Why not an implicit product?* cuBLAS has TF32 and every generation's fastest loops; a matrix of windows costs one
//! pass over memory more. It is made for so many samples at a time that it never outgrows [`MOST_NUMBERS`].

use std::ops::Range;

use candle_core::cuda_backend::CudaDevice;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView, CudaViewMut};
use candle_core::{CudaStorage, Result, bail};

use super::Geometry;
use crate::ops::cuda::{CudaReal, Numbers, Product, blocks, each, launch, room, upload};

/// Numbers of a matrix of windows, at most: 256 MiB of `f32`. Places in it have to fit into 32 bits.
const MOST_NUMBERS: usize = 1 << 26;

impl Geometry {
    /// Numbers of a window.
    fn window_len(&self) -> usize {
        self.kernel_height * self.kernel_width * self.c_in
    }

    /// Pixels of an output map.
    fn out_pixels(&self) -> usize {
        let (height, width) = self.output_size();
        height * width
    }

    fn map_len(&self) -> usize {
        self.height * self.width * self.c_in
    }

    /// Whether the windows are the pixels themselves.
    fn is_pointwise(&self) -> bool {
        (self.kernel_height, self.kernel_width, self.stride, self.padding) == (1, 1, 1, 0)
    }

    /// Samples whose windows, or whatever else has so many numbers a sample, are worked on at once.
    fn chunks(&self, numbers_of_sample: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (n_samples, at_once) = (self.n_samples, (MOST_NUMBERS / numbers_of_sample).max(1));
        (0..n_samples).step_by(at_once).map(move |first| first..(first + at_once).min(n_samples))
    }

    /// A kernel that reads maps or windows and writes the other.
    fn between<T: CudaReal>(
        &self,
        device: &CudaDevice,
        name: &str,
        n: usize,
        from: CudaView<'_, T>,
        to: CudaView<'_, T>,
    ) -> Result<()> {
        let (out_height, out_width) = self.output_size();
        launch!(T, device, name, each(n);
            n as i64, self.height as i32, self.width as i32, self.c_in as i32, out_height as i32, out_width as i32,
            self.kernel_height as i32, self.kernel_width as i32, self.stride as i32, self.padding as i32, from, to);
        Ok(())
    }

    /// Weights in the order of windows, `[C_out, K_h, K_w, C_in]`.
    fn packed<T: CudaReal>(&self, weights: &Numbers<'_, T>) -> Result<CudaSlice<T>> {
        let (device, n) = (weights.device, weights.len());
        let packed = room::<T>(device, n)?;
        launch!(T, device, "conv2d_pack", each(n);
            n as i64, self.c_in as i32, self.taps(), weights.view, packed.as_view());
        Ok(packed)
    }

    fn taps(&self) -> i32 {
        (self.kernel_height * self.kernel_width) as i32
    }
}

/// The convolution: windows times weights.
pub fn forward<T: CudaReal>(
    geometry: &Geometry,
    x: &Numbers<'_, T>,
    weights: &Numbers<'_, T>,
) -> Result<CudaStorage> {
    let (device, out_len) = (x.device, geometry.out_pixels() * geometry.c_out);
    let packed = geometry.packed(weights)?;
    let mut y = room::<T>(device, geometry.n_samples * out_len)?;
    for_windows(geometry, x, 0, |samples, windows| {
        let sizes = [samples.len() * geometry.out_pixels(), geometry.window_len(), geometry.c_out];
        let product = Product { sizes, transposed: [false, true], add: false, n_products: 1 };
        let mut y = y.slice_mut(samples.start * out_len..samples.end * out_len);
        product.run(device, windows, &packed.as_view(), &mut y)
    })?;
    Ok(CudaStorage::wrap_cuda_slice(y, device.clone()))
}

/// Calls `of` with the windows of all samples, some at a time: so many that neither the windows nor whatever else has
/// `numbers_of_sample` outgrows [`MOST_NUMBERS`].
fn for_windows<T: CudaReal>(
    geometry: &Geometry,
    x: &Numbers<'_, T>,
    numbers_of_sample: usize,
    mut of: impl FnMut(Range<usize>, &CudaView<'_, T>) -> Result<()>,
) -> Result<()> {
    let (len, map_len) = (geometry.out_pixels() * geometry.window_len(), geometry.map_len());
    for samples in geometry.chunks(len.max(numbers_of_sample)) {
        let maps = x.view.slice(samples.start * map_len..samples.end * map_len);
        if geometry.is_pointwise() {
            of(samples, &maps)?;
        } else {
            let windows = room::<T>(x.device, samples.len() * len)?;
            geometry.between(x.device, "conv2d_windows", windows.len(), maps, windows.as_view())?;
            of(samples, &windows.as_view())?;
        }
    }
    Ok(())
}

/// The gradient with respect to the inputs: that of the windows, added up where they overlap.
pub fn input_gradient<T: CudaReal>(
    geometry: &Geometry,
    gradient: &Numbers<'_, T>,
    weights: &Numbers<'_, T>,
) -> Result<CudaStorage> {
    let (device, map_len) = (gradient.device, geometry.map_len());
    let (out_pixels, window_len) = (geometry.out_pixels(), geometry.window_len());
    let out_len = out_pixels * geometry.c_out;
    let packed = geometry.packed(weights)?;
    let mut target = room::<T>(device, geometry.n_samples * map_len)?;
    let product = |samples: &Range<usize>, windows: &mut CudaViewMut<'_, T>| {
        let sizes = [samples.len() * out_pixels, geometry.c_out, window_len];
        let product = Product { sizes, transposed: [false, false], add: false, n_products: 1 };
        let gradient = gradient.view.slice(samples.start * out_len..samples.end * out_len);
        product.run(device, &gradient, &packed.as_view(), windows)
    };
    if geometry.is_pointwise() {
        product(&(0..geometry.n_samples), &mut target.as_view_mut())?;
    } else {
        // Places in the maps have to fit into 32 bits as well.
        for samples in geometry.chunks((out_pixels * window_len).max(map_len)) {
            let mut windows = room::<T>(device, samples.len() * out_pixels * window_len)?;
            product(&samples, &mut windows.as_view_mut())?;
            let maps = target.slice(samples.start * map_len..samples.end * map_len);
            geometry.between(device, "conv2d_overlap", maps.len(), windows.as_view(), maps)?;
        }
    }
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}

/// The gradient with respect to the weights: gradients times windows.
pub fn weight_gradient<T: CudaReal>(
    geometry: &Geometry,
    x: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
) -> Result<CudaStorage> {
    let (device, out_len) = (x.device, geometry.out_pixels() * geometry.c_out);
    let n_weights = geometry.c_out * geometry.window_len();
    let mut packed = room::<T>(device, n_weights)?;
    for_windows(geometry, x, 0, |samples, windows| {
        let sizes = [geometry.c_out, samples.len() * geometry.out_pixels(), geometry.window_len()];
        let add = samples.start > 0;
        let product = Product { sizes, transposed: [true, false], add, n_products: 1 };
        let gradient = gradient.view.slice(samples.start * out_len..samples.end * out_len);
        product.run(device, &gradient, windows, &mut packed.as_view_mut())
    })?;
    let target = room::<T>(device, n_weights)?;
    launch!(T, device, "conv2d_unpack", each(n_weights);
        n_weights as i64, geometry.c_in as i32, geometry.taps(), packed.as_view(), target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}

/// The sums over pixels for every sample, `[N, K]`, one by one.
pub fn weight_sums<T: CudaReal>(
    geometry: &Geometry,
    x: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
    positions: &[usize],
) -> Result<CudaStorage> {
    let (device, n) = (x.device, geometry.n_samples * positions.len());
    if n > i32::MAX as usize {
        bail!(
            "conv2d: gradients of {} samples at {} weights at once",
            geometry.n_samples,
            positions.len()
        );
    }
    let (places, target) = (upload(device, positions)?, room::<T>(device, n)?);
    let (out_height, out_width) = geometry.output_size();
    launch!(T, device, "conv2d_sample_weights", blocks((n, 1, 1));
        positions.len() as i64, geometry.height as i32, geometry.width as i32, geometry.c_in as i32,
        out_height as i32, out_width as i32, geometry.c_out as i32, geometry.kernel_height as i32,
        geometry.kernel_width as i32, geometry.stride as i32, geometry.padding as i32, places.as_view(), x.view,
        gradient.view, target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}

/// All sums over pixels of some samples at a time, a product for each, and then those that are asked for, `[N, K]`.
pub fn sample_weight_gradients<T: CudaReal>(
    geometry: &Geometry,
    x: &Numbers<'_, T>,
    gradient: &Numbers<'_, T>,
    positions: &[usize],
) -> Result<CudaStorage> {
    let (device, n_positions) = (x.device, positions.len());
    let (out_pixels, window_len) = (geometry.out_pixels(), geometry.window_len());
    let out_len = out_pixels * geometry.c_out;
    let n_weights = geometry.c_out * window_len;
    let places = upload(device, positions)?;
    let target = room::<T>(device, geometry.n_samples * n_positions)?;
    for_windows(geometry, x, n_weights, |samples, windows| {
        let mut packed = room::<T>(device, samples.len() * n_weights)?;
        let sizes = [geometry.c_out, out_pixels, window_len];
        let n_products = samples.len();
        let products = Product { sizes, transposed: [true, false], add: false, n_products };
        let gradient = gradient.view.slice(samples.start * out_len..samples.end * out_len);
        products.run(device, &gradient, windows, &mut packed.as_view_mut())?;
        let rows = target.slice(samples.start * n_positions..samples.end * n_positions);
        let n = rows.len();
        launch!(T, device, "conv2d_pick", each(n);
            n as i64, n_positions as i64, n_weights as i64, geometry.c_in as i32, geometry.taps(), places.as_view(),
            packed.as_view(), rows);
        Ok(())
    })?;
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}

/// The sums over the pixels of every sample at some channels, `[N, K]`.
pub fn bias_sums<T: CudaReal>(
    gradient: &Numbers<'_, T>,
    (n_pixels, c_out): (usize, usize),
    positions: &[usize],
) -> Result<CudaStorage> {
    let device = gradient.device;
    let n = gradient.len() / (n_pixels * c_out) * positions.len();
    let (places, target) = (upload(device, positions)?, room::<T>(device, n)?);
    launch!(T, device, "conv2d_sample_biases", each(n);
        n as i64, positions.len() as i64, n_pixels as i64, c_out as i64, places.as_view(), gradient.view,
        target.as_view());
    Ok(CudaStorage::wrap_cuda_slice(target, device.clone()))
}
