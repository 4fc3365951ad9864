//! Time of a product of the Hessian with a vector beside that of a gradient, both over a whole batch and in turn.
//!
//! `cargo run --release -p noisescope-train --example hessian_products -- resnet20 128` prints a line for each precision;
//! networks are `mlp`, `zhu`, `resnet18` and `resnet20`. A third argument names the device.

use std::sync::Arc;
use std::time::Instant;

use candle_core::{DType, Device, Tensor};
use train::data::{Dataset, Split};
use train::networks::{Mlp, ResNet, Stem, ZhuNetwork};
use train::{Mode, Model, Objective, Streams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [name, batch_size, device @ ..] = words.as_slice() else {
        return Err("hessian_products NETWORK BATCH_SIZE [DEVICE]".into());
    };
    train::keep_freed_memory();
    // SAFETY: no other thread has been started. candle inside gets one thread, as in the program.
    unsafe { std::env::set_var("RAYON_NUM_THREADS", "1") };
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global()?;
    let n_samples: usize = batch_size.parse()?;
    let device = train::device::open(device.first().map_or("cpu", String::as_str), false)?;
    let cifar = [3, 32, 32];
    let (model, image): (Arc<dyn Model>, [usize; 3]) = match name.as_str() {
        "mlp" => (Arc::new(Mlp::new(784, &[100, 100], 10)), [1, 28, 28]),
        "zhu" => (Arc::new(ZhuNetwork::new([1, 28, 28], 10)), [1, 28, 28]),
        "resnet18" => {
            let model = ResNet::image_net(18, Stem::Cifar, cifar, 10).ok_or("no such depth")?;
            (Arc::new(model), cifar)
        }
        "resnet20" => (Arc::new(ResNet::cifar(20, cifar, 10)), cifar),
        _ => return Err("unknown network".into()),
    };
    let n_features: usize = image.iter().product();
    let inputs = (0..n_samples * n_features).map(|i| (i * 7919 % 2003) as f32 / 1001.5 - 1.);
    let inputs = Tensor::from_vec(inputs.collect(), (n_samples, n_features), &Device::Cpu)?;
    let data = Arc::new(Dataset {
        name: "noise".into(),
        classes: (0..10).map(|class| class.to_string()).collect(),
        image: Some(image),
        train: Split::new(
            inputs.to_device(&device)?,
            (0..n_samples as u32).map(|i| i % 10).collect(),
        ),
        test: None,
        digest: None,
    });
    for dtype in [DType::F32, DType::F64] {
        let params = model.init(&Streams::new(1).named("init"), &device)?.to_dtype(dtype)?;
        let objective = Objective::new(model.clone(), data.clone(), params)?;
        let direction = vec![1.; objective.params().n_parameters()];
        let (mut gradients, mut products) = (Vec::new(), Vec::new());
        let begin = Instant::now();
        while gradients.len() < 8 || begin.elapsed().as_secs_f64() < 3. {
            let begin = Instant::now();
            objective.full_gradient(Mode::Eval)?;
            gradients.push(begin.elapsed().as_secs_f64());
            let begin = Instant::now();
            objective.hessian_product(&direction)?;
            products.push(begin.elapsed().as_secs_f64());
        }
        let median = |times: &mut Vec<f64>| {
            // The first of each fills the memory that later ones use again.
            times.remove(0);
            times.sort_by(f64::total_cmp);
            1e3 * times[times.len() / 2]
        };
        let (gradient, product) = (median(&mut gradients), median(&mut products));
        println!(
            "{name}, B = {n_samples}, {dtype:?}: gradient {gradient:.3} ms, product {product:.3} ms, ratio {:.2}",
            product / gradient
        );
    }
    Ok(())
}
