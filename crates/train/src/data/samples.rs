//! Samples in memory: what a reader found, and what a network is fed with.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use memmap2::Mmap;
use rand::RngExt;
use rayon::prelude::*;

use crate::streams::Streams;

/// Bytes in memory, or part of a file that is mapped into it.
#[derive(Clone)]
pub(super) struct Bytes {
    owner: Owner,
    range: Range<usize>,
}

#[derive(Clone)]
enum Owner {
    Memory(Arc<Vec<u8>>),
    File(Arc<Mmap>),
}

impl Bytes {
    /// Part of a mapped file.
    pub fn mapped(file: Arc<Mmap>, range: Range<usize>) -> Self {
        Self { owner: Owner::File(file), range }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        Self { owner: Owner::Memory(Arc::new(bytes)), range }
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let all: &[u8] = match &self.owner {
            Owner::Memory(bytes) => bytes,
            Owner::File(file) => file,
        };
        &all[self.range.clone()]
    }
}

/// The values of the samples of one split, `[N × n_features]` in row-major order.
#[derive(Clone)]
pub(super) enum Values {
    /// Pixels from 0 to 255, which stand for 0 to 1.
    Pixels(Bytes),
    /// Anything else.
    Reals(Vec<f32>),
    /// Numbers that lie too close together for their size to be told apart in `f32`, such as times since 1970: they are
    /// standardised before they are rounded.
    Doubles(Vec<f64>),
}

/// One split as it was read, or a part of it.
#[derive(Clone)]
pub(super) struct RawSplit {
    pub values: Values,
    pub labels: Vec<u32>,
}

impl RawSplit {
    /// No samples yet, of pixels or of other values.
    pub fn empty(pixels: bool) -> Self {
        match pixels {
            true => Self::pixels(vec![], vec![]),
            false => Self::reals(vec![], vec![]),
        }
    }

    pub fn pixels(bytes: Vec<u8>, labels: Vec<u32>) -> Self {
        Self { values: Values::Pixels(bytes.into()), labels }
    }

    pub fn reals(values: Vec<f32>, labels: Vec<u32>) -> Self {
        Self { values: Values::Reals(values), labels }
    }

    pub fn doubles(values: Vec<f64>, labels: Vec<u32>) -> Self {
        Self { values: Values::Doubles(values), labels }
    }

    /// Numbers as `f32`, unless that is what they are.
    pub fn rounded(self) -> Self {
        match self.values {
            Values::Doubles(values) => {
                Self::reals(values.into_iter().map(|value| value as f32).collect(), self.labels)
            }
            _ => self,
        }
    }

    /// Adds samples of pixels.
    pub fn append_pixels(&mut self, pixels: Vec<u8>, labels: Vec<u32>) {
        let all = match &self.values {
            Values::Pixels(before) if before.is_empty() => pixels,
            Values::Pixels(before) => [before, pixels.as_slice()].concat(),
            _ => unreachable!("a layout has values of one kind"),
        };
        self.values = Values::Pixels(all.into());
        self.labels.extend(labels);
    }

    /// Adds samples of other values, rounded to `f32`.
    pub fn append_reals(&mut self, reals: Vec<f64>, labels: Vec<u32>) {
        let Values::Reals(values) = &mut self.values else {
            unreachable!("a layout has values of one kind")
        };
        values.extend(reals.into_iter().map(|value| value as f32));
        self.labels.extend(labels);
    }

    pub fn n_values(&self) -> usize {
        match &self.values {
            Values::Pixels(bytes) => bytes.len(),
            Values::Reals(values) => values.len(),
            Values::Doubles(values) => values.len(),
        }
    }

    /// Keeps the first samples.
    pub fn keep(&mut self, n_samples: usize) {
        let n_values = self.n_values() / self.labels.len() * n_samples;
        self.labels.truncate(n_samples);
        match &mut self.values {
            Values::Pixels(bytes) => bytes.range.end = bytes.range.start + n_values,
            Values::Reals(values) => values.truncate(n_values),
            Values::Doubles(values) => values.truncate(n_values),
        }
    }

