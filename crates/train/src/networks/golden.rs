//! The networks held against PyTorch: `tests/golden/networks/make_golden.py` says how its files were made.

#[path = "../../../../tests/golden/formula.rs"]
mod formula;
mod hessian;

use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};

use formula::bits;

use super::{Initialised, Mlp, ResNet, Stem, ZhuNetwork};
use crate::checkpoint;
use crate::layers::Initialisation;
use crate::loss::Loss;
use crate::model::{Mode, Model, Network};
use crate::ops::Activation;
use crate::optimizer::{AdamW, Optimizer, OptimizerSpec, Sgd};
use crate::params::ParamSet;
use crate::streams::Streams;
use crate::trainer::TrainingState;

fn golden_dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/networks"))
}

fn formula_params(model: &dyn Model, dtype: DType) -> ParamSet {
    let drawn = model.init(&Streams::new(1), &Device::Cpu).unwrap();
    let all = |tensors: &mut dyn Iterator<Item = (&str, &Tensor)>| -> Vec<(String, Tensor)> {
        tensors
            .map(|(name, like)| (name.to_owned(), formula::parameter(name, like, dtype)))
            .collect()
    };
    let parameters = all(&mut drawn.named_tensors());
    let buffers = all(&mut drawn.named_buffers());
    ParamSet::new(parameters).unwrap().with_buffers(buffers).unwrap()
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// One file, and how near its numbers have to be.
struct Golden {
    values: HashMap<String, Tensor>,
    tolerance: f64,
}

impl Golden {
    fn read(file: &str, tolerance: f64) -> Self {
        let path = golden_dir().join(file);
        Self { values: candle_core::safetensors::load(path, &Device::Cpu).unwrap(), tolerance }
    }

    fn get(&self, name: &str) -> Vec<f64> {
        flat(self.values.get(name).unwrap_or_else(|| panic!("no `{name}`")))
    }

    /// The difference in norm, relative to that of what is expected.
    fn check(&self, name: &str, found: &[f64]) {
        let expected = self.get(name);
        assert_eq!(found.len(), expected.len(), "{name}");
        let difference: Vec<f64> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
        let relative = norm(&difference) / norm(&expected).max(1e-300);
        assert!(relative <= self.tolerance, "{name}: {relative:e}, {found:?} for {expected:?}");
    }

    fn check_samples(&self, name: &str, of: &str, values: &[f64]) {
        let n = self.get(name).len() as u64;
        let at = |k| (bits(&format!("{of}#sample"), k) % values.len() as u64) as usize;
        let found: Vec<f64> = (0..n).map(|k| values[at(k)]).collect();
        self.check(name, &found);
    }
}

/// A batch of images or features by the formula.
fn batch(golden: &Golden, input: &str, shape: &[usize], dtype: DType) -> (Tensor, Vec<u32>) {
    let (inputs, labels) = (formula::values(input, shape, dtype), formula::labels(shape[0]));
    golden.check("input_head", &flat(&inputs)[..16]);
    golden.check("labels", &labels.iter().map(|&label| f64::from(label)).collect::<Vec<_>>());
    (inputs, labels)
}

/// Outputs, loss and gradients of a pass.
fn pass(
    network: &dyn Network,
    inputs: &Tensor,
    labels: &[u32],
    loss: Loss,
) -> (Vec<f64>, f64, Vec<Tensor>) {
    let (mut outputs, mut value) = (Vec::new(), f64::NAN);
    let gradients = network.gradient(inputs, Mode::Train, &mut |found| {
        outputs = flat(found);
        let (loss, gradient) = loss.value_and_gradient(found, labels)?;
        value = loss;
        Ok(gradient)
    });
    let gradients = gradients.unwrap().into_iter().map(|gradient| gradient.expect("a gradient"));
    (outputs, value, gradients.collect())
}

fn check_gradients(golden: &Golden, prefix: &str, params: &ParamSet, gradients: &[Tensor]) {
    for ((name, _), gradient) in params.named_tensors().zip(gradients) {
        let gradient = flat(gradient);
        let expected_norm = golden.get(&format!("{prefix}_norm.{name}"))[0];
        let relative = (norm(&gradient) / expected_norm - 1.).abs();
        assert!(relative <= golden.tolerance, "{name}: norm off by {relative:e}");
        golden.check_samples(&format!("{prefix}_samples.{name}"), name, &gradient);
    }
}

fn check_network(
    model: &dyn Model,
    file: &str,
    input: &str,
    shape: &[usize],
    dtype: DType,
    tolerance: f64,
) {
    let golden = Golden::read(file, tolerance);
    let (inputs, labels) = batch(&golden, input, shape, dtype);
    let params = formula_params(model, dtype);
    let network = model.bind(&params).unwrap();
    golden.check("eval_logits", &flat(&network.forward(&inputs, Mode::Eval).unwrap()));
    let (logits, loss, gradients) = pass(&*network, &inputs, &labels, Loss::CrossEntropy);
    golden.check("logits", &logits);
    golden.check("loss", &[loss]);
    check_gradients(&golden, "gradient", &params, &gradients);
    for (name, buffer) in params.named_buffers() {
        let key = format!("buffers.{name}");
        if name.ends_with("num_batches_tracked") {
            assert_eq!(buffer.to_scalar::<i64>().unwrap(), 4);
        } else if golden.get(&key).len() == buffer.elem_count() {
            golden.check(&key, &flat(buffer));
        } else {
            golden.check_samples(&key, name, &flat(buffer));
        }
    }
    // A step of SGD, and the state that it leads to.
    let mut optimizer = Optimizer::new(&nesterov(), &params).unwrap();
    optimizer.step(&params, &gradients, 0.1, 1).unwrap();
    for (name, value) in params.named_tensors() {
        golden.check_samples(&format!("sgd1.samples.{name}"), name, &flat(value));
    }
    let (_, loss, _) = pass(&*network, &inputs, &labels, Loss::CrossEntropy);
    golden.check("sgd1.loss", &[loss]);
    golden.check("sgd1.eval_logits", &flat(&network.forward(&inputs, Mode::Eval).unwrap()));
}

fn nesterov() -> OptimizerSpec {
    OptimizerSpec::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 5e-4 })
}

