//! Batch normalisation of feature maps, with the addition and the ReLU that follow it.

mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
mod tangent;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, InplaceOp2, Layout, Result, Shape, Tensor,
    WithDType, bail,
};

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;

#[cfg(feature = "cuda")]
use super::cuda::Numbers;
use super::storage::{for_real, same_shape, slice, slice_mut};

/// `y = γ (x − μ)/√(σ² + ε) + β` per channel, the last dimension; a residual is added, then the ReLU taken, if asked for.
///
/// μ and σ² are those of a group of samples, or any others that are handed in. A group is the whole minibatch, or a part
/// of it in ghost batch normalisation (Hoffer et al. 2017, algorithm 1). Works for `f32` and `f64`; sums over pixels are
/// `f64`. Ioffe and Szegedy (2015), algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    /// ε, 1e-5 as PyTorch's.
    pub epsilon: f64,
    /// Whether negative results become 0.
    pub relu: bool,
}

/// Mean and biased variance per group and channel.
#[derive(Debug, Clone)]
pub struct ChannelMoments {
    /// μ and σ² with divisor n, `[G, 2, C]`, in `f64`.
    pub values: Tensor,
    /// n, numbers per group and channel; `None` for moments that do not depend on the inputs.
    pub count: Option<usize>,
}

/// What the backward pass of [`BatchNorm`] gives.
pub struct BatchNormGradient {
    /// With respect to the inputs.
    pub inputs: Tensor,
    /// With respect to γ, `[C]`, or `[N, C]` for single samples.
    pub gamma: Tensor,
    /// With respect to β, as γ.
    pub beta: Tensor,
}

impl ChannelMoments {
    /// Moments of a map `[N, …, C]`, over groups of `N / n_groups` samples.
    ///
    /// # Errors
    /// When the groups do not divide the samples.
    pub fn of(inputs: &Tensor, n_groups: usize) -> Result<Self> {
        let n_samples = inputs.dim(0)?;
        if n_groups == 0 || n_samples == 0 || !n_samples.is_multiple_of(n_groups) {
            bail!("batch_norm: {n_groups} groups do not divide {n_samples} samples");
        }
        let values = inputs.apply_op1_no_bwd(&Moments { n_groups })?;
        let count = inputs.elem_count() / values.dim(2)? / n_groups;
        Ok(Self { values, count: Some(count) })
    }

    /// Moments of one group that were stored, `[C]`, such as running statistics.
    ///
    /// # Errors
    /// When the shapes differ.
    pub fn stored(mean: &Tensor, variance: &Tensor) -> Result<Self> {
        let both = Tensor::stack(&[mean, variance], 0)?;
        Ok(Self { values: both.to_dtype(DType::F64)?.unsqueeze(0)?, count: None })
    }

    /// μ of the first group, `[C]`.
    pub fn mean(&self) -> Result<Tensor> {
        self.values.get(0)?.get(0)
    }

    /// σ² of the first group, `[C]`.
    pub fn variance(&self) -> Result<Tensor> {
        self.values.get(0)?.get(1)
    }

    /// Takes in the moments of further samples, of as many groups (Chan, Golub and LeVeque 1983).
    ///
    /// # Panics
    /// When either does not depend on inputs.
    pub fn merge(&mut self, other: &ChannelMoments) -> Result<()> {
        let counts =
            (self.count.expect("moments of inputs"), other.count.expect("moments of inputs"));
        let total = counts.0 + counts.1;
        let (own, added) = (counts.0 as f64 / total as f64, counts.1 as f64 / total as f64);
        let part = |moments: &Self, row| moments.values.narrow(1, row, 1);
        let difference = (part(other, 0)? - part(self, 0)?)?;
        let mean = (part(self, 0)? + (&difference * added)?)?;
        let within = ((part(self, 1)? * own)? + (part(other, 1)? * added)?)?;
        let variance = (within + (difference.sqr()? * (own * added))?)?;
        self.values = Tensor::cat(&[mean, variance], 1)?;
        self.count = Some(total);
        Ok(())
    }
}

impl BatchNorm {
    /// The normalised map.
    ///
    /// # Errors
    /// When the shapes do not fit together.
    pub fn forward(
        &self,
        inputs: &Tensor,
        moments: &ChannelMoments,
        parameters: (&Tensor, &Tensor),
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        let scales = self.scales(inputs, moments, parameters)?;
        let normalise = Normalise { relu: self.relu };
        match residual {
            None => inputs.apply_op2_no_bwd(&scales, &normalise),
            Some(residual) => inputs.apply_op3_no_bwd(&scales, residual, &normalise),
        }
    }

