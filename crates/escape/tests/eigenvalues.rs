//! Eigenvalues of Hessians held against PyTorch: double backward and ARPACK, `tests/golden/hessian/make_golden.py`.

#[path = "../../../tests/golden/formula.rs"]
mod formula;

use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use escape::{Curvature, NetworkLandscape, curvature};
use train::data::{self, DataSpec, Dataset, Split};
use train::networks::{Mlp, ResNet, ZhuNetwork};
use train::ops::Activation;
use train::{Flow, Model, ModelSpec, Objective, ParamSet, Streams, checkpoint};

fn golden(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/hessian")).join(file)
}

fn certificate(objective: Objective, n_eigenvalues: usize) -> Curvature {
    let landscape = NetworkLandscape::new(objective.in_f64().unwrap()).unwrap();
    curvature(&landscape, n_eigenvalues, &Streams::new(2), &|| Flow::Continue).unwrap()
}

/// Each eigenvalue lies within its residual, and a share of 10⁻⁷ that ARPACK's own tolerance leaves.
fn check(found: &Curvature, expected: &[f64]) {
    assert_eq!(found.eigenvalues.len(), expected.len());
    for ((value, residual), expected) in
        found.eigenvalues.iter().zip(&found.residuals).zip(expected)
    {
        assert!(
            (value - expected).abs() <= residual + 1e-7 * expected.abs(),
            "{value} ± {residual:e} for {expected}"
        );
        assert!(*residual < 2e-6 * found.eigenvalues[0], "{residual:e}");
    }
}

/// A network with weights and a batch by the formula.
fn of_formula(model: impl Model + 'static, input: &str, shape: &[usize]) -> Objective {
    let drawn = model.init(&Streams::new(1), &Device::Cpu).unwrap();
    let all = |tensors: &mut dyn Iterator<Item = (&str, &Tensor)>| -> Vec<(String, Tensor)> {
        let of = |name: &str, like: &Tensor| formula::parameter(name, like, DType::F64);
        tensors.map(|(name, like)| (name.to_owned(), of(name, like))).collect()
    };
    let params = ParamSet::new(all(&mut drawn.named_tensors())).unwrap();
    let params = params.with_buffers(all(&mut drawn.named_buffers())).unwrap();
    let inputs = formula::values(input, shape, DType::F32).flatten_from(1).unwrap();
    let data = Dataset {
        name: "formula".into(),
        classes: (0..10).map(|class| class.to_string()).collect(),
        image: match shape {
            [_, channels, height, width] => Some([*channels, *height, *width]),
            _ => None,
        },
        train: Split::new(inputs, formula::labels(shape[0])),
        test: None,
        digest: None,
    };
    Objective::new(Arc::new(model), Arc::new(data), params).unwrap()
}

fn check_formula(model: impl Model + 'static, file: &str, input: &str, shape: &[usize]) {
    let tensors = candle_core::safetensors::load(golden(file), &Device::Cpu).unwrap();
    let expected = tensors["largest"].to_vec1::<f64>().unwrap();
    let found = certificate(of_formula(model, input, shape), expected.len());
    check(&found, &expected);
}

#[test]
fn perceptrons() {
    for (activation, name) in
        [(Activation::Relu, "relu"), (Activation::Tanh, "tanh"), (Activation::Gelu, "gelu")]
    {
        let model = Mlp::new(784, &[100, 100], 10).with_activation(activation);
        check_formula(model, &format!("mlp_{name}.safetensors"), "input.1", &[8, 784]);
    }
}

#[test]
fn the_network_of_zhu() {
    let model = ZhuNetwork::new([1, 28, 28], 10);
    check_formula(model, "zhu.safetensors", "input.8", &[8, 1, 28, 28]);
}

#[test]
fn resnet20() {
    let model = ResNet::cifar(20, [3, 32, 32], 10);
    check_formula(model, "resnet20.safetensors", "input.226", &[8, 3, 32, 32]);
}

/// The minimum of the quickstart, whose kinks differences of gradients take for a curvature of 18; and a small network at
/// random weights, whose eigenvalues in PyTorch are those of its dense Hessian.
#[test]
fn checkpoints_on_ionosphere() {
    let all = std::fs::read_to_string(golden("checkpoints.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    let data = data::load(&DataSpec::embedded("ionosphere"), &Device::Cpu).unwrap();
    let data = Arc::new(data);
    for (file, hidden) in
        [("quickstart.safetensors", vec![100, 100]), ("mlp-34-16-2.safetensors", vec![16])]
    {
        let model: Arc<dyn Model> = ModelSpec::mlp(&hidden).build(&data).into();
        let params = model.init(&Streams::new(1), &Device::Cpu).unwrap();
        checkpoint::load(&golden(file), &params).unwrap();
        let objective = Objective::new(model, data.clone(), params).unwrap().in_f64().unwrap();
        let number = |key: &str| all[file][key].as_f64().unwrap();
        let loss = objective.evaluate_train().unwrap().loss;
        assert!((loss / number("loss") - 1.).abs() < 1e-5, "{loss}");
        let found = certificate(objective, 8);
        assert!((found.gradient_norm / number("gradient_norm") - 1.).abs() < 1e-5);
        let expected = all[file]["largest"].as_array().unwrap();
        let expected: Vec<f64> = expected.iter().map(|value| value.as_f64().unwrap()).collect();
        check(&found, &expected);
        let smallest = number("smallest");
        assert!(smallest - 1e-9 <= found.smallest && found.smallest < 0.5 * smallest);
    }
}
