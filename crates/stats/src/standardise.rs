//! Centre and spread of a series, robustly, before anything else.

mod sort;

use crate::StatsError;
use crate::stable::simd::wide;

/// The least number of samples a law is fitted to.
pub(crate) const MIN_SAMPLES: usize = 50;

/// Interquartile range of the standard Gaussian.
const GAUSSIAN_IQR: f64 = 1.349;

/// A checked series in units of its own spread.
///
/// # Formula
///
/// `z = (x − median) / s` with `s = IQR / 1.349`; quartiles by linear
/// interpolation between order statistics (Hyndman and Fan 1996, type 7).
/// If so many samples are equal that IQR = 0, the mean absolute deviation from
/// the median takes the place of `s`. If all are equal, `s = 0` and
/// every z is 0.
///
/// Gradient noise has scales from 1e-12 to 1e3; in z every threshold means the
/// same.
#[derive(Debug, Clone)]
pub(crate) struct Standardised {
    /// Standardised samples in the order given.
    pub(crate) z: Vec<f64>,
    /// The same in ascending order.
    pub(crate) sorted: Vec<f64>,
    /// The median.
    pub(crate) centre: f64,
    /// `s` above.
    pub(crate) scale: f64,
    /// The smallest and the greatest sample, not standardised.
    pub(crate) range: (f64, f64),
    /// The most frequent value.
    pub(crate) mode: f64,
    /// Share of the samples that equal `mode`; 0 where all are distinct.
    pub(crate) tie_share: f64,
}

/// Of z, so that none overflows.
const GREATEST_SPREAD: f64 = 1e305;

impl Standardised {
    /// Checks and standardises a series.
    ///
    /// # Errors
    ///
    /// [`StatsError::TooFewSamples`] below 50, [`StatsError::NotFinite`] at the
    /// first NaN or infinity.
    pub(crate) fn new(samples: &[f64]) -> Result<Self, StatsError> {
        let n_samples = samples.len();
        if n_samples < MIN_SAMPLES {
            return Err(StatsError::TooFewSamples { n_samples, minimum: MIN_SAMPLES });
        }
        if let Some(sample_idx) = first_not_finite(samples) {
            return Err(StatsError::NotFinite { sample_idx, value: samples[sample_idx] });
        }

        let mut sorted = sort::sorted(samples);
        let range = (sorted[0], sorted[n_samples - 1]);
        if (range.1 - range.0).is_infinite() {
            return Err(StatsError::Range { low: range.0, high: range.1 });
        }
        let (mode, n_ties) = most_frequent(&sorted);
        let centre = quantile(&sorted, 0.5);
        let iqr = quantile(&sorted, 0.75) - quantile(&sorted, 0.25);
        let scale = if iqr > 0.0 {
            iqr / GAUSSIAN_IQR
        } else {
            samples.iter().map(|x| (x - centre).abs() / n_samples as f64).sum()
        };
        let spread = (range.1 - range.0) / scale;
        if spread > GREATEST_SPREAD {
            return Err(StatsError::Spread { spread, maximum: GREATEST_SPREAD });
        }
        let mut z = samples.to_vec();
        standardise(&mut z, centre, scale);
        standardise(&mut sorted, centre, scale);
        let tie_share = if n_ties > 1 { n_ties as f64 / n_samples as f64 } else { 0.0 };
        Ok(Self { z, sorted, centre, scale, range, mode, tie_share })
    }

    /// Whether all samples are equal.
    pub(crate) fn is_constant(&self) -> bool {
        self.range.0 == self.range.1
    }

    /// A location in units of z.
    pub(crate) fn z_of(&self, x: f64) -> f64 {
        (x - self.centre) / self.scale
    }

    /// A value of z in the units of the samples.
    pub(crate) fn x_of(&self, z: f64) -> f64 {
        self.centre + self.scale * z
    }
}

/// The place of the first NaN or infinity.
fn first_not_finite(samples: &[f64]) -> Option<usize> {
    if are_finite(samples) { None } else { samples.iter().position(|x| !x.is_finite()) }
}

