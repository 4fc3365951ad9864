//! Losses, with their gradients.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType};
use serde::{Deserialize, Serialize};

use crate::ops::{Real, for_chunks, for_real, same_shape, slice};

/// Samples that are worked off together.
const ROWS: usize = 64;

/// Elementary operations for an output.
const COST: usize = 20;

/// What training descends: a mean over samples.
///
/// Values and gradients are computed in `f64` from the outputs, whatever their type. With a mean square, a network may have
/// one output, which stands for class 0 against all others.
///
/// # Units
/// Mori et al. (2022) and others have `½ Σ_k (y_k − t_k)²`: K/2 times the mean square here. Losses, gradients and curvatures
/// here are 2/K of theirs, so that the same descent needs K/2 times their step size: half of it with one output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// `−ln softmax(y)_label`, in nats.
    #[default]
    CrossEntropy,
    /// `(1/K) Σ_k (y_k − t_k)²`, t being 1 for the label and 0 elsewhere; PyTorch's `MSELoss` on one-hot targets.
    MeanSquareOneHot,
    /// The same with t = 1 for the label and −1 elsewhere.
    MeanSquareSigned,
}

impl Loss {
    /// Whether this is the default.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(crate) fn is_cross_entropy(&self) -> bool {
        *self == Loss::CrossEntropy
    }

    /// The mean over the samples of a minibatch, and its gradient with respect to the outputs `[N, K]`.
    ///
    /// # Errors
    /// When the outputs are not a matrix with a row per label.
    pub fn value_and_gradient(self, outputs: &Tensor, labels: &[u32]) -> Result<(f64, Tensor)> {
        let share = 1. / outputs.dim(0)? as f64;
        let n_classes = outputs.dim(1)?;
        let rows = self.of_samples(outputs, labels)?;
        let gradient = mean_gradient(&rows, outputs)?;
        let losses = rows.narrow(1, n_classes, 1)?.flatten_all()?.to_vec1::<f64>()?;
        Ok((losses.iter().sum::<f64>() * share, gradient))
    }

    /// The gradient of the loss of each sample with respect to its own outputs, `[N, K]`.
    ///
    /// # Errors
    /// As [`Loss::value_and_gradient`].
    pub fn gradients_of_samples(self, outputs: &Tensor, labels: &[u32]) -> Result<Tensor> {
        let rows = self.of_samples(outputs, labels)?;
        rows.narrow(1, 0, outputs.dim(1)?)?.to_dtype(outputs.dtype())?.contiguous()
    }

    /// The loss of each sample, and 1 where it is classified rightly ([`Loss::is_right`]) and 0 where not, `[N, 2]` in `f64`,
    /// for `labels` `[N]` of `u32` beside the outputs.
    ///
    /// # Errors
    /// As [`Loss::value_and_gradient`].
    pub fn losses_and_hits(self, outputs: &Tensor, labels: &Tensor) -> Result<Tensor> {
        self.rows(outputs, labels)?.narrow(1, outputs.dim(1)?, 2)?.contiguous()
    }

    /// The gradient of [`Loss::value_and_gradient`], and its directional derivative where the outputs move along `tangent`,
    /// both `[N, K]`: `(1/N) (diag p − p pᵀ) ẏ` of the cross-entropy with p = softmax y, `2ẏ/(N K)` of a mean square.
    ///
    /// # Errors
    /// As [`Loss::value_and_gradient`].
    pub fn gradient_and_tangent(
        self,
        outputs: &Tensor,
        tangent: &Tensor,
        labels: &[u32],
    ) -> Result<(Tensor, Tensor)> {
        let gradient = mean_gradient(&self.of_samples(outputs, labels)?, outputs)?;
        let share = 1. / outputs.dim(0)? as f64;
        let (numbers, tangent) = (outputs.contiguous()?, tangent.contiguous()?);
        let rows = (numbers.apply_op2_no_bwd(&tangent, &TangentRows(self))? * share)?;
        Ok((gradient, rows.to_dtype(outputs.dtype())?))
    }

    fn of_samples(self, outputs: &Tensor, labels: &[u32]) -> Result<Tensor> {
        self.rows(outputs, &Tensor::new(labels, outputs.device())?)
    }

    /// The gradient of the loss of each sample with respect to its outputs, the loss, and whether it is classified rightly,
    /// `[N, K + 2]` in `f64`.
    fn rows(self, outputs: &Tensor, labels: &Tensor) -> Result<Tensor> {
        let (n_samples, n_classes) = outputs.dims2()?;
        if n_samples != labels.elem_count() || n_classes == 0 {
            candle_core::bail!(
                "outputs of {:?} for {} labels",
                outputs.shape(),
                labels.elem_count()
            );
        }
        let numbers = match outputs.dtype() {
            DType::F32 | DType::F64 => outputs.contiguous()?,
            _ => outputs.to_dtype(DType::F64)?,
        };
        numbers.apply_op2_no_bwd(labels, &Rows(self))
    }

    /// [`Loss::rows`] on the CPU.
    fn cpu_rows<T: Real>(self, outputs: &[T], labels: &[u32]) -> Vec<f64> {
        let n_classes = outputs.len() / labels.len();
        let mut rows = vec![0.; labels.len() * (n_classes + 2)];
        let work = COST * outputs.len();
        for_chunks(
            &mut rows,
            ROWS * (n_classes + 2),
            work,
            |chunk, rows, as_f64: &mut Vec<f64>| {
                for (row, at) in rows.chunks_exact_mut(n_classes + 2).zip(chunk * ROWS..) {
                    let outputs = &outputs[at * n_classes..][..n_classes];
                    as_f64.clear();
                    as_f64.extend(outputs.iter().map(|&y| WithDType::to_f64(y)));
                    let (gradient, rest) = row.split_at_mut(n_classes);
                    let label = labels[at] as usize;
                    rest[0] = self.differentiate(as_f64, label, gradient);
                    rest[1] = f64::from(self.is_right(as_f64, label));
                }
            },
        );
        rows
    }

    /// The loss of one sample. NaN where an output is.
    pub fn of_sample(self, outputs: &[f64], label: usize) -> f64 {
        self.differentiate(outputs, label, &mut vec![0.; outputs.len()])
    }

    /// The loss of one sample; its gradient with respect to the outputs `[K]` is written into `gradient`.
    pub fn differentiate(self, outputs: &[f64], label: usize, gradient: &mut [f64]) -> f64 {
        match self {
            Loss::CrossEntropy => {
                let max = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let mut sum = 0.;
                for (gradient, output) in gradient.iter_mut().zip(outputs) {
                    *gradient = (output - max).exp();
                    sum += *gradient;
                }
                gradient.iter_mut().for_each(|gradient| *gradient /= sum);
                gradient[label] -= 1.;
                max - outputs[label] + sum.ln()
            }
            Loss::MeanSquareOneHot | Loss::MeanSquareSigned => {
                let n_classes = outputs.len() as f64;
                let mut loss = 0.;
                for (class, (gradient, output)) in gradient.iter_mut().zip(outputs).enumerate() {
                    let difference = output - self.target(class == label);
                    loss += difference * difference / n_classes;
                    *gradient = 2. * difference / n_classes;
                }
                loss
            }
        }
    }

    /// The product of the loss's second derivative at the outputs `[K]` of one sample with `tangent`, written over it.
    fn bend(self, outputs: &[f64], tangent: &mut [f64], softmax: &mut Vec<f64>) {
        let n_classes = outputs.len() as f64;
        if self != Loss::CrossEntropy {
            return tangent.iter_mut().for_each(|along| *along *= 2. / n_classes);
        }
        let likeliest =
            (0..outputs.len()).fold(0, |a, b| if outputs[b] > outputs[a] { b } else { a });
        softmax.clear();
        softmax.extend(outputs.iter().map(|output| (output - outputs[likeliest]).exp()));
        let sum: f64 = softmax.iter().sum();
        // Relative to the likeliest class: where p is nearly 1, p·ẏ − ẏ cancels otherwise.
        let at_likeliest = tangent[likeliest];
        let mut mean = 0.;
        for (along, p) in tangent.iter_mut().zip(&*softmax) {
            *along -= at_likeliest;
            mean += p / sum * *along;
        }
        for (along, p) in tangent.iter_mut().zip(&*softmax) {
            *along = p / sum * (*along - mean);
        }
    }

    /// Whether no other class has as large an output; of a single output, whether it is nearer to the target of its class.
    pub fn is_right(self, outputs: &[f64], label: usize) -> bool {
        if let [output] = outputs {
            let middle = 0.5 * (self.target(true) + self.target(false));
            return (*output > middle) == (label == 0);
        }
        outputs.iter().enumerate().all(|(class, &y)| class == label || y < outputs[label])
    }

    fn target(self, is_label: bool) -> f64 {
        match self {
            _ if is_label => 1.,
            Loss::MeanSquareSigned => -1.,
            Loss::CrossEntropy | Loss::MeanSquareOneHot => 0.,
        }
    }
}

