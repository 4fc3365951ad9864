//! Time to load CIFAR-100, and to assemble the minibatches of an epoch.
//!
//! `cargo run --release -p noisescope-train --example loader -- DIRECTORY` prints a line of JSON;
//! `experiments/benchmarks/data/compare_torch.sh` runs it beside PyTorch's DataLoader.

use std::path::PathBuf;
use std::time::Instant;

use candle_core::Device;
use rand::seq::SliceRandom;
use train::data::{DataSpec, load};
use train::{Augmentation, Streams};

const BATCH_SIZE: usize = 128;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args().nth(1).ok_or("the folder of CIFAR-100 is missing")?;
    train::keep_freed_memory();
    let directory = Some(PathBuf::from(directory));
    let spec = DataSpec { directory, ..DataSpec::embedded("cifar100") };
    let begin = Instant::now();
    let data = load(&spec, &Device::Cpu)?;
    let load_s = begin.elapsed().as_secs_f64();

    let image = data.image.ok_or("CIFAR-100 has images")?;
    let augmentation = Augmentation { crop_padding: 4, flip: true };
    let streams = Streams::new(1);
    let epoch = |augmented: bool| -> Result<f64, candle_core::Error> {
        let mut order: Vec<u32> = (0..data.train.len() as u32).collect();
        order.shuffle(&mut streams.named("order").rng(0));
        let begin = Instant::now();
        for (step, samples) in order.chunks(BATCH_SIZE).enumerate() {
            let (inputs, _) = data.train.batch(samples)?;
            if augmented {
                augmentation.apply(&inputs, image, &mut streams.rng(step as u64))?;
            }
        }
        Ok(begin.elapsed().as_secs_f64())
    };
    epoch(true)?;
    let (plain_s, augmented_s) = (epoch(false)?, epoch(true)?);
    println!(
        "{{\"tool\": \"noisescope\", \"load_s\": {load_s:.3}, \"epoch_s\": {plain_s:.3}, \"augmented_epoch_s\": {augmented_s:.3}, \"peak_mib\": {:.0}}}",
        peak_mib()
    );
    Ok(())
}

/// The high-water mark of this process's own memory: pages of mapped files belong to the system.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    let mapped = value("RssFile:").unwrap_or(0.);
    (value("VmHWM:").unwrap_or(f64::NAN) - mapped) / 1024.
}
