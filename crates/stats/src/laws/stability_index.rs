//! The exponent of a stable law, checked once.

use crate::StatsError;

/// A stability index `0 < alpha ≤ 2`: 2 is the Gaussian, 1 the Cauchy law, and
/// the smaller it is the heavier are the tails.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct StabilityIndex(f64);

impl StabilityIndex {
    /// Checks `alpha`.
    ///
    /// # Errors
    ///
    /// [`StatsError::StabilityIndex`] outside (0, 2].
    pub fn new(alpha: f64) -> Result<Self, StatsError> {
        if alpha > 0.0 && alpha <= 2.0 {
            Ok(Self(alpha))
        } else {
            Err(StatsError::StabilityIndex { alpha })
        }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range() {
        for alpha in [f64::MIN_POSITIVE, 0.5, 1.0, 2.0] {
            assert_eq!(StabilityIndex::new(alpha).unwrap().get(), alpha);
        }
        for alpha in [-1.0, 0.0, 2.0f64.next_up(), f64::INFINITY, f64::NAN] {
            assert!(StabilityIndex::new(alpha).is_err());
        }
    }
}