/// The gradient of the mean loss, `[N, K]`, from the rows of [`Loss::rows`].
fn mean_gradient(rows: &Tensor, outputs: &Tensor) -> Result<Tensor> {
    let (n_samples, n_classes) = outputs.dims2()?;
    (rows.narrow(1, 0, n_classes)? * (1. / n_samples as f64))?.to_dtype(outputs.dtype())
}

struct Rows(Loss);

impl CustomOp2 for Rows {
    fn name(&self) -> &'static str {
        "loss"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (n_samples, n_classes) = l1.shape().dims2()?;
        let rows = for_real!(s1, "loss", T => self.0.cpu_rows::<T>(slice(s1, l1)?, slice(s2, l2)?));
        Ok((f64::to_cpu_storage_owned(rows), (n_samples, n_classes + 2).into()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        use crate::ops::cuda::{Numbers, each, launch, room};
        let (n_samples, n_classes) = l1.shape().dims2()?;
        let labels = Numbers::<u32>::of(s2, l2)?;
        let (device, n) = (labels.device, n_samples);
        let rows = room::<f64>(device, n * (n_classes + 2))?;
        for_real!(s1, "loss", T => launch!(T, device, "loss_rows", each(n);
            n as i64, n_classes as i64, self.0 as i32, Numbers::<T>::of(s1, l1)?.view, labels.view, rows.as_view()));
        let rows = candle_core::CudaStorage::wrap_cuda_slice(rows, device.clone());
        Ok((rows, (n_samples, n_classes + 2).into()))
    }
}

/// [`Loss::bend`] of every sample, `[N, K]` in `f64`.
struct TangentRows(Loss);

impl CustomOp2 for TangentRows {
    fn name(&self) -> &'static str {
        "loss_tangent"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        same_shape("loss", l1, l2)?;
        let (_, n_classes) = l1.shape().dims2()?;
        let rows = for_real!(s1, "loss", T => {
            let as_f64 = |values: &[T]| values.iter().map(|&y| WithDType::to_f64(y)).collect::<Vec<_>>();
            let (outputs, mut rows) = (as_f64(slice(s1, l1)?), as_f64(slice(s2, l2)?));
            let mut softmax = Vec::new();
            for (outputs, row) in outputs.chunks_exact(n_classes).zip(rows.chunks_exact_mut(n_classes)) {
                self.0.bend(outputs, row, &mut softmax);
            }
            rows
        });
        Ok((f64::to_cpu_storage_owned(rows), l1.shape().clone()))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &candle_core::CudaStorage,
        l1: &Layout,
        s2: &candle_core::CudaStorage,
        l2: &Layout,
    ) -> Result<(candle_core::CudaStorage, Shape)> {
        use crate::ops::cuda::{Numbers, each, launch, room};
        use candle_core::backend::BackendStorage;
        same_shape("loss", l1, l2)?;
        let (n, n_classes) = l1.shape().dims2()?;
        let device = s1.device();
        let rows = room::<f64>(device, n * n_classes)?;
        for_real!(s1, "loss", T => launch!(T, device, "loss_tangent", each(n);
            n as i64, n_classes as i64, self.0 as i32, Numbers::<T>::of(s1, l1)?.view,
            Numbers::<T>::of(s2, l2)?.view, rows.as_view()));
        Ok((candle_core::CudaStorage::wrap_cuda_slice(rows, device.clone()), l1.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// The dense second derivative of the cross-entropy by hand, for outputs of which one is nearly certain.
    #[test]
    fn second_derivatives_by_hand() {
        let outputs = Tensor::new(&[[0.3, -1.2, 2.], [40., 1., -0.5]], &Device::Cpu).unwrap();
        let tangent = Tensor::new(&[[1., -2., 0.5], [0.7, 1., -1.]], &Device::Cpu).unwrap();
        let (y, v) = (outputs.to_vec2::<f64>().unwrap(), tangent.to_vec2::<f64>().unwrap());
        let found = |loss: Loss, dtype: DType| {
            let (outputs, tangent) =
                (outputs.to_dtype(dtype).unwrap(), tangent.to_dtype(dtype).unwrap());
            let (gradient, tangent) =
                loss.gradient_and_tangent(&outputs, &tangent, &[2, 1]).unwrap();
            let expected = loss.value_and_gradient(&outputs, &[2, 1]).unwrap().1;
            let numbers = |tensor: Tensor| tensor.to_dtype(DType::F64).unwrap().to_vec2::<f64>();
            assert_eq!(numbers(gradient).unwrap(), numbers(expected).unwrap());
            numbers(tangent).unwrap()
        };
        for (dtype, tolerance) in [(DType::F64, 1e-14), (DType::F32, 1e-6)] {
            for (row, found) in found(Loss::CrossEntropy, dtype).iter().enumerate() {
                let sum: f64 = y[row].iter().map(|y| y.exp()).sum();
                for (class, found) in found.iter().enumerate() {
                    let pairs = (0..3).map(|k| y[row][k].exp() / sum * (v[row][class] - v[row][k]));
                    let expected = y[row][class].exp() / sum * pairs.sum::<f64>() / 2.;
                    let close = (found - expected).abs() <= tolerance * expected.abs();
                    assert!(close, "{row} {class}: {found} {expected}");
                }
            }
            for (found, v) in found(Loss::MeanSquareSigned, dtype).iter().zip(&v) {
                for (found, v) in found.iter().zip(v) {
                    assert!((found - v / 3.).abs() < tolerance);
                }
            }
        }
    }

    const ALL: [Loss; 3] = [Loss::CrossEntropy, Loss::MeanSquareOneHot, Loss::MeanSquareSigned];

    /// By hand: outputs (1, 3), label 0.
    #[test]
    fn values_by_hand() {
        let of = |loss: Loss| loss.of_sample(&[1., 3.], 0);
        assert!((of(Loss::CrossEntropy) - (1. + 2f64.exp()).ln()).abs() < 1e-15);
        assert_eq!(of(Loss::MeanSquareOneHot), 4.5);
        assert_eq!(of(Loss::MeanSquareSigned), 8.);
        assert!(of(Loss::CrossEntropy) > 2. && Loss::CrossEntropy.of_sample(&[1e4, 0.], 1) == 1e4);
    }

    /// A single output: class 0 against all others.
    #[test]
    fn one_output_by_hand() {
        let (signed, one_hot) = (Loss::MeanSquareSigned, Loss::MeanSquareOneHot);
        assert_eq!([0, 1, 7].map(|label| signed.of_sample(&[0.5], label)), [0.25, 2.25, 2.25]);
        assert_eq!([0, 1].map(|label| one_hot.of_sample(&[0.25], label)), [0.5625, 0.0625]);
        let outputs = Tensor::new(&[[0.5], [0.5]], &Device::Cpu).unwrap();
        let (value, gradient) = signed.value_and_gradient(&outputs, &[0, 7]).unwrap();
        assert_eq!(value, 1.25);
        assert_eq!(gradient.to_vec2::<f64>().unwrap(), [[-0.5], [1.5]]);
        assert_eq!([0, 7].map(|label| signed.is_right(&[0.25], label)), [true, false]);
        assert_eq!([0, 7].map(|label| one_hot.is_right(&[0.25], label)), [false, true]);
    }

    #[test]
    fn gradients_are_slopes() {
        let outputs = [[0.3, -1.2, 2.], [1., 1., -0.5]];
        let labels = [2, 1];
        for loss in ALL {
            let at = |row: usize, class: usize, by: f64| {
                let mut moved = outputs;
                moved[row][class] += by;
                let tensor = Tensor::new(&moved, &Device::Cpu).unwrap();
                loss.value_and_gradient(&tensor, &labels).unwrap()
            };
            let gradient = at(0, 0, 0.).1.to_vec2::<f64>().unwrap();
            for (row, gradient) in gradient.iter().enumerate() {
                for (class, found) in gradient.iter().enumerate() {
                    let slope = (at(row, class, 1e-5).0 - at(row, class, -1e-5).0) / 2e-5;
                    assert!((found - slope).abs() < 1e-9, "{loss:?}");
                }
            }
        }
    }

    #[test]
    fn losses_and_hits_are_those_of_samples() {
        for loss in ALL {
            for outputs in [vec![[0.3, -1.2], [1., 1.], [f64::NAN, 0.]], vec![[0.2, 0.7]]] {
                let labels: Vec<u32> = (0..outputs.len() as u32).map(|i| i % 2).collect();
                let shape = (outputs.len(), 2);
                let tensor = Tensor::from_vec(outputs.concat(), shape, &Device::Cpu).unwrap();
                let own = Tensor::new(labels.as_slice(), &Device::Cpu).unwrap();
                let found = loss.losses_and_hits(&tensor, &own).unwrap().to_vec2::<f64>().unwrap();
                for ((found, outputs), &label) in found.iter().zip(&outputs).zip(&labels) {
                    let value = loss.of_sample(outputs, label as usize);
                    assert!(found[0] == value || found[0].is_nan() && value.is_nan());
                    assert_eq!(found[1] == 1., loss.is_right(outputs, label as usize));
                }
            }
        }
    }

    #[test]
    fn labels_and_outputs_must_match() {
        let outputs = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
        assert!(Loss::CrossEntropy.value_and_gradient(&outputs, &[0]).is_err());
    }
}
