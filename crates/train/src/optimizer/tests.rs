use candle_core::{DType, Device, Tensor};

use super::*;

const N_STEPS: u64 = 20;

/// Every combination of options.
fn specs() -> Vec<OptimizerSpec> {
    let mut specs = Vec::new();
    for weight_decay in [0., 0.05] {
        for (momentum, nesterov) in [(0., false), (0.9, false), (0.9, true)] {
            specs.push(OptimizerSpec::Sgd(Sgd { momentum, nesterov, weight_decay }));
        }
        for (beta1, beta2) in [(0.9, 0.999), (0., 0.5)] {
            let eps = 1e-3;
            specs.push(OptimizerSpec::AdamW(AdamW { beta1, beta2, eps, weight_decay }));
        }
    }
    specs
}

fn initial() -> Vec<f64> {
    (0..37).map(|i| f64::from(i * 7 % 11) / 4. - 1.).collect()
}

/// Neither constant nor small, and a function of the weights as a gradient is.
fn gradient_at(weights: &[f64], step: u64) -> Vec<f64> {
    let of =
        |(i, w): (usize, &f64)| w * (1. + i as f64 / 20.) + (step as f64 * 1.3 + i as f64).sin();
    weights.iter().enumerate().map(of).collect()
}

fn learning_rate_at(step: u64) -> f64 {
    0.1 / step as f64
}

/// The formulas of PyTorch's documentation, one scalar at a time.
fn slow_twin(spec: &OptimizerSpec, n_steps: u64) -> Vec<f64> {
    let mut weights = initial();
    let (mut velocity, mut second) = (vec![None; weights.len()], vec![0.; weights.len()]);
    for step in 1..=n_steps {
        let (gradient, rate) = (gradient_at(&weights, step), learning_rate_at(step));
        for i in 0..weights.len() {
            let (w, mut g) = (weights[i], gradient[i]);
            weights[i] = match *spec {
                OptimizerSpec::Sgd(sgd) => {
                    g += sgd.weight_decay * w;
                    let v = velocity[i].map_or(g, |v: f64| sgd.momentum * v + g);
                    velocity[i] = Some(v);
                    match (sgd.momentum > 0., sgd.nesterov) {
                        (false, _) => w - rate * g,
                        (true, false) => w - rate * v,
                        (true, true) => w - rate * (g + sgd.momentum * v),
                    }
                }
                OptimizerSpec::AdamW(AdamW { beta1, beta2, eps, weight_decay }) => {
                    let w = w - rate * weight_decay * w;
                    let m = beta1 * velocity[i].unwrap_or(0.) + (1. - beta1) * g;
                    let v = beta2 * second[i] + (1. - beta2) * g.powi(2);
                    (velocity[i], second[i]) = (Some(m), v);
                    let corrected = m / (1. - beta1.powi(step as i32));
                    let root = (v / (1. - beta2.powi(step as i32))).sqrt();
                    w - rate * corrected / (root + eps)
                }
            };
        }
    }
    weights
}