/// Losses before each of three steps and after the last, and the parameters that they lead to.
fn check_steps(
    golden: &Golden,
    prefix: &str,
    model: &dyn Model,
    dtype: DType,
    spec: &OptimizerSpec,
    rate: f64,
) {
    let (inputs, labels) = batch(golden, "input.1", &[8, 784], dtype);
    let params = formula_params(model, dtype);
    let network = model.bind(&params).unwrap();
    let mut optimizer = Optimizer::new(spec, &params).unwrap();
    let mut losses = Vec::new();
    for step in 1..=4 {
        let (_, loss, gradients) = pass(&*network, &inputs, &labels, Loss::CrossEntropy);
        losses.push(loss);
        if step <= 3 {
            optimizer.step(&params, &gradients, rate, step).unwrap();
        }
    }
    golden.check(&format!("{prefix}.losses"), &losses);
    for (name, value) in params.named_tensors() {
        golden.check_samples(&format!("{prefix}.samples.{name}"), name, &flat(value));
    }
}

const CIFAR: [usize; 3] = [3, 32, 32];

#[test]
fn resnet20_in_f64() {
    check_network(
        &ResNet::cifar(20, CIFAR, 10),
        "resnet20_f64.safetensors",
        "input.226",
        &[8, 3, 32, 32],
        DType::F64,
        1e-10,
    );
}

#[test]
fn resnet20_in_f32() {
    check_network(
        &ResNet::cifar(20, CIFAR, 10),
        "resnet20_f32.safetensors",
        "input.226",
        &[8, 3, 32, 32],
        DType::F32,
        1e-5,
    );
}

