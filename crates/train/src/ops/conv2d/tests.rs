use candle_core::{DType, Device};
use rand::RngExt;

use super::*;
use crate::streams::Streams;

struct Case {
    inputs: (usize, usize, usize, usize),
    weights: (usize, usize, usize, usize),
    conv: Conv2d,
}

fn case(
    n: usize,
    (h, w): (usize, usize),
    (i, o): (usize, usize),
    kernel: (usize, usize),
    stride: usize,
    padding: usize,
) -> Case {
    Case {
        inputs: (n, h, w, i),
        weights: (o, i, kernel.0, kernel.1),
        conv: Conv2d { stride, padding },
    }
}

/// Every path: blocks that are full and not, strides, windows without padding, maps smaller than a tile, one sample and
/// many, pixels that no window meets.
fn cases() -> Vec<Case> {
    vec![
        case(2, (7, 7), (3, 16), (3, 3), 1, 1),
        case(3, (8, 6), (16, 32), (3, 3), 1, 1),
        case(2, (8, 8), (5, 18), (3, 3), 2, 1),
        case(2, (7, 9), (4, 20), (3, 3), 2, 1),
        case(3, (8, 8), (6, 9), (1, 1), 2, 0),
        case(1, (9, 9), (7, 3), (1, 1), 1, 0),
        case(5, (4, 4), (3, 17), (3, 3), 1, 1),
        case(2, (12, 11), (3, 5), (7, 7), 2, 3),
        case(2, (10, 10), (2, 6), (5, 5), 1, 0),
        case(40, (2, 2), (3, 4), (3, 3), 1, 1),
        case(1, (5, 5), (1, 1), (2, 3), 3, 1),
        case(17, (6, 6), (16, 16), (3, 3), 1, 1),
    ]
}

fn random(shape: impl Into<Shape>, name: &str) -> Tensor {
    let shape = shape.into();
    let mut rng = Streams::new(7).named(name).rng(shape.elem_count() as u64);
    let values: Vec<f64> = (0..shape.elem_count()).map(|_| 2. * rng.random::<f64>() - 1.).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The definition, as nested loops: calls `product(output, input, weight)` for each that contributes.
fn for_products(case: &Case, mut product: impl FnMut(usize, usize, usize)) -> (usize, usize) {
    let (n, h, w, c_in) = case.inputs;
    let (c_out, _, kh, kw) = case.weights;
    let Conv2d { stride, padding } = case.conv;
    let (out_h, out_w) = ((h + 2 * padding - kh) / stride + 1, (w + 2 * padding - kw) / stride + 1);
    for sample in 0..n {
        for i in 0..out_h {
            for j in 0..out_w {
                for o in 0..c_out {
                    for k in 0..kh {
                        for l in 0..kw {
                            let (y, x) = (i * stride + k, j * stride + l);
                            if y < padding || x < padding || y >= h + padding || x >= w + padding {
                                continue;
                            }
                            let (y, x) = (y - padding, x - padding);
                            for c in 0..c_in {
                                product(
                                    ((sample * out_h + i) * out_w + j) * c_out + o,
                                    ((sample * h + y) * w + x) * c_in + c,
                                    ((o * c_in + c) * kh + k) * kw + l,
                                );
                            }
                        }
                    }
                }
            }
        }
    }
    (out_h, out_w)
}

fn assert_close(found: &Tensor, expected: &[f64], tolerance: f64) {
    let found = values(found);
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-300, |max: f64, value| max.max(value.abs()));
    for (idx, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance * scale, "{idx}: {found} for {expected}");
    }
}

#[test]
fn forward_and_both_gradients_are_those_of_nested_loops() {
    for case in cases() {
        let (inputs, weights) = (random(case.inputs, "inputs"), random(case.weights, "weights"));
        let (x, w) = (values(&inputs), values(&weights));
        let (n, height, width, c_in) = case.inputs;
        let (c_out, _, kh, kw) = case.weights;
        let (out_h, out_w) = for_products(&case, |_, _, _| {});
        let gradient = random((n, out_h, out_w, c_out), "gradient");
        let g = values(&gradient);
        let mut y = vec![0.; g.len()];
        let (mut dx, mut dw) = (vec![0.; x.len()], vec![0.; w.len()]);
        for_products(&case, |o, i, k| {
            y[o] += x[i] * w[k];
            dx[i] += g[o] * w[k];
            dw[k] += g[o] * x[i];
        });
        for (dtype, tolerance) in [(DType::F64, 1e-14), (DType::F32, 1e-6)] {
            let cast = |tensor: &Tensor| tensor.to_dtype(dtype).unwrap();
            let (inputs, weights, gradient) = (cast(&inputs), cast(&weights), cast(&gradient));
            let Case { conv, .. } = case;
            let outputs = conv.forward(&inputs, &weights).unwrap();
            assert_eq!(outputs.dims(), [n, out_h, out_w, c_out]);
            assert_close(&outputs, &y, tolerance);
            let of_inputs = conv.input_gradient(&gradient, &weights, (height, width)).unwrap();
            assert_eq!(of_inputs.dims(), [n, height, width, c_in]);
            assert_close(&of_inputs, &dx, tolerance);
            let of_weights = conv.weight_gradient(&inputs, &gradient, (kh, kw)).unwrap();
            assert_eq!(of_weights.dims(), [c_out, c_in, kh, kw]);
            assert_close(&of_weights, &dw, tolerance);
        }
    }
}
