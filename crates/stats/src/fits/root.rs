//! A root between two points, or near one.

/// Where `f` falls through zero between `low`, where it is positive, and `high`,
/// where it is not; to `tolerance`.
///
/// The secant between the ends, of which one that stays twice has its value
/// halved: the Illinois method (Dowell and Jarratt 1971,
/// doi:10.1007/BF01934364). The order is 1.44, the root never leaves the bracket,
/// and ten evaluations are usual. `f` need not be continuous.
pub(super) fn falling_root(
    mut f: impl FnMut(f64) -> f64,
    (mut low, mut f_low): (f64, f64),
    (mut high, mut f_high): (f64, f64),
    tolerance: f64,
) -> f64 {
    const MAX_STEPS: usize = 100;
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
        if value == 0.0 || value.is_nan() || high - low <= tolerance {
            return middle;
        }
    }
    0.5 * (low + high)
}

/// A root of a derivative, uphill from `start`: where it falls through zero, or
/// an end of `range`.
///
/// `f` returns the derivative and its own, or an estimate of that, for Newton's
/// method. Steps that leave what is left of the range are replaced by bisection,
/// and a step below `tolerance` is the last.
pub(super) fn uphill_root(
    mut f: impl FnMut(f64) -> (f64, f64),
    start: f64,
    (mut low, mut high): (f64, f64),
    tolerance: f64,
) -> f64 {
    const MAX_STEPS: usize = 100;
    const LONGEST: f64 = 0.5;
    let ends = (low, high);
    let mut x = start;
    for _ in 0..MAX_STEPS {
        let (value, slope) = f(x);
        if value > 0.0 {
            low = x;
        } else {
            high = x;
        }
        let step = if slope < 0.0 { -value / slope } else { LONGEST.copysign(value) };
        let mut next = x + step.clamp(-LONGEST, LONGEST);
        // An end of the range has to be seen itself before it is the maximum.
        if low >= high || step.abs() < tolerance && ends.0 < next && next < ends.1 {
            return next.clamp(low, high);
        }
        if next <= low || next >= high {
            next = if next >= ends.1 && high == ends.1 {
                ends.1
            } else if next <= ends.0 && low == ends.0 {
                ends.0
            } else {
                0.5 * (low + high)
            };
        }
        x = next;
    }
    x
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
            let found = falling_root(counted, (low, f(low)), (high, f(high)), 1e-13);
            assert!((found - root).abs() < 1e-11, "{found}, not {root}");
            assert!(n_evaluations < 60, "{n_evaluations}");
        };
        check(&|x| 2.0 - x * x, 0.0, 2.0, 2f64.sqrt());
        check(&|x| 1.0 - x.exp(), -5.0, 3.0, 0.0);
        check(&|x| 1.0 - x.powi(9), 0.0, 3.0, 1.0);
        check(&|x| if x < 0.3 { 1.0 } else { -1.0 }, 0.0, 1.0, 0.3);
    }

    #[test]
    fn uphill() {
        let f = |x: f64| (x - 0.5) * (1.0 - x) * (x - 2.0);
        let with_slope = |x: f64| (f(x), (f(x + 1e-5) - f(x - 1e-5)) / 2e-5);
        let root = |start| uphill_root(with_slope, start, (-1.0, 3.0), 1e-6);
        for (start, expected) in [(0.0, 0.5), (0.7, 0.5), (0.9, 0.5), (1.3, 2.0), (2.9, 2.0)] {
            assert!((root(start) - expected).abs() < 1e-9, "{start}: {}", root(start));
        }
        // At an end, with slopes that are right and wrong.
        for slope in [-1.0, -1e-3, 1.0] {
            assert_eq!(uphill_root(|x| (-x, slope), 2.0, (1.0, 3.0), 1e-9), 1.0);
            assert_eq!(uphill_root(|x| (x, slope), 2.0, (1.0, 3.0), 1e-9), 3.0);
        }
        assert!(uphill_root(|_| (f64::NAN, f64::NAN), 2.0, (1.0, 3.0), 1e-9) <= 3.0);
    }
}
