//! A network of one's own, written with candle alone: trained, probed and fitted.
//!
//! `cargo run --release -p noisescope-probe --example own_model`

use std::sync::Arc;

use candle_core::{Device, Module};
use candle_nn::{func, linear};
use probe::quantities::{Series, fit_series};
use probe::{
    Coordinates, Draws, FitSpec, Frozen, Reference, Sampling, Statistics, draw_minibatches,
};
use train::data::{self, DataSpec};
use train::{
    CandleModel, Flow, MinimumSpec, Model, Objective, SharedModule, Streams, Trainer, TrainingSpec,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let model = CandleModel::new(|vb| {
        let [first, second] = ["first", "second"].map(|name| vb.pp(name));
        let (first, second) = (linear(34, 32, first)?, linear(32, 32, second)?);
        let last = linear(32, 2, vb.pp("last"))?;
        let network = func(move |x| {
            let x = first.forward(x)?.gelu()?;
            last.forward(&(&x + second.forward(&x)?.tanh()?)?)
        });
        Ok(Box::new(network) as SharedModule)
    });

    let streams = Streams::new(1);
    let data = Arc::new(data::load(&DataSpec::embedded("ionosphere"), &Device::Cpu)?);
    let params = model.init(&streams.named("init"), &Device::Cpu)?;
    let objective = Objective::new(Arc::new(model), data, params)?;
    let spec = TrainingSpec {
        minimum: Some(MinimumSpec { gradient_norm: Some(0.02), plateau: None }),
        ..TrainingSpec::new(0.1, 32, 1000)
    };
    let ending = Trainer::new(&objective, &spec, &streams)?.run(&mut ())?;
    println!("{ending:?}");

    let coordinates = Coordinates::uniform(objective.params(), 10, &streams);
    let frozen = Frozen::new(&objective, Statistics::Minibatch)?;
    let reference = Reference::full_batch(&frozen)?;
    let (sampling, go_on) = (Sampling::WithoutReplacement, &|| Flow::Continue);
    let draws = Draws { n_draws: 1000, sampling, streams: &streams, go_on };
    let noise = draw_minibatches(&frozen, &coordinates, &reference, 32, &draws)?;
    let series: Vec<Series<'_>> = coordinates
        .entries()
        .iter()
        .enumerate()
        .map(|(idx, entry)| Series { name: entry.name.clone(), samples: noise.column(idx) })
        .collect();
    for fit in fit_series(&series, &FitSpec::default(), go_on)? {
        let alpha = fit.comparison.stable.law.alpha();
        println!("{:20} alpha {alpha:.3}  {}", fit.name, fit.verdict);
    }
    Ok(())
}