    /// The backward pass of [`BatchNorm::forward`] without a residual.
    ///
    /// With g the gradient where the ReLU lets it pass, x̂ the normalised inputs and s = γ/√(σ² + ε):
    /// ∂β = Σ g, ∂γ = Σ g x̂, ∂x = s (g − ∂β/n − x̂ ∂γ/n), and ∂x = s g where the moments do not depend on the inputs.
    ///
    /// # Errors
    /// When the shapes do not fit together.
    pub fn backward(
        &self,
        inputs: &Tensor,
        moments: &ChannelMoments,
        parameters: (&Tensor, &Tensor),
        gradient: &Tensor,
    ) -> Result<BatchNormGradient> {
        let scales = self.scales(inputs, moments, parameters)?;
        let sums = self.gradient_sums(inputs, gradient, &scales)?;
        let terms = match moments.count {
            Some(count) => {
                let terms = Terms { epsilon: self.epsilon, count };
                moments.values.apply_op3_no_bwd(parameters.0, &sums, &terms)?
            }
            None => sums.zeros_like()?.to_dtype(inputs.dtype())?,
        };
        let of_parameters = self.parameter_gradients(moments, &sums, true)?.get(0)?;
        let of_parameters = of_parameters.to_dtype(inputs.dtype())?;
        Ok(BatchNormGradient {
            inputs: self.input_gradient(inputs, gradient, &scales, &terms)?,
            gamma: of_parameters.get(0)?,
            beta: of_parameters.get(1)?,
        })
    }

    /// [`BatchNorm::backward`] with the gradients of single samples with respect to γ and β, where the moments do not depend
    /// on the inputs: the same sums over the pixels of one sample.
    ///
    /// # Errors
    /// When the shapes do not fit together, or the moments depend on the inputs.
    pub fn backward_of_samples(
        &self,
        inputs: &Tensor,
        moments: &ChannelMoments,
        parameters: (&Tensor, &Tensor),
        gradient: &Tensor,
    ) -> Result<BatchNormGradient> {
        if moments.values.dim(0)? != 1 || moments.count.is_some() {
            bail!("batch_norm: gradients of single samples with moments of groups");
        }
        let scales = self.scales(inputs, moments, parameters)?;
        // Every sample is a group of its own.
        let (n_samples, n_channels) = (inputs.dim(0)?, scales.dim(2)?);
        let of_samples = scales.broadcast_as((n_samples, 3, n_channels))?.contiguous()?;
        let sums = self.gradient_sums(inputs, gradient, &of_samples)?;
        let of_parameters = self.parameter_gradients(moments, &sums, false)?;
        let of_parameters = of_parameters.to_dtype(inputs.dtype())?;
        let of = |row| of_parameters.narrow(1, row, 1)?.squeeze(1)?.contiguous();
        let terms = Tensor::zeros((1, 2, n_channels), inputs.dtype(), inputs.device())?;
        Ok(BatchNormGradient {
            inputs: self.input_gradient(inputs, gradient, &scales, &terms)?,
            gamma: of(0)?,
            beta: of(1)?,
        })
    }

    /// `s g + a (x − μ) + b`, with a and b of every group in `terms`, `[G, 2, C]`.
    fn input_gradient(
        &self,
        inputs: &Tensor,
        gradient: &Tensor,
        scales: &Tensor,
        terms: &Tensor,
    ) -> Result<Tensor> {
        let scales = Tensor::cat(&[scales, terms], 1)?;
        inputs.apply_op3_no_bwd(gradient, &scales, &Back { relu: self.relu })
    }

    /// Σ g and Σ g (x − μ) of every group, `[G, 2, C]` in `f64`, g the gradient where the ReLU lets it pass.
    fn gradient_sums(&self, inputs: &Tensor, gradient: &Tensor, scales: &Tensor) -> Result<Tensor> {
        inputs.apply_op3_no_bwd(gradient, scales, &GradientSums { relu: self.relu })
    }

    /// ∂γ and ∂β, `[G, 2, C]` in `f64`; `[1, 2, C]` of all groups together.
    fn parameter_gradients(
        &self,
        moments: &ChannelMoments,
        sums: &Tensor,
        together: bool,
    ) -> Result<Tensor> {
        let op = ParameterGradients { epsilon: self.epsilon, together };
        moments.values.apply_op2_no_bwd(sums, &op)
    }

