//! Against the way through tensors.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use rand::RngExt;
use train::data::{Dataset, Split};
use train::ops::Activation;
use train::optimizer::sgd_step;
use train::{
    Loss, Mlp, Mode, Model, Objective, Optimizer, OptimizerSpec, ParamSet, Sgd, Streams, flatten,
};

use super::{Perceptron, Seed};

const N_SAMPLES: usize = 150;

fn objective(mlp: Mlp, loss: Loss) -> Objective {
    let (n_features, n_classes) = (mlp.widths()[0], mlp.widths()[mlp.widths().len() - 1]);
    let mut rng = Streams::new(2).named("data").rng(0);
    let features = (0..N_SAMPLES * n_features).map(|_| rng.random_range(-1.7f32..1.7));
    let inputs =
        Tensor::from_vec(features.collect(), (N_SAMPLES, n_features), &Device::Cpu).unwrap();
    let labels = (0..N_SAMPLES).map(|_| rng.random_range(0..n_classes as u32)).collect();
    let data = Dataset {
        name: "random".into(),
        classes: (0..n_classes).map(|class| class.to_string()).collect(),
        image: None,
        train: Split::new(inputs, labels),
        test: None,
        digest: None,
    };
    let params = mlp.init(&Streams::new(3), &Device::Cpu).unwrap();
    Objective::new(Arc::new(mlp), Arc::new(data), params).unwrap().with_loss(loss)
}

fn minibatches(batch_size: usize, n_steps: usize) -> Vec<Vec<u32>> {
    let mut rng = Streams::new(4).rng(0);
    let mut sample = || rng.random_range(0..N_SAMPLES as u32);
    (0..n_steps).map(|_| (0..batch_size).map(|_| sample()).collect()).collect()
}

/// The networks with awkward widths, all activations, losses and both kinds of layers.
fn cases() -> Vec<(Mlp, Loss)> {
    let tanh = |mlp: Mlp| mlp.with_activation(Activation::Tanh);
    vec![
        (Mlp::new(21, &[100, 100], 2), Loss::CrossEntropy),
        (Mlp::new(3, &[5, 17], 1), Loss::MeanSquareOneHot),
        (tanh(Mlp::new(3, &[5, 17, 100], 3)), Loss::CrossEntropy),
        (tanh(Mlp::new(9, &[17], 2).without_biases()), Loss::MeanSquareSigned),
        (Mlp::new(16, &[24, 8, 33], 11).without_biases(), Loss::CrossEntropy),
        (Mlp::new(7, &[], 4), Loss::CrossEntropy),
    ]
}

/// The distance of two points as a share of the way that was gone from w*, beyond the rounding of the weights themselves.
fn deviation(found: &[f32], expected: &[f64], start: &[f64]) -> f64 {
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(*a) - b));
    let rounding = 1e-7 * norm(&mut expected.iter().copied());
    (difference - rounding) / norm(&mut expected.iter().zip(start).map(|(a, b)| a - b))
}

#[test]
fn steps_are_those_through_tensors() {
    for (case, (mlp, loss)) in cases().into_iter().enumerate() {
        let reference = objective(mlp, loss);
        let perceptron = Perceptron::of(&reference).unwrap();
        let mut seed = Seed::new(&perceptron);
        let start = reference.params().flatten().unwrap();
        for (batch_size, momentum) in
            [(1, 0.), (3, 0.9), (8, 0.), (8, 0.5), (129, 0.), (13, 0.), (4, 0.9)]
        {
            let reference = reference.fork().unwrap();
            let sgd = Sgd { momentum, ..Sgd::default() };
            let mut optimizer =
                Optimizer::new(&OptimizerSpec::Sgd(sgd), reference.params()).unwrap();
            seed.restart();
            for (number, samples) in (1..).zip(minibatches(batch_size, 50)) {
                let (_, gradient) = reference.loss_and_gradient(&samples, Mode::Train).unwrap();
                optimizer.step(reference.params(), &gradient, 0.03, number).unwrap();
                seed.step(&samples, 0.03, momentum as f32);
                let tolerance = match number {
                    1 | 5 => 1e-5,
                    50 => 1e-4,
                    _ => continue,
                };
                let expected = reference.params().flatten().unwrap();
                let found = deviation(&seed.weights(), &expected, &start);
                assert!(found < tolerance, "{case}: B = {batch_size}, step {number}: {found}");
                let distance: f64 = expected.iter().zip(&start).map(|(a, b)| (a - b).powi(2)).sum();
                assert!((seed.distance() / distance.sqrt() - 1.).abs() < tolerance);
                let (found, expected) = (seed.evaluate(), reference.evaluate_train().unwrap());
                assert!((found.loss - expected.loss).abs() < 1e-6 * (1. + expected.loss));
                assert!((found.accuracy - expected.accuracy).abs() < 0.01);
            }
        }
    }
}

/// A step so large that the gradient is all that is left of the weights.
#[test]
fn gradients_of_single_parameters() {
    for (case, (mlp, loss)) in cases().into_iter().enumerate() {
        let objective = objective(mlp, loss);
        let perceptron = Perceptron::of(&objective).unwrap();
        let samples = [3, 17, 17, 29, 0];
        let (_, gradient) = objective.loss_and_gradient(&samples, Mode::Train).unwrap();
        let gradient = flatten(gradient.iter()).unwrap();
        let mut seed = Seed::new(&perceptron);
        seed.step(&samples, 1e4, 0.);
        let greatest = gradient.iter().fold(0f64, |greatest, g| greatest.max(g.abs()));
        let start = objective.params().flatten().unwrap();
        for (coordinate, (found, expected)) in seed.weights().iter().zip(&gradient).enumerate() {
            let found = (start[coordinate] - f64::from(*found)) / 1e4;
            assert!((found - expected).abs() < 2e-6 * greatest, "{case}: {coordinate}");
        }
    }
}