#[test]
fn resnet18_in_f64() {
    let model = ResNet::image_net(18, Stem::Cifar, CIFAR, 10).unwrap();
    check_network(
        &model,
        "resnet18_cifar_f64.safetensors",
        "input.10",
        &[4, 3, 32, 32],
        DType::F64,
        1e-10,
    );
}

/// PyTorch's own results in `f32` are up to 5.6e-6 from those in `f64`.
#[test]
fn resnet18_in_f32() {
    let model = ResNet::image_net(18, Stem::Cifar, CIFAR, 10).unwrap();
    check_network(
        &model,
        "resnet18_cifar_f64.safetensors",
        "input.10",
        &[4, 3, 32, 32],
        DType::F32,
        1e-5,
    );
}

#[test]
fn resnet18_with_the_stem_of_image_net() {
    let model = ResNet::image_net(18, Stem::ImageNet, [3, 64, 64], 10).unwrap();
    check_network(
        &model,
        "resnet18_imagenet_f64.safetensors",
        "input.0",
        &[2, 3, 64, 64],
        DType::F64,
        1e-10,
    );
}

#[test]
fn resnet50_with_bottlenecks() {
    let model = ResNet::image_net(50, Stem::Cifar, [3, 16, 16], 10).unwrap();
    check_network(
        &model,
        "resnet50_cifar_f64.safetensors",
        "input.0",
        &[2, 3, 16, 16],
        DType::F64,
        1e-10,
    );
}

#[test]
fn network_of_zhu() {
    let model = ZhuNetwork::new([1, 28, 28], 10);
    for (dtype, name, tolerance) in [(DType::F32, "f32", 1e-5), (DType::F64, "f64", 1e-10)] {
        let file = format!("zhu_{name}.safetensors");
        check_network(&model, &file, "input.8", &[8, 1, 28, 28], dtype, tolerance);
    }
}

#[test]
fn mlps_with_every_activation_and_loss() {
    for (activation, name) in
        [(Activation::Relu, "relu"), (Activation::Tanh, "tanh"), (Activation::Gelu, "gelu")]
    {
        let model = Mlp::new(784, &[100, 100], 10).with_activation(activation);
        for (dtype, precision, tolerance) in [(DType::F32, "f32", 1e-5), (DType::F64, "f64", 1e-10)]
        {
            let file = format!("mlp_{name}_{precision}.safetensors");
            check_network(&model, &file, "input.1", &[8, 784], dtype, tolerance);
            let golden = Golden::read(&file, tolerance);
            let (inputs, labels) = batch(&golden, "input.1", &[8, 784], dtype);
            let params = formula_params(&model, dtype);
            let network = model.bind(&params).unwrap();
            let (_, loss, gradients) = pass(&*network, &inputs, &labels, Loss::MeanSquareOneHot);
            golden.check("mse", &[loss]);
            check_gradients(&golden, "mse_gradient", &params, &gradients);
            check_steps(&golden, "sgd3", &model, dtype, &nesterov(), 0.1);
            let adamw = OptimizerSpec::AdamW(AdamW::default());
            check_steps(&golden, "adamw3", &model, dtype, &adamw, 1e-3);
        }
    }
}

