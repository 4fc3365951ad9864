//! What the gradients of single samples cost beside the gradient of their mean: ResNet-20 in evaluation mode on 64 images, a
//! pass there and back with the sum of gradients and one with those of every sample at all parameters, on one thread.
//!
//! `sample_pass [ROUNDS]` alternates the two and prints the median of the CPU time of each, which other work on the machine
//! changes little. Linux alone: times come from `/proc`.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use train::data::{Dataset, Split};
use train::{ArchitectureSpec, Mode, Model, ModelSpec, Objective, Streams};

const N_SAMPLES: usize = 64;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let n_rounds = std::env::args().nth(1).map_or(Ok(30), |word| word.parse())?;
    let image = [3, 32, 32];
    let values = (0..N_SAMPLES * 3072).map(|i| (i * 7919 % 1009) as f32 / 504. - 1.).collect();
    let inputs = Tensor::from_vec(values, (N_SAMPLES, 3072), &Device::Cpu)?;
    let data = Arc::new(Dataset {
        name: "patterns".into(),
        classes: (0..100).map(|class| class.to_string()).collect(),
        image: Some(image),
        train: Split::new(inputs, (0..N_SAMPLES as u32).collect()),
        test: None,
        digest: None,
    });
    let architecture = ArchitectureSpec::CifarResnet { depth: 20 };
    let model = ModelSpec { architecture, ..ModelSpec::mlp(&[]) };
    let model: Arc<dyn Model> = model.build(&data).into();
    let params = model.init(&Streams::new(1), &Device::Cpu)?;
    let objective = Objective::new(model, data, params)?;
    let samples: Vec<u32> = (0..N_SAMPLES as u32).collect();
    let all: Vec<usize> = (0..objective.params().n_parameters()).collect();

    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        let (mut sums, mut singles) = (Vec::new(), Vec::new());
        for _ in 0..n_rounds {
            sums.push(cpu_seconds(|| objective.loss_and_gradient(&samples, Mode::Eval).map(drop))?);
            let single = || objective.sample_gradients(&samples, &all, Mode::Eval).map(drop);
            singles.push(cpu_seconds(single)?);
        }
        let median = |times: &mut Vec<f64>| {
            times.sort_unstable_by(f64::total_cmp);
            times[times.len() / 2]
        };
        let (sum, single) = (median(&mut sums), median(&mut singles));
        println!(
            "{{\"n_samples\": {N_SAMPLES}, \"n_parameters\": {}, \"rounds\": {n_rounds}, \
             \"sum_ms\": {:.1}, \"single_samples_ms\": {:.1}, \"ratio\": {:.3}}}",
            all.len(),
            1e3 * sum,
            1e3 * single,
            single / sum
        );
        Ok(())
    })
}

/// CPU time of this thread while `work` is done.
fn cpu_seconds(
    work: impl FnOnce() -> Result<(), train::TrainError>,
) -> Result<f64, Box<dyn std::error::Error + Send + Sync>> {
    let begun = on_cpu()?;
    work()?;
    Ok(on_cpu()? - begun)
}

fn on_cpu() -> std::io::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse::<f64>().ok());
    nanoseconds.map(|time| time / 1e9).ok_or_else(|| std::io::Error::other("no schedstat"))
}
