//! What shortcuts need: adding in place, and maps with fewer pixels and more channels.

#[cfg(feature = "cuda")]
mod cuda;

use candle_core::{
    CpuStorage, CustomOp1, InplaceOp2, Layout, Result, Shape, Tensor, WithDType, bail,
};
use num_traits::Zero;

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

#[cfg(feature = "cuda")]
use super::cuda::Numbers;
use super::parallel::for_chunks;
use super::simd::multiversion;
use super::storage::{for_real, same_shape, slice, slice_mut};

const CHUNK: usize = 1 << 13;

/// Adds `addend` to `target`, in place.
///
/// # Errors
/// When the shapes differ.
pub fn accumulate(target: &Tensor, addend: &Tensor) -> Result<()> {
    target.inplace_op2(addend, &Accumulate)
}

struct Accumulate;

impl InplaceOp2 for Accumulate {
    fn name(&self) -> &'static str {
        "accumulate"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<()> {
        same_shape("accumulate", l1, l2)?;
        for_real!(s1, "accumulate", T => {
            let (target, addend) = (slice_mut::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            for_chunks(target, CHUNK, addend.len(), |chunk, target, _: &mut ()| {
                add(target, &addend[chunk * CHUNK..]);
            });
        });
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &mut CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<()> {
        same_shape("accumulate", l1, l2)?;
        for_real!(s1, "accumulate", T => cuda::accumulate::<T>(&Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?))
    }
}

multiversion! {
    fn add<T: Real>(target: &mut [T], addend: &[T]) {
        for (target, addend) in target.iter_mut().zip(addend) {
            *target += *addend;
        }
    }
}

/// Every `stride`-th pixel of a map `[N, H, W, C]`, with `padding` channels of zeros on either side.
///
/// The shortcut without parameters of He et al. (2016), section 3.3, option A.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelPadding {
    /// Distance of the pixels that are taken.
    pub stride: usize,
    /// Channels of zeros before and behind.
    pub padding: usize,
}

impl ChannelPadding {
    /// The smaller, deeper map.
    ///
    /// # Errors
    /// When the input is not a feature map.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        inputs.apply_op1_no_bwd(self)
    }

    /// Adds the gradient with respect to the inputs to `target`, in place.
    ///
    /// # Errors
    /// When the shapes do not fit together.
    pub fn accumulate_backward(&self, target: &Tensor, gradient: &Tensor) -> Result<()> {
        target.inplace_op2(gradient, &ChannelPaddingGradient(*self))
    }

    /// The shapes of the wide map and of the deep one.
    fn shapes(&self, wide: &Layout) -> Result<[[usize; 4]; 2]> {
        let (n, height, width, c) = wide.shape().dims4()?;
        let size = |size: usize| size.div_ceil(self.stride);
        Ok([[n, height, width, c], [n, size(height), size(width), c + 2 * self.padding]])
    }

    /// The same, where the gradient has to have that of the deep one.
    fn shapes_with(&self, wide: &Layout, gradient: &Layout) -> Result<[[usize; 4]; 2]> {
        let shapes = self.shapes(wide)?;
        if gradient.dims() != shapes[1] {
            let (gradient, inputs) = (gradient.shape(), wide.shape());
            bail!("channel_padding: a gradient of {gradient:?} for inputs of {inputs:?}");
        }
        Ok(shapes)
    }

    /// The parts of a map that correspond, of the wide one and of the deep one.
    fn pixels(
        &self,
        (height, width, channels): (usize, usize, usize),
    ) -> impl Iterator<Item = (usize, usize)> {
        let Self { stride, padding } = *self;
        let out_width = width.div_ceil(stride);
        let deep = channels + 2 * padding;
        (0..height).step_by(stride).enumerate().flat_map(move |(i, row)| {
            (0..width).step_by(stride).enumerate().map(move |(j, column)| {
                ((row * width + column) * channels, (i * out_width + j) * deep + padding)
            })
        })
    }
}