/// Names, shapes and order of torchvision's state dicts, and the numbers of parameters.
#[test]
fn state_dicts_are_those_of_pytorch() {
    let text = std::fs::read_to_string(golden_dir().join("state_dicts.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cifar = [20, 32, 44, 56, 110]
        .map(|depth| (format!("resnet{depth}"), ResNet::cifar(depth, CIFAR, 10)));
    let image_net = [18, 34, 50].map(|depth| {
        let model = ResNet::image_net(depth, Stem::ImageNet, [3, 224, 224], 1000).unwrap();
        (format!("torchvision_resnet{depth}"), model)
    });
    for (name, model) in cifar.into_iter().chain(image_net) {
        let params = model.init(&Streams::new(1), &Device::Cpu).unwrap();
        let expected = &all[&name];
        assert_eq!(expected["n_parameters"], params.n_parameters(), "{name}");
        let mut found: Vec<(String, Vec<usize>)> = params
            .named_tensors()
            .chain(params.named_buffers())
            .map(|(name, tensor)| (name.to_owned(), tensor.dims().to_vec()))
            .collect();
        let mut expected: Vec<(String, Vec<usize>)> = expected["tensors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| {
                let name = entry[0].as_str().unwrap().to_owned();
                (name, serde_json::from_value(entry[1].clone()).unwrap())
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{name}");
    }
}

/// A file that PyTorch's users save loads unchanged, is saved by us, and comes back.
#[test]
fn a_state_dict_of_pytorch_loads_and_is_saved() {
    let model = ResNet::cifar(8, CIFAR, 10);
    let by_formula = formula_params(&model, DType::F32);
    let params = model.init(&Streams::new(1), &Device::Cpu).unwrap();
    checkpoint::load(&golden_dir().join("resnet8_torch.safetensors"), &params).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ours.safetensors");
    let optimizer = Optimizer::new(&OptimizerSpec::default(), &params).unwrap();
    let state = TrainingState { step: 1, ..TrainingState::default() };
    checkpoint::save(&path, &params, &optimizer, &state).unwrap();
    let again = model.init(&Streams::new(2), &Device::Cpu).unwrap();
    checkpoint::load(&path, &again).unwrap();
    for loaded in [&params, &again] {
        assert_eq!(loaded.flatten().unwrap(), by_formula.flatten().unwrap());
        for ((name, found), (_, expected)) in loaded.named_buffers().zip(by_formula.named_buffers())
        {
            assert_eq!(found.dtype(), expected.dtype(), "{name}");
            assert_eq!(flat(found), flat(expected), "{name}");
        }
    }
    let other = ResNet::cifar(14, CIFAR, 10).init(&Streams::new(1), &Device::Cpu).unwrap();
    assert!(checkpoint::load(&path, &other).is_err());
}

/// The shape, and the values drawn with 16 seeds, of every parameter and buffer.
fn drawn(model: &dyn Model) -> Vec<(String, Vec<usize>, Vec<f64>)> {
    let mut all: Vec<(String, Vec<usize>, Vec<f64>)> = Vec::new();
    for seed in 0..16 {
        let params = model.init(&Streams::new(seed), &Device::Cpu).unwrap();
        for (idx, (name, tensor)) in
            params.named_tensors().chain(params.named_buffers()).enumerate()
        {
            if seed == 0 {
                all.push((name.to_owned(), tensor.dims().to_vec(), Vec::new()));
            }
            assert_eq!(all[idx].0, name);
            all[idx].2.extend(flat(tensor));
        }
    }
    all
}

fn check_constant(name: &str, values: &[f64], expected: f64) {
    assert!(values.iter().all(|&value| value == expected), "{name} is not {expected}");
}

/// Mean 0 and the standard deviation to within 5 standard errors; returns the largest absolute value.
///
/// The standard errors over n draws are σ/√n of the mean and σ²√((κ − 1)/n) of the variance, with kurtosis κ.
fn check_moments(name: &str, values: &[f64], std: f64, kurtosis: f64) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| value * value).sum::<f64>() / n;
    let of_mean = mean / (std / n.sqrt());
    assert!(of_mean.abs() <= 5., "{name}: the mean is {of_mean} standard errors from 0");
    let of_variance = (variance / std.powi(2) - 1.) / ((kurtosis - 1.) / n).sqrt();
    assert!(
        of_variance.abs() <= 5.,
        "{name}: the variance is off by {of_variance} standard errors"
    );
    values.iter().fold(0., |largest, value| value.abs().max(largest))
}

fn check_normal(name: &str, values: &[f64], std: f64) {
    let largest = check_moments(name, values, std, 3.) / std;
    // The least that n normal numbers stay below with a probability of 10⁻⁵, from P(|x| > z) ≥ e^{−z²/2 − z}.
    let least = (1. + 2. * (values.len() as f64 / 11.5).ln()).sqrt() - 1.;
    assert!((least..7.).contains(&largest), "{name}: the largest of a Gaussian is {largest} σ");
}

fn check_uniform(name: &str, values: &[f64], bound: f64) {
    let largest = check_moments(name, values, bound / 3f64.sqrt(), 1.8) / bound;
    // All n are below 1 − 11.5/n with a probability of 10⁻⁵.
    let least = 1. - 11.5 / values.len() as f64;
    assert!(
        (least..=1. + 1e-6).contains(&largest),
        "{name}: the largest is {largest} of the bound"
    );
}

#[test]
fn parameters_are_drawn_from_the_laws_of_pytorch() {
    let text = std::fs::read_to_string(golden_dir().join("initialisation.json")).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let networks: [(&str, &str, Box<dyn Model>); 3] = [
        ("resnet20", "kaiming_normal_fan_out", Box::new(ResNet::cifar(20, CIFAR, 10))),
        ("mlp", "torch_default", Box::new(Mlp::new(784, &[100, 100], 10))),
        ("zhu", "torch_default", Box::new(ZhuNetwork::new([1, 28, 28], 10))),
    ];
    assert_eq!(all.as_object().unwrap().len(), networks.len());
    for (network, of_convolutions, model) in networks {
        let drawn = drawn(&*model);
        assert_eq!(all[network].as_object().unwrap().len(), drawn.len(), "{network}");
        for (name, _, values) in drawn {
            let laws = &all[network][&name];
            let law = laws.get("all").unwrap_or(&laws[of_convolutions]);
            let number = |key: &str| law[key].as_f64().unwrap_or_else(|| panic!("{name}: {law}"));
            match law["law"].as_str() {
                Some("constant") => check_constant(&name, &values, number("value")),
                Some("uniform") => check_uniform(&name, &values, number("bound")),
                _ => check_normal(&name, &values, number("std")),
            }
        }
    }
}

#[test]
fn parameters_are_drawn_from_the_laws_of_he() {
    fn he<A>(architecture: A) -> Initialised<A> {
        Initialised { architecture, initialisation: Initialisation::He }
    }
    let networks: [Box<dyn Model>; 4] = [
        Box::new(he(ResNet::cifar(20, CIFAR, 10))),
        Box::new(he(ResNet::image_net(18, Stem::ImageNet, CIFAR, 10).unwrap())),
        Box::new(he(Mlp::new(784, &[100, 100], 10))),
        Box::new(he(ZhuNetwork::new([1, 28, 28], 10))),
    ];
    for model in networks {
        for (name, dims, values) in drawn(&*model) {
            match *dims {
                [_, n_in] => check_normal(&name, &values, (2. / n_in as f64).sqrt()),
                [_, n_in, height, width] => {
                    let fan_in = n_in * height * width;
                    check_normal(&name, &values, (2. / fan_in as f64).sqrt());
                }
                _ => {
                    let is_one = [".weight", ".running_var"].iter().any(|end| name.ends_with(end));
                    check_constant(&name, &values, f64::from(u8::from(is_one)));
                }
            }
        }
    }
}

/// The bytes of every gradient and running statistic, on one thread and on three.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let model = ResNet::image_net(18, Stem::Cifar, [3, 12, 12], 10).unwrap();
    let (shape, labels) = ([6, 3, 12, 12], [0, 1, 2, 3, 4, 5]);
    let inputs = formula::values("x", &shape, DType::F32);
    let run = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| {
            let params = formula_params(&model, DType::F32);
            let network = model.bind(&params).unwrap();
            let (logits, _, gradients) = pass(&*network, &inputs, &labels, Loss::CrossEntropy);
            let of = |tensors: &mut dyn Iterator<Item = &Tensor>| {
                tensors.flat_map(flat).collect::<Vec<f64>>()
            };
            (
                logits,
                of(&mut gradients.iter()),
                of(&mut params.named_buffers().map(|(_, buffer)| buffer)),
            )
        })
    };
    assert!(run(1) == run(3));
}
