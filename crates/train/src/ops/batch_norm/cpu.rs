//! The kernels of batch normalisation.
//!
//! Values per channel are repeated to a pattern of some hundred numbers, so that inner loops are long and plain.

use candle_core::WithDType;

use crate::ops::parallel::for_chunks;
use crate::ops::simd::{Real, mul_add, multiversion};

/// Numbers that are worked off together: they stay in the first cache between passes.
const CHUNK: usize = 1 << 13;

/// Length of the pattern at least.
const PATTERN: usize = 256;

/// Values per channel, one row each, of one group.
struct Rows<T> {
    rows: Vec<Vec<T>>,
    n_channels: usize,
}

impl<T: Real> Rows<T> {
    /// From `[n_rows, n_channels]`.
    fn repeated(values: &[T], n_channels: usize) -> Self {
        let n_repeats = PATTERN.div_ceil(n_channels);
        let rows = values.chunks_exact(n_channels).map(|row| row.repeat(n_repeats)).collect();
        Self { rows, n_channels }
    }

    fn chunk_len(&self) -> usize {
        CHUNK.div_ceil(self.n_channels) * self.n_channels
    }
}

/// Numbers from `channel_wise`, `[n_groups, n_rows, n_channels]`, with the group of the maps that they belong to.
fn groups<'a, T: Real>(
    len: usize,
    shape: &[usize],
    channel_wise: &'a [T],
) -> impl Iterator<Item = (std::ops::Range<usize>, Rows<T>)> + 'a {
    let (n_groups, n_channels) = (shape[0], shape[2]);
    let group_len = len / n_groups;
    let of_group = channel_wise.chunks_exact(channel_wise.len() / n_groups);
    of_group.enumerate().map(move |(group, values)| {
        (group * group_len..(group + 1) * group_len, Rows::repeated(values, n_channels))
    })
}

/// Mean and biased variance, `[n_groups, 2, n_channels]`.
///
/// Each chunk has its own mean and sum of squares about it; chunks are merged in order (Chan, Golub and LeVeque 1983).
pub fn moments<T: Real>(inputs: &[T], n_groups: usize, n_channels: usize) -> Vec<f64> {
    let group_len = inputs.len() / n_groups;
    let chunk_len = CHUNK.div_ceil(n_channels) * n_channels;
    let mut moments = Vec::with_capacity(n_groups * 2 * n_channels);
    for group in inputs.chunks_exact(group_len) {
        let mut partial = vec![0.; group_len.div_ceil(chunk_len) * 2 * n_channels];
        for_chunks(&mut partial, 2 * n_channels, group_len, |chunk, partial, sums: &mut Vec<T>| {
            let start = chunk * chunk_len;
            let chunk = &group[start..(start + chunk_len).min(group_len)];
            let (mean, squares) = partial.split_at_mut(n_channels);
            let count = (chunk.len() / n_channels) as f64;
            sums.clear();
            sums.resize(PATTERN.div_ceil(n_channels) * n_channels, T::zero());
            add_up(chunk, sums);
            fold(sums, mean);
            mean.iter_mut().for_each(|mean| *mean /= count);
            let centre: Vec<T> = mean.iter().map(|&mean| T::from_f64(mean)).collect();
            let centre = centre.repeat(PATTERN.div_ceil(n_channels));
            sums.fill(T::zero());
            add_squares(chunk, &centre, sums);
            fold(sums, squares);
            // About the rounded centre: the sum of squares about the mean differs by count · (mean − centre)².
            for ((squares, mean), centre) in squares.iter_mut().zip(&*mean).zip(&centre) {
                *squares -= count * (mean - WithDType::to_f64(*centre)).powi(2);
            }
        });
        let (mut mean, mut squares) = (vec![0.; n_channels], vec![0.; n_channels]);
        let mut count = 0.;
        for (chunk, partial) in partial.chunks_exact(2 * n_channels).enumerate() {
            let added = (chunk_len.min(group_len - chunk * chunk_len) / n_channels) as f64;
            let total = count + added;
            for channel in 0..n_channels {
                let difference = partial[channel] - mean[channel];
                mean[channel] += difference * added / total;
                squares[channel] +=
                    partial[n_channels + channel] + difference * difference * count * added / total;
            }
            count = total;
        }
        moments.extend(mean);
        moments.extend(squares.into_iter().map(|squares| squares.max(0.) / count));
    }
    moments
}

/// Mean, γ/√(σ² + ε) and β of every group, `[n_groups, 3, n_channels]`; rows of `moments` are μ and σ².
pub fn scales<T: Real>(moments: &[f64], gamma: &[T], beta: &[T], epsilon: f64) -> Vec<T> {
    let mut scales = Vec::with_capacity(moments.len() / 2 * 3);
    for moments in moments.chunks_exact(2 * gamma.len()) {
        let (mean, variance) = moments.split_at(gamma.len());
        let scale = |(&g, v): (&T, &f64)| T::from_f64(WithDType::to_f64(g) / (v + epsilon).sqrt());
        scales.extend(mean.iter().copied().map(T::from_f64));
        scales.extend(gamma.iter().zip(variance).map(scale));
        scales.extend_from_slice(beta);
    }
    scales
}

