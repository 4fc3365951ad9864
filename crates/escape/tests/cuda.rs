//! Escapes on a GPU, held against the CPU: `cargo test --release --features cuda --test cuda`. Without the feature they are
//! ignored; with it a GPU must be there.

use std::sync::Arc;

use candle_core::Device;
use escape::{Batched, Engines, ManySeeds, MinibatchSgd, NetworkLandscape, Perceptron, Start};
use train::{Mlp, Model, Objective, Sampling, Streams, data};

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn trials_on_a_gpu_walk_as_on_the_cpu() {
    let gpu = train::device::open("cuda:0", false).unwrap();
    let spec = data::DataSpec::embedded("ionosphere");
    let data = Arc::new(data::load(&spec, &Device::Cpu).unwrap());
    let model: Arc<dyn Model> = Arc::new(Mlp::new(data.n_features(), &[20, 10], 2));
    let network = |device: &Device| {
        let params = model.init(&Streams::new(1), device).unwrap();
        Objective::new(model.clone(), data.clone(), params).unwrap()
    };
    let (near, far) = (network(&Device::Cpu), network(&gpu));
    let sampling = Sampling::WithReplacement;
    let driver = MinibatchSgd { batch_size: 8, sampling, momentum: 0.5 };
    let perceptron = Perceptron::of(&near).unwrap();
    let one_by_one = ManySeeds::new(&perceptron, &near, driver.clone()).unwrap();
    let together = Batched::of(&far, &driver).unwrap().unwrap();
    let spec = r#"{"batch_sizes": [8], "learning_rates": [0.05], "seeds": 1, "horizon": 9,
        "driver": {"kind": "minibatch_sgd"}, "basins": [{"distance": 1}]}"#;
    let spec = serde_json::from_str(spec).unwrap();
    let landscape = NetworkLandscape::new(far.fork().unwrap()).unwrap();
    let engines = Engines::new(&spec, &landscape, Some(&far)).unwrap();
    let ensembles = engines.ensembles(&Streams::new(2)).unwrap();
    assert_eq!(ensembles[0].start.at_once(), together.at_once());
    let trials: Vec<Streams> = (0..20).map(Streams::new).collect();
    let [mut found, mut again] = [(); 2].map(|()| together.begin(&trials).unwrap());
    let mut expected: Vec<_> =
        trials.iter().map(|own| one_by_one.begin(std::slice::from_ref(own)).unwrap()).collect();
    for step in 1..=60 {
        found.step(0.05).unwrap();
        again.step(0.05).unwrap();
        for (trial, expected) in expected.iter_mut().enumerate() {
            expected.step(0.05).unwrap();
            let (place, expected) = (found.at(trial), expected.at(0));
            let (loss, right) = (place.evaluate().unwrap(), expected.evaluate().unwrap());
            assert!((loss.loss / right.loss - 1.).abs() < 1e-3, "{step}: {loss:?} {right:?}");
            let minimum = together.minimum();
            let (far, near) =
                (place.distance(minimum).unwrap(), expected.distance(minimum).unwrap());
            assert!((far / near - 1.).abs() < 1e-3, "{step}: {far} {near}");
        }
    }
    for trial in 0..trials.len() {
        let point = found.at(trial).point().unwrap().into_owned();
        assert!(point == *again.at(trial).point().unwrap(), "other bits the second time");
    }
}
