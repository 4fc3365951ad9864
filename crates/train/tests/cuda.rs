//! Every operation and whole training steps on a GPU, held against the CPU: `cargo test --release --features cuda --test
//! cuda`. Without the feature they are ignored; with it a GPU must be there.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};
use rand::RngExt;
use rayon::prelude::*;
use train::checkpoint;
use train::data::{Dataset, Split};
use train::networks::{Mlp, ResNet, Stem, ZhuNetwork};
use train::ops::{
    Activation, BatchNorm, ChannelMoments, ChannelPadding, Conv2d, GlobalMeanPool, Linear, MaxPool,
    accumulate, close_relu, relu_in_place,
};
use train::optimizer::{AdamW, Optimizer, OptimizerSpec, Sgd};
use train::{Loss, Mode, Model, Objective, ParamSet, Streams, TrainingState, flatten};

fn gpu() -> Device {
    train::device::open("cuda:0", false).unwrap()
}

/// Numbers between −1 and 1, the same for the same name.
fn random(name: &str, shape: &[usize], dtype: DType, device: &Device) -> Tensor {
    let mut rng = Streams::new(7).named(name).rng(0);
    let n = shape.iter().product();
    let values: Vec<f64> = (0..n).map(|_| 2. * rng.random::<f64>() - 1.).collect();
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
    tensor.to_dtype(dtype).unwrap().to_device(device).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    flatten([tensor].into_iter()).unwrap()
}

/// Relative to the largest number.
fn check_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-30, |max: f64, value| max.max(value.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let close = (found - expected).abs() <= tolerance * scale;
        assert!(
            close || found.is_nan() && expected.is_nan(),
            "{what}[{at}]: {found} for {expected}"
        );
    }
}

/// Computes tensors on both devices in both precisions, and on the GPU twice: the same up to rounding, and the same bits.
///
/// Operations are called with a function that makes inputs by name and shape.
fn compare(what: &str, of: impl Fn(&dyn Fn(&str, &[usize]) -> Tensor) -> Result<Vec<Tensor>>) {
    let gpu = gpu();
    for (dtype, tolerance) in [(DType::F32, 1e-4), (DType::F64, 1e-11)] {
        let on = |device: &Device| of(&|name, shape| random(name, shape, dtype, device)).unwrap();
        let (expected, found, again) = (on(&Device::Cpu), on(&gpu), on(&gpu));
        assert_eq!(found.len(), expected.len());
        for (idx, ((found, again), expected)) in found.iter().zip(&again).zip(&expected).enumerate()
        {
            let what = format!("{what} {dtype:?} {idx}");
            assert_eq!(found.dims(), expected.dims(), "{what}");
            assert_eq!(found.dtype(), expected.dtype(), "{what}");
            check_close(&what, &values(found), &values(expected), tolerance);
            let bits = |tensor| values(tensor).into_iter().map(f64::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(found), bits(again), "{what}");
        }
    }
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn affine_maps() {
    for [n, i, o] in [[3, 5, 2], [1, 1, 1], [70, 37, 41], [8, 300, 130]] {
        compare("linear", |random| {
            let (x, w) = (random("x", &[n, i]), random("w", &[o, i]));
            let (b, g) = (random("b", &[o]), random("g", &[n, o]));
            let positions: Vec<usize> = (0..o * i).step_by(3).collect();
            Ok(vec![
                Linear::forward(&x, &w, None)?,
                Linear::forward(&x, &w, Some(&b))?,
                Linear::input_gradient(&g, &w)?,
                Linear::weight_gradient(&g, &x)?,
                Linear::bias_gradient(&g)?,
                Linear::sample_weight_gradients(&g, &x, &positions)?,
                Linear::sample_bias_gradients(&g, &[o - 1])?,
            ])
        });
    }
}

/// Kernels, strides and paddings of all networks, and others; maps that are not square.
#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn convolutions() {
    for (kernel, stride, padding, [n, h, w], [c_in, c_out]) in [
        (3, 1, 1, [3, 8, 8], [4, 6]),
        (3, 2, 1, [2, 9, 7], [5, 3]),
        (1, 1, 0, [3, 4, 5], [16, 8]),
        (1, 2, 0, [2, 8, 6], [7, 9]),
        (7, 2, 3, [2, 15, 14], [3, 4]),
        (5, 1, 0, [2, 12, 10], [1, 2]),
        (2, 3, 1, [2, 7, 8], [3, 2]),
        (4, 1, 2, [1, 3, 3], [2, 33]),
    ] {
        let conv = Conv2d { stride, padding };
        compare(&format!("conv2d {kernel} {stride} {padding}"), |random| {
            let (x, weights) =
                (random("x", &[n, h, w, c_in]), random("w", &[c_out, c_in, kernel, kernel]));
            let y = conv.forward(&x, &weights)?;
            let (g, size) = (random("g", y.dims()), (kernel, kernel));
            let n_weights = c_out * c_in * kernel * kernel;
            let all: Vec<usize> = (0..n_weights).collect();
            let few: Vec<usize> = (0..n_weights).step_by(31).collect();
            Ok(vec![
                y,
                conv.input_gradient(&g, &weights, (h, w))?,
                conv.weight_gradient(&x, &g, size)?,
                conv.sample_weight_gradients(&x, &g, size, &all)?,
                conv.sample_weight_gradients(&x, &g, size, &few)?,
                Conv2d::sample_bias_gradients(&g, &[0, c_out - 1])?,
            ])
        });
    }
}

