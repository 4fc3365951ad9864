//! What makes a network more than linear.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, InplaceOp1, InplaceOp2, Layout, Result, Shape, Tensor,
    WithDType,
};
use serde::{Deserialize, Serialize};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

#[cfg(feature = "cuda")]
use super::cuda::Numbers;
use super::storage::{for_real, same_shape, slice, slice_mut};

/// A function that is applied to every number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(0, x)`; its derivative at 0 is 0, as PyTorch's.
    #[default]
    Relu,
    /// The hyperbolic tangent.
    Tanh,
    /// `x Φ(x)` with the distribution function Φ of the standard Gaussian, by the error function and not by an
    /// approximation; Hendrycks and Gimpel (2016), doi:10.48550/arXiv.1606.08415.
    Gelu,
}

impl Activation {
    /// The function.
    pub fn forward(self, inputs: &Tensor) -> Result<Tensor> {
        inputs.apply_op1_no_bwd(&self)
    }

    /// `gradient` times the derivative at `inputs`.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn backward(self, inputs: &Tensor, gradient: &Tensor) -> Result<Tensor> {
        inputs.apply_op2_no_bwd(gradient, &Slope { activation: self, order: 1 })
    }

    /// `factor` times the second derivative at `inputs`: 0 for a ReLU, −2 tanh x (1 − tanh² x), φ(x) (2 − x²) for a GELU.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn second_derivative(self, inputs: &Tensor, factor: &Tensor) -> Result<Tensor> {
        inputs.apply_op2_no_bwd(factor, &Slope { activation: self, order: 2 })
    }
}

/// Replaces `values` by `max(0, values)`, in place.
pub fn relu_in_place(values: &Tensor) -> Result<()> {
    values.inplace_op1(&ReluInPlace)
}

struct ReluInPlace;

impl InplaceOp1 for ReluInPlace {
    fn name(&self) -> &'static str {
        "relu_in_place"
    }

    fn cpu_fwd(&self, s1: &mut CpuStorage, l1: &Layout) -> Result<()> {
        for_real!(s1, "relu", T => cpu::relu_in_place::<T>(slice_mut(s1, l1)?));
        Ok(())
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &mut CudaStorage, l1: &Layout) -> Result<()> {
        for_real!(s1, "relu", T => cuda::relu_in_place::<T>(&Numbers::of(s1, l1)?))
    }
}

/// Sets `gradient` to 0, in place, where the `outputs` of a ReLU are not above 0.
///
/// # Errors
/// When the shapes differ.
pub fn close_relu(outputs: &Tensor, gradient: &Tensor) -> Result<()> {
    gradient.inplace_op2(outputs, &CloseRelu)
}

struct CloseRelu;

impl InplaceOp2 for CloseRelu {
    fn name(&self) -> &'static str {
        "relu_gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<()> {
        same_shape("activation", l1, l2)?;
        for_real!(s1, "relu", T => cpu::close_relu::<T>(slice_mut(s1, l1)?, slice(s2, l2)?));
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
        same_shape("activation", l1, l2)?;
        for_real!(s1, "relu", T => cuda::close_relu::<T>(&Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?))
    }
}

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout) -> Result<(CpuStorage, Shape)> {
        let storage = for_real!(s1, "activation", T => T::to_cpu_storage_owned(
            cpu::forward::<T>(*self, slice(s1, l1)?)
        ));
        Ok((storage, l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout) -> Result<(CudaStorage, Shape)> {
        let storage = for_real!(s1, "activation", T =>
            cuda::forward::<T>(*self, &Numbers::of(s1, l1)?)?);
        Ok((storage, l1.shape().clone()))
    }
}

/// A derivative of the first or second order, times a factor.
struct Slope {
    activation: Activation,
    order: u32,
}

impl CustomOp2 for Slope {
    fn name(&self) -> &'static str {
        "activation_gradient"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        same_shape("activation", l1, l2)?;
        let storage = for_real!(s1, "activation", T => T::to_cpu_storage_owned(
            cpu::derivative::<T>(self.activation, self.order, slice(s1, l1)?, slice(s2, l2)?)
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
        same_shape("activation", l1, l2)?;
        let storage = for_real!(s1, "activation", T =>
            cuda::derivative::<T>(
                self.activation, self.order, &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?
            )?);
        Ok((storage, l1.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    const ALL: [Activation; 3] = [Activation::Relu, Activation::Tanh, Activation::Gelu];

    /// candle's own functions are right in the forward direction.
    #[test]
    fn forward_is_that_of_candle() {
        for dtype in [DType::F32, DType::F64] {
            let x = Tensor::arange(-400f64, 400., &Device::Cpu).unwrap();
            let x = (x / 50.).unwrap().to_dtype(dtype).unwrap();
            for (activation, expected) in
                ALL.into_iter().zip([x.relu().unwrap(), x.tanh().unwrap(), x.gelu_erf().unwrap()])
            {
                let y = activation.forward(&x).unwrap();
                let difference = (y - expected).unwrap().abs().unwrap().max_all().unwrap();
                let difference =
                    difference.to_dtype(DType::F64).unwrap().to_scalar::<f64>().unwrap();
                let tolerance = if dtype == DType::F32 { 1e-6 } else { 2e-15 };
                assert!(difference < tolerance, "{activation:?}: {difference}");
            }
        }
    }

    #[test]
    fn backward_is_the_slope() {
        let x: Vec<f64> = (-40..40).map(|i| f64::from(i) / 7. + 0.01).collect();
        let at = |shift: f64| {
            Tensor::from_vec(x.iter().map(|x| x + shift).collect::<Vec<_>>(), x.len(), &Device::Cpu)
                .unwrap()
        };
        let gradient = at(0.3);
        for activation in ALL {
            let [low, high] = [-1e-6, 1e-6]
                .map(|by| activation.forward(&at(by)).unwrap().to_vec1::<f64>().unwrap());
            let found = activation.backward(&at(0.), &gradient).unwrap().to_vec1::<f64>().unwrap();
            for (i, found) in found.iter().enumerate() {
                let expected = (high[i] - low[i]) / 2e-6 * (x[i] + 0.3);
                assert!((found - expected).abs() < 1e-8, "{activation:?} at {}", x[i]);
            }
        }
        let zero = Tensor::zeros(1, DType::F64, &Device::Cpu).unwrap();
        let slope = Activation::Relu.backward(&zero, &zero.ones_like().unwrap()).unwrap();
        assert_eq!(slope.to_vec1::<f64>().unwrap(), [0.]);

        let (closed, outputs) = (at(0.3), at(0.));
        relu_in_place(&outputs).unwrap();
        let expected = Activation::Relu.forward(&at(0.)).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(outputs.to_vec1::<f64>().unwrap(), expected);
        close_relu(&outputs, &closed).unwrap();
        let expected = Activation::Relu.backward(&at(0.), &gradient).unwrap();
        assert_eq!(closed.to_vec1::<f64>().unwrap(), expected.to_vec1::<f64>().unwrap());
    }
}
