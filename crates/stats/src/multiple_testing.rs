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
    let mut order: Vec<usize> = (0..p_values.len()).filter(|&i| !p_values[i].is_nan()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));

    let n_tests = order.len() as f64;
    let mut adjusted = vec![f64::NAN; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, &idx) in order.iter().enumerate().rev() {
        smallest = smallest.min(p_values[idx] * n_tests / (rank + 1) as f64);
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
}