    /// Draws the last labels anew, the same for every run.
    pub fn randomise_labels(&mut self, n_random: usize, n_classes: usize) {
        let mut rng = Streams::new(1).named("random_labels").rng(0);
        let first = self.labels.len() - n_random;
        for label in &mut self.labels[first..] {
            *label = rng.random_range(0..n_classes as u32);
        }
    }

    /// Mean and population standard deviation of each group of features, where feature `i` of `n_features` belongs to
    /// group `i · n_groups / n_features`. Pixels are counted, so that theirs are exact to the last digit of an `f64`.
    pub fn moments(&self, n_features: usize, n_groups: usize) -> Vec<(f64, f64)> {
        let group_len = n_features / n_groups;
        match &self.values {
            Values::Pixels(bytes) => {
                let count = |rows: &[u8]| {
                    let mut counts = vec![[0u64; 256]; n_groups];
                    for row in rows.chunks_exact(n_features) {
                        for (group, counts) in row.chunks_exact(group_len).zip(&mut counts) {
                            group.iter().for_each(|&pixel| counts[usize::from(pixel)] += 1);
                        }
                    }
                    counts
                };
                let add = |mut sum: Vec<[u64; 256]>, other: Vec<[u64; 256]>| {
                    for (sum, other) in sum.iter_mut().flatten().zip(other.iter().flatten()) {
                        *sum += other;
                    }
                    sum
                };
                let counts = bytes.par_chunks(1024 * n_features).map(count);
                let counts = counts.reduce(|| vec![[0; 256]; n_groups], add);
                counts.iter().map(moments_of_counts).collect()
            }
            Values::Reals(values) => (0..n_groups)
                .map(|group| {
                    let columns = group * group_len..(group + 1) * group_len;
                    let rows = values.chunks_exact(n_features);
                    mean_and_deviation(rows.flat_map(|row| row[columns.clone()].iter().copied()))
                })
                .collect(),
            Values::Doubles(_) => {
                let of_group = |group| moments_of_doubles(self.group(group, n_features, n_groups));
                (0..n_groups).map(of_group).collect()
            }
        }
    }

    /// The first group of features that `f32` would round by more than [`COARSE`], if there is one.
    pub fn first_coarse(&self, n_features: usize, n_groups: usize) -> Option<usize> {
        (0..n_groups).find(|&group| {
            let (mean, deviation) = moments_of_doubles(self.group(group, n_features, n_groups));
            self.group(group, n_features, n_groups).any(|value| {
                let error = (f64::from(value as f32) - value).abs();
                deviation > 0. && error > COARSE * deviation.max((value - mean).abs())
            })
        })
    }

    /// The first group of features that not even `f64` tells apart: two of its neighbours there are further from each other
    /// than [`COARSE`]; or, if all values are the same, than the whole numbers that they may have been.
    pub fn first_lost(&self, n_features: usize, n_groups: usize) -> Option<usize> {
        (0..n_groups).find(|&group| {
            let (_, deviation) = moments_of_doubles(self.group(group, n_features, n_groups));
            let largest = self.group(group, n_features, n_groups).fold(0f64, |a, b| a.max(b.abs()));
            let step = largest.next_up() - largest;
            step > if deviation > 0. { COARSE * deviation } else { 1. }
        })
    }

    /// The values of a feature; pixels from 0 to 1.
    pub fn feature(&self, feature: usize, n_features: usize) -> Vec<f64> {
        match &self.values {
            Values::Pixels(bytes) => {
                let pixels = bytes.iter().skip(feature).step_by(n_features);
                pixels.map(|&pixel| f64::from(pixel) / 255.).collect()
            }
            Values::Reals(values) => {
                values.iter().skip(feature).step_by(n_features).map(|&v| v.into()).collect()
            }
            Values::Doubles(values) => {
                values.iter().skip(feature).step_by(n_features).copied().collect()
            }
        }
    }

    /// The doubles of a group of features; nothing of other values.
    fn group(
        &self,
        group: usize,
        n_features: usize,
        n_groups: usize,
    ) -> impl Iterator<Item = f64> + Clone + '_ {
        let values = match &self.values {
            Values::Doubles(values) => values.as_slice(),
            _ => &[],
        };
        let group_len = n_features / n_groups;
        let columns = group * group_len..(group + 1) * group_len;
        values.chunks_exact(n_features).flat_map(move |row| row[columns.clone()].iter().copied())
    }
}

