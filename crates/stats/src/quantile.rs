//! Quantiles of a sample.

#[cfg(doc)]
use crate::{LikelihoodRatioNull, bootstrap_interval};

/// The quantile at `0 ≤ p ≤ 1` of samples that are sorted.
///
/// # Formula
///
/// The value at place `p (n − 1)` of the samples numbered from 0, between
/// neighbours on a straight line: definition 7 of Hyndman and Fan (1996),
/// doi:10.1080/00031305.1996.10473566, and the default of NumPy and R.
///
/// *Why not everywhere?* Replicates of a null or of a bootstrap are read off by
/// rank, which keeps a level exact ([`LikelihoodRatioNull::quantile`],
/// [`bootstrap_interval`]); McCulloch's estimator has the definition that its
/// table is made for.
///
/// # Panics
///
/// Without samples, or where `p` is outside [0, 1].
///
/// # Examples
///
/// ```
/// let quartiles = [0.25, 0.5, 0.75].map(|p| stats::quantile(&[1.0, 2.0, 3.0, 10.0], p));
/// assert_eq!(quartiles, [1.75, 2.5, 4.75]);
/// ```
pub fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let (lower, share) = (place as usize, place.fract());
    if share == 0.0 {
        sorted[lower]
    } else {
        sorted[lower] * (1.0 - share) + sorted[lower + 1] * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `numpy.quantile` 2.
    #[test]
    fn as_numpy_has_them() {
        let sorted = [-3.5, 0.0, 0.25, 1e3, 1e6];
        let expected = [-3.5, -2.1, 0.0, 0.25, 1e3, 600_400.0, 1e6];
        for (p, expected) in [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0].into_iter().zip(expected) {
            let found = quantile(&sorted, p);
            assert!((found - expected).abs() <= 1e-15 * expected.abs(), "{p}: {found}");
        }
        assert_eq!((quantile(&[7.0], 0.3), quantile(&[1.0, 2.0, 4.0, 8.0], 0.5)), (7.0, 3.0));
        // No sum of neighbours overflows.
        assert_eq!(quantile(&[f64::MAX, f64::MAX], 0.5), f64::MAX);
    }
}
