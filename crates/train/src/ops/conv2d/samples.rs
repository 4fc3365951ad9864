//! What each sample by itself gives to the gradients of a convolution.

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail,
};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

use super::Conv2d;
use super::cpu::sample_weight_gradients;
#[cfg(feature = "cuda")]
use super::cuda;
use super::geometry::Geometry;
#[cfg(feature = "cuda")]
use crate::ops::cuda::Numbers;
use crate::ops::parallel::for_chunks;
use crate::ops::simd::Real;
use crate::ops::storage::{for_real, slice};

/// A product of a sum over pixels costs so many times what it does where the sums of all weights are taken together.
const DIRECT_COST: usize = 24;

impl Conv2d {
    /// The gradients of single samples with respect to the weights at `positions` in `[C_out, C_in, K_h, K_w]`, `[N, K]`:
    /// `Σ_{i, j} g[n, i, j, o] x[n, s i + k − p, s j + l − p, c]`, where `(K_h, K_w)` is given.
    ///
    /// Few weights are summed one by one; from a certain share on, all those of a sample are, and then picked.
    ///
    /// # Errors
    /// When the shapes do not fit together, or there is no such position.
    pub fn sample_weight_gradients(
        &self,
        inputs: &Tensor,
        outputs_gradient: &Tensor,
        (height, width): (usize, usize),
        positions: &[usize],
    ) -> Result<Tensor> {
        let op = SampleWeightGradients { conv: *self, height, width, positions };
        inputs.apply_op2_no_bwd(outputs_gradient, &op)
    }

    /// The gradients of single samples with respect to biases at `positions` in `[C_out]`, `[N, K]`: `Σ_{i, j} g[n, i, j, o]`.
    ///
    /// # Errors
    /// As [`Conv2d::sample_weight_gradients`].
    pub fn sample_bias_gradients(outputs_gradient: &Tensor, positions: &[usize]) -> Result<Tensor> {
        outputs_gradient.apply_op1_no_bwd(&SampleBiasGradients { positions })
    }
}

struct SampleWeightGradients<'a> {
    conv: Conv2d,
    height: usize,
    width: usize,
    positions: &'a [usize],
}

impl SampleWeightGradients<'_> {
    /// And whether the weights are so few that each is summed by itself.
    fn geometry(&self, inputs: &Layout, gradient: &Layout) -> Result<(Geometry, bool)> {
        let geometry = self.conv.of_gradient(inputs, gradient, (self.height, self.width))?;
        let n_weights = geometry.weight_shape().elem_count();
        if let Some(position) = self.positions.iter().find(|&&position| position >= n_weights) {
            bail!("conv2d: gradients of samples at {position} of {n_weights} weights");
        }
        Ok((geometry, self.positions.len() * DIRECT_COST < n_weights))
    }
}

