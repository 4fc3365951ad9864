//! Convolutions of ResNet-20 and ResNet-18, in operations per second: `cargo bench -p noisescope-train`.

use candle_core::{Device, Tensor};
use divan::Bencher;
use divan::counter::ItemsCount;
use train::ops::Conv2d;

/// Samples, size of the map, channels in and out, stride.
const SHAPES: [(usize, usize, usize, usize, usize); 8] = [
    (32, 32, 3, 16, 1),
    (32, 32, 16, 16, 1),
    (32, 32, 16, 32, 2),
    (32, 16, 32, 32, 1),
    (32, 8, 64, 64, 1),
    (8, 32, 64, 64, 1),
    (8, 16, 128, 128, 1),
    (32, 4, 512, 512, 1),
];

fn main() {
    divan::main();
}

fn tensor(shape: &[usize]) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f32> = (0..n).map(|i| (i * 37 % 101) as f32 / 50. - 1.).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
}

struct Layer {
    conv: Conv2d,
    inputs: Tensor,
    weights: Tensor,
    gradient: Tensor,
    size: usize,
    operations: ItemsCount,
}

impl Layer {
    fn new((n, size, c_in, c_out, stride): (usize, usize, usize, usize, usize)) -> Self {
        let out = size / stride;
        Self {
            conv: Conv2d { stride, padding: 1 },
            inputs: tensor(&[n, size, size, c_in]),
            weights: tensor(&[c_out, c_in, 3, 3]),
            gradient: tensor(&[n, out, out, c_out]),
            size,
            operations: ItemsCount::new(2 * 9 * n * out * out * c_in * c_out),
        }
    }
}

#[divan::bench(args = SHAPES, sample_count = 10)]
fn forward(bencher: Bencher<'_, '_>, shape: (usize, usize, usize, usize, usize)) {
    let layer = Layer::new(shape);
    let Layer { conv, inputs, weights, operations, .. } = &layer;
    bencher.counter(*operations).bench_local(|| conv.forward(inputs, weights).expect("fits"));
}

#[divan::bench(args = SHAPES, sample_count = 10)]
fn input_gradient(bencher: Bencher<'_, '_>, shape: (usize, usize, usize, usize, usize)) {
    let layer = Layer::new(shape);
    let Layer { conv, weights, gradient, size, operations, .. } = &layer;
    bencher
        .counter(*operations)
        .bench_local(|| conv.input_gradient(gradient, weights, (*size, *size)).expect("fits"));
}

#[divan::bench(args = SHAPES, sample_count = 10)]
fn weight_gradient(bencher: Bencher<'_, '_>, shape: (usize, usize, usize, usize, usize)) {
    let layer = Layer::new(shape);
    let Layer { conv, inputs, gradient, operations, .. } = &layer;
    bencher
        .counter(*operations)
        .bench_local(|| conv.weight_gradient(inputs, gradient, (3, 3)).expect("fits"));
}
