//! How strong the noise of minibatch gradients is.

use rand::seq::SliceRandom;
use rayon::prelude::*;

use crate::error::TrainError;
use crate::model::Mode;
use crate::objective::Objective;
use crate::streams::Streams;

/// Amplitude of the gradient noise at the present weights: √(E‖∇L_B(w) − ∇L(w)‖²) over minibatches of B different samples.
///
/// This is √(Tr Σ_B), where the covariance Σ_B of the minibatch gradient is (1/B)·(N − B)/(N − 1) times that of the gradient
/// of one sample (Cochran 1977, *Sampling Techniques*, theorem 2.2). Batch normalisation makes samples depend on each other:
/// with it neither holds exactly, since the mean of minibatch gradients is not ∇L. Images are not augmented.
///
/// The mean is over `n_draws` minibatches, draw k from generator k of `streams`. Weights and buffers stay as they are.
///
/// # Panics
/// When `batch_size` exceeds the size of the training set.
pub fn gradient_noise(
    objective: &Objective,
    batch_size: usize,
    n_draws: u64,
    streams: &Streams,
) -> Result<f64, TrainError> {
    let n_samples = objective.data().train.len();
    let (_, full) = objective.full_gradient(Mode::Probe)?;
    let square = |draw_idx: u64| -> Result<f64, TrainError> {
        let mut all: Vec<u32> = (0..n_samples as u32).collect();
        let (samples, _) = all.partial_shuffle(&mut streams.rng(draw_idx), batch_size);
        objective.square_noise(samples, &full, Mode::Probe)
    };
    let squares = (0..n_draws).into_par_iter().map(square).collect::<Result<Vec<f64>, _>>()?;
    Ok((squares.iter().sum::<f64>() / n_draws as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::Device;

    use super::*;
    use crate::data::tests::blobs;
    use crate::model::Model;
    use crate::networks::{Mlp, ResNet};
    use crate::params::flatten;

    /// Softmax regression.
    fn linear(n_samples: usize) -> Objective {
        let model = Arc::new(Mlp::new(3, &[], 2));
        let params = model.init(&Streams::new(3).named("init"), &Device::Cpu).unwrap();
        Objective::new(model, Arc::new(blobs(n_samples)), params).unwrap()
    }

    /// The gradient at every sample by itself.
    fn gradients_of_samples(objective: &Objective) -> Vec<Vec<f64>> {
        let of_sample = |sample: u32| {
            let (_, gradient) = objective.loss_and_gradient(&[sample], Mode::Probe).unwrap();
            flatten(gradient.iter()).unwrap()
        };
        (0..objective.data().train.len() as u32).map(of_sample).collect()
    }

    fn mean<'a>(vectors: impl ExactSizeIterator<Item = &'a Vec<f64>>) -> Vec<f64> {
        let n = vectors.len() as f64;
        let n_parameters = 2 * (3 + 1);
        vectors.fold(vec![0.; n_parameters], |sum, vector| {
            sum.iter().zip(vector).map(|(sum, value)| sum + value / n).collect()
        })
    }

    fn square_of_distance(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
    }

    /// (1/B)·(N − B)/(N − 1)·(1/N)Σ‖g_i − g‖².
    fn expected_square(gradients: &[Vec<f64>], batch_size: usize) -> f64 {
        let (n, b) = (gradients.len() as f64, batch_size as f64);
        let centre = mean(gradients.iter());
        let spread: f64 = gradients.iter().map(|g| square_of_distance(g, &centre)).sum();
        spread / n * (n - b) / (n - 1.) / b
    }

    /// The formula against every pair of 7 samples.
    #[test]
    fn formula_is_the_mean_over_all_minibatches() {
        let gradients = gradients_of_samples(&linear(7));
        let centre = mean(gradients.iter());
        let mut squares = Vec::new();
        for i in 0..7 {
            for j in 0..i {
                let pair = mean([&gradients[i], &gradients[j]].into_iter());
                squares.push(square_of_distance(&pair, &centre));
            }
        }
        let all = squares.iter().sum::<f64>() / squares.len() as f64;
        assert!((all / expected_square(&gradients, 2) - 1.).abs() < 1e-12);
    }

    #[test]
    fn amplitude_agrees_with_a_loop_over_samples() {
        let objective = linear(40);
        let gradients = gradients_of_samples(&objective);
        let n_draws = 4000;
        for batch_size in [1, 8, 30] {
            let streams = Streams::new(1).named("gradient_noise");
            let found = gradient_noise(&objective, batch_size, n_draws, &streams).unwrap();
            // The square of one Gaussian has a relative variance of 2; a sum of several has less.
            let expected = expected_square(&gradients, batch_size);
            let error = (found.powi(2) / expected - 1.) / (2. / n_draws as f64).sqrt();
            assert!(error.abs() < 4., "B = {batch_size}: {error} standard errors");
        }
        let whole = gradient_noise(&objective, 40, 2, &Streams::new(1)).unwrap();
        assert!(whole < 1e-6, "{whole}");
    }

    #[test]
    fn neither_weights_nor_running_statistics_move() {
        let image = [3, 1, 1];
        let model = Arc::new(ResNet::cifar(8, image, 2));
        let params = model.init(&Streams::new(3).named("init"), &Device::Cpu).unwrap();
        let data = crate::data::Dataset { image: Some(image), ..blobs(40) };
        let objective = Objective::new(model, Arc::new(data), params).unwrap();
        let before = objective.params().duplicate().unwrap();
        let noise = |seed| gradient_noise(&objective, 8, 4, &Streams::new(seed)).unwrap();
        let (first, again, other) = (noise(1), noise(1), noise(2));
        assert_eq!(first.to_bits(), again.to_bits());
        assert_ne!(first, other);
        assert_eq!(objective.params().flatten().unwrap(), before.flatten().unwrap());
        for ((name, now), (_, then)) in
            objective.params().named_buffers().zip(before.named_buffers())
        {
            assert_eq!(now.to_string(), then.to_string(), "{name}");
        }
    }
}
