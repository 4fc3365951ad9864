//! The gradients of single samples held against a loop over samples, one ordinary pass for each.

use candle_core::{DType, Device, Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Mlp, ResNet, Stem, ZhuNetwork};
use crate::loss::Loss;
use crate::model::{Mode, Model, Network};
use crate::ops::Activation;
use crate::params::{ParamSet, flatten};
use crate::streams::Streams;

const N_CLASSES: usize = 4;

/// A network with parameters and running statistics that no shortcut could stand for, and a minibatch.
struct Case {
    params: ParamSet,
    network: Box<dyn Network>,
    inputs: Tensor,
    labels: Vec<u32>,
}

fn uniform(rng: &mut ChaCha8Rng, shape: &[usize], dtype: DType) -> Tensor {
    let values = (0..shape.iter().product()).map(|_| 2. * rng.random::<f64>() - 1.).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
}

fn case(model: &dyn Model, sample: &[usize], n_samples: usize, dtype: DType) -> Case {
    let streams = Streams::new(5);
    let drawn = model.init(&streams.named("init"), &Device::Cpu).unwrap();
    let mut rng = streams.named("test").rng(0);
    let mut moved = |(name, tensor): (&str, &Tensor)| {
        let tensor = if tensor.dtype() == DType::I64 {
            tensor.clone()
        } else {
            let change = (uniform(&mut rng, tensor.dims(), dtype) * 0.2).unwrap();
            (tensor.to_dtype(dtype).unwrap() + change).unwrap()
        };
        (name.to_owned(), tensor)
    };
    let parameters = drawn.named_tensors().map(&mut moved).collect();
    let buffers = drawn.named_buffers().map(&mut moved).collect();
    let params = ParamSet::new(parameters).unwrap().with_buffers(buffers).unwrap();
    let network = model.bind(&params).unwrap();
    let inputs = uniform(&mut rng, &[&[n_samples], sample].concat(), dtype);
    let labels = (0..n_samples).map(|_| rng.random_range(0..N_CLASSES as u32)).collect();
    Case { params, network, inputs, labels }
}

impl Case {
    fn n_samples(&self) -> usize {
        self.labels.len()
    }

    /// `[N][K]`, all samples at once.
    fn rows(&self, coordinates: &[usize]) -> Vec<Vec<f64>> {
        let wanted = self.params.by_tensor(coordinates);
        let found =
            self.network.sample_gradients(&self.inputs, Mode::Eval, &wanted, &mut |range, y| {
                Loss::CrossEntropy.gradients_of_samples(y, &self.labels[range])
            });
        let found: Vec<Tensor> = found.unwrap().into_iter().flatten().collect();
        let rows = Tensor::cat(&found, 1).unwrap();
        rows.to_dtype(DType::F64).unwrap().to_vec2().unwrap()
    }

    /// `[n_parameters]`, the ordinary gradient of some samples.
    fn gradient(&self, first: usize, n_samples: usize) -> Vec<f64> {
        let inputs = self.inputs.narrow(0, first, n_samples).unwrap();
        let labels = &self.labels[first..first + n_samples];
        let gradients = self.network.gradient(&inputs, Mode::Eval, &mut |outputs| {
            Ok(Loss::CrossEntropy.value_and_gradient(outputs, labels)?.1)
        });
        let gradients: Vec<Tensor> = gradients.unwrap().into_iter().flatten().collect();
        flatten(gradients.iter()).unwrap()
    }

    /// The largest difference in each tensor is a small share of the largest number in it, over all samples.
    fn assert_near(
        &self,
        found: &[Vec<f64>],
        expected: &[Vec<f64>],
        coordinates: &[usize],
        tolerance: f64,
    ) {
        assert_eq!(found.len(), expected.len());
        let mut start = 0;
        for ((name, _), positions) in
            self.params.named_tensors().zip(self.params.by_tensor(coordinates))
        {
            let columns = start..start + positions.len();
            start = columns.end;
            let (mut scale, mut difference) = (0f64, 0f64);
            for (found, expected) in found.iter().zip(expected) {
                for (found, expected) in
                    found[columns.clone()].iter().zip(&expected[columns.clone()])
                {
                    scale = scale.max(expected.abs());
                    difference = difference.max((found - expected).abs());
                }
            }
            let is_some = scale > 0. || positions.len() < 20;
            assert!(
                is_some && difference <= tolerance * scale,
                "{name}: {difference:e} of {scale:e}"
            );
        }
        assert_eq!(start, found[0].len());
    }
}