impl CustomOp2 for SampleWeightGradients<'_> {
    fn name(&self) -> &'static str {
        "conv2d_sample_weight_gradients"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (geometry, directly) = self.geometry(l1, l2)?;
        let storage = for_real!(s1, "conv2d", T => {
            let (inputs, gradient) = (slice::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            T::to_cpu_storage_owned(match directly {
                true => weight_sums(&geometry, inputs, gradient, self.positions),
                false => sample_weight_gradients::<T, { T::LANES }>(
                    &geometry, inputs, gradient, self.positions
                ),
            })
        });
        Ok((storage, (geometry.n_samples, self.positions.len()).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (geometry, directly) = self.geometry(l1, l2)?;
        let storage = for_real!(s1, "conv2d", T => {
            let (inputs, gradient) = (Numbers::<T>::of(s1, l1)?, Numbers::of(s2, l2)?);
            match directly {
                true => cuda::weight_sums(&geometry, &inputs, &gradient, self.positions)?,
                false => cuda::sample_weight_gradients(&geometry, &inputs, &gradient, self.positions)?,
            }
        });
        Ok((storage, (geometry.n_samples, self.positions.len()).into()))
    }
}

/// The sums over pixels for every sample, `[N, K]`, one by one.
fn weight_sums<T: Real>(
    geometry: &Geometry,
    inputs: &[T],
    gradient: &[T],
    positions: &[usize],
) -> Vec<T> {
    let &Geometry { n_samples, height, width, c_in, c_out, .. } = geometry;
    let (out_height, out_width) = geometry.output_size();
    let (map_len, out_len) = (height * width * c_in, out_height * out_width * c_out);
    let mut sums = vec![T::zero(); n_samples * positions.len()];
    let work = sums.len() * out_height * out_width;
    for_chunks(&mut sums, positions.len(), work, |sample, sums, _: &mut ()| {
        let inputs = &inputs[sample * map_len..][..map_len];
        let gradient = &gradient[sample * out_len..][..out_len];
        for (sum, &position) in sums.iter_mut().zip(positions) {
            *sum = T::from_f64(weight_sum(geometry, inputs, gradient, position));
        }
    });
    sums
}

/// The sum over pixels for one weight and one sample.
fn weight_sum<T: Real>(geometry: &Geometry, inputs: &[T], gradient: &[T], position: usize) -> f64 {
    let &Geometry { height, width, c_in, c_out, stride, padding, .. } = geometry;
    let &Geometry { kernel_height, kernel_width, .. } = geometry;
    let (out_height, out_width) = geometry.output_size();
    let (column, rest) = (position % kernel_width, position / kernel_width);
    let (row, rest) = (rest % kernel_height, rest / kernel_height);
    let (channel, out) = (rest % c_in, rest / c_in);
    // Outputs whose tap lies in the map: 0 ≤ s i + tap − p < size.
    let inside = |tap: usize, size: usize, out_size: usize| {
        let first = padding.saturating_sub(tap).div_ceil(stride);
        first..(size + padding).saturating_sub(tap).div_ceil(stride).min(out_size)
    };
    let columns = inside(column, width, out_width);
    if columns.is_empty() {
        return 0.;
    }
    let mut sum = 0.;
    for i in inside(row, height, out_height) {
        let first_input =
            (i * stride + row - padding) * width + columns.start * stride + column - padding;
        let inputs = inputs[first_input * c_in + channel..].iter().step_by(stride * c_in);
        let first_output = i * out_width + columns.start;
        let gradient = gradient[first_output * c_out + out..].iter().step_by(c_out);
        for (value, gradient) in inputs.zip(gradient).take(columns.len()) {
            sum += WithDType::to_f64(*value) * WithDType::to_f64(*gradient);
        }
    }
    sum
}

struct SampleBiasGradients<'a> {
    positions: &'a [usize],
}

impl SampleBiasGradients<'_> {
    fn shape(&self, gradient: &Layout) -> Result<(usize, usize, usize, usize)> {
        let shape = gradient.shape().dims4()?;
        if self.positions.iter().any(|&position| position >= shape.3) {
            bail!("conv2d: gradients of {} biases at {:?}", shape.3, self.positions);
        }
        Ok(shape)
    }
}

impl CustomOp1 for SampleBiasGradients<'_> {
    fn name(&self) -> &'static str {
        "conv2d_sample_bias_gradients"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n_samples, height, width, c_out) = self.shape(l1)?;
        let storage = for_real!(s1, "conv2d", T => T::to_cpu_storage_owned(
            bias_sums::<T>(slice(s1, l1)?, (height * width, c_out), self.positions)
        ));
        Ok((storage, (n_samples, self.positions.len()).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n_samples, height, width, c_out) = self.shape(l1)?;
        let storage = for_real!(s1, "conv2d", T => cuda::bias_sums::<T>(
            &Numbers::of(s1, l1)?, (height * width, c_out), self.positions
        )?);
        Ok((storage, (n_samples, self.positions.len()).into()))
    }
}

fn bias_sums<T: Real>(
    gradient: &[T],
    (n_pixels, c_out): (usize, usize),
    positions: &[usize],
) -> Vec<T> {
    let map_len = n_pixels * c_out;
    let mut sums = vec![T::zero(); gradient.len() / map_len * positions.len()];
    let work = sums.len() * n_pixels;
    for_chunks(&mut sums, positions.len(), work, |sample, sums, _: &mut ()| {
        let map = &gradient[sample * map_len..][..map_len];
        for (sum, &out) in sums.iter_mut().zip(positions) {
            let of_channel = map.iter().skip(out).step_by(c_out);
            *sum = T::from_f64(of_channel.map(|&value| WithDType::to_f64(value)).sum());
        }
    });
    sums
}
