//! What moves in the ensembles of an experiment: under each of its conditions the engine that is made for them.

use train::{Objective, Streams};

use crate::batched::Batched;
use crate::driver::Driver;
use crate::drivers::MinibatchSgd;
use crate::ensemble::Ensemble;
use crate::error::EscapeError;
use crate::exit_time::check_start;
use crate::landscape::Landscape;
use crate::many_seeds::{ManySeeds, Perceptron};
use crate::spec::{Conditions, DriverSpec, EscapeSpec};
use crate::walk::{Dynamics, Start};

/// What the ensembles of an experiment share: the landscape, a driver for each of the conditions, and the perceptron
/// where the landscape is that of one.
pub struct Engines<'a> {
    spec: &'a EscapeSpec,
    landscape: &'a dyn Landscape,
    drivers: Vec<Box<dyn Driver>>,
    network: Option<&'a Objective>,
    perceptron: Option<Perceptron>,
}

impl<'a> Engines<'a> {
    /// `network` is the one whose landscape it is, at its minimum; `None` for a landscape of formulas.
    ///
    /// # Errors
    /// As [`DriverSpec::build`].
    pub fn new(
        spec: &'a EscapeSpec,
        landscape: &'a dyn Landscape,
        network: Option<&'a Objective>,
    ) -> Result<Self, EscapeError> {
        let driver = |conditions: &Conditions| spec.driver.build(conditions, landscape);
        let drivers = spec.conditions().iter().map(driver).collect::<Result<_, _>>()?;
        let perceptron = network.and_then(Perceptron::of);
        Ok(Self { spec, landscape, drivers, network, perceptron })
    }

    /// An ensemble for each of the conditions, in their order, with streams that are named after them.
    ///
    /// # Errors
    /// As [`check_start`].
    pub fn ensembles(&self, streams: &Streams) -> Result<Vec<Ensemble<'_>>, EscapeError> {
        let mut ensembles = Vec::new();
        for (conditions, driver) in self.spec.conditions().iter().zip(&self.drivers) {
            let start = self.start(conditions, &**driver)?;
            ensembles.push(Ensemble {
                minimum_loss: check_start(&*start, &self.spec.basins)?,
                start,
                watch: self.spec.watch(conditions.learning_rate),
                streams: streams.named(&conditions.name()),
            });
        }
        Ok(ensembles)
    }

    /// For minibatch SGD on a perceptron [`ManySeeds`] on the CPU and [`Batched`] elsewhere, [`Dynamics`] for all else.
    fn start<'b>(
        &'b self,
        conditions: &Conditions,
        driver: &'b dyn Driver,
    ) -> Result<Box<dyn Start + 'b>, EscapeError> {
        let dynamics = Dynamics { landscape: self.landscape, driver };
        let (Some(network), &DriverSpec::MinibatchSgd { momentum, sampling }, Some(batch_size)) =
            (self.network, &self.spec.driver, conditions.batch_size)
        else {
            return Ok(Box::new(dynamics));
        };
        let driver = MinibatchSgd { batch_size, sampling, momentum };
        if let Some(perceptron) = &self.perceptron {
            return Ok(Box::new(ManySeeds::new(perceptron, network, driver)?));
        }
        if network.params().vars().all(|var| var.device().is_cpu()) {
            return Ok(Box::new(dynamics));
        }
        Ok(match Batched::of(network, &driver)? {
            Some(batched) => Box::new(batched),
            None => Box::new(dynamics),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landscapes::NetworkLandscape;
    use std::sync::Arc;
    use train::{ModelSpec, data};

    #[test]
    fn minibatch_sgd_on_a_perceptron_has_its_own_engine_and_nothing_else_has() {
        let data = data::load(&data::DataSpec::embedded("ionosphere"), &candle_core::Device::Cpu);
        let data = Arc::new(data.unwrap());
        let model: Arc<dyn train::Model> = ModelSpec::mlp(&[8]).build(&data).into();
        let params = model.init(&Streams::new(1), &candle_core::Device::Cpu).unwrap();
        let network = Objective::new(model, data, params).unwrap();
        let landscape = NetworkLandscape::new(network.fork().unwrap()).unwrap();
        let rest = r#""batch_sizes": [4], "learning_rates": [0.1], "seeds": 1, "horizon": 9,
            "basins": [{"distance": 1}]"#;
        for (kind, is_fast) in [("minibatch_sgd", true), ("multiplicative", false)] {
            let json = format!(r#"{{"driver": {{"kind": "{kind}"}}, {rest}}}"#);
            let spec: EscapeSpec = serde_json::from_str(&json).unwrap();
            let engines = Engines::new(&spec, &landscape, Some(&network)).unwrap();
            let ensembles = engines.ensembles(&Streams::new(2)).unwrap();
            let own = Streams::new(2).named("η = 0.1, B = 4");
            let driver = spec.driver.build(&spec.conditions()[0], &landscape).unwrap();
            let generic = Dynamics { landscape: &landscape, driver: &*driver };
            let after = |start: &dyn Start| {
                let mut walk = start.begin(std::slice::from_ref(&own)).unwrap();
                (0..50).for_each(|_| walk.step(0.1).unwrap());
                walk.at(0).point().unwrap().into_owned()
            };
            assert_eq!(ensembles.len(), 1);
            assert_eq!(ensembles[0].streams.rng(0), own.rng(0));
            // They round differently.
            assert_eq!(after(&*ensembles[0].start) != after(&generic), is_fast, "{kind}");
        }
    }
}