wide! {
    fn are_finite(samples: &[f64]) -> bool {
        let mut are_finite = true;
        for x in samples {
            are_finite &= x.abs() < f64::INFINITY;
        }
        are_finite
    }
}

wide! {
    /// Replaces x by z.
    fn standardise(samples: &mut [f64], centre: f64, scale: f64) {
        if scale > 0.0 {
            for x in samples {
                *x = (*x - centre) / scale;
            }
        } else {
            samples.fill(0.0);
        }
    }
}

wide! {
    fn n_equal_neighbours(sorted: &[f64]) -> u64 {
        let mut n_equal = 0;
        for (a, b) in sorted.iter().zip(&sorted[1..]) {
            n_equal += u64::from(a == b);
        }
        n_equal
    }
}

/// Quantile of a sorted series by linear interpolation.
fn quantile(sorted: &[f64], p: f64) -> f64 {
    let position = p * (sorted.len() - 1) as f64;
    let (lower, share) = (position as usize, position.fract());
    if share == 0.0 {
        sorted[lower]
    } else {
        sorted[lower] * (1.0 - share) + sorted[lower + 1] * share
    }
}

/// The most frequent value of a sorted series, the last of them where several
/// are, and how often it occurs.
fn most_frequent(sorted: &[f64]) -> (f64, usize) {
    if n_equal_neighbours(sorted) == 0 {
        return (sorted[sorted.len() - 1], 1);
    }
    let (mut mode, mut most) = (sorted[0], 1);
    let mut begin = 0;
    for (i, x) in sorted.iter().enumerate() {
        if *x != sorted[begin] {
            begin = i;
        }
        if i + 1 - begin >= most {
            (mode, most) = (sorted[begin], i + 1 - begin);
        }
    }
    (mode, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: of 0, 1, …, 100 the quartiles are 25 and 75, the median is 50.
    #[test]
    fn median_and_quartiles() {
        let samples: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        let series = Standardised::new(&samples).unwrap();
        assert_eq!((series.centre, series.scale), (50.0, 50.0 / 1.349));
        assert_eq!((series.range, series.tie_share), ((0.0, 100.0), 0.0));
        assert_eq!(series.z[0], 1.349);
        assert_eq!(series.x_of(series.z_of(7.0)), 7.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), 3.0);
    }

    #[test]
    fn ties() {
        let mut samples: Vec<f64> = (1..=100).map(f64::from).collect();
        samples[20..40].fill(0.0);
        let series = Standardised::new(&samples).unwrap();
        assert_eq!((series.mode, series.tie_share), (0.0, 0.2));
        // IQR = 0: the mean absolute deviation, here (20 · 5 + 20 · 80.5) / 100.
        samples[..80].fill(0.0);
        samples[..20].fill(-5.0);
        samples[80..].fill(80.5);
        let series = Standardised::new(&samples).unwrap();
        assert_eq!((series.centre, series.tie_share), (0.0, 0.6));
        assert!((series.scale - 17.1).abs() < 1e-12);
    }

    #[test]
    fn constant() {
        let series = Standardised::new(&[7.0; 50]).unwrap();
        assert!(series.is_constant());
        assert_eq!((series.centre, series.scale, series.tie_share), (7.0, 0.0, 1.0));
        assert!(series.z.iter().all(|&z| z == 0.0));
    }

    #[test]
    fn refuses_what_cannot_be_fitted() {
        let message = |samples: &[f64]| Standardised::new(samples).unwrap_err().to_string();
        let mut far: Vec<f64> = (0..60).map(|i| f64::from(i) * 1e-12).collect();
        far.push(1e300);
        assert!(message(&far).starts_with("samples range over"), "{}", message(&far));
        assert_eq!(message(&[1.0; 12]), "series of length 12, at least 50 samples are needed");
        let mut samples = [1.0; 60];
        samples[17] = f64::NAN;
        assert_eq!(message(&samples), "sample 17 is NaN");
        samples[4] = f64::INFINITY;
        assert_eq!(message(&samples), "sample 4 is inf");
    }
}