/// Rounding, as a part of the deviation (or of the distance from the mean, where that is larger), that is too much. `f32`
/// rounds a standardised value by 6·10⁻⁸; a column comes above this where its mean is some 200 deviations or more.
const COARSE: f64 = 1e-5;

fn moments_of_counts(counts: &[u64; 256]) -> (f64, f64) {
    let moment = |power: u32| {
        let terms =
            counts.iter().zip(0u128..).map(|(&count, value)| count as u128 * value.pow(power));
        terms.sum::<u128>() as f64
    };
    let (n, sum, squares) = (moment(0), moment(1), moment(2));
    let mean = sum / n;
    (mean / 255., (squares / n - mean * mean).max(0.).sqrt() / 255.)
}

/// The same in two passes over distances from the first value: those of equal values are exactly 0.
fn moments_of_doubles(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let first = values.clone().next().unwrap_or(0.);
    let n_values = values.clone().count().max(1) as f64;
    let mean = values.clone().map(|value| value - first).sum::<f64>() / n_values;
    let squares = values.map(|value| (value - first - mean).powi(2)).sum::<f64>();
    (first + mean, (squares / n_values).sqrt())
}

/// Mean and population standard deviation, in two passes.
pub(super) fn mean_and_deviation(values: impl Iterator<Item = f32> + Clone) -> (f64, f64) {
    let n_values = values.clone().count() as f64;
    let mean = values.clone().map(f64::from).sum::<f64>() / n_values;
    let squares = values.map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>();
    (mean, (squares / n_values).sqrt())
}

/// Inputs `[N, n_features]` and labels.
///
/// Images stay bytes, mapped from a file where there is one, and become `f32` a minibatch at a time.
pub struct Split {
    inputs: Inputs,
    labels: Vec<u32>,
}

enum Inputs {
    Reals(Tensor),
    /// A pixel `p` of a group stands for `factor · p + offset`.
    Pixels {
        bytes: Bytes,
        n_features: usize,
        lines: Vec<(f32, f32)>,
        device: Device,
    },
}

impl Split {
    /// Inputs `[N, n_features]` in `f32`, and the class of each sample.
    ///
    /// # Panics
    /// When there are not as many labels as rows.
    pub fn new(inputs: Tensor, labels: Vec<u32>) -> Self {
        assert_eq!(inputs.dims().first(), Some(&labels.len()), "a label for each row");
        Self { inputs: Inputs::Reals(inputs), labels }
    }

