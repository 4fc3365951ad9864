//! The affine map of a fully connected layer.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod samples;

use candle_core::{
    CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType, bail,
};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

#[cfg(feature = "cuda")]
use super::cuda::Numbers;
use super::storage::{for_real, slice};

/// `y = x Wᵀ + b`: inputs `[N, I]`, weights `[O, I]` as PyTorch's, bias `[O]`, outputs `[N, O]`.
///
/// Works for `f32` and `f64`.
pub struct Linear;

impl Linear {
    /// The affine map; without a bias, the linear one.
    ///
    /// # Errors
    /// When the shapes do not fit together.
    pub fn forward(inputs: &Tensor, weights: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        match bias {
            Some(bias) => inputs.apply_op3_no_bwd(weights, bias, &Linear),
            None => inputs.apply_op2_no_bwd(weights, &Product { transposed: [false, true] }),
        }
    }

    /// The gradient with respect to the inputs, `[N, I]`: g W.
    pub fn input_gradient(gradient: &Tensor, weights: &Tensor) -> Result<Tensor> {
        gradient.apply_op2_no_bwd(weights, &Product { transposed: [false, false] })
    }

    /// The gradient with respect to the weights, `[O, I]`: gᵀ x.
    pub fn weight_gradient(gradient: &Tensor, inputs: &Tensor) -> Result<Tensor> {
        gradient.apply_op2_no_bwd(inputs, &Product { transposed: [true, false] })
    }

    /// The gradient with respect to the bias, `[O]`: the sum of g over samples.
    pub fn bias_gradient(gradient: &Tensor) -> Result<Tensor> {
        let ones = Tensor::ones((1, gradient.dim(0)?), gradient.dtype(), gradient.device())?;
        ones.apply_op2_no_bwd(gradient, &Product { transposed: [false, false] })?.squeeze(0)
    }
}

impl CustomOp3 for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = sizes_with_bias(l1, l2, l3)?;
        let storage = for_real!(s1, "linear", T => T::to_cpu_storage_owned(cpu::product::<T>(
            slice(s1, l1)?, slice(s2, l2)?, Some(slice(s3, l3)?), sizes, [false, true]
        )));
        Ok((storage, (sizes[0], sizes[2]).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let sizes = sizes_with_bias(l1, l2, l3)?;
        let storage = for_real!(s1, "linear", T => {
            let bias = Numbers::of(s3, l3)?;
            cuda::product::<T>(
                &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, Some(&bias), sizes, [false, true]
            )?
        });
        Ok((storage, (sizes[0], sizes[2]).into()))
    }
}

/// `A B`, each of which may be stored transposed.
struct Product {
    transposed: [bool; 2],
}

impl CustomOp2 for Product {
    fn name(&self) -> &'static str {
        "product"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = sizes(l1, l2, self.transposed)?;
        let storage = for_real!(s1, "linear", T => T::to_cpu_storage_owned(cpu::product::<T>(
            slice(s1, l1)?, slice(s2, l2)?, None, sizes, self.transposed
        )));
        Ok((storage, (sizes[0], sizes[2]).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let sizes = sizes(l1, l2, self.transposed)?;
        let storage = for_real!(s1, "linear", T => cuda::product::<T>(
            &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, None, sizes, self.transposed
        )?);
        Ok((storage, (sizes[0], sizes[2]).into()))
    }
}

/// Rows of A, columns of A, columns of B.
fn sizes(l1: &Layout, l2: &Layout, transposed: [bool; 2]) -> Result<[usize; 3]> {
    let dims = |layout: &Layout, transposed| -> Result<(usize, usize)> {
        let (rows, columns) = layout.shape().dims2()?;
        Ok(if transposed { (columns, rows) } else { (rows, columns) })
    };
    let ((n, k), (rows, m)) = (dims(l1, transposed[0])?, dims(l2, transposed[1])?);
    if k != rows {
        bail!("linear: shapes {:?} and {:?} do not fit together", l1.shape(), l2.shape());
    }
    Ok([n, k, m])
}

/// The sizes of `x Wᵀ` with a bias.
fn sizes_with_bias(l1: &Layout, l2: &Layout, l3: &Layout) -> Result<[usize; 3]> {
    let sizes = sizes(l1, l2, [false, true])?;
    if l3.dims() != [sizes[2]] {
        bail!("linear: a bias of {:?} for {} outputs", l3.shape(), sizes[2]);
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn matrix(rows: usize, columns: usize, step: usize) -> Tensor {
        let values = (0..rows * columns).map(|i| (i * step % 23) as f64 / 11. - 1.);
        Tensor::from_vec(values.collect(), (rows, columns), &Device::Cpu).unwrap()
    }

    /// `x Wᵀ + b` and its three gradients, in nested loops; sizes below and above that of one piece of work.
    #[test]
    fn products_are_those_of_nested_loops() {
        for (n, i, o) in [(3, 5, 2), (1, 1, 1), (300, 37, 41), (8, 700, 130)] {
            let (x, w, g) = (matrix(n, i, 7), matrix(o, i, 5), matrix(n, o, 3));
            let b = matrix(1, o, 11).squeeze(0).unwrap();
            let [xs, ws, gs] = [&x, &w, &g].map(|tensor| tensor.to_vec2::<f64>().unwrap());
            let bs = b.to_vec1::<f64>().unwrap();
            let check = |found: Tensor, expected: &dyn Fn(usize, usize) -> f64, tolerance: f64| {
                let found = found.to_dtype(DType::F64).unwrap().to_vec2::<f64>().unwrap();
                for (row, found) in found.iter().enumerate() {
                    for (column, found) in found.iter().enumerate() {
                        let expected = expected(row, column);
                        assert!((found - expected).abs() < tolerance * (1. + expected.abs()));
                    }
                }
            };
            for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-4)] {
                let [x, w, g, b] = [&x, &w, &g, &b].map(|tensor| tensor.to_dtype(dtype).unwrap());
                let dot = |row: usize, out: usize| -> f64 {
                    (0..i).map(|k| xs[row][k] * ws[out][k]).sum()
                };
                check(Linear::forward(&x, &w, None).unwrap(), &dot, tolerance);
                check(
                    Linear::forward(&x, &w, Some(&b)).unwrap(),
                    &|row, out| dot(row, out) + bs[out],
                    tolerance,
                );
                check(
                    Linear::input_gradient(&g, &w).unwrap(),
                    &|row, k| (0..o).map(|out| gs[row][out] * ws[out][k]).sum(),
                    tolerance,
                );
                check(
                    Linear::weight_gradient(&g, &x).unwrap(),
                    &|out, k| (0..n).map(|row| gs[row][out] * xs[row][k]).sum(),
                    tolerance,
                );
                check(
                    Linear::bias_gradient(&g).unwrap().unsqueeze(0).unwrap(),
                    &|_, out| (0..n).map(|row| gs[row][out]).sum(),
                    tolerance,
                );
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let message = |x: Tensor, w: Tensor, b: Option<Tensor>| {
            Linear::forward(&x, &w, b.as_ref()).unwrap_err().to_string()
        };
        let wrong = message(matrix(2, 3, 1), matrix(4, 5, 1), None);
        assert!(wrong.contains("[2, 3] and [4, 5] do not fit together"), "{wrong}");
        let bias = matrix(1, 3, 1).squeeze(0).unwrap();
        let wrong = message(matrix(2, 3, 1), matrix(4, 3, 1), Some(bias));
        assert!(wrong.contains("a bias of [3] for 4 outputs"), "{wrong}");
    }
}