/// All coordinates, some, and a few, against a loop over samples; the mean of all rows against the gradient of all.
fn check(model: &dyn Model, sample: &[usize], dtype: DType, tolerance: f64) {
    let case = case(model, sample, 5, dtype);
    let n_parameters = case.params.n_parameters();
    let of_samples: Vec<Vec<f64>> = (0..case.n_samples()).map(|at| case.gradient(at, 1)).collect();
    let pick = |coordinates: &[usize]| -> Vec<Vec<f64>> {
        let row = |row: &Vec<f64>| coordinates.iter().map(|&coordinate| row[coordinate]).collect();
        of_samples.iter().map(row).collect()
    };
    // A share of 1 in 101 leaves every convolution of some size to sums for single weights; all, to none.
    for step in [1, 7, 101] {
        let coordinates: Vec<usize> = (0..n_parameters).step_by(step).collect();
        let rows = case.rows(&coordinates);
        case.assert_near(&rows, &pick(&coordinates), &coordinates, tolerance);
        if step == 1 {
            let mean = |coordinate: usize| {
                rows.iter().map(|row| row[coordinate]).sum::<f64>() / rows.len() as f64
            };
            let mean = [(0..n_parameters).map(mean).collect()];
            let expected = [case.gradient(0, case.n_samples())];
            case.assert_near(&mean, &expected, &coordinates, tolerance);
        }
    }
}

fn check_both_types(model: &dyn Model, sample: &[usize]) {
    check(model, sample, DType::F64, 1e-12);
    check(model, sample, DType::F32, 1e-5);
}

#[test]
fn perceptrons() {
    check_both_types(&Mlp::new(9, &[12, 7], N_CLASSES), &[9]);
    let smooth = Mlp::new(6, &[5], N_CLASSES).with_activation(Activation::Tanh);
    check_both_types(&smooth.without_biases(), &[6]);
}

/// Convolutions with biases and without padding, and maxima.
#[test]
fn network_of_zhu() {
    check_both_types(&ZhuNetwork::new([2, 17, 18], N_CLASSES), &[2, 17, 18]);
}

/// Strides on maps of odd and even size, shortcuts without parameters, batch normalisation.
#[test]
fn residual_networks() {
    for image in [[3, 9, 10], [1, 8, 8]] {
        check_both_types(&ResNet::cifar(14, image, N_CLASSES), &image);
    }
}

/// The stem for large images, shortcuts by projection, and blocks of three convolutions.
#[test]
fn residual_networks_with_projections() {
    let image = [3, 21, 22];
    let model = ResNet::image_net(50, Stem::ImageNet, image, N_CLASSES).unwrap();
    let case = case(&model, &image, 2, DType::F32);
    let coordinates: Vec<usize> = (0..case.params.n_parameters()).step_by(37).collect();
    let expected: Vec<Vec<f64>> = (0..2)
        .map(|at| {
            let gradient = case.gradient(at, 1);
            coordinates.iter().map(|&coordinate| gradient[coordinate]).collect()
        })
        .collect();
    case.assert_near(&case.rows(&coordinates), &expected, &coordinates, 1e-5);
}

#[test]
fn threads_change_nothing() {
    let image = [3, 12, 12];
    let case = case(&ResNet::cifar(8, image, N_CLASSES), &image, 9, DType::F32);
    for step in [1, 101] {
        let coordinates: Vec<usize> = (0..case.params.n_parameters()).step_by(step).collect();
        let rows = |n_threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| case.rows(&coordinates))
        };
        assert_eq!(rows(1), rows(2));
    }
}

#[test]
fn batch_statistics_are_refused() {
    let image = [3, 8, 8];
    let case = case(&ResNet::cifar(8, image, N_CLASSES), &image, 3, DType::F32);
    let wanted = case.params.by_tensor(&[0]);
    for mode in [Mode::Train, Mode::Probe] {
        let refused =
            case.network.sample_gradients(&case.inputs, mode, &wanted, &mut |range, y| {
                Loss::CrossEntropy.gradients_of_samples(y, &case.labels[range])
            });
        let message = refused.unwrap_err().to_string();
        assert!(
            message.contains("with the running statistics or those of the full batch"),
            "{message}"
        );
    }
    let tracked = case.params.buffer("bn1.num_batches_tracked").unwrap();
    assert_eq!(tracked.to_scalar::<i64>().unwrap(), 0);
}