/// a and b of [`input_gradient`], `[n_groups, 2, n_channels]`, where the moments are those of `count` numbers each.
pub fn terms<T: Real>(
    moments: &[f64],
    gamma: &[T],
    sums: &[f64],
    epsilon: f64,
    count: usize,
) -> Vec<T> {
    let n_channels = gamma.len();
    let mut terms = vec![T::zero(); sums.len()];
    let groups = moments.chunks_exact(2 * n_channels).zip(sums.chunks_exact(2 * n_channels));
    for ((moments, sums), terms) in groups.zip(terms.chunks_exact_mut(2 * n_channels)) {
        for channel in 0..n_channels {
            let inverse_std = 1. / (moments[n_channels + channel] + epsilon).sqrt();
            let share = -WithDType::to_f64(gamma[channel]) * inverse_std / count as f64;
            let product = sums[n_channels + channel] * inverse_std;
            terms[channel] = T::from_f64(share * product * inverse_std);
            terms[n_channels + channel] = T::from_f64(share * sums[channel]);
        }
    }
    terms
}

/// The gradients with respect to γ and β, `[n_rows, 2, n_channels]`: of every group, or with one row of all of them
/// together. There may be moments of one group for all.
pub fn parameter_gradients(
    moments: &[f64],
    sums: &[f64],
    n_channels: usize,
    n_rows: usize,
    epsilon: f64,
) -> Vec<f64> {
    let mut gradients = vec![0.; n_rows * 2 * n_channels];
    let moments = moments.chunks_exact(2 * n_channels).cycle();
    for (group, (sums, moments)) in sums.chunks_exact(2 * n_channels).zip(moments).enumerate() {
        let row = &mut gradients[group % n_rows * 2 * n_channels..][..2 * n_channels];
        let (of_gamma, of_beta) = row.split_at_mut(n_channels);
        for channel in 0..n_channels {
            let inverse_std = 1. / (moments[n_channels + channel] + epsilon).sqrt();
            of_gamma[channel] += sums[n_channels + channel] * inverse_std;
            of_beta[channel] += sums[channel];
        }
    }
    gradients
}

/// `max(0, scale (x − mean) + beta + residual)`; rows of `scales` are mean, scale, beta.
pub fn normalised<T: Real>(
    inputs: &[T],
    shape: &[usize],
    scales: &[T],
    residual: Option<&[T]>,
    relu: bool,
) -> Vec<T> {
    let mut outputs = vec![T::zero(); inputs.len()];
    for (range, rows) in groups(inputs.len(), shape, scales) {
        let (inputs, residual) = (&inputs[range.clone()], residual.map(|r| &r[range.clone()]));
        let work = 4 * inputs.len();
        let chunk_len = rows.chunk_len();
        for_chunks(&mut outputs[range], chunk_len, work, |chunk, outputs, _: &mut ()| {
            let range = chunk * chunk_len..chunk * chunk_len + outputs.len();
            let residual = residual.map(|residual| &residual[range.clone()]);
            normalise(&inputs[range], outputs, &rows.rows, residual, relu);
        });
    }
    outputs
}

/// `Σ g` and `Σ g (x − mean)`, `[n_groups, 2, n_channels]`, g the gradient where the ReLU lets it pass.
pub fn gradient_sums<T: Real>(
    inputs: &[T],
    gradient: &[T],
    shape: &[usize],
    scales: &[T],
    relu: bool,
) -> Vec<f64> {
    let mut all = Vec::new();
    for (range, rows) in groups(inputs.len(), shape, scales) {
        let (inputs, gradient) = (&inputs[range.clone()], &gradient[range]);
        let (n_channels, chunk_len) = (rows.n_channels, rows.chunk_len());
        let mut partial = vec![0.; inputs.len().div_ceil(chunk_len) * 2 * n_channels];
        let work = 4 * inputs.len();
        for_chunks(&mut partial, 2 * n_channels, work, |chunk, partial, _: &mut ()| {
            let start = chunk * chunk_len;
            let range = start..(start + chunk_len).min(inputs.len());
            let mut sums = [(); 2].map(|()| vec![T::zero(); rows.rows[0].len()]);
            add_gradients(&inputs[range.clone()], &gradient[range], &rows.rows, relu, &mut sums);
            let (of_g, of_product) = partial.split_at_mut(n_channels);
            fold(&sums[0], of_g);
            fold(&sums[1], of_product);
        });
        let mut sums = vec![0.; 2 * n_channels];
        for partial in partial.chunks_exact(2 * n_channels) {
            sums.iter_mut().zip(partial).for_each(|(sum, partial)| *sum += partial);
        }
        all.extend(sums);
    }
    all
}

