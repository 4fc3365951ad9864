//! A root between two points.

/// Where `f` falls through zero between `low`, where it is positive, and `high`,
/// where it is not.
///
/// The secant between the ends, of which one that stays twice has its value
/// halved: the Illinois method (Dowell and Jarratt 1971,
/// doi:10.1007/BF01934364). The order is 1.44, the root never leaves the bracket,
/// and ten evaluations are usual. `f` need not be continuous.
pub(super) fn falling_root(
    mut f: impl FnMut(f64) -> f64,
    (mut low, mut f_low): (f64, f64),
    (mut high, mut f_high): (f64, f64),
) -> f64 {
    const MAX_STEPS: usize = 100;
    const TOLERANCE: f64 = 1e-13;
    let mut kept_low = None;
    for _ in 0..MAX_STEPS {
        let middle = (low * -f_high + high * f_low) / (f_low - f_high);
        let value = f(middle);
        if value > 0.0 {
            (low, f_low) = (middle, value);
            if kept_low == Some(false) {
                f_high *= 0.5;
            }
            kept_low = Some(false);
        } else {
            (high, f_high) = (middle, value);
            if kept_low == Some(true) {
                f_low *= 0.5;
            }
            kept_low = Some(true);
        }
        let scale = TOLERANCE * low.abs().max(high.abs());
        if value == 0.0 || value.is_nan() || high - low <= scale {
            return middle;
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots() {
        let check = |f: &dyn Fn(f64) -> f64, low: f64, high: f64, root: f64| {
            let mut n_evaluations = 0;
            let counted = |x| {
                n_evaluations += 1;
                f(x)
            };
            let found = falling_root(counted, (low, f(low)), (high, f(high)));
            assert!((found - root).abs() < 1e-11, "{found}, not {root}");
            assert!(n_evaluations < 60, "{n_evaluations}");
        };
        check(&|x| 2.0 - x * x, 0.0, 2.0, 2f64.sqrt());
        check(&|x| 1.0 - x.exp(), -5.0, 3.0, 0.0);
        check(&|x| 1.0 - x.powi(9), 0.0, 3.0, 1.0);
        check(&|x| if x < 0.3 { 1.0 } else { -1.0 }, 0.0, 1.0, 0.3);
    }
}
