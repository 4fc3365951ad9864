use candle_core::Device;
use rand::RngExt;

use super::*;
use crate::streams::Streams;

const CHANNELS: usize = 5;

fn random(shape: &[usize], name: &str, shift: f64) -> Tensor {
    let n: usize = shape.iter().product();
    let mut rng = Streams::new(3).named(name).rng(0);
    let values: Vec<f64> = (0..n).map(|_| 2. * rng.random::<f64>() - 1. + shift).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The definition in nested loops, with batch statistics of each group.
fn slow(
    x: &[f64],
    n_groups: usize,
    gamma: &[f64],
    beta: &[f64],
    residual: Option<&[f64]>,
    relu: bool,
) -> Vec<f64> {
    let group_len = x.len() / n_groups;
    let mut y = x.to_vec();
    for group in 0..n_groups {
        for channel in 0..CHANNELS {
            let of_channel: Vec<usize> = (group * group_len..(group + 1) * group_len)
                .filter(|i| i % CHANNELS == channel)
                .collect();
            let n = of_channel.len() as f64;
            let mean = of_channel.iter().map(|&i| x[i]).sum::<f64>() / n;
            let variance = of_channel.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / n;
            for i in of_channel {
                y[i] = gamma[channel] * (x[i] - mean) / (variance + 1e-5).sqrt() + beta[channel];
                y[i] += residual.map_or(0., |residual| residual[i]);
                y[i] = if relu { y[i].max(0.) } else { y[i] };
            }
        }
    }
    y
}

fn check_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1., |max: f64, value| max.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance * scale, "{found} for {expected}");
    }
}

/// Several chunks, one chunk, one pixel a sample; means far from zero.
const SHAPES: [[usize; 4]; 3] = [[6, 40, 41, CHANNELS], [4, 3, 2, CHANNELS], [8, 1, 1, CHANNELS]];

#[test]
fn forward_is_the_definition() {
    for (shape, relu, n_groups) in
        SHAPES.iter().flat_map(|shape| [(shape, true, 1), (shape, false, 2), (shape, true, 2)])
    {
        let x = random(shape, "x", 30.);
        let (gamma, beta) = (random(&[CHANNELS], "gamma", 0.), random(&[CHANNELS], "beta", 0.));
        let residual = random(shape, "residual", 0.);
        let norm = BatchNorm { epsilon: 1e-5, relu };
        for residual in [None, Some(&residual)] {
            let residual_values = residual.map(values);
            let expected = slow(
                &values(&x),
                n_groups,
                &values(&gamma),
                &values(&beta),
                residual_values.as_deref(),
                relu,
            );
            for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
                let cast = |tensor: &Tensor| tensor.to_dtype(dtype).unwrap();
                let moments = ChannelMoments::of(&cast(&x), n_groups).unwrap();
                let residual = residual.map(cast);
                let y = norm.forward(
                    &cast(&x),
                    &moments,
                    (&cast(&gamma), &cast(&beta)),
                    residual.as_ref(),
                );
                check_close(&values(&y.unwrap()), &expected, tolerance);
            }
        }
    }
}

