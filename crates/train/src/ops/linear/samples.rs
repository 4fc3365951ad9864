//! What each sample by itself gives to the gradients of an affine map.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, WithDType, bail};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

use super::Linear;
#[cfg(feature = "cuda")]
use super::cuda;
use crate::ops::columns::columns;
#[cfg(feature = "cuda")]
use crate::ops::cuda::Numbers;
use crate::ops::parallel::for_chunks;
use crate::ops::simd::{Real, multiversion};
use crate::ops::storage::{for_real, slice};

impl Linear {
    /// The gradients of single samples with respect to the weights at `positions` in `[O, I]`, `[N, K]`: g_no x_ni.
    ///
    /// # Errors
    /// When the shapes do not fit together, or there is no such position.
    pub fn sample_weight_gradients(
        gradient: &Tensor,
        inputs: &Tensor,
        positions: &[usize],
    ) -> Result<Tensor> {
        gradient.apply_op2_no_bwd(inputs, &SampleWeightGradients { positions })
    }

    /// The same with respect to the biases at `positions` in `[O]`: g_no.
    ///
    /// # Errors
    /// As [`Linear::sample_weight_gradients`].
    pub fn sample_bias_gradients(gradient: &Tensor, positions: &[usize]) -> Result<Tensor> {
        columns(gradient, positions)
    }
}

struct SampleWeightGradients<'a> {
    positions: &'a [usize],
}

impl SampleWeightGradients<'_> {
    /// Samples, inputs, outputs.
    fn sizes(&self, gradient: &Layout, inputs: &Layout) -> Result<[usize; 3]> {
        let ((n_samples, n_out), (n_inputs, n_in)) =
            (gradient.shape().dims2()?, inputs.shape().dims2()?);
        if n_samples != n_inputs || self.positions.iter().any(|&position| position >= n_out * n_in)
        {
            let (gradient, inputs) = (gradient.shape(), inputs.shape());
            bail!("linear: gradients of samples from {gradient:?} and {inputs:?}");
        }
        Ok([n_samples, n_in, n_out])
    }
}

impl CustomOp2 for SampleWeightGradients<'_> {
    fn name(&self) -> &'static str {
        "linear_sample_weight_gradients"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let [n_samples, n_in, n_out] = self.sizes(l1, l2)?;
        let runs = runs(self.positions, n_in);
        let storage = for_real!(s1, "linear", T => T::to_cpu_storage_owned(
            products::<T>(slice(s1, l1)?, slice(s2, l2)?, (n_out, n_in), &runs, self.positions.len())
        ));
        Ok((storage, (n_samples, self.positions.len()).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let sizes = self.sizes(l1, l2)?;
        let storage = for_real!(s1, "linear", T => cuda::sample_weight_gradients::<T>(
            &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, sizes, self.positions
        )?);
        Ok((storage, (sizes[0], self.positions.len()).into()))
    }
}

/// Neighbouring weights of one output.
struct Run {
    out: usize,
    first_in: usize,
    len: usize,
}

fn runs(positions: &[usize], n_in: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for position in positions {
        let (out, first_in) = (position / n_in, position % n_in);
        match runs.last_mut() {
            Some(run) if run.out == out && run.first_in + run.len == first_in => run.len += 1,
            _ => runs.push(Run { out, first_in, len: 1 }),
        }
    }
    runs
}

fn products<T: Real>(
    gradient: &[T],
    inputs: &[T],
    (n_out, n_in): (usize, usize),
    runs: &[Run],
    n_positions: usize,
) -> Vec<T> {
    let mut products = vec![T::zero(); gradient.len() / n_out * n_positions];
    let work = products.len();
    for_chunks(&mut products, n_positions, work, |sample, mut row, _: &mut ()| {
        let (gradient, inputs) = (&gradient[sample * n_out..], &inputs[sample * n_in..]);
        for run in runs {
            let (of_run, rest) = row.split_at_mut(run.len);
            scale(of_run, &inputs[run.first_in..], gradient[run.out]);
            row = rest;
        }
    });
    products
}

multiversion! {
    fn scale<T: Real>(target: &mut [T], source: &[T], factor: T) {
        for (target, source) in target.iter_mut().zip(source) {
            *target = factor * *source;
        }
    }
}
