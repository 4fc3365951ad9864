//! Time and memory of a training step: forward, loss, backward and update.
//!
//! `cargo run --release -p noisescope-train --example steps -- --case resnet20_b128 --threads 2` prints a line of JSON;
//! `experiments/benchmarks/train/compare_torch.sh` runs it beside PyTorch. With `--features cuda`, `--device cuda:0` and
//! `--tf32`: `experiments/benchmarks/gpu/compare_torch.py`.

use std::time::Instant;

use candle_core::Tensor;
use train::networks::{Mlp, ResNet, Stem};
use train::{Loss, Mode, Model, Optimizer, OptimizerSpec, Sgd, Streams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = words.iter().position(|word| word == name)?;
        words.get(at + 1).cloned()
    };
    let case = option("--case").ok_or("--case NAME is missing")?;
    let n_threads: usize = option("--threads").map_or(Ok(2), |n| n.parse())?;
    train::keep_freed_memory();
    // SAFETY: no other thread has been started. candle inside gets one thread, as in the program.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", "1") };
    rayon::ThreadPoolBuilder::new().num_threads(n_threads).build_global()?;

    let (name, batch_size) = case.rsplit_once("_b").ok_or("a case is NAME_bSIZE")?;
    let batch_size: usize = batch_size.parse()?;
    let cifar = [3, 32, 32];
    let (model, n_features): (Box<dyn Model>, usize) = match name {
        "mlp784" => (Box::new(Mlp::new(784, &[100, 100], 10)), 784),
        "mlp21" => (Box::new(Mlp::new(21, &[100, 100], 2)), 21),
        "resnet18" => {
            let model = ResNet::image_net(18, Stem::Cifar, cifar, 10).ok_or("no such depth")?;
            (Box::new(model), 3072)
        }
        _ => {
            let depth = name.strip_prefix("resnet").ok_or("unknown case")?.parse()?;
            (Box::new(ResNet::cifar(depth, cifar, 10)), 3072)
        }
    };
    let n_classes = if name == "mlp21" { 2 } else { 10 };
    let device_name = option("--device").unwrap_or_else(|| "cpu".into());
    let tf32 = words.iter().any(|word| word == "--tf32");
    let device = train::device::open(&device_name, tf32)?;
    let params = model.init(&Streams::new(1).named("init"), &device)?;
    let network = model.bind(&params)?;
    let inputs = (0..batch_size * n_features).map(|i| (i * 7919 % 2003) as f32 / 1001.5 - 1.);
    let inputs = Tensor::from_vec(inputs.collect(), (batch_size, n_features), &device)?;
    let labels: Vec<u32> = (0..batch_size).map(|i| (i * 31 % n_classes) as u32).collect();
    let momentum = if name.starts_with("resnet") { 0.9 } else { 0. };
    let sgd = Sgd { momentum, ..Sgd::default() };
    let mut optimizer = Optimizer::new(&OptimizerSpec::Sgd(sgd), &params)?;
    let base = peak_mib();

    let mut step = |number: u64| -> Result<[f64; 3], Box<dyn std::error::Error>> {
        let begin = Instant::now();
        let mut forward = 0.;
        let gradients = network.gradient(&inputs, Mode::Train, &mut |outputs| {
            let (_, gradient) = Loss::CrossEntropy.value_and_gradient(outputs, &labels)?;
            forward = begin.elapsed().as_secs_f64();
            Ok(gradient)
        })?;
        let backward = begin.elapsed().as_secs_f64() - forward;
        let gradients: Vec<Tensor> = gradients.into_iter().flatten().collect();
        optimizer.step(&params, &gradients, 0.1, number)?;
        device.synchronize()?;
        Ok([begin.elapsed().as_secs_f64(), forward, backward])
    };
    for number in 1..4 {
        step(number)?;
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while times.len() < 10 || begin.elapsed().as_secs_f64() < 2. {
        times.push(step(times.len() as u64 + 4)?);
    }
    let milliseconds = |which: usize| {
        let mut times: Vec<f64> = times.iter().map(|times| 1e3 * times[which]).collect();
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times[0])
    };
    println!(
        "{{\"case\": \"{case}\", \"tool\": \"noisescope\", \"threads\": {n_threads}, \"ms_per_step\": {:.4}, \
         \"ms_least\": {:.4}, \"ms_forward\": {:.4}, \"ms_backward\": {:.4}, \"n_steps\": {}, \"peak_mib\": {:.1}, \
         \"base_mib\": {base:.1}}}",
        milliseconds(0).0,
        milliseconds(0).1,
        milliseconds(1).0,
        milliseconds(2).0,
        times.len(),
        peak_mib(),
    );
    Ok(())
}

/// Greatest resident memory so far; NaN where the system does not say.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.map_or(f64::NAN, |kib: f64| kib / 1024.)
}
