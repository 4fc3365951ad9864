//! The loops of pooling.

use super::{Map, MaxPool};
use crate::ops::parallel::for_chunks;
use crate::ops::simd::Real;

/// The pixels of the map in the window of output pixel `(i, j)`, row by row.
fn window(
    pool: &MaxPool,
    (height, width): (usize, usize),
    (i, j): (usize, usize),
) -> impl Iterator<Item = usize> {
    let range = move |at: usize, size: usize| {
        let start = at * pool.stride;
        start.saturating_sub(pool.padding)..(start + pool.kernel - pool.padding).min(size)
    };
    range(i, height).flat_map(move |row| range(j, width).map(move |column| row * width + column))
}

/// The maxima.
pub fn maxima<T: Real>(
    pool: &MaxPool,
    inputs: &[T],
    (_, height, width, channels): Map,
    (out_height, out_width): (usize, usize),
) -> Vec<T> {
    let map_len = height * width * channels;
    let out_len = out_height * out_width * channels;
    let mut outputs = vec![T::neg_infinity(); inputs.len() / map_len * out_len];
    let work = outputs.len() * pool.kernel * pool.kernel;
    for_chunks(&mut outputs, out_len, work, |sample, outputs, _: &mut ()| {
        let map = &inputs[sample * map_len..][..map_len];
        for (pixel, outputs) in outputs.chunks_exact_mut(channels).enumerate() {
            for from in window(pool, (height, width), (pixel / out_width, pixel % out_width)) {
                for (output, &input) in outputs.iter_mut().zip(&map[from * channels..]) {
                    // A NaN wins and stays.
                    *output = if input > *output || input.is_nan() { input } else { *output };
                }
            }
        }
    });
    outputs
}

/// The gradient of every maximum, added to the first number of its window that equals it.
pub fn gradient<T: Real>(
    pool: &MaxPool,
    inputs: &[T],
    gradient: &[T],
    (_, height, width, channels): Map,
    (out_height, out_width): (usize, usize),
) -> Vec<T> {
    let map_len = height * width * channels;
    let out_len = out_height * out_width * channels;
    let mut outputs = vec![T::zero(); inputs.len()];
    let work = gradient.len() * pool.kernel * pool.kernel;
    for_chunks(&mut outputs, map_len, work, |sample, outputs, best: &mut Vec<(T, usize)>| {
        let map = &inputs[sample * map_len..][..map_len];
        let gradient = &gradient[sample * out_len..][..out_len];
        for (pixel, gradient) in gradient.chunks_exact(channels).enumerate() {
            let at = (pixel / out_width, pixel % out_width);
            first_maxima(pool, map, (height, width), at, channels, best);
            for (channel, (gradient, (_, from))) in gradient.iter().zip(&*best).enumerate() {
                outputs[*from * channels + channel] += *gradient;
            }
        }
    });
    outputs
}

/// The tangent at the first number of every window that equals its maximum.
pub fn tangent<T: Real>(
    pool: &MaxPool,
    inputs: &[T],
    tangent: &[T],
    (_, height, width, channels): Map,
    (out_height, out_width): (usize, usize),
) -> Vec<T> {
    let map_len = height * width * channels;
    let out_len = out_height * out_width * channels;
    let mut outputs = vec![T::zero(); inputs.len() / map_len * out_len];
    let work = outputs.len() * pool.kernel * pool.kernel;
    for_chunks(&mut outputs, out_len, work, |sample, outputs, best: &mut Vec<(T, usize)>| {
        let map = &inputs[sample * map_len..][..map_len];
        let tangent = &tangent[sample * map_len..][..map_len];
        for (pixel, outputs) in outputs.chunks_exact_mut(channels).enumerate() {
            let at = (pixel / out_width, pixel % out_width);
            first_maxima(pool, map, (height, width), at, channels, best);
            for (channel, (output, (_, from))) in outputs.iter_mut().zip(&*best).enumerate() {
                *output = tangent[*from * channels + channel];
            }
        }
    });
    outputs
}

/// Per channel the maximum of the window of output pixel `at`, and the first pixel that has it. A NaN wins.
fn first_maxima<T: Real>(
    pool: &MaxPool,
    map: &[T],
    size: (usize, usize),
    at: (usize, usize),
    channels: usize,
    best: &mut Vec<(T, usize)>,
) {
    best.clear();
    best.resize(channels, (T::neg_infinity(), usize::MAX));
    for from in window(pool, size, at) {
        for (best, &input) in best.iter_mut().zip(&map[from * channels..]) {
            if input > best.0 || input.is_nan() || best.1 == usize::MAX {
                *best = (input, from);
            }
        }
    }
}

/// The mean of each channel of maps with `n_pixels`.
pub fn means<T: Real>(inputs: &[T], n_pixels: usize, channels: usize) -> Vec<T> {
    let map_len = n_pixels * channels;
    let mut means = vec![T::zero(); inputs.len() / n_pixels];
    for_chunks(&mut means, channels, inputs.len(), |sample, means, _: &mut ()| {
        for pixel in inputs[sample * map_len..][..map_len].chunks_exact(channels) {
            means.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += *value);
        }
        let count = T::from_f64(n_pixels as f64);
        means.iter_mut().for_each(|mean| *mean /= count);
    });
    means
}

/// The gradient of the means.
pub fn spread<T: Real>(gradient: &[T], n_pixels: usize, channels: usize) -> Vec<T> {
    let mut outputs = vec![T::zero(); gradient.len() * n_pixels];
    let work = outputs.len();
    for_chunks(&mut outputs, n_pixels * channels, work, |sample, map, _: &mut ()| {
        let gradient = &gradient[sample * channels..][..channels];
        let count = T::from_f64(n_pixels as f64);
        for pixel in map.chunks_exact_mut(channels) {
            pixel.iter_mut().zip(gradient).for_each(|(value, g)| *value = *g / count);
        }
    });
    outputs
}