    /// With values (x − mean)/deviation of their group of features, and 0 where the deviation is 0.
    pub(super) fn scaled(
        raw: RawSplit,
        n_features: usize,
        moments: &[(f64, f64)],
        device: &Device,
    ) -> Result<Self> {
        let shape = (raw.labels.len(), n_features);
        let group_len = n_features / moments.len();
        let scaled = |at: usize, value: f64| {
            let (mean, deviation) = moments[at % n_features / group_len];
            if deviation > 0. { ((value - mean) / deviation) as f32 } else { 0. }
        };
        let inputs = match raw.values {
            Values::Pixels(bytes) => {
                let line = |&(mean, deviation): &(f64, f64)| match deviation > 0. {
                    true => ((1. / (255. * deviation)) as f32, (-mean / deviation) as f32),
                    false => (0., 0.),
                };
                let lines = moments.iter().map(line).collect();
                Inputs::Pixels { bytes, n_features, lines, device: device.clone() }
            }
            Values::Reals(mut values) => {
                for (at, value) in values.iter_mut().enumerate() {
                    *value = scaled(at, f64::from(*value));
                }
                Inputs::Reals(Tensor::from_vec(values, shape, device)?)
            }
            Values::Doubles(values) => {
                let values = values.iter().enumerate().map(|(at, &value)| scaled(at, value));
                Inputs::Reals(Tensor::from_vec(values.collect(), shape, device)?)
            }
        };
        Ok(Self { inputs, labels: raw.labels })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Features per sample.
    pub fn n_features(&self) -> usize {
        match &self.inputs {
            Inputs::Reals(inputs) => inputs.dims()[1],
            Inputs::Pixels { n_features, .. } => *n_features,
        }
    }

    /// The class of each sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The device of the network that they are meant for. Minibatches of pixels are made on the CPU, where they may be
    /// augmented, and are moved there with the network's own numbers.
    pub fn device(&self) -> &Device {
        match &self.inputs {
            Inputs::Reals(inputs) => inputs.device(),
            Inputs::Pixels { device, .. } => device,
        }
    }

    /// The inputs of some samples in the order asked for, `[n, n_features]`, and their labels.
    ///
    /// # Errors
    /// When a sample is not there.
    pub fn batch(&self, samples: &[u32]) -> Result<(Tensor, Vec<u32>)> {
        if let Some(sample) = samples.iter().find(|&&sample| sample as usize >= self.len()) {
            candle_core::bail!("sample {sample} of {}", self.len());
        }
        let inputs = match &self.inputs {
            Inputs::Reals(inputs) => {
                inputs.index_select(&Tensor::new(samples, inputs.device())?, 0)?
            }
            Inputs::Pixels { .. } => {
                self.scaled_pixels(samples.len(), |row| samples[row] as usize)?
            }
        };
        Ok((inputs, samples.iter().map(|&sample| self.labels[sample as usize]).collect()))
    }

    /// The inputs of consecutive samples, `[n, n_features]`, and their labels.
    ///
    /// # Errors
    /// When they are not all there.
    pub fn range(&self, samples: Range<usize>) -> Result<(Tensor, &[u32])> {
        let Some(labels) = self.labels.get(samples.clone()) else {
            candle_core::bail!("samples {samples:?} of {}", self.len());
        };
        let inputs = match &self.inputs {
            Inputs::Reals(inputs) => inputs.narrow(0, samples.start, samples.len())?,
            Inputs::Pixels { .. } => {
                self.scaled_pixels(samples.len(), |row| samples.start + row)?
            }
        };
        Ok((inputs, labels))
    }

    fn scaled_pixels(&self, n: usize, sample: impl Fn(usize) -> usize + Sync) -> Result<Tensor> {
        let Inputs::Pixels { bytes, n_features, lines, .. } = &self.inputs else {
            unreachable!("asked of pixels alone")
        };
        let plane_len = n_features / lines.len();
        let mut values = vec![0f32; n * n_features];
        let fill = |(row, values): (usize, &mut [f32])| {
            let pixels = &bytes[sample(row) * n_features..][..*n_features];
            let planes = pixels.chunks_exact(plane_len).zip(values.chunks_exact_mut(plane_len));
            for ((pixels, values), &(factor, offset)) in planes.zip(lines) {
                for (value, &pixel) in values.iter_mut().zip(pixels) {
                    *value = factor * f32::from(pixel) + offset;
                }
            }
        };
        // Below this a second thread costs more than it gives.
        if values.len() < 1 << 16 {
            values.chunks_exact_mut(*n_features).enumerate().for_each(fill);
        } else {
            values.par_chunks_exact_mut(*n_features).with_min_len(16).enumerate().for_each(fill);
        }
        Tensor::from_vec(values, (n, *n_features), &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(n: usize) -> Vec<u8> {
        (0..n * 12).map(|i| (i * 37 % 251) as u8).collect()
    }

    /// Three channels of 2 × 2 pixels against the same values as reals.
    #[test]
    fn pixels_are_scaled_as_reals_are() {
        let n = 7000;
        let labels: Vec<u32> = (0..n as u32).map(|i| i % 5).collect();
        let bytes = RawSplit::pixels(pixels(n), labels.clone());
        let reals = pixels(n).iter().map(|&p| f32::from(p) / 255.).collect();
        let reals = RawSplit::reals(reals, labels);
        let (moments, expected) = (bytes.moments(12, 3), reals.moments(12, 3));
        for ((mean, deviation), (expected_mean, expected_deviation)) in moments.iter().zip(expected)
        {
            assert!((mean - expected_mean).abs() < 1e-7, "{mean} {expected_mean}");
            assert!((deviation - expected_deviation).abs() < 1e-7);
        }
        let [bytes, reals] =
            [bytes, reals].map(|raw| Split::scaled(raw, 12, &moments, &Device::Cpu).unwrap());
        let chosen: Vec<u32> = (0..n as u32).rev().step_by(3).collect();
        let rows =
            |(inputs, labels): (Tensor, Vec<u32>)| (inputs.to_vec2::<f32>().unwrap(), labels);
        let (found, expected) =
            (rows(bytes.batch(&chosen).unwrap()), rows(reals.batch(&chosen).unwrap()));
        assert_eq!(found.1, expected.1);
        for (found, expected) in found.0.iter().flatten().zip(expected.0.iter().flatten()) {
            assert!((found - expected).abs() < 1e-6);
        }
        let in_a_row = bytes.range(3..6).unwrap();
        let one_by_one = rows(bytes.batch(&[3, 4, 5]).unwrap());
        assert_eq!(rows((in_a_row.0, in_a_row.1.to_vec())), one_by_one);
    }

    #[test]
    fn a_constant_feature_becomes_zero() {
        let raw = RawSplit::reals(vec![1., 5., 3., 5.], vec![0, 1]);
        let moments = raw.moments(2, 2);
        assert_eq!(moments, [(2., 1.), (5., 0.)]);
        let split = Split::scaled(raw, 2, &moments, &Device::Cpu).unwrap();
        let inputs = split.range(0..2).unwrap().0.to_vec2::<f32>().unwrap();
        assert_eq!(inputs, [[-1., 0.], [1., 0.]]);
    }

    /// Times since 1970 that are a second apart: standardised they are (i − 49.5)/√((100² − 1)/12), as if they began at 0.
    #[test]
    fn what_f32_would_round_is_standardised_first() {
        let labels: Vec<u32> = (0..100).map(|i| i / 50).collect();
        let times = |first: f64| (0..100).map(|i| first + f64::from(i)).collect::<Vec<f64>>();
        let raw = RawSplit::doubles(times(1.7e9), labels.clone());
        assert_eq!((raw.first_coarse(1, 1), raw.first_lost(1, 1)), (Some(0), None));
        let moments = raw.moments(1, 1);
        let split = Split::scaled(raw, 1, &moments, &Device::Cpu).unwrap();
        let found = split.range(0..100).unwrap().0.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let deviation = (9999f64 / 12.).sqrt();
        for (i, found) in found.into_iter().enumerate() {
            assert!(
                (f64::from(found) - (i as f64 - 49.5) / deviation).abs() < 1e-7,
                "{i}: {found}"
            );
        }
        // Without the offset `f32` has them all, and beyond 2⁵³ not even `f64` does.
        let of = |values: Vec<f64>| {
            let raw = RawSplit::doubles(values, labels.clone());
            (raw.first_coarse(1, 1), raw.first_lost(1, 1))
        };
        assert_eq!(of(times(0.)), (None, None));
        assert_eq!(of(times((1u64 << 53) as f64)).1, Some(0));
        assert_eq!(of(vec![9e15; 100]), (None, None));
        assert_eq!(of(vec![1e16; 100]).1, Some(0));
        // The same number everywhere is 0, however it is rounded, and an outlier alone is not coarse.
        assert_eq!(of(vec![0.1; 100]), (None, None));
        let outlier = (0..100).map(|i| if i == 0 { 1e9 / 3. } else { f64::from(i) / 3. });
        assert_eq!(of(outlier.collect()), (None, None));
        let constant = RawSplit::doubles(vec![0.1; 100], labels.clone());
        assert_eq!(constant.moments(1, 1), [(0.1, 0.)]);
    }

    #[test]
    fn samples_that_are_not_there() {
        let split = Split::new(
            Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap(),
            vec![0, 0],
        );
        assert!(split.batch(&[0, 2]).unwrap_err().to_string().contains("sample 2 of 2"));
        assert!(split.range(1..3).is_err());
    }
}