/// More rows than a slice has, fewer channels than a block has lanes and more; groups; means far from zero.
#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn batch_normalisations() {
    for (shape, n_groups) in
        [([6, 20, 21, 5], 1), ([6, 20, 21, 5], 3), ([4, 3, 2, 70], 2), ([3, 2, 1, 3], 1)]
    {
        for relu in [false, true] {
            let norm = BatchNorm { epsilon: 1e-5, relu };
            compare(&format!("batch_norm {shape:?} {n_groups} {relu}"), |random| {
                let (x, g) = ((random("x", &shape) + 3.)?, random("g", &shape));
                let residual = random("residual", &shape);
                let (gamma, beta) = (random("gamma", &shape[3..]), random("beta", &shape[3..]));
                let parameters = (&gamma, &beta);
                let moments = ChannelMoments::of(&x, n_groups)?;
                let back = norm.backward(&x, &moments, parameters, &g)?;
                let variance = (random("variance", &shape[3..]) + 2.)?;
                let stored = ChannelMoments::stored(&gamma, &variance)?;
                let of_samples = norm.backward_of_samples(&x, &stored, parameters, &g)?;
                let frozen = norm.backward(&x, &stored, parameters, &g)?;
                let along = (random("v", &shape), random("v gamma", &shape[3..]));
                let direction = (&along.1, &beta);
                let inputs = (&x, Some(&along.0));
                let ahead = norm.forward_tangent(inputs, &stored, &gamma, direction)?;
                let bent =
                    norm.backward_tangent(inputs, &stored, parameters, direction, (&g, &along.0))?;
                let mut merged = moments.clone();
                merged.merge(&ChannelMoments::of(&g, n_groups)?)?;
                Ok(vec![
                    moments.values.clone(),
                    norm.forward(&x, &moments, parameters, None)?,
                    norm.forward(&x, &moments, parameters, Some(&residual))?,
                    back.inputs,
                    back.gamma,
                    back.beta,
                    of_samples.inputs,
                    of_samples.gamma,
                    of_samples.beta,
                    frozen.inputs,
                    frozen.gamma,
                    ahead,
                    bent.inputs,
                    bent.inputs_tangent,
                    bent.gamma,
                    bent.beta,
                    merged.values,
                ])
            });
        }
    }
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn pools() {
    for (kernel, stride, padding) in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0), (5, 1, 2)] {
        let pool = MaxPool { kernel, stride, padding };
        compare(&format!("max_pool {kernel} {stride} {padding}"), |random| {
            // Few different numbers: the first of equal ones is the maximum.
            let x = (random("x", &[2, 9, 7, 3]) * 3.)?.round()?;
            let y = pool.forward(&x)?;
            let g = random("g", y.dims());
            Ok(vec![y, pool.backward(&x, &g)?, pool.forward_tangent(&x, &random("v", x.dims()))?])
        });
    }
    compare("global_mean_pool", |random| {
        let means = GlobalMeanPool::forward(&random("x", &[3, 4, 5, 6]))?;
        Ok(vec![means, GlobalMeanPool::backward(&random("g", &[3, 6]), (4, 5))?])
    });
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn activations_and_shortcuts() {
    for activation in [Activation::Relu, Activation::Tanh, Activation::Gelu] {
        compare(&format!("{activation:?}"), |random| {
            let (x, g) = ((random("x", &[1000]) * 4.)?, random("g", &[1000]));
            let (in_place, closed) = (x.copy()?, g.copy()?);
            relu_in_place(&in_place)?;
            close_relu(&in_place, &closed)?;
            Ok(vec![
                activation.forward(&x)?,
                activation.backward(&x, &g)?,
                activation.second_derivative(&x, &g)?,
                in_place,
                closed,
            ])
        });
    }
    compare("shortcuts", |random| {
        let (x, padding) = (random("x", &[2, 5, 4, 3]), ChannelPadding { stride: 2, padding: 1 });
        let (target, gradient) = (random("target", &[2, 5, 4, 3]), random("g", &[2, 3, 2, 5]));
        let sum = target.copy()?;
        accumulate(&sum, &x)?;
        padding.accumulate_backward(&target, &gradient)?;
        Ok(vec![padding.forward(&x)?, target, sum])
    });
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn losses() {
    for loss in [Loss::CrossEntropy, Loss::MeanSquareOneHot, Loss::MeanSquareSigned] {
        for n_classes in [1, 2, 100] {
            compare(&format!("{loss:?} {n_classes}"), |random| {
                let outputs = (random("y", &[70, n_classes]) * 30.)?;
                let labels: Vec<u32> = (0..70).map(|i| i * 7 % n_classes as u32).collect();
                let (value, gradient) = loss.value_and_gradient(&outputs, &labels)?;
                let value = Tensor::new(value, &Device::Cpu)?;
                let own = Tensor::new(labels.as_slice(), outputs.device())?;
                let found = loss.losses_and_hits(&outputs, &own)?;
                let along = random("v", &[70, n_classes]);
                let (_, tangent) = loss.gradient_and_tangent(&outputs, &along, &labels)?;
                let of_samples = loss.gradients_of_samples(&outputs, &labels)?;
                Ok(vec![value, gradient, of_samples, found, tangent])
            });
        }
    }
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn optimizers() {
    let momentum = Sgd { momentum: 0.9, weight_decay: 1e-2, ..Sgd::default() };
    for spec in [
        OptimizerSpec::Sgd(Sgd::default()),
        OptimizerSpec::Sgd(Sgd { weight_decay: 0.1, ..Sgd::default() }),
        OptimizerSpec::Sgd(momentum),
        OptimizerSpec::Sgd(Sgd { nesterov: true, ..momentum }),
        OptimizerSpec::AdamW(AdamW::default()),
    ] {
        compare(&format!("{spec:?}"), |random| {
            let params = ParamSet::new(vec![("w".into(), random("w", &[40, 30]))]).unwrap();
            let mut optimizer = Optimizer::new(&spec, &params).unwrap();
            for step in 1..=3 {
                let gradient = random(&format!("g{step}"), &[40, 30]);
                optimizer.step(&params, &[gradient], 0.1, step).unwrap();
            }
            let state = optimizer.named_vars(&params).map(|(_, var)| var.as_tensor().copy());
            let mut found = state.collect::<Result<Vec<_>>>()?;
            found.extend(params.vars().map(Var::as_tensor).cloned());
            Ok(found)
        });
    }
}

/// Images and labels without a pattern, on a device.
fn noise(n_samples: usize, image: [usize; 3], n_classes: usize, device: &Device) -> Arc<Dataset> {
    let inputs = random("images", &[n_samples, image.iter().product()], DType::F32, device);
    let labels = (0..n_samples as u32).map(|i| i * 5 % n_classes as u32).collect();
    Arc::new(Dataset {
        name: "noise".into(),
        classes: (0..n_classes).map(|class| class.to_string()).collect(),
        image: Some(image),
        train: Split::new(inputs, labels),
        test: None,
        digest: None,
    })
}

/// Loss, gradient, weights and buffers after two steps, gradients of samples and losses at the end: everything that
/// training and measuring ask of a network.
fn steps(
    model: &Arc<dyn Model>,
    image: [usize; 3],
    n_samples: usize,
    dtype: DType,
    device: &Device,
) -> Vec<(String, Vec<f64>)> {
    let params = model.init(&Streams::new(1).named("init"), device).unwrap();
    let params = params.to_dtype(dtype).unwrap();
    let objective =
        Objective::new(model.clone(), noise(n_samples, image, 10, device), params).unwrap();
    let params = objective.params();
    let sgd = Sgd { momentum: 0.9, weight_decay: 5e-4, ..Sgd::default() };
    let mut optimizer = Optimizer::new(&OptimizerSpec::Sgd(sgd), params).unwrap();
    let samples: Vec<u32> = (0..n_samples as u32).collect();
    let mut found = Vec::new();
    for step in 1..=2 {
        let (loss, gradient) = objective.loss_and_gradient(&samples, Mode::Train).unwrap();
        optimizer.step(params, &gradient, 0.01, step).unwrap();
        found.push((format!("loss {step}"), vec![loss]));
        for ((name, _), gradient) in params.named_tensors().zip(&gradient) {
            found.push((format!("gradient {step} of {name}"), values(gradient)));
        }
    }
    for (name, tensor) in params.named_tensors().chain(params.named_buffers()) {
        found.push((name.to_owned(), values(tensor)));
    }
    let coordinates: Vec<usize> =
        (0..params.n_parameters()).step_by(params.n_parameters() / 50).collect();
    let of_samples = objective.sample_gradients(&samples[..2], &coordinates, Mode::Eval).unwrap();
    found.push(("gradients of samples".into(), values(&of_samples)));
    found.push(("full gradient".into(), objective.full_gradient(Mode::Eval).unwrap().1));
    let direction =
        values(&random("direction", &[params.n_parameters()], DType::F64, &Device::Cpu));
    found.push(("Hessian times a vector".into(), objective.hessian_product(&direction).unwrap()));
    let evaluation = objective.evaluate_train().unwrap();
    found.push(("evaluation".into(), vec![evaluation.loss, evaluation.accuracy]));
    objective.use_full_batch_statistics().unwrap();
    let evaluation = objective.evaluate_train().unwrap();
    found.push(("with full-batch statistics".into(), vec![evaluation.loss]));
    found
}

/// No device's `f32` can be held to less than how far the CPU's own is from its `f64`: where a few samples are normalised by
/// their own moments and lie near kinks, as in ResNet-18 here, that is 1 % of a gradient after one step, and moving every weight
/// by two units in its last place is 5 %.
fn compare_steps(
    model: impl Model + 'static,
    image: [usize; 3],
    n_samples: usize,
    precisions: &[(DType, f64)],
) {
    let gpu = gpu();
    let model: Arc<dyn Model> = Arc::new(model);
    let exact = steps(&model, image, n_samples, DType::F64, &Device::Cpu);
    for &(dtype, tolerance) in precisions {
        let [expected, found, again] =
            [&Device::Cpu, &gpu, &gpu].map(|device| steps(&model, image, n_samples, dtype, device));
        for ((what, found), (_, again)) in found.iter().zip(&again) {
            assert!(found == again, "{what}: other bits the second time");
        }
        for (((what, found), (_, expected)), (_, exact)) in found.iter().zip(&expected).zip(&exact)
        {
            let limit = tolerance.max(4. * distance(expected, exact));
            check_close(&format!("{what} {dtype:?}"), found, expected, limit);
        }
    }
}

/// The largest difference, relative to the largest number.
fn distance(a: &[f64], b: &[f64]) -> f64 {
    let scale = b.iter().fold(1e-30, |max: f64, value| max.max(value.abs()));
    a.iter().zip(b).fold(0., |max: f64, (a, b)| max.max((a - b).abs() / scale))
}

/// In `f64` a mistake of a kernel is seen, in `f32` what is trained with.
const BOTH: [(DType, f64); 2] = [(DType::F64, 1e-9), (DType::F32, 1e-4)];

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn steps_of_a_perceptron() {
    compare_steps(Mlp::new(3 * 4 * 4, &[50, 20], 10), [3, 4, 4], 30, &BOTH);
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn steps_of_zhus_network() {
    compare_steps(ZhuNetwork::new([1, 28, 28], 10), [1, 28, 28], 3, &BOTH);
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn steps_of_resnet_20() {
    compare_steps(ResNet::cifar(20, [3, 16, 16], 10), [3, 16, 16], 4, &BOTH);
}

#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn steps_of_resnet_18() {
    let model = ResNet::image_net(18, Stem::Cifar, [3, 16, 16], 10).unwrap();
    compare_steps(model, [3, 16, 16], 6, &BOTH);
}

/// With the stem of ImageNet: a window of 7, and a maximum over windows. Where it begins, and with so few samples, its
/// gradient in `f32` is rounding and nothing else.
#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn steps_of_resnet_50() {
    let model = ResNet::image_net(50, Stem::ImageNet, [3, 48, 48], 10).unwrap();
    compare_steps(model, [3, 48, 48], 4, &BOTH[..1]);
}

/// Passes from many threads at once are those from one. (An emulated driver, which runs one kernel at a time, shows only that
/// they may.)
#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn threads_share_the_gpu() {
    let gpu = gpu();
    let model: Arc<dyn Model> = Arc::new(Mlp::new(48, &[50, 20], 10));
    let params = model.init(&Streams::new(1).named("init"), &gpu).unwrap();
    let objective = Objective::new(model, noise(64, [3, 4, 4], 10, &gpu), params).unwrap();
    let gradient = |first: u32| {
        let samples: Vec<u32> = (first..first + 8).collect();
        let (loss, gradient) = objective.loss_and_gradient(&samples, Mode::Probe).unwrap();
        (loss, flatten(gradient.iter()).unwrap())
    };
    let one_by_one: Vec<_> = (0..56).map(gradient).collect();
    let at_once: Vec<_> = (0..56).into_par_iter().map(gradient).collect();
    assert_eq!(one_by_one, at_once);
}

/// A run that was stopped on one device goes on on the other.
#[test]
#[cfg_attr(not(feature = "cuda"), ignore = "needs a GPU")]
fn checkpoints_change_devices() {
    let gpu = gpu();
    let file = tempfile::NamedTempFile::new().unwrap();
    let model: Arc<dyn Model> = Arc::new(ResNet::cifar(8, [3, 8, 8], 10));
    let spec = OptimizerSpec::Sgd(Sgd { momentum: 0.9, ..Sgd::default() });
    let start = |device: &Device, seed| {
        let params = model.init(&Streams::new(seed).named("init"), device).unwrap();
        let optimizer = Optimizer::new(&spec, &params).unwrap();
        let data = noise(8, [3, 8, 8], 10, device);
        (Objective::new(model.clone(), data, params).unwrap(), optimizer)
    };
    let samples: Vec<u32> = (0..8).collect();
    let step = |(objective, optimizer): &mut (Objective, Optimizer)| {
        let (_, gradient) = objective.loss_and_gradient(&samples, Mode::Train).unwrap();
        optimizer.step(objective.params(), &gradient, 0.05, 1).unwrap();
    };
    let everything = |(objective, optimizer): &(Objective, Optimizer)| -> Vec<f64> {
        let params = objective.params();
        let state =
            optimizer.named_vars(params).flat_map(|(_, var)| values(var)).collect::<Vec<_>>();
        let buffers = params.named_buffers().flat_map(|(_, tensor)| values(tensor));
        params.flatten().unwrap().into_iter().chain(state).chain(buffers).collect()
    };
    for (from, to) in [(&gpu, &Device::Cpu), (&Device::Cpu, &gpu)] {
        let mut first = start(from, 1);
        step(&mut first);
        let state = TrainingState::default();
        checkpoint::save(file.path(), first.0.params(), &first.1, &state).unwrap();
        let mut second = start(to, 2);
        checkpoint::resume(file.path(), second.0.params(), &second.1).unwrap();
        assert_eq!(everything(&first), everything(&second));
        step(&mut first);
        step(&mut second);
        check_close("the step after", &everything(&second), &everything(&first), 1e-4);
    }
}
