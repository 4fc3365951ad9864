//! Mean and variance of a stream, in one pass, mergeable.

/// Count, mean and variance of the samples pushed so far.
///
/// # Formula
///
/// Welford's recurrence: with `d = x − mean_{n−1}`,
/// `mean_n = mean_{n−1} + d / n` and `M_n = M_{n−1} + d (x − mean_n)`;
/// the unbiased variance is `M_n / (n − 1)`.
/// Two accumulators merge by Chan, Golub and LeVeque (1983),
/// doi:10.1080/00031305.1983.10483115.
///
/// Unlike `Σ x² − (Σ x)² / n` this loses no digits when the mean is large
/// against the spread.
///
/// # Examples
///
/// ```
/// let moments = stats::Moments::from_slice(&[1.0, 2.0, 3.0, 4.0]);
/// assert_eq!(moments.mean(), 2.5);
/// assert_eq!(moments.variance(), 5.0 / 3.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    n: u64,
    mean: f64,
    sum_of_squares: f64,
}

impl Moments {
    /// Moments of all `samples`.
    pub fn from_slice(samples: &[f64]) -> Self {
        let mut moments = Self::default();
        for &sample in samples {
            moments.push(sample);
        }
        moments
    }

    /// Takes one more sample into account.
    pub fn push(&mut self, sample: f64) {
        self.n += 1;
        let deviation = sample - self.mean;
        self.mean += deviation / self.n as f64;
        self.sum_of_squares += deviation * (sample - self.mean);
    }

    /// Takes all samples of `other` into account.
    pub fn merge(&mut self, other: &Self) {
        if other.n == 0 {
            return;
        }
        let n = self.n + other.n;
        let deviation = other.mean - self.mean;
        let other_share = other.n as f64 / n as f64;
        self.sum_of_squares +=
            other.sum_of_squares + deviation * deviation * self.n as f64 * other_share;
        self.mean += deviation * other_share;
        self.n = n;
    }

    /// Number of samples.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Arithmetic mean; NaN without samples.
    pub fn mean(&self) -> f64 {
        if self.n == 0 { f64::NAN } else { self.mean }
    }

    /// Unbiased variance, divided by `n − 1`; NaN for fewer than two samples.
    pub fn variance(&self) -> f64 {
        if self.n < 2 { f64::NAN } else { self.sum_of_squares / (self.n - 1) as f64 }
    }

    /// Square root of [`variance`](Self::variance).
    pub fn std(&self) -> f64 {
        self.variance().sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, in two passes.
    fn slow_mean_and_variance(samples: &[f64]) -> (f64, f64) {
        let n = samples.len() as f64;
        let mean = samples.iter().sum::<f64>() / n;
        let squares: f64 = samples.iter().map(|x| (x - mean).powi(2)).sum();
        (mean, squares / (n - 1.0))
    }

    fn check_close(moments: &Moments, samples: &[f64]) {
        let (mean, variance) = slow_mean_and_variance(samples);
        assert_eq!(moments.n(), samples.len() as u64);
        assert!((moments.mean() - mean).abs() <= 1e-15 * mean.abs());
        assert!((moments.variance() - variance).abs() <= 1e-9 * variance);
        assert_eq!(moments.std(), moments.variance().sqrt());
    }

    /// Spread 1 on a mean of 10⁶: the textbook formula keeps four digits here.
    fn far_from_zero() -> Vec<f64> {
        (0..40).map(|i| 1e6 + f64::from(i * i % 17) / 5.0).collect()
    }

    #[test]
    fn agrees_with_two_passes() {
        let samples = far_from_zero();
        check_close(&Moments::from_slice(&samples), &samples);
    }

    #[test]
    fn merges_at_every_split() {
        let samples = far_from_zero();
        for split in 0..=samples.len() {
            let (left, right) = samples.split_at(split);
            let mut moments = Moments::from_slice(left);
            moments.merge(&Moments::from_slice(right));
            check_close(&moments, &samples);
        }
    }

    #[test]
    fn undefined_without_enough_samples() {
        assert!(Moments::default().mean().is_nan());
        assert!(Moments::from_slice(&[1.0]).variance().is_nan());
        assert_eq!(Moments::from_slice(&[1.0]).mean(), 1.0);
    }
}
