//! Controlling the false-discovery rate over many parameters.

/// Benjamini–Hochberg adjusted p-values, in the order of the input.
///
/// # Formula
///
/// `p̃_(i) = min(1, min_{j ≥ i} p_(j) m / j)` for the ordered p-values
/// `p_(1) ≤ … ≤ p_(m)`; rejecting where `p̃ ≤ q` keeps the false-discovery
/// rate at `q`. Benjamini and Hochberg (1995),
/// doi:10.1111/j.2517-6161.1995.tb02031.x. The guarantee holds for independent
/// and for positively dependent tests; parameters of one network share their
/// minibatches, so theirs are dependent.
///
/// A NaN (degenerate series) stays NaN and does not count towards `m`.
///
/// # Examples
///
/// ```
/// let adjusted = stats::benjamini_hochberg(&[0.01, 0.5, 0.02]);
/// assert_eq!(adjusted, [0.03, 0.5, 0.03]);
/// ```
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    step_up(p_values, |_| 1.0)
}

/// Benjamini–Yekutieli adjusted p-values, in the order of the input.
///
/// # Formula
///
/// As [`benjamini_hochberg`] with every p-value multiplied by
/// `c(m) = Σ_{j ≤ m} 1/j` (about `ln m + 0.577`). Benjamini and Yekutieli
/// (2001), doi:10.1214/aos/1013699998, theorem 1.3: the false-discovery rate is
/// kept under any dependence, and so also for parameters that share their
/// minibatches.
///
/// A NaN stays NaN and does not count towards `m`.
///
/// # Examples
///
/// ```
/// let adjusted = stats::benjamini_yekutieli(&[0.01, 0.5]);
/// assert_eq!(adjusted, [0.03, 0.75]);
/// ```
pub fn benjamini_yekutieli(p_values: &[f64]) -> Vec<f64> {
    step_up(p_values, |n_tests| (1..=n_tests).map(|j| 1.0 / j as f64).sum())
}

/// `min(1, min_{j ≥ i} p_(j) m c(m) / j)`.
fn step_up(p_values: &[f64], correction: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&i| !p_values[i].is_nan()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));

    let factor = order.len() as f64 * correction(order.len());
    let mut adjusted = vec![f64::NAN; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, &idx) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[idx] * factor / (rank + 1) as f64);
        adjusted[idx] = smallest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: m = 5, sorted .005 .01 .03 .04 .5, times 5 / rank:
    /// .025 .025 .05 .05 .5; none is lowered by its successors.
    #[test]
    fn computed_by_hand() {
        let adjusted = benjamini_hochberg(&[0.04, 0.005, 0.5, 0.01, 0.03]);
        let expected = [0.05, 0.025, 0.5, 0.025, 0.05];
        for (value, want) in adjusted.iter().zip(expected) {
            assert!((value - want).abs() < 1e-15, "{adjusted:?}");
        }
    }

    /// By hand: sorted .01 .021 .03, times 3 / rank: .03 .0315 .03, and the
    /// middle one is lowered to its successor.
    #[test]
    fn never_decreases_with_the_p_value() {
        let adjusted = benjamini_hochberg(&[0.021, 0.01, 0.03]);
        for value in adjusted {
            assert!((value - 0.03).abs() < 1e-15);
        }
    }

    #[test]
    fn nan_stays_and_does_not_count() {
        let adjusted = benjamini_hochberg(&[f64::NAN, 0.02, f64::NAN, 0.5]);
        assert!(adjusted[0].is_nan() && adjusted[2].is_nan());
        assert_eq!((adjusted[1], adjusted[3]), (0.04, 0.5));
    }

    #[test]
    fn never_exceeds_one() {
        assert_eq!(benjamini_hochberg(&[0.9, 1.0]), [1.0, 1.0]);
        assert!(benjamini_hochberg(&[]).is_empty());
    }

    /// By hand: m = 3, c = 1 + 1/2 + 1/3 = 11/6; sorted .006 .02 .9, times
    /// 5.5 / rank: .033 .055 1.65.
    #[test]
    fn any_dependence() {
        let adjusted = benjamini_yekutieli(&[0.02, 0.9, f64::NAN, 0.006]);
        assert!((adjusted[0] - 0.055).abs() < 1e-15 && (adjusted[3] - 0.033).abs() < 1e-15);
        assert_eq!(adjusted[1], 1.0);
        assert!(adjusted[2].is_nan());
    }
}