impl CustomOp1 for ChannelPadding {
    fn name(&self) -> &'static str {
        "channel_padding"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout) -> Result<(CpuStorage, Shape)> {
        let [[n, height, width, c], shape] = self.shapes(l1)?;
        let out_len = shape[1] * shape[2] * shape[3];
        let storage = for_real!(s1, "channel_padding", T => {
            let inputs = slice::<T>(s1, l1)?;
            let mut outputs = vec![T::zero(); n * out_len];
            let work = outputs.len();
            for_chunks(&mut outputs, out_len, work, |sample, outputs, _: &mut ()| {
                let inputs = &inputs[sample * height * width * c..];
                for (wide, deep) in self.pixels((height, width, c)) {
                    outputs[deep..deep + c].copy_from_slice(&inputs[wide..wide + c]);
                }
            });
            T::to_cpu_storage_owned(outputs)
        });
        Ok((storage, Shape::from_dims(&shape)))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout) -> Result<(CudaStorage, Shape)> {
        let [wide, deep] = self.shapes(l1)?;
        let storage = for_real!(s1, "channel_padding", T =>
            cuda::pad::<T>(*self, &Numbers::of(s1, l1)?, wide, deep)?);
        Ok((storage, Shape::from_dims(&deep)))
    }
}

struct ChannelPaddingGradient(ChannelPadding);

impl InplaceOp2 for ChannelPaddingGradient {
    fn name(&self) -> &'static str {
        "channel_padding_gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<()> {
        let Self(padding) = self;
        let [[_, height, width, c], shape] = padding.shapes_with(l1, l2)?;
        let out_len = shape[1] * shape[2] * shape[3];
        for_real!(s1, "channel_padding", T => {
            let (target, gradient) = (slice_mut::<T>(s1, l1)?, slice::<T>(s2, l2)?);
            for_chunks(target, height * width * c, gradient.len(), |sample, target, _: &mut ()| {
                let gradient = &gradient[sample * out_len..];
                for (wide, deep) in padding.pixels((height, width, c)) {
                    let target = &mut target[wide..wide + c];
                    target.iter_mut().zip(&gradient[deep..]).for_each(|(t, g)| *t += *g);
                }
            });
        });
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &mut CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<()> {
        let [wide, deep] = self.0.shapes_with(l1, l2)?;
        for_real!(s1, "channel_padding", T => cuda::accumulate_backward::<T>(
            self.0, &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, wide, deep
        ))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn map(shape: (usize, usize, usize, usize)) -> Tensor {
        let n = shape.0 * shape.1 * shape.2 * shape.3;
        Tensor::arange(1f64, n as f64 + 1., &Device::Cpu).unwrap().reshape(shape).unwrap()
    }

    /// Against slicing and padding by candle; the gradient is the transposed map.
    #[test]
    fn pixels_and_channels() {
        let padding = ChannelPadding { stride: 2, padding: 1 };
        let inputs = map((2, 5, 4, 3));
        let outputs = padding.forward(&inputs).unwrap();
        assert_eq!(outputs.dims(), [2, 3, 2, 5]);
        let rows = Tensor::new(&[0u32, 2, 4], &Device::Cpu).unwrap();
        let columns = Tensor::new(&[0u32, 2], &Device::Cpu).unwrap();
        let expected = inputs.index_select(&rows, 1).unwrap().index_select(&columns, 2).unwrap();
        let expected = expected.pad_with_zeros(3, 1, 1).unwrap();
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(flat(&outputs), flat(&expected));
        let gradient = map((2, 3, 2, 5));
        let target = map((2, 5, 4, 3));
        padding.accumulate_backward(&target, &gradient).unwrap();
        let of_inputs: Vec<f64> = flat(&target)
            .iter()
            .zip(flat(&inputs))
            .map(|(target, before)| target - before)
            .collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        assert_eq!(dot(&of_inputs, &flat(&inputs)), dot(&flat(&gradient), &flat(&outputs)));
    }

    #[test]
    fn accumulation() {
        let (target, addend) = (map((1, 2, 2, 1)), map((1, 2, 2, 1)));
        accumulate(&target, &addend).unwrap();
        assert_eq!(target.flatten_all().unwrap().to_vec1::<f64>().unwrap(), [2., 4., 6., 8.]);
        assert!(accumulate(&target, &map((1, 4, 1, 1))).is_err());
    }
}
