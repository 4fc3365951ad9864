//! Two-dimensional convolution of feature maps `[N, H, W, C]`.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod geometry;
mod samples;

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

use self::geometry::Geometry;
#[cfg(feature = "cuda")]
use super::cuda::Numbers;
use super::simd::Real;
use super::storage::{for_real, slice};

/// `y[n, i, j, o] = Σ_{k, l, c} w[o, c, k, l] x[n, s i + k − p, s j + l − p, c]`, zero outside of the map.
///
/// Inputs `[N, H, W, C_in]`, weights `[C_out, C_in, K_h, K_w]` as PyTorch's, outputs `[N, H′, W′, C_out]` with
/// `H′ = ⌊(H + 2p − K_h)/s⌋ + 1`. No bias and no dilation. Works for `f32` and `f64`.
///
/// As a [`CustomOp2`] of inputs and weights it has a backward pass; [`Conv2d::input_gradient`] and
/// [`Conv2d::weight_gradient`] are its two halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Distance s of the windows.
    pub stride: usize,
    /// Zeros p on every side.
    pub padding: usize,
}

impl Conv2d {
    /// The convolution.
    ///
    /// # Errors
    /// When the shapes do not fit together, or the weights are greater than the padded map.
    pub fn forward(&self, inputs: &Tensor, weights: &Tensor) -> Result<Tensor> {
        inputs.apply_op2_no_bwd(weights, self)
    }

    /// The gradient `[N, H, W, C_in]` with respect to the inputs, whose height and width are given.
    pub fn input_gradient(
        &self,
        outputs_gradient: &Tensor,
        weights: &Tensor,
        (height, width): (usize, usize),
    ) -> Result<Tensor> {
        let op = InputGradient { conv: *self, height, width };
        outputs_gradient.apply_op2_no_bwd(weights, &op)
    }

    /// The gradient `[C_out, C_in, K_h, K_w]` with respect to the weights, whose height and width are given.
    pub fn weight_gradient(
        &self,
        inputs: &Tensor,
        outputs_gradient: &Tensor,
        (height, width): (usize, usize),
    ) -> Result<Tensor> {
        let op = WeightGradient { conv: *self, height, width };
        inputs.apply_op2_no_bwd(outputs_gradient, &op)
    }

    /// From the inputs and the weights.
    fn of_inputs(&self, inputs: &Layout, weights: &Layout) -> Result<Geometry> {
        let inputs = inputs.shape().dims4()?;
        let (c_out, c_in, kernel_height, kernel_width) = weights.shape().dims4()?;
        if inputs.3 != c_in {
            bail!("conv2d: inputs have {} channels and weights {c_in}", inputs.3);
        }
        self.geometry(inputs, (c_out, kernel_height, kernel_width))
    }

    /// From the inputs, the gradient with respect to the outputs, and height and width of the weights.
    fn of_gradient(
        &self,
        inputs: &Layout,
        gradient: &Layout,
        (height, width): (usize, usize),
    ) -> Result<Geometry> {
        let (n_samples, out_height, out_width, c_out) = gradient.shape().dims4()?;
        let geometry = self.geometry(inputs.shape().dims4()?, (c_out, height, width))?;
        if geometry.output_size() != (out_height, out_width) || n_samples != geometry.n_samples {
            let (gradient, inputs) = (gradient.shape(), inputs.shape());
            bail!("conv2d: a gradient of {gradient:?} for inputs of {inputs:?}");
        }
        Ok(geometry)
    }

    fn geometry(
        &self,
        (n_samples, height, width, c_in): (usize, usize, usize, usize),
        (c_out, kernel_height, kernel_width): (usize, usize, usize),
    ) -> Result<Geometry> {
        let Self { stride, padding } = *self;
        let fits = height + 2 * padding >= kernel_height && width + 2 * padding >= kernel_width;
        if stride == 0 || !fits || kernel_height == 0 || kernel_width == 0 {
            bail!(
                "conv2d: {kernel_height}×{kernel_width} weights with stride {stride} and padding {padding} do not fit \
                 a map of {height}×{width}"
            );
        }
        Ok(Geometry {
            n_samples,
            height,
            width,
            c_in,
            c_out,
            kernel_height,
            kernel_width,
            stride,
            padding,
        })
    }
}