    /// μ, γ/√(σ² + ε) and β of every group, `[G, 3, C]`.
    fn scales(
        &self,
        inputs: &Tensor,
        moments: &ChannelMoments,
        (gamma, beta): (&Tensor, &Tensor),
    ) -> Result<Tensor> {
        let n_channels = inputs.dims().last().copied().unwrap_or(0);
        let lengths = [moments.values.dim(2)?, gamma.elem_count(), beta.elem_count()];
        if lengths != [n_channels; 3] {
            bail!("batch_norm: {n_channels} channels, moments and parameters of {lengths:?}");
        }
        moments.values.apply_op3_no_bwd(gamma, beta, &Scales { epsilon: self.epsilon })
    }
}

/// Moves a running statistic `[C]` towards the newest value `[C]`, in `f64`, in place: `r ← (1 − share) r + share · factor · n`.
///
/// # Errors
/// When the shapes differ.
pub fn track(running: &Tensor, newest: &Tensor, share: f64, factor: f64) -> Result<()> {
    running.inplace_op2(newest, &Track { share, factor })
}

struct Track {
    share: f64,
    factor: f64,
}

impl InplaceOp2 for Track {
    fn name(&self) -> &'static str {
        "batch_norm_track"
    }

    fn cpu_fwd(
        &self,
        s1: &mut CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<()> {
        same_shape("batch_norm", l1, l2)?;
        for_real!(s1, "batch_norm", T => {
            for (running, newest) in slice_mut::<T>(s1, l1)?.iter_mut().zip(slice::<f64>(s2, l2)?) {
                let kept = (1. - self.share) * WithDType::to_f64(*running);
                *running = T::from_f64(kept + self.share * self.factor * newest);
            }
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
        same_shape("batch_norm", l1, l2)?;
        for_real!(s1, "batch_norm", T => cuda::track::<T>(
            &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, self.share, self.factor
        ))
    }
}

struct Scales {
    epsilon: f64,
}

impl CustomOp3 for Scales {
    fn name(&self) -> &'static str {
        "batch_norm_scales"
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
        let (n_groups, _, n_channels) = l1.shape().dims3()?;
        let storage = for_real!(s2, "batch_norm", T => T::to_cpu_storage_owned(cpu::scales::<T>(
            slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?, self.epsilon
        )));
        Ok((storage, (n_groups, 3, n_channels).into()))
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
        let (n_groups, _, n_channels) = l1.shape().dims3()?;
        let storage = for_real!(s2, "batch_norm", T => cuda::scales::<T>(
            &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, &Numbers::of(s3, l3)?, self.epsilon
        )?);
        Ok((storage, (n_groups, 3, n_channels).into()))
    }
}

/// a and b of [`BatchNorm::input_gradient`], where the moments are those of so many numbers.
struct Terms {
    epsilon: f64,
    count: usize,
}

impl CustomOp3 for Terms {
    fn name(&self) -> &'static str {
        "batch_norm_terms"
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
        same_shape("batch_norm", l1, l3)?;
        let storage = for_real!(s2, "batch_norm", T => T::to_cpu_storage_owned(cpu::terms::<T>(
            slice(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?, self.epsilon, self.count
        )));
        Ok((storage, l1.shape().clone()))
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
        same_shape("batch_norm", l1, l3)?;
        let storage = for_real!(s2, "batch_norm", T => cuda::terms::<T>(
            &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, &Numbers::of(s3, l3)?, self.epsilon, self.count
        )?);
        Ok((storage, l1.shape().clone()))
    }
}

struct ParameterGradients {
    epsilon: f64,
    /// Whether groups are added up.
    together: bool,
}

impl CustomOp2 for ParameterGradients {
    fn name(&self) -> &'static str {
        "batch_norm_parameter_gradients"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n_groups, _, n_channels) = l2.shape().dims3()?;
        let n_rows = if self.together { 1 } else { n_groups };
        let (moments, sums) = (slice(s1, l1)?, slice(s2, l2)?);
        let gradients = cpu::parameter_gradients(moments, sums, n_channels, n_rows, self.epsilon);
        Ok((f64::to_cpu_storage_owned(gradients), (n_rows, 2, n_channels).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let (n_groups, _, n_channels) = l2.shape().dims3()?;
        let n_rows = if self.together { 1 } else { n_groups };
        let (moments, sums) = (Numbers::of(s1, l1)?, Numbers::of(s2, l2)?);
        let gradients =
            cuda::parameter_gradients(&moments, &sums, n_channels, n_rows, self.epsilon)?;
        Ok((gradients, (n_rows, 2, n_channels).into()))
    }
}

struct Moments {
    n_groups: usize,
}

impl CustomOp1 for Moments {
    fn name(&self) -> &'static str {
        "batch_norm_moments"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout) -> Result<(CpuStorage, Shape)> {
        let n_channels = last(l1)?;
        let moments = for_real!(s1, "batch_norm", T =>
            cpu::moments::<T>(slice(s1, l1)?, self.n_groups, n_channels));
        Ok((f64::to_cpu_storage_owned(moments), (self.n_groups, 2, n_channels).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s1: &CudaStorage, l1: &Layout) -> Result<(CudaStorage, Shape)> {
        let n_channels = last(l1)?;
        let moments = for_real!(s1, "batch_norm", T =>
            cuda::moments::<T>(&Numbers::of(s1, l1)?, self.n_groups, n_channels)?);
        Ok((moments, (self.n_groups, 2, n_channels).into()))
    }
}

struct Normalise {
    relu: bool,
}

impl CustomOp2 for Normalise {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let storage = for_real!(s1, "batch_norm", T => T::to_cpu_storage_owned(
            cpu::normalised::<T>(slice(s1, l1)?, l2.dims(), slice(s2, l2)?, None, self.relu)
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
        let storage = for_real!(s1, "batch_norm", T => cuda::normalised::<T>(
            &Numbers::of(s1, l1)?, l2.dims(), &Numbers::of(s2, l2)?, None, self.relu
        )?);
        Ok((storage, l1.shape().clone()))
    }
}

impl CustomOp3 for Normalise {
    fn name(&self) -> &'static str {
        "batch_norm_residual"
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
        same_shape("batch_norm", l1, l3)?;
        let storage = for_real!(s1, "batch_norm", T => {
            let residual = Some(slice(s3, l3)?);
            T::to_cpu_storage_owned(
                cpu::normalised::<T>(slice(s1, l1)?, l2.dims(), slice(s2, l2)?, residual, self.relu)
            )
        });
        Ok((storage, l1.shape().clone()))
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
        same_shape("batch_norm", l1, l3)?;
        let storage = for_real!(s1, "batch_norm", T => {
            let residual = Numbers::of(s3, l3)?;
            cuda::normalised::<T>(
                &Numbers::of(s1, l1)?, l2.dims(), &Numbers::of(s2, l2)?, Some(&residual), self.relu
            )?
        });
        Ok((storage, l1.shape().clone()))
    }
}

struct GradientSums {
    relu: bool,
}

impl CustomOp3 for GradientSums {
    fn name(&self) -> &'static str {
        "batch_norm_gradient_sums"
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
        same_shape("batch_norm", l1, l2)?;
        let (n_groups, _, n_channels) = l3.shape().dims3()?;
        let sums = for_real!(s1, "batch_norm", T => cpu::gradient_sums::<T>(
            slice(s1, l1)?, slice(s2, l2)?, l3.dims(), slice(s3, l3)?, self.relu
        ));
        Ok((f64::to_cpu_storage_owned(sums), (n_groups, 2, n_channels).into()))
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
        same_shape("batch_norm", l1, l2)?;
        let (n_groups, _, n_channels) = l3.shape().dims3()?;
        let sums = for_real!(s1, "batch_norm", T => cuda::gradient_sums::<T>(
            &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, l3.dims(), &Numbers::of(s3, l3)?, self.relu
        )?);
        Ok((sums, (n_groups, 2, n_channels).into()))
    }
}

struct Back {
    relu: bool,
}

impl CustomOp3 for Back {
    fn name(&self) -> &'static str {
        "batch_norm_input_gradient"
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
        same_shape("batch_norm", l1, l2)?;
        let storage = for_real!(s1, "batch_norm", T => T::to_cpu_storage_owned(
            cpu::input_gradient::<T>(slice(s1, l1)?, slice(s2, l2)?, l3.dims(), slice(s3, l3)?, self.relu)
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
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        same_shape("batch_norm", l1, l2)?;
        let storage = for_real!(s1, "batch_norm", T => cuda::input_gradient::<T>(
            &Numbers::of(s1, l1)?, &Numbers::of(s2, l2)?, l3.dims(), &Numbers::of(s3, l3)?, self.relu
        )?);
        Ok((storage, l1.shape().clone()))
    }
}

fn last(layout: &Layout) -> Result<usize> {
    match layout.dims().last() {
        Some(&size) if size > 0 => Ok(size),
        _ => bail!("batch_norm: no channels in {:?}", layout.shape()),
    }
}

#[cfg(test)]
mod tests;
