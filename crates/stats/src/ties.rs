//! One value that many samples share, beside those that vary.

use std::borrow::Cow;

use crate::standardise::MIN_SAMPLES;

/// A value that is left out of a series is more frequent than this share of it, …
const LEAST_SHARE: f64 = 0.01;

/// … has at least so many samples, …
const LEAST_COUNT: usize = 3;

/// … and so many times those of the next most frequent value: on a grid, as of
/// counts or rounded numbers, neighbours are about as frequent.
const ISOLATED: usize = 3;

/// A value that a law with a density can't have so often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TiedValue {
    /// The value.
    pub value: f64,
    /// Its number of samples.
    pub count: usize,
    /// Their share of all samples.
    pub share: f64,
}

/// The samples that vary, and the value that is left out of them.
///
/// A rectified unit that is dead in some minibatches gives gradients of exactly 0:
/// 20 % of them make a Gaussian look heavier than any law. Where one value holds
/// more than 1 % of the samples, three at least, and three times as many as any
/// other, it is left out, to be reported by itself, and the others are fitted. In
/// a series on a grid every value is repeated: none is left out. Nor is it where
/// fewer than the 50 samples of a fit would remain.
///
/// # Examples
///
/// ```
/// let mut samples: Vec<f64> = (0..100).map(f64::from).collect();
/// samples[..20].fill(-1.0);
/// let (rest, tied) = stats::continuous_part(&samples);
/// assert_eq!((rest.len(), tied.unwrap().share), (80, 0.2));
/// ```
pub fn continuous_part(samples: &[f64]) -> (Cow<'_, [f64]>, Option<TiedValue>) {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut counts: Vec<(usize, f64)> = sorted
        .chunk_by(|a, b| a == b)
        .filter(|run| run.len() > 1)
        .map(|run| (run.len(), run[0]))
        .collect();
    counts.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.total_cmp(&b.1)));
    let Some(&(count, value)) = counts.first() else {
        return (Cow::Borrowed(samples), None);
    };
    let next = counts.get(1).map_or(1, |&(count, _)| count);
    let share = count as f64 / samples.len() as f64;
    let is_tied = share > LEAST_SHARE && count >= LEAST_COUNT && count >= ISOLATED * next;
    if !is_tied || samples.len() - count < MIN_SAMPLES {
        return (Cow::Borrowed(samples), None);
    }
    let rest = samples.iter().copied().filter(|x| *x != value).collect();
    (Cow::Owned(rest), Some(TiedValue { value, count, share }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(samples: &[f64]) -> Option<f64> {
        let (rest, tied) = continuous_part(samples);
        let n_left_out = tied.map_or(0, |tied| tied.count);
        assert_eq!(rest.len() + n_left_out, samples.len());
        assert!(tied.is_none_or(|tied| !rest.contains(&tied.value)));
        tied.map(|tied| tied.value)
    }

    #[test]
    fn one_value_of_many() {
        let distinct: Vec<f64> = (1..=200).map(f64::from).collect();
        let with = |count: usize, value: f64| {
            let mut samples = distinct.clone();
            samples.iter_mut().step_by(200 / count.max(1)).take(count).for_each(|x| *x = value);
            left_out(&samples)
        };
        assert_eq!((with(0, 0.0), with(1, 0.0), with(2, 0.0)), (None, None, None));
        assert_eq!((with(3, 0.0), with(100, -0.5)), (Some(0.0), Some(-0.5)));
        // Both zeros are one value.
        let mut samples = distinct;
        samples[..4].copy_from_slice(&[0.0, -0.0, 0.0, -0.0]);
        assert_eq!(left_out(&samples), Some(0.0));
    }

    #[test]
    fn a_grid_is_left_alone() {
        let rounded: Vec<f64> = (0..1000).map(|i| (f64::from(i) / 50.0).round()).collect();
        assert_eq!(left_out(&rounded), None);
        // Zeros on a grid: 500 beside 50 each.
        let mut inflated = rounded;
        inflated[..500].fill(0.0);
        assert_eq!(left_out(&inflated), Some(0.0));
    }

    #[test]
    fn a_constant_stays() {
        assert_eq!(left_out(&[2.0; 70]), None);
        let mut few: Vec<f64> = (0..100).map(f64::from).collect();
        few[..51].fill(0.0);
        assert_eq!(left_out(&few), None);
        assert_eq!(left_out(&[]), None);
    }
}