/// Central differences of `Σ w y` along every direction that is tried.
#[test]
fn backward_is_the_slope_of_the_definition() {
    for (shape, relu, n_groups) in [
        (&SHAPES[1], false, 1),
        (&SHAPES[1], true, 2),
        (&SHAPES[2], true, 1),
        (&[4, 9, 37, CHANNELS], true, 2),
    ] {
        let x = random(shape, "x", 3.);
        let (gamma, beta) = (random(&[CHANNELS], "gamma", 0.), random(&[CHANNELS], "beta", 0.));
        let weights = random(shape, "weights", 0.);
        let norm = BatchNorm { epsilon: 1e-5, relu };
        let moments = ChannelMoments::of(&x, n_groups).unwrap();
        let found = norm.backward(&x, &moments, (&gamma, &beta), &weights).unwrap();
        let (x, gamma, beta, w) = (values(&x), values(&gamma), values(&beta), values(&weights));
        let loss = |x: &[f64], gamma: &[f64], beta: &[f64]| -> f64 {
            slow(x, n_groups, gamma, beta, None, relu).iter().zip(&w).map(|(y, w)| y * w).sum()
        };
        let slope = |of: &dyn Fn(f64) -> f64| (of(1e-6) - of(-1e-6)) / 2e-6;
        let shifted = |values: &[f64], at: usize, by: f64| {
            let mut values = values.to_vec();
            values[at] += by;
            values
        };
        for (at, found) in values(&found.inputs).iter().enumerate().step_by(x.len() / 20 + 1) {
            let expected = slope(&|by| loss(&shifted(&x, at, by), &gamma, &beta));
            assert!((found - expected).abs() < 1e-6, "x {at}: {found} for {expected}");
        }
        for channel in 0..CHANNELS {
            let expected = slope(&|by| loss(&x, &shifted(&gamma, channel, by), &beta));
            let found_gamma = values(&found.gamma)[channel];
            assert!(
                (found_gamma - expected).abs() < 1e-6 * (1. + expected.abs()),
                "gamma {channel}"
            );
            let expected = slope(&|by| loss(&x, &gamma, &shifted(&beta, channel, by)));
            let found_beta = values(&found.beta)[channel];
            assert!((found_beta - expected).abs() < 1e-6 * (1. + expected.abs()), "beta {channel}");
        }
    }
}

/// Moments that do not depend on the inputs: y is linear in x.
#[test]
fn stored_moments_are_constants() {
    let shape = [2, 3, 3, CHANNELS];
    let (x, gradient) = (random(&shape, "x", 0.), random(&shape, "gradient", 0.));
    let (gamma, beta) = (random(&[CHANNELS], "gamma", 0.), random(&[CHANNELS], "beta", 0.));
    let constant = |value: f64| Tensor::full(value, CHANNELS, &Device::Cpu).unwrap();
    let moments = ChannelMoments::stored(&constant(0.1), &constant(4. - 1e-5)).unwrap();
    let norm = BatchNorm { epsilon: 1e-5, relu: false };
    let y = norm.forward(&x, &moments, (&gamma, &beta), None).unwrap();
    let back = norm.backward(&x, &moments, (&gamma, &beta), &gradient).unwrap();
    let (gamma, beta) = (values(&gamma), values(&beta));
    for (i, (y, x)) in values(&y).iter().zip(values(&x)).enumerate() {
        let expected = gamma[i % CHANNELS] * (x - 0.1) / 2. + beta[i % CHANNELS];
        assert!((y - expected).abs() < 1e-14);
    }
    for (i, (found, g)) in values(&back.inputs).iter().zip(values(&gradient)).enumerate() {
        assert!((found - gamma[i % CHANNELS] * g / 2.).abs() < 1e-14);
    }
}

#[test]
fn moments_survive_a_large_mean() {
    let shape = [64, 16, 16, CHANNELS];
    let x = random(&shape, "x", 1000.).to_dtype(DType::F32).unwrap();
    let moments = ChannelMoments::of(&x, 1).unwrap();
    let [means, variances] =
        [moments.mean(), moments.variance()].map(|found| values(&found.unwrap()));
    let x = values(&x);
    for channel in 0..CHANNELS {
        let of_channel: Vec<f64> = x.iter().copied().skip(channel).step_by(CHANNELS).collect();
        let mean = of_channel.iter().sum::<f64>() / of_channel.len() as f64;
        let variance =
            of_channel.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / of_channel.len() as f64;
        assert!((means[channel] / mean - 1.).abs() < 1e-8);
        assert!((variances[channel] / variance - 1.).abs() < 1e-5);
    }
}

#[test]
fn groups_must_divide_the_samples() {
    let error = ChannelMoments::of(&random(&[4, 2, 2, CHANNELS], "x", 0.), 3).unwrap_err();
    assert!(error.to_string().contains("3 groups do not divide 4 samples"), "{error}");
}