/// `scale g + a (x − mean) + b`; rows of `scales` are mean, scale, beta, a, b.
pub fn input_gradient<T: Real>(
    inputs: &[T],
    gradient: &[T],
    shape: &[usize],
    scales: &[T],
    relu: bool,
) -> Vec<T> {
    let mut outputs = vec![T::zero(); inputs.len()];
    for (range, rows) in groups(inputs.len(), shape, scales) {
        let (inputs, gradient) = (&inputs[range.clone()], &gradient[range.clone()]);
        let work = 6 * inputs.len();
        let chunk_len = rows.chunk_len();
        for_chunks(&mut outputs[range], chunk_len, work, |chunk, outputs, _: &mut ()| {
            let range = chunk * chunk_len..chunk * chunk_len + outputs.len();
            back(&inputs[range.clone()], &gradient[range], outputs, &rows.rows, relu);
        });
    }
    outputs
}

/// Adds a pattern of sums up to one per channel.
fn fold<T: Real>(sums: &[T], channels: &mut [f64]) {
    channels.fill(0.);
    for sums in sums.chunks_exact(channels.len()) {
        channels
            .iter_mut()
            .zip(sums)
            .for_each(|(channel, sum)| *channel += WithDType::to_f64(*sum));
    }
}

multiversion! {
    fn add_up<T: Real>(values: &[T], sums: &mut [T]) {
        // The constants are not needed: nothing is multiplied.
        let _ = (FMA, ROWS);
        for values in values.chunks(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += *value;
            }
        }
    }
}

multiversion! {
    fn add_squares<T: Real>(values: &[T], centre: &[T], sums: &mut [T]) {
        for values in values.chunks(sums.len()) {
            for ((sum, value), centre) in sums.iter_mut().zip(values).zip(centre) {
                let difference = *value - *centre;
                *sum = mul_add::<FMA, T>(difference, difference, *sum);
            }
        }
    }
}

/// The forward pass, which the backward pass repeats to the bit to know where the ReLU was open.
#[inline(always)]
fn affine<const FMA: bool, T: Real>(x: T, mean: T, scale: T, beta: T) -> T {
    mul_add::<FMA, T>(scale, x - mean, beta)
}

multiversion! {
    fn normalise<T: Real>(inputs: &[T], outputs: &mut [T], rows: &[Vec<T>], residual: Option<&[T]>, relu: bool) {
        let [mean, scale, beta] = rows else { unreachable!("three rows") };
        let pattern = mean.len();
        for (chunk, (inputs, outputs)) in
            inputs.chunks(pattern).zip(outputs.chunks_mut(pattern)).enumerate()
        {
            let n = inputs.len();
            let (mean, scale, beta) = (&mean[..n], &scale[..n], &beta[..n]);
            let outputs = &mut outputs[..n];
            match residual {
                None => {
                    for i in 0..n {
                        outputs[i] = affine::<FMA, T>(inputs[i], mean[i], scale[i], beta[i]);
                    }
                }
                Some(residual) => {
                    let residual = &residual[chunk * pattern..][..n];
                    for i in 0..n {
                        outputs[i] =
                            affine::<FMA, T>(inputs[i], mean[i], scale[i], beta[i]) + residual[i];
                    }
                }
            }
            if relu {
                for output in outputs {
                    // A NaN stays one.
                    *output = if *output < T::zero() { T::zero() } else { *output };
                }
            }
        }
    }
}

multiversion! {
    fn add_gradients<T: Real>(inputs: &[T], gradient: &[T], rows: &[Vec<T>], relu: bool, sums: &mut [Vec<T>; 2]) {
        let [mean, scale, beta] = rows else { unreachable!("three rows") };
        let pattern = mean.len();
        let [of_g, of_product] = sums;
        for (inputs, gradient) in inputs.chunks(pattern).zip(gradient.chunks(pattern)) {
            let n = inputs.len();
            let (mean, scale, beta) = (&mean[..n], &scale[..n], &beta[..n]);
            let (of_g, of_product, gradient) = (&mut of_g[..n], &mut of_product[..n], &gradient[..n]);
            for i in 0..n {
                let open = !relu || affine::<FMA, T>(inputs[i], mean[i], scale[i], beta[i]) > T::zero();
                let g = if open { gradient[i] } else { T::zero() };
                of_g[i] += g;
                of_product[i] = mul_add::<FMA, T>(g, inputs[i] - mean[i], of_product[i]);
            }
        }
    }
}

multiversion! {
    fn back<T: Real>(inputs: &[T], gradient: &[T], outputs: &mut [T], rows: &[Vec<T>], relu: bool) {
        let [mean, scale, beta, a, b] = rows else { unreachable!("five rows") };
        let pattern = mean.len();
        let chunks = inputs.chunks(pattern).zip(gradient.chunks(pattern)).zip(outputs.chunks_mut(pattern));
        for ((inputs, gradient), outputs) in chunks {
            let n = inputs.len();
            let (mean, scale, beta) = (&mean[..n], &scale[..n], &beta[..n]);
            let (a, b, gradient, outputs) = (&a[..n], &b[..n], &gradient[..n], &mut outputs[..n]);
            for i in 0..n {
                let open = !relu || affine::<FMA, T>(inputs[i], mean[i], scale[i], beta[i]) > T::zero();
                let g = if open { gradient[i] } else { T::zero() };
                let rest = mul_add::<FMA, T>(a[i], inputs[i] - mean[i], b[i]);
                outputs[i] = mul_add::<FMA, T>(scale[i], g, rest);
            }
        }
    }
}
