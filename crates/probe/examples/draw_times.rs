//! Times the draws of minibatch noise, both ways: the twin of `experiments/benchmarks/probe/torch_probe.py`.
//!
//! `draw_times CASE TRAIN_DIRECTORY THREADS`: `mlp` on MNIST, `resnet20` on CIFAR-100 with frozen statistics. Prints a line of
//! JSON: 1000 draws at each of four batch sizes at 100 parameters by single samples, a pass there and back over the training
//! set, and a few true minibatches of the largest size.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use candle_core::Device;
use probe::{Coordinates, Draws, Frozen, Reference, Sampling, Statistics};
use probe::{draw_minibatches, draw_per_sample};
use train::data::{self, DataSpec};
use train::{ArchitectureSpec, Flow, Mode, Model, ModelSpec, Objective, Streams};

const SIZES: [usize; 4] = [8, 32, 128, 400];
const N_DRAWS: usize = 1000;
const N_MINIBATCHES: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let mut next = || words.next().ok_or("CASE TRAIN_DIRECTORY THREADS");
    let (case, directory, n_threads) = (next()?, PathBuf::from(next()?), next()?.parse()?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build()?;
    let (name, model) = match case.as_str() {
        "mlp" => ("mnist", ModelSpec::mlp(&[100, 100, 100])),
        "resnet20" => {
            let architecture = ArchitectureSpec::CifarResnet { depth: 20 };
            ("cifar100", ModelSpec { architecture, ..ModelSpec::mlp(&[]) })
        }
        other => return Err(format!("{other}: mlp or resnet20").into()),
    };
    let spec =
        DataSpec { standardise: true, directory: Some(directory), ..DataSpec::embedded(name) };
    let data = Arc::new(data::load(&spec, &Device::Cpu)?);
    let n_samples = data.train.len();
    let model: Arc<dyn Model> = model.build(&data).into();
    let params = model.init(&Streams::new(1), &Device::Cpu)?;
    let objective = Objective::new(model, data, params)?;
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
