//! Minibatch gradients as means of the gradients of single samples: one pass for all minibatches of all sizes.

use rayon::prelude::*;
use train::Flow;

use crate::coordinates::Coordinates;
use crate::error::ProbeError;
use crate::frozen::Frozen;
use crate::minibatches::Draws;
use crate::noise_matrix::NoiseMatrix;
use crate::spec::Method;

/// Samples that go through the network together. A constant: rounding may depend on it.
const SAMPLES_AT_ONCE: usize = 64;

/// Numbers in the gradients that are held before they are added up: they stay in the second cache.
const ROWS_LEN: usize = 1 << 18;

/// The draws of [`draw_minibatches`](crate::draw_minibatches) for several batch sizes, from one pass over the training set.
///
/// Minibatch k holds the same samples as there; its gradient is the mean of theirs, summed in `f64` in the order of the
/// samples, so that the number of threads changes nothing. The noise is centred on the mean over all samples. The two ways
/// differ by the rounding of the network's arithmetic alone.
///
/// This takes 16 bytes per draw and parameter, of which 8 are the result, 4 bytes per draw and sample of a minibatch, and for
/// every thread the activations of 64 samples and the gradients of 128. Those of all samples are never kept: each chunk of
/// them is added to the minibatches that it belongs to.
///
/// `go_on` is asked after every chunk of samples, from any thread.
///
/// # Errors
/// Where batch normalisation uses the statistics of the minibatch, see [`train::Network::sample_gradients`];
/// [`ProbeError::Stopped`] when `go_on` says stop.
///
/// # Panics
/// When a batch size exceeds the size of the training set, without replacement.
pub fn draw_per_sample(
    frozen: &Frozen,
    coordinates: &Coordinates,
    batch_sizes: &[usize],
    draws: &Draws<'_>,
) -> Result<Vec<NoiseMatrix>, ProbeError> {
    let n_samples = frozen.objective().data().train.len();
    let minibatches = batch_sizes.iter().map(|&batch_size| {
        let minibatch = |draw_idx| draws.samples(n_samples, batch_size, draw_idx);
        (0..draws.n_draws as u64).into_par_iter().map(minibatch).collect()
    });
    let minibatches: Vec<Vec<Vec<u32>>> = minibatches.collect();

    let (of_sizes, centre) =
        minibatch_means(frozen, &coordinates.indices(), &minibatches, draws.go_on)?;
    let matrix = |(&batch_size, means): (&usize, Vec<Vec<f64>>)| {
        let series = centre.iter().enumerate();
        let columns =
            series.flat_map(|(idx, &centre)| means.iter().map(move |mean| centre - mean[idx]));
        NoiseMatrix::from_columns(
            (Method::PerSample, frozen.statistics(), draws.sampling),
            batch_size,
            draws.n_draws,
            coordinates.clone(),
            columns.collect(),
        )
    };
    Ok(batch_sizes.iter().zip(of_sizes).map(matrix).collect())
}

/// How many chunks of samples [`draw_per_sample`] asks `go_on` after.
pub fn n_chunks(frozen: &Frozen) -> usize {
    frozen.objective().data().train.len().div_ceil(SAMPLES_AT_ONCE)
}

/// A minibatch whose gradient is being added up.
struct Minibatch<'a> {
    /// Samples that are still to come, increasing.
    samples: &'a [u32],
    sum: Vec<f64>,
}

impl Minibatch<'_> {
    /// Adds its samples among those of `rows`, which begin with number `start`.
    fn add(&mut self, rows: &[f32], start: usize) {
        let n_columns = self.sum.len();
        let end = start + rows.len() / n_columns;
        let n_inside = self.samples.partition_point(|&sample| (sample as usize) < end);
        let (inside, rest) = self.samples.split_at(n_inside);
        for &sample in inside {
            add(&mut self.sum, &rows[(sample as usize - start) * n_columns..]);
        }
        self.samples = rest;
    }
}

fn add(sum: &mut [f64], row: &[f32]) {
    for (sum, &value) in sum.iter_mut().zip(row) {
        *sum += f64::from(value);
    }
}

