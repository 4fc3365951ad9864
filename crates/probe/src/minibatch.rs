//! True minibatch gradients at frozen weights: right for every model.

use rayon::prelude::*;
use train::{Flow, flatten};

use crate::coordinates::Coordinates;
use crate::error::ProbeError;
use crate::frozen::Frozen;
use crate::minibatches::Draws;
use crate::noise_matrix::NoiseMatrix;
use crate::reference::Reference;
use crate::spec::Method;

/// Draws whose gradients are held before they are written, one parameter after the other.
const DRAWS_AT_ONCE: usize = 32;

/// Draws minibatches of `batch_size` and returns reference minus minibatch gradient at `coordinates`.
///
/// The matrix does not depend on the number of threads. The draws are independent of each other; the variance of the noise
/// is 1/B times that of a single sample's gradient, and without replacement (N − B)/(N − 1) times that.
///
/// Beside the result (8 bytes per draw and parameter) this takes the gradients of 32 draws at `coordinates`, and activations
/// and a whole gradient for every thread. `go_on` is asked after every draw.
///
/// # Errors
/// [`ProbeError::Stopped`] when `go_on` says stop.
///
/// # Panics
/// When `batch_size` exceeds the size of the training set, without replacement.
pub fn draw_minibatches(
    frozen: &Frozen,
    coordinates: &Coordinates,
    reference: &Reference,
    batch_size: usize,
    draws: &Draws<'_>,
) -> Result<NoiseMatrix, ProbeError> {
    let n_samples = frozen.objective().data().train.len();
    let n_draws = draws.n_draws;
    let draw = |draw_idx: usize| -> Result<(Vec<f64>, f64), ProbeError> {
        let samples = draws.samples(n_samples, batch_size, draw_idx as u64);
        let (_, gradient) = frozen.objective().loss_and_gradient(&samples, frozen.mode())?;
        let gradient = flatten(gradient.iter())?;
        if (draws.go_on)() == Flow::Stop {
            return Err(ProbeError::Stopped);
        }
        let noise = reference.gradient().iter().zip(gradient).map(|(mean, value)| mean - value);
        let noise: Vec<f64> = noise.collect();
        let square_norm = noise.iter().map(|u| u * u).sum();
        Ok((coordinates.pick(&noise), square_norm))
    };
    let mut columns = vec![0.; n_draws * coordinates.entries().len()];
    let mut square_norms = Vec::with_capacity(n_draws);
    for start in (0..n_draws).step_by(DRAWS_AT_ONCE) {
        let end = n_draws.min(start + DRAWS_AT_ONCE);
        let rows = (start..end).into_par_iter().map(draw).collect::<Result<Vec<_>, _>>()?;
        columns.par_chunks_mut(n_draws).enumerate().for_each(|(idx, column)| {
            for (value, (row, _)) in column[start..end].iter_mut().zip(&rows) {
                *value = row[idx];
            }
        });
        square_norms.extend(rows.iter().map(|(_, square_norm)| square_norm));
    }
    let way = (Method::Minibatch, frozen.statistics(), draws.sampling);
    let noise = NoiseMatrix::from_columns(way, batch_size, n_draws, coordinates.clone(), columns);
    Ok(noise.with_square_norms(square_norms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use train::data::{DataSpec, load};
    use train::{Mode, Model, ModelSpec, Objective, Streams};

    use crate::{Sampling, Statistics};

    const N: usize = 351;

    fn objective() -> Objective {
        let spec = DataSpec::embedded("ionosphere");
        let device = train::device::open("cpu", false).unwrap();
        let data = Arc::new(load(&spec, &device).unwrap());
        let spec = ModelSpec::mlp(&[6, 5]);
        let model: Arc<dyn Model> = spec.build(&data).into();
        let params = model.init(&Streams::new(2).named("init"), &device).unwrap();
        Objective::new(model, data, params).unwrap()
    }

    fn probe(objective: &Objective, batch_size: usize, n_draws: usize) -> NoiseMatrix {
        let streams = Streams::new(9);
        let coordinates = Coordinates::uniform(objective.params(), 30, &streams);
        let frozen = Frozen::new(objective, Statistics::Minibatch).unwrap();
        let reference = Reference::full_batch(&frozen).unwrap();
        let (sampling, go_on) = (Sampling::WithoutReplacement, &|| Flow::Continue);
        let draws = Draws { n_draws, sampling, streams: &streams, go_on };
        draw_minibatches(&frozen, &coordinates, &reference, batch_size, &draws).unwrap()
    }

    /// Per-sample gradients by a loop over samples, `[N][n_coordinates]`.
    fn per_sample(objective: &Objective, coordinates: &Coordinates) -> Vec<Vec<f64>> {
        let gradient = |sample: u32| {
            let (_, gradient) = objective.loss_and_gradient(&[sample], Mode::Probe).unwrap();
            coordinates.pick(&flatten(gradient.iter()).unwrap())
        };
        (0..N as u32).map(gradient).collect()
    }

    #[test]
    fn variance_is_that_of_draws_without_replacement() {
        let objective = objective();
        let (batch_size, n_draws) = (40, 4000);
        let noise = probe(&objective, batch_size, n_draws);
        let samples = per_sample(&objective, noise.coordinates());
        let finite_population = (N - batch_size) as f64 / (N - 1) as f64;
        let (mut all_observed, mut all_expected) = (0., 0.);
        for idx in 0..noise.n_coordinates() {
            let mean = samples.iter().map(|row| row[idx]).sum::<f64>() / N as f64;
            let variance =
                samples.iter().map(|row| (row[idx] - mean).powi(2)).sum::<f64>() / N as f64;
            let expected = finite_population * variance / batch_size as f64;
            let observed = noise.column(idx).iter().map(|u| u * u).sum::<f64>() / n_draws as f64;
            // The relative standard error of a variance is √(2/4000) = 0.022 for Gaussian noise; 0.15 leaves room for
            // heavier tails. Parameters behind a dead unit have no noise at all.
            assert!((observed - expected).abs() <= 0.15 * expected, "{idx}: {observed} {expected}");
            all_observed += observed;
            all_expected += expected;
        }
        // Tight enough to miss the factor of the finite population, 0.889, where it is left out.
        assert!((all_observed / all_expected - 1.).abs() < 0.05, "{all_observed} {all_expected}");
    }

    #[test]
    fn a_single_draw_is_reference_minus_mean_of_its_samples() {
        let objective = objective();
        let noise = probe(&objective, 7, 3);
        let samples = per_sample(&objective, noise.coordinates());
        let streams = Streams::new(9).named("minibatches").named("7");
        for draw_idx in 0..3 {
            let chosen =
                rand::seq::index::sample(&mut streams.rng(draw_idx as u64), N, 7).into_vec();
            for idx in 0..noise.n_coordinates() {
                let all = samples.iter().map(|row| row[idx]).sum::<f64>() / N as f64;
                let mean = chosen.iter().map(|&sample| samples[sample][idx]).sum::<f64>() / 7.;
                assert!((noise.column(idx)[draw_idx] - (all - mean)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_probe_leaves_no_trace_and_threads_change_nothing() {
        let objective = objective();
        let before = objective.params().flatten().unwrap();
        let noise = probe(&objective, 8, 60);
        assert_eq!(objective.params().flatten().unwrap(), before);
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(one_thread.install(|| probe(&objective, 8, 60)), noise);
    }
}
