//! Time of a step of one seed among many.
//!
//! `cargo run --release -p noisescope-escape --example seed_steps -- [FOLDER OF CARDIO]` prints a line of JSON for each
//! minibatch size and number of threads: microseconds for a step of one seed, all threads together, and the same with
//! the time that threads had to wait for a processor. Without a folder the features are random. `--device cuda:0` alone
//! times the engine of GPUs instead. Its twin in PyTorch is `experiments/benchmarks/escape/torch_seeds.py`.

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Tensor};
use escape::{Batched, MinibatchSgd, Perceptron, Seed, Start};
use rand::RngExt;
use rayon::prelude::*;
use train::data::{self, DataSpec, Dataset, Split};
use train::{Model, ModelSpec, Objective, Sampling, Streams};

/// Seconds of a measurement.
const SECONDS: f64 = 2.;

/// Samples that are timed together, in one step or several. A thread rarely loses its processor meanwhile, so that the
/// median over such bursts is the time of a step even where other work uses the machine.
const BURST: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let streams = Streams::new(1);
    let word = std::env::args().nth(1);
    if word.as_deref() == Some("--device") {
        return on_device(&std::env::args().nth(2).ok_or("--device NAME")?, &streams);
    }
    let data = match word {
        Some(directory) => {
            let directory = Some(PathBuf::from(directory));
            data::load(&DataSpec { directory, ..DataSpec::embedded("cardio") }, &Device::Cpu)?
        }
        None => random(1831, 21, &streams)?,
    };
    let n_samples = data.train.len() as u32;
    let model: Arc<dyn Model> = ModelSpec::mlp(&[100, 100]).build(&data).into();
    let params = model.init(&streams.named("init"), &Device::Cpu)?;
    let objective = Objective::new(model, Arc::new(data), params)?;
    let perceptron = Perceptron::of(&objective).ok_or("not a plain perceptron")?;

    // Microseconds for a step, in bursts.
    let run = |seed: usize, batch_size: usize| -> Vec<f64> {
        let mut rng = streams.named("minibatches").rng(seed as u64);
        let order: Vec<u32> = (0..1 << 16).map(|_| rng.random_range(0..n_samples)).collect();
        let mut minibatches = order.chunks_exact(batch_size).cycle();
        let mut site = Seed::new(&perceptron);
        let n_steps = BURST / batch_size;
        let (begin, mut times) = (Instant::now(), Vec::new());
        while begin.elapsed().as_secs_f64() < SECONDS {
            let begin = Instant::now();
            for samples in minibatches.by_ref().take(n_steps) {
                site.step(samples, 0.01, 0.);
            }
            times.push(1e6 * begin.elapsed().as_secs_f64() / n_steps as f64);
        }
        times
    };
    let mut sizes = vec![1, rayon::current_num_threads()];
    sizes.dedup();
    for batch_size in [8, 128] {
        for &n_threads in &sizes {
            let times = (0..n_threads).into_par_iter().map(|seed| run(seed, batch_size));
            let times: Vec<Vec<f64>> = times.collect();
            let n_steps = BURST / batch_size * times.iter().map(Vec::len).sum::<usize>();
            let with_waiting = 1e6 * SECONDS / n_steps as f64;
            let median = median(times.concat()) / n_threads as f64;
            println!(
                "{{\"tool\": \"noisescope\", \"network\": \"21-100-100-2\", \"batch_size\": {batch_size}, \
                 \"threads\": {n_threads}, \"us_per_seed_step\": {median:.2}, \
                 \"us_with_waiting\": {with_waiting:.2}}}"
            );
        }
    }
    let mut site = Seed::new(&perceptron);
    let of_losses = (0..501).map(|_| {
        let begin = Instant::now();
        black_box(site.loss());
        1e6 * begin.elapsed().as_secs_f64()
    });
    let of_losses = median(of_losses.collect());
    let of_distances = (0..501).map(|_| {
        let begin = Instant::now();
        black_box(site.distance());
        1e6 * begin.elapsed().as_secs_f64()
    });
    let of_distances = median(of_distances.collect());
    println!(
        "{{\"tool\": \"noisescope\", \"n_samples\": {n_samples}, \"us_per_full_loss\": {of_losses:.0}, \
         \"us_per_distance\": {of_distances:.1}}}"
    );
    Ok(())
}

/// The engine that steps a block of seeds together.
fn on_device(name: &str, streams: &Streams) -> Result<(), Box<dyn std::error::Error>> {
    let device = train::device::open(name, false)?;
    let data = random(1831, 21, streams)?;
    let model: Arc<dyn Model> = ModelSpec::mlp(&[100, 100]).build(&data).into();
    let params = model.init(&streams.named("init"), &device)?;
    let objective = Objective::new(model, Arc::new(data), params)?;
    for batch_size in [8, 128] {
        let sampling = Sampling::WithReplacement;
        let driver = MinibatchSgd { batch_size, sampling, momentum: 0. };
        let start = Batched::of(&objective, &driver)?.ok_or("not a plain perceptron")?;
        let seeds: Vec<Streams> =
            (0..start.at_once()).map(|seed| streams.named(&seed.to_string())).collect();
        let mut walks = start.begin(&seeds)?;
        let (begin, mut times) = (Instant::now(), Vec::new());
        while begin.elapsed().as_secs_f64() < SECONDS || times.len() < 10 {
            let begin = Instant::now();
            walks.step(0.01)?;
            device.synchronize()?;
            times.push(1e6 * begin.elapsed().as_secs_f64() / seeds.len() as f64);
        }
        let (n_seeds, median) = (seeds.len(), median(times));
        println!(
            "{{\"tool\": \"noisescope\", \"network\": \"21-100-100-2\", \"device\": \"{name}\", \
             \"batch_size\": {batch_size}, \"seeds\": {n_seeds}, \"us_per_seed_step\": {median:.3}}}"
        );
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    stats::quantile(&times, 0.5)
}

/// Uniform features of variance 1, and two classes.
fn random(
    n_samples: usize,
    n_features: usize,
    streams: &Streams,
) -> Result<Dataset, candle_core::Error> {
    let mut rng = streams.named("data").rng(0);
    let spread = 3f32.sqrt();
    let features = (0..n_samples * n_features).map(|_| rng.random_range(-spread..spread));
    let inputs = Tensor::from_vec(features.collect(), (n_samples, n_features), &Device::Cpu)?;
    let labels = (0..n_samples).map(|_| rng.random_range(0..2)).collect();
    Ok(Dataset {
        name: "random".into(),
        classes: vec!["a".into(), "b".into()],
        image: None,
        train: Split::new(inputs, labels),
        test: None,
        digest: None,
    })
}
