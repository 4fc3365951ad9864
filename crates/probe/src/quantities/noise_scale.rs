//! How strong the noise of the whole gradient is beside the gradient itself.

use rand::seq::index;
use rayon::prelude::*;
use stats::Moments;
use train::{Flow, Streams, Table};

use crate::error::ProbeError;
use crate::frozen::Frozen;
use crate::minibatches::Sampling;
use crate::noise_matrix::NoiseMatrix;
use crate::reference::Reference;

/// Single samples whose gradients are compared with the mean; all where there are not so many.
const MOST_SAMPLES: usize = 2048;

/// Half the width of a 95 % interval in standard errors.
const Z: f64 = 1.959_963_984_540_054;

/// Tr Σ over all parameters of the network, and of what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Traced {
    /// Of the gradient of minibatches.
    Minibatches(Trace),
    /// Of the gradient of single samples.
    Samples(Trace),
}

impl Traced {
    /// The mean of ‖u‖² over draws; `None` where the way to the noise does not give ‖u‖² over all parameters.
    pub fn by_minibatches(noise: &NoiseMatrix) -> Option<Self> {
        noise.square_norms().map(|squares| Traced::Minibatches(Trace::of_minibatches(squares)))
    }
}

/// Tr Σ over all parameters of the network, estimated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trace {
    /// Estimate.
    pub trace: f64,
    /// Its standard error; 0 where nothing was sampled.
    pub standard_error: f64,
    /// Gradients that were compared with the full one.
    pub n: usize,
}

impl Trace {
    /// Of the gradient of minibatches: the mean of ‖u‖² over draws.
    fn of_minibatches(square_norms: &[f64]) -> Self {
        let (moments, n) = (Moments::from_slice(square_norms), square_norms.len());
        let standard_error = moments.std() / (n as f64).sqrt();
        Self { trace: moments.mean(), standard_error, n }
    }

    /// Of the gradient of single samples, from 2048 of them at most, drawn without replacement from `streams`: the mean of
    /// ‖∇ℓ_i − ∇L‖². The standard error has the factor of the finite population, √(1 − n/N), and is 0 where all are taken.
    ///
    /// # Errors
    /// [`ProbeError::Stopped`] when `go_on` says stop.
    pub fn of_samples(
        frozen: &Frozen,
        reference: &Reference,
        streams: &Streams,
        go_on: &(dyn Fn() -> Flow + Sync),
    ) -> Result<Self, ProbeError> {
        let n_samples = frozen.objective().data().train.len();
        let n = n_traced(frozen);
        let mut rng = streams.named("noise_scale").rng(0);
        let mut chosen = index::sample(&mut rng, n_samples, n).into_vec();
        chosen.sort_unstable();
        let square = |sample: usize| -> Result<f64, ProbeError> {
            if go_on() == Flow::Stop {
                return Err(ProbeError::Stopped);
            }
            let objective = frozen.objective();
            Ok(objective.square_noise(&[sample as u32], reference.gradient(), frozen.mode())?)
        };
        let squares = chosen.into_par_iter().map(square).collect::<Result<Vec<f64>, _>>()?;
        let moments = Moments::from_slice(&squares);
        let left_out = 1. - n as f64 / n_samples as f64;
        let standard_error =
            if left_out > 0. { moments.std() * (left_out / n as f64).sqrt() } else { 0. };
        Ok(Self { trace: moments.mean(), standard_error, n })
    }
}

/// Samples that [`Trace::of_samples`] takes.
pub fn n_traced(frozen: &Frozen) -> usize {
    frozen.objective().data().train.len().min(MOST_SAMPLES)
}

/// One row: noise and signal of the gradient of a minibatch of B, over all parameters of the network.
///
/// - `trace`: Tr Σ_B, with its standard error;
/// - `finite_population_factor`: f, see [`Sampling::finite_population_factor`];
/// - `trace_of_sample`: Tr Σ₁ = B·Tr Σ_B/f, of the gradient of a single sample;
/// - `noise_scale`: B_simple = Tr Σ₁/‖∇L‖² (McCandlish et al. 2018, arXiv:1812.06162, eq. 2.9), the batch size at which
///   noise and signal are equally strong, here about the gradient of the training set, with its 95 % interval from the
///   standard error of the trace.
///
/// Where batch normalisation uses the statistics of minibatches, samples depend on each other, and `trace_of_sample` and
/// `noise_scale` change with B.
pub fn noise_scale(
    n_samples: usize,
    (batch_size, sampling): (usize, Sampling),
    reference: &Reference,
    traced: Traced,
) -> Table {
    let factor = sampling.finite_population_factor(n_samples, batch_size);
    let to_sample = batch_size as f64 / factor;
    // Of a single sample: estimate and standard error.
    let (of, single, n) = match traced {
        Traced::Minibatches(Trace { trace, standard_error, n }) => {
            ("minibatches", (trace * to_sample, standard_error * to_sample), n)
        }
        Traced::Samples(Trace { trace, standard_error, n }) => {
            ("samples", (trace, standard_error), n)
        }
    };
    let square_norm = reference.gradient().iter().map(|g| g * g).sum::<f64>();
    let scale = |trace: f64| trace.max(0.) / square_norm;
    Table::new()
        .with_integers("batch_size", [batch_size as i64])
        .with_integers("n_samples", [n_samples as i64])
        .with_texts("traced", [of])
        .with_integers("n_traced", [n as i64])
        .with_reals("gradient_norm", [square_norm.sqrt()])
        .with_reals("trace", [single.0 / to_sample])
        .with_reals("trace_standard_error", [single.1 / to_sample])
        .with_reals("finite_population_factor", [factor])
        .with_reals("trace_of_sample", [single.0])
        .with_reals("noise_scale", [scale(single.0)])
        .with_reals("noise_scale_low", [scale(single.0 - Z * single.1)])
        .with_reals("noise_scale_high", [scale(single.0 + Z * single.1)])
}
