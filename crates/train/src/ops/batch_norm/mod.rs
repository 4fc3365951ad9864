//! Batch normalisation of feature maps, with the addition and the ReLU that follow it.

mod cpu;

use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Layout, Result, Shape, Tensor,
    WithDType, bail,
};

use super::storage::{for_real, same_shape, slice};

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
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelMoments {
    /// μ, `[G][C]`.
    pub mean: Vec<Vec<f64>>,
    /// σ² with divisor n, `[G][C]`.
    pub variance: Vec<Vec<f64>>,
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
        let moments = inputs.apply_op1_no_bwd(&Moments { n_groups })?.to_vec3::<f64>()?;
        let (mean, variance): (Vec<_>, Vec<_>) = moments
            .into_iter()
            .map(|group| <[Vec<f64>; 2]>::try_from(group).expect("mean and variance"))
            .map(|[mean, variance]| (mean, variance))
            .unzip();
        let count = inputs.elem_count() / mean[0].len() / n_groups;
        Ok(Self { mean, variance, count: Some(count) })
    }

    /// Takes in the moments of further samples, of as many groups (Chan, Golub and LeVeque 1983).
    ///
    /// # Panics
    /// When either does not depend on inputs.
    pub fn merge(&mut self, other: &ChannelMoments) {
        let counts =
            (self.count.expect("moments of inputs"), other.count.expect("moments of inputs"));
        let total = counts.0 + counts.1;
        let (own, added) = (counts.0 as f64 / total as f64, counts.1 as f64 / total as f64);
        let means = self.mean.iter_mut().flatten().zip(other.mean.iter().flatten());
        let variances = self.variance.iter_mut().flatten().zip(other.variance.iter().flatten());
        for ((mean, other_mean), (variance, other_variance)) in means.zip(variances) {
            let difference = other_mean - *mean;
            *mean += added * difference;
            *variance = own * *variance + added * other_variance + own * added * difference.powi(2);
        }
        self.count = Some(total);
    }

    /// Moments of one group that were stored, such as running statistics.
    pub fn stored(mean: Vec<f64>, variance: Vec<f64>) -> Self {
        Self { mean: vec![mean], variance: vec![variance], count: None }
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
        (gamma, beta): (&Tensor, &Tensor),
        residual: Option<&Tensor>,
    ) -> Result<Tensor> {
        let scales = self.scales(inputs, moments, gamma, beta)?;
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
        (gamma, beta): (&Tensor, &Tensor),
        gradient: &Tensor,
    ) -> Result<BatchNormGradient> {
        let scales = self.scales(inputs, moments, gamma, beta)?;
        let sums = self.gradient_sums(inputs, gradient, &scales)?;
        let gammas = to_f64(gamma)?;
        let n_channels = gammas.len();
        let (mut of_gamma, mut of_beta) = (vec![0.; n_channels], vec![0.; n_channels]);
        // g ↦ s g + a (x − μ) + b
        let mut terms = Vec::with_capacity(2 * sums.len() * n_channels);
        for (sums, variance) in sums.iter().zip(&moments.variance) {
            let (mut a, mut b) = (vec![0.; n_channels], vec![0.; n_channels]);
            for channel in 0..n_channels {
                let inverse_std = 1. / (variance[channel] + self.epsilon).sqrt();
                let (sum, product) = (sums[0][channel], sums[1][channel] * inverse_std);
                of_beta[channel] += sum;
                of_gamma[channel] += product;
                if let Some(count) = moments.count {
                    let share = -gammas[channel] * inverse_std / count as f64;
                    a[channel] = share * product * inverse_std;
                    b[channel] = share * sum;
                }
            }
            terms.extend(a.into_iter().chain(b));
        }
        Ok(BatchNormGradient {
            inputs: self.input_gradient(inputs, gradient, &scales, terms)?,
            gamma: tensor(of_gamma, n_channels, inputs)?,
            beta: tensor(of_beta, n_channels, inputs)?,
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
        (gamma, beta): (&Tensor, &Tensor),
        gradient: &Tensor,
    ) -> Result<BatchNormGradient> {
        let ([_], [variance], None) =
            (moments.mean.as_slice(), moments.variance.as_slice(), moments.count)
        else {
            bail!("batch_norm: gradients of single samples with moments of groups");
        };
        let scales = self.scales(inputs, moments, gamma, beta)?;
        // Every sample is a group of its own.
        let (n_samples, n_channels) = (inputs.dim(0)?, variance.len());
        let of_samples = scales.broadcast_as((n_samples, 3, n_channels))?.contiguous()?;
        let sums = self.gradient_sums(inputs, gradient, &of_samples)?;
        let of_beta: Vec<f64> = sums.iter().flat_map(|sums| &sums[0]).copied().collect();
        let of_sample = |sums: &[Vec<f64>]| -> Vec<f64> {
            let inverse_std = variance.iter().map(|variance| 1. / (variance + self.epsilon).sqrt());
            sums[1].iter().zip(inverse_std).map(|(sum, inverse)| sum * inverse).collect()
        };
        let of_gamma: Vec<f64> = sums.iter().flat_map(|sums| of_sample(sums)).collect();
        Ok(BatchNormGradient {
            inputs: self.input_gradient(inputs, gradient, &scales, vec![0.; 2 * n_channels])?,
            gamma: tensor(of_gamma, (n_samples, n_channels), inputs)?,
            beta: tensor(of_beta, (n_samples, n_channels), inputs)?,
        })
    }

    /// `s g + a (x − μ) + b`, with a and b of every group in `terms`, `[G, 2, C]`.
    fn input_gradient(
        &self,
        inputs: &Tensor,
        gradient: &Tensor,
        scales: &Tensor,
        terms: Vec<f64>,
    ) -> Result<Tensor> {
        let (n_groups, _, n_channels) = scales.dims3()?;
        let terms = tensor(terms, (n_groups, 2, n_channels), inputs)?;
        let scales = Tensor::cat(&[scales, &terms], 1)?;
        inputs.apply_op3_no_bwd(gradient, &scales, &Back { relu: self.relu })
    }

    /// Σ g and Σ g (x − μ) of every group, `[G][2][C]`, g the gradient where the ReLU lets it pass.
    fn gradient_sums(
        &self,
        inputs: &Tensor,
        gradient: &Tensor,
        scales: &Tensor,
    ) -> Result<Vec<Vec<Vec<f64>>>> {
        let sums = GradientSums { relu: self.relu };
        inputs.apply_op3_no_bwd(gradient, scales, &sums)?.to_vec3()
    }

    /// μ, γ/√(σ² + ε) and β of every group, `[G, 3, C]`.
    fn scales(
        &self,
        inputs: &Tensor,
        moments: &ChannelMoments,
        gamma: &Tensor,
        beta: &Tensor,
    ) -> Result<Tensor> {
        let (gamma, beta) = (to_f64(gamma)?, to_f64(beta)?);
        let n_channels = inputs.dims().last().copied().unwrap_or(0);
        let n_groups = moments.mean.len();
        let mut scales = Vec::with_capacity(n_groups * 3 * n_channels);
        for (mean, variance) in moments.mean.iter().zip(&moments.variance) {
            let lengths = [mean, variance, &gamma, &beta].map(|values| values.len());
            if lengths != [n_channels; 4] {
                bail!("batch_norm: {n_channels} channels, moments and parameters of {lengths:?}");
            }
            scales.extend(mean);
            scales.extend(gamma.iter().zip(variance).map(|(g, v)| g / (v + self.epsilon).sqrt()));
            scales.extend(&beta);
        }
        tensor(scales, (n_groups, 3, n_channels), inputs)
    }
}

fn to_f64(tensor: &Tensor) -> Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.to_vec1()
}

/// On the device and of the type of `like`.
fn tensor(values: Vec<f64>, shape: impl Into<Shape>, like: &Tensor) -> Result<Tensor> {
    let tensor = Tensor::from_vec(values, shape.into(), &Device::Cpu)?;
    tensor.to_dtype(like.dtype())?.to_device(like.device())
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
}

fn last(layout: &Layout) -> Result<usize> {
    match layout.dims().last() {
        Some(&size) if size > 0 => Ok(size),
        _ => bail!("batch_norm: no channels in {:?}", layout.shape()),
    }
}

#[cfg(test)]
mod tests;
