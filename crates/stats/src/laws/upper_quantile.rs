//! Quantiles of a law whose tail is known.

/// The `x ≥ 0` with `S(x) = p` for a symmetric law around 0 with survival
/// function `S`, density `pdf` and `0 ≤ p ≤ 1/2`; infinite where it is outside
/// the range of f64.
///
/// Newton's method for `ln S` as a function of `ln x`, in which power tails are
/// straight and exponential ones bend gently; steps that leave the bracket are
/// replaced by its midpoint. Ten evaluations are usual.
pub(super) fn upper_quantile(p: f64, sf: impl Fn(f64) -> f64, pdf: impl Fn(f64) -> f64) -> f64 {
    if p == 0.0 || sf(f64::MAX) >= p {
        return f64::INFINITY;
    } else if p >= 0.5 {
        return 0.0;
    }
    let (mut low, mut high) = (f64::MIN_POSITIVE.ln(), f64::MAX.ln());
    let mut ln_x = 0.0;
    for _ in 0..200 {
        let x = f64::exp(ln_x);
        let survival = sf(x);
        let excess = (survival / p).ln();
        if excess > 0.0 {
            low = ln_x;
        } else {
            high = ln_x;
        }
        let mut next = ln_x + excess * survival / (pdf(x) * x);
        if !(low < next && next < high) {
            next = 0.5 * (low + high);
        }
        let step = next - ln_x;
        ln_x = next;
        if step.abs() <= 1e-15 * ln_x.abs().max(1.0) {
            break;
        }
    }
    ln_x.exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `S = 1/(2(1 + x))`, so that `x = 1/(2p) − 1`.
    #[test]
    fn closed_form() {
        let quantile =
            |p| upper_quantile(p, |x| 0.5 / (1.0 + x), |x: f64| 0.5 * (1.0 + x).powi(-2));
        for p in [1e-300, 1e-20, 0.01, 0.3, 0.49, 0.499_999] {
            assert!((quantile(p) / (0.5 / p - 1.0) - 1.0).abs() < 1e-9, "{p}");
        }
        assert_eq!((quantile(0.0), quantile(0.5)), (f64::INFINITY, 0.0));
        // `S = x^{−1/10}/2`: 10^{3010}.
        let heavy = |x: f64| 0.5 * x.powf(-0.1);
        assert_eq!(upper_quantile(5e-302, heavy, |x| 0.1 * heavy(x) / x), f64::INFINITY);
    }
}