#[test]
fn loss_and_accuracy_are_those_of_the_objective() {
    for (mlp, loss) in cases() {
        let objective = objective(mlp, loss);
        let perceptron = Perceptron::of(&objective).unwrap();
        let mut seed = Seed::new(&perceptron);
        let (found, expected) = (seed.evaluate(), objective.evaluate_train().unwrap());
        assert!((found.loss - expected.loss).abs() < 1e-6);
        assert_eq!(found.accuracy, expected.accuracy);
        assert_eq!(seed.loss(), found.loss);
    }
}

#[test]
fn weights_are_in_the_order_of_the_state_dict() {
    let objective = objective(Mlp::new(3, &[5, 17], 2), Loss::CrossEntropy);
    let perceptron = Perceptron::of(&objective).unwrap();
    let mut seed = Seed::new(&perceptron);
    let expected = objective.params().flatten().unwrap();
    let found: Vec<f64> = seed.weights().into_iter().map(f64::from).collect();
    assert_eq!(found, expected);
    assert_eq!((seed.distance(), seed.farthest()), (0., 0));

    seed.step(&[1, 2, 3], 0.5, 0.);
    let moved = seed.weights();
    let moved = moved.iter().zip(&expected).map(|(w, start)| (f64::from(*w) - start).abs());
    // Of equal ones, as the two biases of the last layer, the first.
    let farthest = moved.enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a }).unwrap();
    assert_eq!(seed.farthest(), farthest.0);
}

/// Whatever was done before, in minibatches of other sizes as well: the same steps give the same bits.
#[test]
fn a_restart_forgets_everything() {
    let objective = objective(Mlp::new(21, &[100, 100], 2), Loss::CrossEntropy);
    let perceptron = Perceptron::of(&objective).unwrap();
    for momentum in [0., 0.9] {
        let trial = |seed: &mut Seed<'_>| {
            for samples in minibatches(8, 30).iter().chain(&minibatches(3, 5)) {
                seed.step(samples, 0.1, momentum);
            }
            (seed.weights(), seed.loss(), seed.distance())
        };
        let mut fresh = Seed::new(&perceptron);
        let expected = trial(&mut fresh);
        let mut used = Seed::new(&perceptron);
        for samples in minibatches(129, 3) {
            used.step(&samples, 10., 0.5);
        }
        for _ in 0..2 {
            used.restart();
            assert_eq!(used.distance(), 0.);
            assert_eq!(trial(&mut used), expected);
        }
    }
}

#[test]
fn a_trial_that_runs_away_is_seen_and_forgotten() {
    let objective = objective(Mlp::new(21, &[100, 100], 2), Loss::MeanSquareOneHot);
    let perceptron = Perceptron::of(&objective).unwrap();
    let mut seed = Seed::new(&perceptron);
    let loss = seed.loss();
    for samples in minibatches(8, 20) {
        seed.step(&samples, 1e6, 0.);
    }
    assert!(!seed.loss().is_finite() && !seed.distance().is_finite());
    seed.restart();
    assert_eq!((seed.loss(), seed.distance()), (loss, 0.));
}

#[test]
fn other_networks_are_left_to_tensors() {
    let gelu = Mlp::new(3, &[5], 2).with_activation(Activation::Gelu);
    assert!(Perceptron::of(&objective(gelu, Loss::CrossEntropy)).is_none());

    let mlp = Mlp::new(3, &[5], 2);
    let singles = objective(mlp, Loss::CrossEntropy);
    let doubles = singles
        .params()
        .named_tensors()
        .map(|(name, tensor)| (name.to_owned(), tensor.to_dtype(DType::F64).unwrap()));
    let doubles = ParamSet::new(doubles.collect()).unwrap();
    let data = Dataset {
        train: Split::new(Tensor::zeros((2, 3), DType::F64, &Device::Cpu).unwrap(), vec![0, 1]),
        name: "zeros".into(),
        classes: vec!["a".into(), "b".into()],
        image: None,
        test: None,
        digest: None,
    };
    let mlp = Arc::new(Mlp::new(3, &[5], 2));
    assert!(Perceptron::of(&Objective::new(mlp, Arc::new(data), doubles).unwrap()).is_none());
}

#[test]
fn plain_steps_are_those_of_sgd_step() {
    let objective = objective(Mlp::new(21, &[100, 100], 2), Loss::CrossEntropy);
    let perceptron = Perceptron::of(&objective).unwrap();
    let mut seed = Seed::new(&perceptron);
    let start = objective.params().flatten().unwrap();
    for samples in minibatches(8, 5) {
        let (_, gradient) = objective.loss_and_gradient(&samples, Mode::Train).unwrap();
        sgd_step(objective.params(), &gradient, 0.1).unwrap();
        seed.step(&samples, 0.1, 0.);
    }
    assert!(deviation(&seed.weights(), &objective.params().flatten().unwrap(), &start) < 1e-5);
}