/// Gradients of minibatches, `[sizes][draws][n_coordinates]`, and the mean over all samples, `[n_coordinates]`.
type Means = (Vec<Vec<Vec<f64>>>, Vec<f64>);

fn minibatch_means(
    frozen: &Frozen,
    indices: &[usize],
    minibatches: &[Vec<Vec<u32>>],
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Means, ProbeError> {
    let n_samples = frozen.objective().data().train.len();
    let all: Vec<u32> = (0..n_samples as u32).collect();
    let mut sums: Vec<Minibatch<'_>> = minibatches
        .iter()
        .flatten()
        .chain([&all])
        .map(|samples| Minibatch { samples, sum: vec![0.; indices.len()] })
        .collect();

    let rows_of = |samples: &[u32]| -> Result<Vec<f32>, ProbeError> {
        let gradients = frozen.objective().sample_gradients(samples, indices, frozen.mode())?;
        if go_on() == Flow::Stop {
            return Err(ProbeError::Stopped);
        }
        Ok(gradients.flatten_all()?.to_vec1()?)
    };
    let chunk_len = SAMPLES_AT_ONCE * indices.len();
    let n_chunks = (ROWS_LEN / chunk_len).max(2 * rayon::current_num_threads());
    for (group_idx, group) in all.chunks(SAMPLES_AT_ONCE * n_chunks).enumerate() {
        let rows: Vec<Vec<f32>> = match frozen.objective().passes_at_once() {
            1 => group.chunks(SAMPLES_AT_ONCE).map(rows_of).collect::<Result<_, _>>()?,
            _ => group.par_chunks(SAMPLES_AT_ONCE).map(rows_of).collect::<Result<_, _>>()?,
        };
        let start = group_idx * SAMPLES_AT_ONCE * n_chunks;
        sums.par_iter_mut().for_each(|minibatch| {
            for (rows, chunk_idx) in rows.iter().zip(0..) {
                minibatch.add(rows, start + chunk_idx * SAMPLES_AT_ONCE);
            }
        });
    }

    let lens = minibatches.iter().flatten().chain([&all]).map(Vec::len);
    let mut means = sums.into_iter().zip(lens).map(|(minibatch, len)| {
        let mut mean = minibatch.sum;
        mean.iter_mut().for_each(|sum| *sum /= len as f64);
        mean
    });
    let of_sizes = minibatches.iter().map(|drawn| means.by_ref().take(drawn.len()).collect());
    let of_sizes = of_sizes.collect();
    Ok((of_sizes, means.next().expect("that of all samples comes last")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use train::data::{DataSpec, load};
    use train::{ArchitectureSpec, Mode, Model, ModelSpec, Objective, Streams};

    use super::*;
    use crate::{Reference, Sampling, Statistics, draw_minibatches};

    const GO_ON: fn() -> Flow = || Flow::Continue;

    fn draws(n_draws: usize, streams: &Streams) -> Draws<'_> {
        let sampling = Sampling::WithoutReplacement;
        Draws { n_draws, sampling, streams, go_on: &GO_ON }
    }

    fn objective(data: &DataSpec, model: &ModelSpec) -> Objective {
        let device = train::device::open("cpu", false).unwrap();
        let data = Arc::new(load(data, &device).unwrap());
        let model: Arc<dyn Model> = model.build(&data).into();
        let params = model.init(&Streams::new(2).named("init"), &device).unwrap();
        Objective::new(model, data, params).unwrap()
    }

    fn perceptron() -> Objective {
        objective(&DataSpec::embedded("ionosphere"), &ModelSpec::mlp(&[6, 5]))
    }

    fn on_images(architecture: ArchitectureSpec) -> Objective {
        let data = DataSpec { samples: Some(150), ..DataSpec::embedded("fashion-mnist-6k") };
        objective(&data, &ModelSpec { architecture, ..ModelSpec::mlp(&[]) })
    }

    /// Both ways, relative to the largest draw of each parameter.
    fn assert_agreement(objective: &Objective, statistics: Statistics, n_draws: usize) {
        let (streams, sizes) = (Streams::new(9), [3, 40]);
        let draws = draws(n_draws, &streams);
        let coordinates = Coordinates::uniform(objective.params(), 100, &streams);
        let frozen = Frozen::new(objective, statistics).unwrap();
        let reference = Reference::full_batch(&frozen).unwrap();
        let found = draw_per_sample(&frozen, &coordinates, &sizes, &draws).unwrap();
        for (found, batch_size) in found.iter().zip(sizes) {
            let expected = draw_minibatches(&frozen, &coordinates, &reference, batch_size, &draws);
            let expected = expected.unwrap();
            assert_eq!((found.batch_size(), found.n_draws()), (batch_size, n_draws));
            let mut n_noisy = 0;
            for idx in 0..100 {
                let (found, expected) = (found.column(idx), expected.column(idx));
                let scale = expected.iter().fold(0f64, |scale, u| scale.max(u.abs()));
                n_noisy += usize::from(scale > 0.);
                for (found, expected) in found.iter().zip(expected) {
                    let difference = (found - expected).abs();
                    assert!(difference <= 1e-5 * scale, "{idx}: {difference:e} of {scale:e}");
                }
            }
            assert!(n_noisy > 50, "{n_noisy} of 100 parameters have noise");
        }
    }

    #[test]
    fn both_ways_agree_for_a_perceptron() {
        assert_agreement(&perceptron(), Statistics::Minibatch, 60);
    }

    #[test]
    fn both_ways_agree_for_the_network_of_zhu() {
        assert_agreement(&on_images(ArchitectureSpec::Zhu {}), Statistics::Minibatch, 8);
    }

    #[test]
    fn both_ways_agree_for_a_residual_network_with_frozen_statistics() {
        let objective = on_images(ArchitectureSpec::CifarResnet { depth: 20 });
        // Running statistics that are those of some minibatches.
        for step in 0..3u32 {
            let samples: Vec<u32> = (40 * step..40 * step + 40).collect();
            objective.loss_and_gradient(&samples, Mode::Train).unwrap();
        }
        assert_agreement(&objective, Statistics::Running, 6);
        assert_agreement(&objective, Statistics::FullBatch, 2);
    }

    #[test]
    fn batch_statistics_are_refused() {
        let objective = on_images(ArchitectureSpec::CifarResnet { depth: 8 });
        let frozen = Frozen::new(&objective, Statistics::Minibatch).unwrap();
        let coordinates = Coordinates::uniform(objective.params(), 3, &Streams::new(9));
        let refused =
            draw_per_sample(&frozen, &coordinates, &[8], &draws(50, &Streams::new(9))).unwrap_err();
        let message = refused.to_string();
        assert!(message.contains("a single one has no gradient"), "{message}");
    }

    /// `Σ = (1/B)[(1/N) Σ ∇ℓ ∇ℓᵀ − ∇L ∇Lᵀ]·(N − B)/(N − 1)`, Cochran (1977), *Sampling Techniques*, theorem 2.2.
    #[test]
    fn covariance_is_that_of_draws_without_replacement() {
        let (objective, streams, n_draws) = (perceptron(), Streams::new(9), 20_000);
        let frozen = Frozen::new(&objective, Statistics::Minibatch).unwrap();
        let coordinates = Coordinates::uniform(objective.params(), 30, &streams);
        let indices = coordinates.indices();
        let n_samples = objective.data().train.len();
        let all: Vec<u32> = (0..n_samples as u32).collect();
        let rows = objective.sample_gradients(&all, &indices, Mode::Probe).unwrap();
        let rows = rows.to_vec2::<f32>().unwrap();
        let mean_of = |product: &dyn Fn(&[f32]) -> f64| {
            rows.iter().map(|row| product(row)).sum::<f64>() / n_samples as f64
        };
        let sizes = [5, 200];
        let draws = draws(n_draws, &streams);
        let noise = draw_per_sample(&frozen, &coordinates, &sizes, &draws).unwrap();
        for (noise, batch_size) in noise.iter().zip(sizes) {
            let (n, b) = (n_samples as f64, batch_size as f64);
            let expected = |i: usize, j: usize| {
                let at = |row: &[f32], idx: usize| f64::from(row[idx]);
                let (mean_i, mean_j) = (mean_of(&|row| at(row, i)), mean_of(&|row| at(row, j)));
                let product = mean_of(&|row| at(row, i) * at(row, j));
                (product - mean_i * mean_j) / b * (n - b) / (n - 1.)
            };
            for i in 0..30 {
                for j in 0..=i {
                    let products = noise.column(i).iter().zip(noise.column(j)).map(|(u, v)| u * v);
                    let products: Vec<f64> = products.collect();
                    let found = products.iter().sum::<f64>() / n_draws as f64;
                    let square = products.iter().map(|product| product * product).sum::<f64>();
                    let error =
                        (square / n_draws as f64 - found * found).sqrt() / (n_draws as f64).sqrt();
                    let difference = (found - expected(i, j)).abs();
                    assert!(
                        difference <= 5. * error + 1e-18,
                        "B = {batch_size}, {i}, {j}: {difference:e} {error:e}"
                    );
                }
            }
            let trace = |of: &dyn Fn(usize) -> f64| (0..30).map(of).sum::<f64>();
            let found =
                trace(&|i| noise.column(i).iter().map(|u| u * u).sum::<f64>() / n_draws as f64);
            // Tight enough to miss (N − B)/(N − 1), 0.99 at B = 5 and 0.43 at B = 200, where it is left out.
            let ratio = found / trace(&|i| expected(i, i));
            assert!((ratio - 1.).abs() < 0.03, "B = {batch_size}: {ratio}");
        }
    }

    /// The mean over samples is the centre, so that the pieces of a permutation cancel.
    #[test]
    fn pieces_of_an_epoch_sum_to_zero() {
        let objective = perceptron();
        let frozen = Frozen::new(&objective, Statistics::Minibatch).unwrap();
        let indices: Vec<usize> = (0..objective.params().n_parameters()).collect();
        let mut order: Vec<u32> = (0..351).collect();
        order.sort_unstable_by_key(|sample| sample * 101 % 351);
        let pieces = order.chunks(27).map(|piece| {
            let mut piece = piece.to_vec();
            piece.sort_unstable();
            piece
        });
        let (means, centre) =
            minibatch_means(&frozen, &indices, &[pieces.collect()], &GO_ON).unwrap();
        assert_eq!(means[0].len(), 13);
        for (idx, centre) in centre.iter().enumerate() {
            let sum: f64 = means[0].iter().map(|mean| centre - mean[idx]).sum();
            assert!(sum.abs() < 1e-13, "{sum:e}");
        }
        assert!(means[0][0].iter().zip(&centre).any(|(mean, centre)| (mean - centre).abs() > 1e-3));
    }

    #[test]
    fn threads_change_nothing_and_a_probe_leaves_no_trace() {
        let objective = perceptron();
        let before = objective.params().flatten().unwrap();
        let frozen = Frozen::new(&objective, Statistics::Minibatch).unwrap();
        let coordinates = Coordinates::uniform(objective.params(), 30, &Streams::new(9));
        let noise = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                draw_per_sample(&frozen, &coordinates, &[1, 16], &draws(60, &Streams::new(9)))
            })
        };
        assert_eq!(noise(1).unwrap(), noise(2).unwrap());
        assert_eq!(objective.params().flatten().unwrap(), before);
    }

    #[test]
    fn work_can_be_stopped() {
        let objective = perceptron();
        let frozen = Frozen::new(&objective, Statistics::Minibatch).unwrap();
        let coordinates = Coordinates::uniform(objective.params(), 3, &Streams::new(9));
        let streams = Streams::new(9);
        let draws = Draws { go_on: &|| Flow::Stop, ..draws(50, &streams) };
        let stopped = draw_per_sample(&frozen, &coordinates, &[8], &draws);
        assert!(matches!(stopped, Err(ProbeError::Stopped)));
    }
}
