//! Times the draws of minibatch noise, both ways: the twin of `experiments/benchmarks/probe/torch_probe.py`.
//!
//! `draw_times CASE TRAIN_DIRECTORY THREADS [N_SAMPLES]`: `mlp`, 784-100-100-100-1 with the mean square on ±1, on MNIST;
//! `resnet20` on CIFAR-100 with frozen statistics; all samples or the first so many. Prints a line of JSON: 1000 draws at each of four batch sizes at 100 parameters by single samples, a pass there and back over the training
//! set, and a few true minibatches of the largest size.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;
use probe::{Coordinates, Draws, Frozen, Reference, Sampling, Statistics};
use probe::{draw_minibatches, draw_per_sample};
use train::data::{self, DataSpec};
use train::{ArchitectureSpec, Flow, Loss, Mlp, Mode, Model, ModelSpec, Objective, Streams};

const SIZES: [usize; 4] = [8, 32, 128, 400];
const N_DRAWS: usize = 1000;
const N_MINIBATCHES: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let mut next = || words.next().ok_or("CASE TRAIN_DIRECTORY THREADS [N_SAMPLES]");
    let (case, directory, n_threads) = (next()?, PathBuf::from(next()?), next()?.parse()?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build()?;
    let samples = words.next().map(|n| n.parse()).transpose()?;
    let data = |name: &str| {
        let (standardise, directory) = (true, Some(directory));
        let spec = DataSpec { standardise, directory, samples, ..DataSpec::embedded(name) };
        data::load(&spec, &Device::Cpu).map(Arc::new)
    };
    let (data, model, loss): (_, Arc<dyn Model>, _) = match case.as_str() {
        "mlp" => {
            let data = data("mnist")?;
            // The digit 0 against all others: the values of the targets change no time.
            let model = Mlp::new(data.n_features(), &[100, 100, 100], 1);
            (data, Arc::new(model), Loss::MeanSquareSigned)
        }
        "resnet20" => {
            let (data, architecture) =
                (data("cifar100")?, ArchitectureSpec::CifarResnet { depth: 20 });
            let model = ModelSpec { architecture, ..ModelSpec::mlp(&[]) }.build(&data);
            (data, model.into(), Loss::CrossEntropy)
        }
        other => return Err(format!("{other}: mlp or resnet20").into()),
    };
    let n_samples = data.train.len();
    let params = model.init(&Streams::new(1), &Device::Cpu)?;
    let objective = Objective::new(model, data, params)?.with_loss(loss);
    let streams = Streams::new(2);
    let frozen = Frozen::new(&objective, Statistics::Running)?;
    let coordinates = Coordinates::uniform(objective.params(), 100, &streams);
    let (sampling, go_on) = (Sampling::WithoutReplacement, &|| Flow::Continue);
    let draws = Draws { n_draws: N_DRAWS, sampling, streams: &streams, go_on };

    pool.install(|| {
        // A pass to warm up and to compare with: what an epoch of training costs without its updates.
        let begun = Instant::now();
        let reference = Reference::full_batch(&frozen)?;
        objective.full_gradient(Mode::Eval)?;
        let pass = begun.elapsed().as_secs_f64() / 2.;
        let begun = Instant::now();
        let noise = draw_per_sample(&frozen, &coordinates, &SIZES, &draws)?;
        let per_sample = begun.elapsed().as_secs_f64();
        let few = Draws { n_draws: N_MINIBATCHES, ..draws };
        let begun = Instant::now();
        let minibatches = draw_minibatches(&frozen, &coordinates, &reference, SIZES[3], &few)?;
        let minibatch = begun.elapsed().as_secs_f64() / N_MINIBATCHES as f64;
        let differences = noise[3].column(0).iter().zip(minibatches.column(0));
        let differs = differences.map(|(a, b)| (a - b).abs()).fold(0., f64::max);
        println!(
            "{{\"tool\": \"noisescope\", \"case\": \"{case}\", \"threads\": {n_threads}, \
             \"n_samples\": {n_samples}, \"pass_s\": {pass:.3}, \"per_sample_s\": {per_sample:.3}, \
             \"minibatch_400_s\": {minibatch:.4}, \"ways_differ\": {differs:e}}}"
        );
        Ok::<(), probe::ProbeError>(())
    })?;
    Ok(())
}
