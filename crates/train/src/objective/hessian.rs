//! The product of the Hessian of the full-batch loss with a vector.

use super::Objective;
use crate::error::TrainError;
use crate::model::{Mode, SecondDerivatives};

/// The steps of differences, for a direction of the length of the weights or of 1, whichever is greater.
const STEPS: [f64; 2] = [1e-7, 1e-8];

/// How far two ways to a product may lie apart, as a share of it, and beyond that as a share of the direction: the gradient
/// is rounded in its sixteenth digit, which a step of 1e-8 makes the eighth.
const AGREEMENT: [f64; 2] = [1e-4, 1e-6];

impl Objective {
    /// The product H v of the Hessian of the full-batch loss with a direction, flattened to `[n_parameters]`; batch
    /// normalisations use their stored statistics.
    ///
    /// # Formula
    /// Of the networks of this crate it is exact: Pearlmutter's R-operator (1994), doi:10.1162/neco.1994.6.1.147. At a kink of
    /// a ReLU or of a maximum it is the second derivative of the piece that the point lies on.
    ///
    /// Of a [`CandleModel`](crate::CandleModel) it is the derivative of candle's gradient where candle keeps the graph of that,
    /// held against `(∇L(w + hv) − ∇L(w − hv))/2h` in `f64`, which has to agree at one of two steps h to four digits; else it
    /// is that difference, if it agrees with itself at both steps. Where a kink lies between, differences grow as 1/h.
    ///
    /// # Errors
    /// [`TrainError::NoHessian`] when they do not agree; when parameters of a network without exact products are not `f64`.
    ///
    /// # Panics
    /// When `direction` has not `n_parameters` numbers.
    pub fn hessian_product(&self, direction: &[f64]) -> Result<Vec<f64>, TrainError> {
        match self.network.second_derivatives() {
            SecondDerivatives::Exact => self.derivative_of_gradient(direction),
            SecondDerivatives::Unverified => {
                let product = self.derivative_of_gradient(direction)?;
                for step in STEPS {
                    if agree(&self.difference(direction, step)?, &product, direction) {
                        return Ok(product);
                    }
                }
                Err(TrainError::NoHessian(
                    "candle's second derivatives are not those of its gradients: an operation in the network has a \
                     derivative whose own derivative candle does not know",
                ))
            }
            SecondDerivatives::Missing => {
                let [far, near] = STEPS.map(|step| self.difference(direction, step));
                let (far, near) = (far?, near?);
                if agree(&far, &near, direction) {
                    return Ok(near);
                }
                Err(TrainError::NoHessian(
                    "differences of gradients at two steps do not agree, as where the network has kinks; with the \
                     environment variable CANDLE_GRAD_DO_NOT_DETACH=1 candle differentiates twice",
                ))
            }
        }
    }

    fn derivative_of_gradient(&self, direction: &[f64]) -> Result<Vec<f64>, TrainError> {
        let (train, direction) = (&self.data.train, self.params.split(direction)?);
        let (_, product) = self.sum_over_chunks(|start, n_chunk| {
            let (inputs, labels) = train.range(start..start + n_chunk)?;
            let products = self.network.hessian_product(
                &self.cast(&inputs)?,
                &direction,
                &mut |outputs, tangent| self.loss.gradient_and_tangent(outputs, tangent, labels),
            )?;
            Ok((n_chunk as f64 / train.len() as f64, 0., self.all_received(products)?))
        })?;
        Ok(product)
    }

    fn difference(&self, direction: &[f64], step: f64) -> Result<Vec<f64>, TrainError> {
        if !self.params.vars().all(|var| var.dtype() == candle_core::DType::F64) {
            return Err(TrainError::NoHessian(
                "differences of gradients say nothing of it in single precision",
            ));
        }
        let (at, fork) = (self.params.flatten()?, self.fork()?);
        let step = step * norm(&at).max(1.) / norm(direction);
        let gradient = |by: f64| {
            let moved: Vec<f64> = at.iter().zip(direction).map(|(w, v)| w + by * v).collect();
            fork.params.assign(&moved)?;
            Ok::<_, TrainError>(fork.full_gradient(Mode::Eval)?.1)
        };
        let (ahead, behind) = (gradient(step)?, gradient(-step)?);
        Ok(ahead.iter().zip(&behind).map(|(a, b)| (a - b) / (2. * step)).collect())
    }
}

/// Whether two ways lead to the same product.
fn agree(a: &[f64], b: &[f64], direction: &[f64]) -> bool {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    norm(&difference) <= AGREEMENT[0] * norm(b) + AGREEMENT[1] * norm(direction)
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum::<f64>().sqrt()
}
