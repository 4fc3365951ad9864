//! Pooling of feature maps `[N, H, W, C]`.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail,
};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

#[cfg(feature = "cuda")]
use super::cuda::Numbers;
use super::storage::{for_real, same_shape, slice};

/// The shape of a feature map, `[N, H, W, C]`.
type Map = (usize, usize, usize, usize);

/// The maximum over square windows of each channel, as PyTorch's `MaxPool2d`; no number outside of the map is a maximum.
///
/// The gradient goes to the first maximum of a window, row by row. candle's own scales it by 1/k².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPool {
    /// Height and width k of the window.
    pub kernel: usize,
    /// Distance of the windows.
    pub stride: usize,
    /// Pixels on every side that windows may reach over, at most k/2.
    pub padding: usize,
}

impl MaxPool {
    /// The maxima, `[N, H′, W′, C]` with `H′ = ⌊(H + 2p − k)/s⌋ + 1`.
    ///
    /// # Errors
    /// When no window fits.
    pub fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        inputs.apply_op1_no_bwd(self)
    }

    /// The gradient with respect to the inputs.
    ///
    /// # Errors
    /// When the shapes do not fit together.
    pub fn backward(&self, inputs: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        inputs.apply_op2_no_bwd(gradient, &MaxPoolGradient(*self))
    }

    /// The directional derivative of the maxima where the inputs move along `tangent`: the tangent at the first maximum of
    /// every window, the transpose of [`MaxPool::backward`].
    ///
    /// # Errors
    /// When the shapes differ or no window fits.
    pub fn forward_tangent(&self, inputs: &Tensor, tangent: &Tensor) -> Result<Tensor> {
        inputs.apply_op2_no_bwd(tangent, &MaxPoolTangent(*self))
    }

    fn output_size(&self, height: usize, width: usize) -> Result<(usize, usize)> {
        let Self { kernel, stride, padding } = *self;
        let fits = height.min(width) + 2 * padding >= kernel && 2 * padding <= kernel;
        if !fits || stride == 0 || kernel == 0 {
            bail!(
                "max_pool: windows of {kernel} with stride {stride} and padding {padding} on {height}×{width}"
            );
        }
        let size = |size: usize| (size + 2 * padding - kernel) / stride + 1;
        Ok((size(height), size(width)))
    }
}