fn params(dtype: DType) -> ParamSet {
    let tensor = Tensor::new(initial(), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
    ParamSet::new(vec![("w".into(), tensor)]).unwrap()
}

fn gradient(params: &ParamSet, step: u64, dtype: DType) -> Vec<Tensor> {
    let gradient = gradient_at(&params.flatten().unwrap(), step);
    vec![Tensor::new(gradient, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()]
}

fn trained(spec: &OptimizerSpec, dtype: DType) -> Vec<f64> {
    let params = params(dtype);
    let mut optimizer = Optimizer::new(spec, &params).unwrap();
    for step in 1..=N_STEPS {
        let gradient = gradient(&params, step, dtype);
        optimizer.step(&params, &gradient, learning_rate_at(step), step).unwrap();
    }
    params.flatten().unwrap()
}

#[track_caller]
fn assert_close(values: &[f64], expected: &[f64], tolerance: f64, of: &OptimizerSpec) {
    for (value, expected) in values.iter().zip(expected) {
        assert!((value - expected).abs() < tolerance, "{of:?}: {value} against {expected}");
    }
}

#[test]
fn every_option_agrees_with_a_slow_twin() {
    for spec in specs() {
        let expected = slow_twin(&spec, N_STEPS);
        assert_close(&trained(&spec, DType::F64), &expected, 1e-12, &spec);
        assert_close(&trained(&spec, DType::F32), &expected, 2e-5, &spec);
    }
}

#[test]
fn no_option_is_without_effect() {
    let ends: Vec<Vec<f64>> = specs().iter().map(|spec| trained(spec, DType::F64)).collect();
    for (i, end) in ends.iter().enumerate() {
        for other in &ends[..i] {
            assert!(end.iter().zip(other).any(|(a, b)| (a - b).abs() > 1e-3));
        }
    }
}

#[test]
fn candles_operations_do_the_same_where_there_is_no_kernel() {
    for spec in specs() {
        let params = params(DType::F64);
        let optimizer = Optimizer::new(&spec, &params).unwrap();
        for step in 1..=N_STEPS {
            let (gradient, learning_rate) =
                (gradient(&params, step, DType::F64), learning_rate_at(step));
            let rule = match spec {
                OptimizerSpec::Sgd(sgd) => Rule::Sgd(sgd),
                OptimizerSpec::AdamW(adamw) => Rule::adamw(adamw, learning_rate, step),
            };
            let update = Update { rule, learning_rate, state: &optimizer.state[0] };
            update.by_tensors(params.vars().next().unwrap(), &gradient[0]).unwrap();
        }
        assert_close(&params.flatten().unwrap(), &slow_twin(&spec, N_STEPS), 1e-12, &spec);
    }
}

#[test]
fn plain_sgd_has_the_bits_of_its_formula() {
    let (params, rate) = (params(DType::F32), 0.3f32);
    let gradient = gradient(&params, 1, DType::F32);
    let before = params.vars().next().unwrap().to_vec1::<f32>().unwrap();
    let expected: Vec<f32> = before
        .iter()
        .zip(gradient[0].to_vec1::<f32>().unwrap())
        .map(|(w, g)| w - g * rate)
        .collect();
    sgd_step(&params, &gradient, f64::from(rate)).unwrap();
    assert_eq!(params.vars().next().unwrap().to_vec1::<f32>().unwrap(), expected);
}

#[test]
fn a_transposed_gradient_reaches_the_right_weights() {
    let weight = Tensor::zeros((2, 3), DType::F32, &Device::Cpu).unwrap();
    let params = ParamSet::new(vec![("w".into(), weight)]).unwrap();
    let gradient = Tensor::arange(0f32, 6., &Device::Cpu).unwrap().reshape((3, 2)).unwrap();
    sgd_step(&params, &[gradient.t().unwrap()], 1.).unwrap();
    assert_eq!(params.flatten().unwrap(), [0., -2., -4., -1., -3., -5.]);
}

#[test]
fn what_is_no_longer_finite_is_named() {
    let complaint = |spec: &OptimizerSpec, at: f64, rate: f64| {
        let params = params(DType::F32);
        let mut gradient = vec![0.; initial().len()];
        gradient[17] = at;
        let gradient = Tensor::new(gradient, &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
        let mut optimizer = Optimizer::new(spec, &params).unwrap();
        optimizer.step(&params, &[gradient], rate, 3).unwrap_err().to_string()
    };
    for spec in specs() {
        for at in [f64::NAN, f64::INFINITY] {
            let expected = "learning_rate = 0.5: training diverged, the gradient of `w` is not finite at step 3;";
            let line = complaint(&spec, at, 0.5);
            assert!(line.starts_with(expected), "{spec:?}: {line}");
        }
        // Finite, but its square is not, nor its product with the rate.
        let line = complaint(&spec, 1e30, 1e10);
        let expected =
            "learning_rate = 10000000000.0: training diverged, `w` is not finite at step 3;";
        assert!(line.starts_with(expected), "{spec:?}: {line}");
    }
}

#[test]
fn messages_name_key_value_and_permitted_range() {
    let message = |toml: &str| {
        let spec: OptimizerSpec = toml::from_str(toml).unwrap();
        spec.validate("training.optimizer").map_or_else(|error| error.to_string(), |()| "ok".into())
    };
    assert_eq!(message("[sgd]\nmomentum = 0.9\nnesterov = true"), "ok");
    assert_eq!(message("[adamw]"), "ok");
    assert_eq!(
        message("[sgd]\nmomentum = 1.0"),
        "training.optimizer.sgd.momentum = 1.0: permitted is a number from 0 to below 1"
    );
    assert_eq!(
        message("[sgd]\nnesterov = true"),
        "training.optimizer.sgd.nesterov = true: permitted is false where momentum = 0.0"
    );
    assert_eq!(
        message("[sgd]\nweight_decay = -1.0"),
        "training.optimizer.sgd.weight_decay = -1.0: permitted is a number, 0 or more"
    );
    assert_eq!(
        message("[adamw]\nbeta2 = nan"),
        "training.optimizer.adamw.beta2 = NaN: permitted is a number from 0 to below 1"
    );
    assert_eq!(
        message("[adamw]\neps = 0.0"),
        "training.optimizer.adamw.eps = 0.0: permitted is a number above 0"
    );
    assert!(toml::from_str::<OptimizerSpec>("[sgd]\ndampening = 0.1").is_err());
}