impl CustomOp2 for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = self.of_inputs(l1, l2)?;
        let storage = for_real!(s1, "conv2d", T => T::to_cpu_storage_owned(
            cpu::forward::<T, { T::LANES }>(&geometry, slice(s1, l1)?, slice(s2, l2)?)
        ));
        Ok((storage, geometry.output_shape()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let geometry = self.of_inputs(l1, l2)?;
        let storage = for_real!(s1, "conv2d", T =>
            cuda::forward::<T>(&geometry, &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?)?);
        Ok((storage, geometry.output_shape()))
    }

    fn bwd(
        &self,
        inputs: &Tensor,
        weights: &Tensor,
        _outputs: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let (_, height, width, _) = inputs.dims4()?;
        let (_, _, kernel_height, kernel_width) = weights.dims4()?;
        let inputs_gradient = self.input_gradient(&gradient, weights, (height, width))?;
        let kernel = (kernel_height, kernel_width);
        Ok((Some(inputs_gradient), Some(self.weight_gradient(inputs, &gradient, kernel)?)))
    }
}

struct InputGradient {
    conv: Conv2d,
    height: usize,
    width: usize,
}

impl InputGradient {
    /// From the gradient with respect to the outputs, and the weights.
    fn geometry(&self, gradient: &Layout, weights: &Layout) -> Result<Geometry> {
        let (n_samples, out_height, out_width, c_out) = gradient.shape().dims4()?;
        let (weights_c_out, c_in, kernel_height, kernel_width) = weights.shape().dims4()?;
        let inputs = (n_samples, self.height, self.width, c_in);
        let geometry = self.conv.geometry(inputs, (c_out, kernel_height, kernel_width))?;
        if geometry.output_size() != (out_height, out_width) || weights_c_out != c_out {
            let (gradient, weights) = (gradient.shape(), weights.shape());
            bail!("conv2d: a gradient of {gradient:?} for weights of {weights:?}");
        }
        Ok(geometry)
    }
}

impl CustomOp2 for InputGradient {
    fn name(&self) -> &'static str {
        "conv2d_input_gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = self.geometry(l1, l2)?;
        let storage = for_real!(s1, "conv2d", T => T::to_cpu_storage_owned(
            cpu::input_gradient::<T, { T::LANES }>(&geometry, slice(s1, l1)?, slice(s2, l2)?)
        ));
        Ok((storage, geometry.input_shape()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let geometry = self.geometry(l1, l2)?;
        let storage = for_real!(s1, "conv2d", T =>
            cuda::input_gradient::<T>(&geometry, &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?)?);
        Ok((storage, geometry.input_shape()))
    }
}

struct WeightGradient {
    conv: Conv2d,
    height: usize,
    width: usize,
}

impl CustomOp2 for WeightGradient {
    fn name(&self) -> &'static str {
        "conv2d_weight_gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let geometry = self.conv.of_gradient(l1, l2, (self.height, self.width))?;
        let storage = for_real!(s1, "conv2d", T => T::to_cpu_storage_owned(
            cpu::weight_gradient::<T, { T::LANES }>(&geometry, slice(s1, l1)?, slice(s2, l2)?)
        ));
        Ok((storage, geometry.weight_shape()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let geometry = self.conv.of_gradient(l1, l2, (self.height, self.width))?;
        let storage = for_real!(s1, "conv2d", T =>
            cuda::weight_gradient::<T>(&geometry, &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?)?);
        Ok((storage, geometry.weight_shape()))
    }
}

#[cfg(test)]
mod tests;