impl CustomOp1 for MaxPool {
    fn name(&self) -> &'static str {
        "max_pool"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout) -> Result<(CpuStorage, Shape)> {
        let shape = l1.shape().dims4()?;
        let (height, width) = self.output_size(shape.1, shape.2)?;
        let storage = for_real!(s1, "max_pool", T => T::to_cpu_storage_owned(
            cpu::maxima::<T>(self, slice(s1, l1)?, shape, (height, width))
        ));
        Ok((storage, (shape.0, height, width, shape.3).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout) -> Result<(CudaStorage, Shape)> {
        let shape = l1.shape().dims4()?;
        let (height, width) = self.output_size(shape.1, shape.2)?;
        let storage = for_real!(s1, "max_pool", T =>
            cuda::maxima::<T>(self, &Numbers::of(s1, l1)?, shape, (height, width))?);
        Ok((storage, (shape.0, height, width, shape.3).into()))
    }
}

struct MaxPoolGradient(MaxPool);

impl MaxPoolGradient {
    /// The shape of the inputs, and height and width of the outputs.
    fn shapes(&self, l1: &Layout, l2: &Layout) -> Result<(Map, (usize, usize))> {
        let shape = l1.shape().dims4()?;
        let (height, width) = self.0.output_size(shape.1, shape.2)?;
        if l2.dims() != [shape.0, height, width, shape.3] {
            bail!("max_pool: a gradient of {:?} for inputs of {:?}", l2.shape(), l1.shape());
        }
        Ok((shape, (height, width)))
    }
}

impl CustomOp2 for MaxPoolGradient {
    fn name(&self) -> &'static str {
        "max_pool_gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (shape, out_size) = self.shapes(l1, l2)?;
        let storage = for_real!(s1, "max_pool", T => T::to_cpu_storage_owned(
            cpu::gradient::<T>(&self.0, slice(s1, l1)?, slice(s2, l2)?, shape, out_size)
        ));
        Ok((storage, l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (shape, out_size) = self.shapes(l1, l2)?;
        let storage = for_real!(s1, "max_pool", T => cuda::gradient::<T>(
            &self.0, &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, shape, out_size
        )?);
        Ok((storage, l1.shape().clone()))
    }
}

struct MaxPoolTangent(MaxPool);

impl CustomOp2 for MaxPoolTangent {
    fn name(&self) -> &'static str {
        "max_pool_tangent"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        same_shape("max_pool", l1, l2)?;
        let shape = l1.shape().dims4()?;
        let (height, width) = self.0.output_size(shape.1, shape.2)?;
        let storage = for_real!(s1, "max_pool", T => T::to_cpu_storage_owned(
            cpu::tangent::<T>(&self.0, slice(s1, l1)?, slice(s2, l2)?, shape, (height, width))
        ));
        Ok((storage, (shape.0, height, width, shape.3).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        same_shape("max_pool", l1, l2)?;
        let shape = l1.shape().dims4()?;
        let (height, width) = self.0.output_size(shape.1, shape.2)?;
        let storage = for_real!(s1, "max_pool", T => cuda::tangent::<T>(
            &self.0, &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, shape, (height, width)
        )?);
        Ok((storage, (shape.0, height, width, shape.3).into()))
    }
}

/// The mean of every channel over the whole map, `[N, H, W, C]` to `[N, C]`.
pub struct GlobalMeanPool;

impl GlobalMeanPool {
    /// The means.
    ///
    /// # Errors
    /// When the input is not a feature map.
    pub fn forward(inputs: &Tensor) -> Result<Tensor> {
        inputs.apply_op1_no_bwd(&GlobalMeanPool)
    }

    /// The gradient `[N, C]` spread over maps of the given height and width.
    ///
    /// # Errors
    /// When the gradient is not a matrix.
    pub fn backward(gradient: &Tensor, (height, width): (usize, usize)) -> Result<Tensor> {
        gradient.apply_op1_no_bwd(&Spread { height, width })
    }
}

impl CustomOp1 for GlobalMeanPool {
    fn name(&self) -> &'static str {
        "global_mean_pool"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, height, width, c) = l1.shape().dims4()?;
        let storage = for_real!(s1, "global_mean_pool", T => T::to_cpu_storage_owned(
            cpu::means::<T>(slice(s1, l1)?, height * width, c)
        ));
        Ok((storage, (n, c).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n, height, width, c) = l1.shape().dims4()?;
        let storage = for_real!(s1, "global_mean_pool", T =>
            cuda::means::<T>(&Numbers::of(s1, l1)?, height * width, c)?);
        Ok((storage, (n, c).into()))
    }
}

struct Spread {
    height: usize,
    width: usize,
}

impl CustomOp1 for Spread {
    fn name(&self) -> &'static str {
        "global_mean_pool_gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c) = l1.shape().dims2()?;
        let storage = for_real!(s1, "global_mean_pool", T => T::to_cpu_storage_owned(
            cpu::spread::<T>(slice(s1, l1)?, self.height * self.width, c)
        ));
        Ok((storage, (n, self.height, self.width, c).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n, c) = l1.shape().dims2()?;
        let storage = for_real!(s1, "global_mean_pool", T =>
            cuda::spread::<T>(&Numbers::of(s1, l1)?, self.height * self.width, c)?);
        Ok((storage, (n, self.height, self.width, c).into()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn map(shape: (usize, usize, usize, usize), step: usize) -> Tensor {
        let n = shape.0 * shape.1 * shape.2 * shape.3;
        let values = (0..n).map(|i| (i * step % 97) as f64 / 50. - 1.).collect();
        Tensor::from_vec::<_, f64>(values, shape, &Device::Cpu).unwrap()
    }

    fn values(tensor: &Tensor) -> Vec<f64> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Maxima by loops; the gradient by moving each number. Windows that overlap, that do not, and over the edge.
    #[test]
    fn maxima_and_their_gradients() {
        for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0)] {
            let pool = MaxPool { kernel, stride, padding };
            let (n, h, w, c) = (2, 7, 6, 3);
            let inputs = map((n, h, w, c), 31);
            let slow = |x: &[f64]| -> Vec<f64> {
                let size = |size: usize| (size + 2 * padding - kernel) / stride + 1;
                let mut y = Vec::new();
                for (sample, i, j, channel) in (0..n).flat_map(|s| {
                    (0..size(h)).flat_map(move |i| {
                        (0..size(w)).flat_map(move |j| (0..c).map(move |k| (s, i, j, k)))
                    })
                }) {
                    let rows = (0..kernel)
                        .map(|k| i * stride + k)
                        .filter(|y| (padding..h + padding).contains(y));
                    let mut max = f64::NEG_INFINITY;
                    for row in rows {
                        for column in (0..kernel).map(|k| j * stride + k) {
                            if (padding..w + padding).contains(&column) {
                                let (row, column) = (row - padding, column - padding);
                                max = max.max(x[((sample * h + row) * w + column) * c + channel]);
                            }
                        }
                    }
                    y.push(max);
                }
                y
            };
            let x = values(&inputs);
            let y = pool.forward(&inputs).unwrap();
            assert_eq!(values(&y), slow(&x));
            let gradient = map(y.dims4().unwrap(), 13);
            let g = values(&gradient);
            let found = values(&pool.backward(&inputs, &gradient).unwrap());
            let mut compared = 0;
            for at in 0..x.len() {
                // Values repeat; where a window has two maxima, moving one is no derivative.
                let moved = |by: f64| {
                    let mut x = x.clone();
                    x[at] += by;
                    slow(&x).iter().zip(&g).map(|(y, g)| y * g).sum::<f64>()
                };
                let (up, down) =
                    ((moved(1e-6) - moved(0.)) / 1e-6, (moved(0.) - moved(-1e-6)) / 1e-6);
                if (up - down).abs() < 1e-6 {
                    assert!((found[at] - up).abs() < 1e-6, "{at}: {} for {up}", found[at]);
                    compared += 1;
                }
            }
            assert!(compared > x.len() / 2, "{compared}");
            let total: f64 = found.iter().sum();
            assert!((total - g.iter().sum::<f64>()).abs() < 1e-9, "all of the gradient arrives");
        }
    }

    #[test]
    fn the_first_of_equal_maxima_gets_the_gradient() {
        let pool = MaxPool { kernel: 2, stride: 2, padding: 0 };
        let inputs = Tensor::ones((1, 2, 2, 1), candle_core::DType::F64, &Device::Cpu).unwrap();
        let gradient = Tensor::new(&[[[[3f64]]]], &Device::Cpu).unwrap();
        assert_eq!(values(&pool.backward(&inputs, &gradient).unwrap()), [3., 0., 0., 0.]);
    }

    #[test]
    fn a_nan_wins_wherever_it_is() {
        let pool = MaxPool { kernel: 2, stride: 2, padding: 0 };
        for at in 0..4 {
            let mut numbers = [1., 4., 2., 3.];
            numbers[at] = f64::NAN;
            let inputs = Tensor::from_slice(&numbers, (1, 2, 2, 1), &Device::Cpu).unwrap();
            assert!(values(&pool.forward(&inputs).unwrap())[0].is_nan(), "{at}");
            let gradient = Tensor::new(&[[[[3f64]]]], &Device::Cpu).unwrap();
            assert_eq!(values(&pool.backward(&inputs, &gradient).unwrap())[at], 3.);
        }
    }

    #[test]
    fn means_over_the_map() {
        let inputs = map((3, 4, 5, 2), 17);
        let x = values(&inputs);
        let means = values(&GlobalMeanPool::forward(&inputs).unwrap());
        for (at, mean) in means.iter().enumerate() {
            let (sample, channel) = (at / 2, at % 2);
            let of_map = (0..20).map(|pixel| x[(sample * 20 + pixel) * 2 + channel]);
            assert!((mean - of_map.sum::<f64>() / 20.).abs() < 1e-14);
        }
        let gradient = Tensor::new(&[[1f64, 2.], [3., 4.], [5., 6.]], &Device::Cpu).unwrap();
        let spread = GlobalMeanPool::backward(&gradient, (4, 5)).unwrap();
        assert_eq!(spread.dims(), [3, 4, 5, 2]);
        assert_eq!(values(&spread)[38..42], [1. / 20., 2. / 20., 3. / 20., 4. / 20.]);
    }

    #[test]
    fn windows_that_do_not_fit_are_refused() {
        let pool = MaxPool { kernel: 5, stride: 1, padding: 0 };
        let message = pool.forward(&map((1, 4, 4, 1), 1)).unwrap_err().to_string();
        assert!(message.contains("windows of 5 with stride 1 and padding 0 on 4×4"), "{message}");
    }
}
