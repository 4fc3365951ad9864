//! Density and survival function of the standard law, to 13 digits, slowly.

use std::f64::consts::PI;

use statrs::function::erf::{erf_inv, erfc_inv};
use statrs::function::gamma::gamma;

use super::erfc::erfc;
use super::tail_series::{self, Tail};
use super::{contour, small_alpha};

/// `f_α(x)` for `0 < alpha ≤ 2`.
pub(crate) fn pdf(alpha: f64, x: f64) -> f64 {
    let x = x.abs();
    if alpha == 2.0 {
        gaussian_pdf(x)
    } else if x == 0.0 {
        gamma(1.0 + 1.0 / alpha) / PI
    } else if alpha < small_alpha::ALPHA_MAX {
        small_alpha::ln_pdf(alpha, x).exp()
    } else if let Some(sum) = tail_series::sum(Tail::Density, alpha, x) {
        sum * x.powf(-1.0 - alpha)
    } else {
        let (difference, _) = contour::sum(contour::nodes(alpha, x), x);
        gaussian_pdf(x) + (2.0 - alpha) * difference
    }
}

/// `ln f_α(x)`, finite also where the density underflows.
pub(crate) fn ln_pdf(alpha: f64, x: f64) -> f64 {
    let x = x.abs();
    if alpha == 2.0 {
        -0.25 * x * x - 0.5 * (4.0 * PI).ln()
    } else if alpha < small_alpha::ALPHA_MAX {
        small_alpha::ln_pdf(alpha, x)
    } else if x > 1.0
        && let Some(sum) = tail_series::sum(Tail::Density, alpha, x)
    {
        sum.ln() - (1.0 + alpha) * x.ln()
    } else {
        pdf(alpha, x).ln()
    }
}

/// `S_α(x) = P(X > x)`, with full relative accuracy for `x > 0`.
pub(crate) fn sf(alpha: f64, x: f64) -> f64 {
    if alpha == 2.0 {
        gaussian_sf(x)
    } else if x == 0.0 {
        0.5
    } else if x < 0.0 {
        1.0 - sf(alpha, -x)
    } else if alpha < small_alpha::ALPHA_MAX {
        small_alpha::sf_at_ln(alpha, x.ln())
    } else if let Some(sum) = tail_series::sum(Tail::Survival, alpha, x) {
        sum * x.powf(-alpha)
    } else {
        let (_, difference) = contour::sum(contour::nodes(alpha, x), x);
        gaussian_sf(x) + (2.0 - alpha) * difference
    }
}

/// `1/2 − S_α(x)` for 1/2 ≤ α < 2 and `x > 0`, with full relative accuracy as `x → 0`.
///
/// # Formula
///
/// The expansion at the centre,
///
/// ```text
/// (1/(πα)) Σ_{k≥0} (−1)^k Γ((2k + 1)/α) / (2k + 1)! · x^{2k+1}
/// ```
///
/// where its terms fall to full precision at once, else by the survival
/// function. It converges for α > 1 and is asymptotic for α < 1.
fn central(alpha: f64, x: f64) -> f64 {
    /// More would overflow Γ at α = 1/2.
    const MAX_TERMS: u32 = 40;
    let (mut sum, mut factor, mut previous) = (0.0, x, f64::INFINITY);
    for k in 0..MAX_TERMS {
        let order = f64::from(2 * k + 1);
        let term = factor * gamma(order / alpha);
        if term.abs() >= previous {
            break;
        }
        sum += term;
        if term.abs() <= 1e-16 * sum {
            return sum / (PI * alpha);
        }
        previous = term.abs();
        factor *= -x * x / ((order + 1.0) * (order + 2.0));
    }
    0.5 - sf(alpha, x)
}

/// The `x ≥ 0` with `S_α(x) = p`, for `0 ≤ p ≤ 1/2`; 0 or infinite where it is
/// outside the range of f64.
pub(crate) fn inverse_sf(alpha: f64, p: f64) -> f64 {
    if alpha == 2.0 { gaussian_inverse_sf(p) } else { ln_inverse_sf(alpha, p).exp() }
}

/// `ln x` of [`inverse_sf`], also where x is outside the range of f64; infinite
/// from e^±1500 on, which no scale brings back.
///
/// Newton's method for `ln S` as a function of `ln x`, which is monotone and
/// nearly straight in the tail, and near the median for `ln(1/2 − S)`, straight
/// there; steps that leave the bracket are replaced by its midpoint.
pub(crate) fn ln_inverse_sf(alpha: f64, p: f64) -> f64 {
    const LN_GREATEST: f64 = 1500.0;
    if p == 0.0 {
        return f64::INFINITY;
    } else if p >= 0.5 {
        return f64::NEG_INFINITY;
    } else if alpha == 2.0 {
        return gaussian_inverse_sf(p).ln();
    }
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut ln_x;
    if alpha < small_alpha::ALPHA_MAX {
        if sf_at_ln(alpha, LN_GREATEST) >= p {
            return f64::INFINITY;
        } else if sf_at_ln(alpha, -LN_GREATEST) <= p {
            return f64::NEG_INFINITY;
        }
        (low, high) = (-LN_GREATEST, LN_GREATEST);
        // The limit α → 0.
        ln_x = (-(-(-2.0 * p).ln_1p()).ln() / alpha).clamp(low, high);
    } else {
        // The quantile of the tail or the one of the Gaussian, the greater.
        let tail = tail_series::term(Tail::Survival, alpha, 1.0, 1);
        ln_x = f64::max((tail / p).ln() / alpha, gaussian_inverse_sf(p).ln());
    }
    for _ in 0..200 {
        // How far ln x is too small, in units of the density.
        let excess = if p > 0.25 {
            let central = central_at_ln(alpha, ln_x);
            ((0.5 - p) / central).ln() * central
        } else {
            let survival = sf_at_ln(alpha, ln_x);
            (survival / p).ln() * survival
        };
        if excess > 0.0 {
            low = ln_x;
        } else {
            high = ln_x;
        }
        let mut next = ln_x + excess / (ln_pdf_at_ln(alpha, ln_x) + ln_x).exp();
        if !(low < next && next < high) {
            next = match (low.is_finite(), high.is_finite()) {
                (true, true) => 0.5 * (low + high),
                (true, false) => low + 2.0,
                _ => high - 2.0,
            };
        }
        let step = next - ln_x;
        ln_x = next;
        if step.abs() <= 1e-15 * ln_x.abs().max(1.0) {
            break;
        }
    }
    ln_x
}

/// Beyond this `ln x` the leading term of the tail is all of it for α ≥ 1/2.
const LN_FAR: f64 = 700.0;

/// `S_α(e^{ln_x})` for α < 2.
fn sf_at_ln(alpha: f64, ln_x: f64) -> f64 {
    if alpha < small_alpha::ALPHA_MAX {
        small_alpha::sf_at_ln(alpha, ln_x)
    } else if ln_x > LN_FAR {
        tail_series::term(Tail::Survival, alpha, 1.0, 1) * (-alpha * ln_x).exp()
    } else {
        sf(alpha, ln_x.exp())
    }
}

/// `1/2 − S_α(e^{ln_x})` for α < 2.
fn central_at_ln(alpha: f64, ln_x: f64) -> f64 {
    if alpha < small_alpha::ALPHA_MAX {
        small_alpha::central_at_ln(alpha, ln_x)
    } else {
        central(alpha, ln_x.exp())
    }
}

/// `ln f_α(e^{ln_x})` for α < 2.
fn ln_pdf_at_ln(alpha: f64, ln_x: f64) -> f64 {
    if alpha < small_alpha::ALPHA_MAX {
        small_alpha::ln_pdf_at_ln(alpha, ln_x)
    } else if ln_x > LN_FAR {
        tail_series::term(Tail::Density, alpha, 1.0, 1).ln() - (1.0 + alpha) * ln_x
    } else {
        ln_pdf(alpha, ln_x.exp())
    }
}

fn gaussian_inverse_sf(p: f64) -> f64 {
    if p > 0.25 { 2.0 * erf_inv(1.0 - 2.0 * p) } else { 2.0 * erfc_inv(2.0 * p) }
}

/// Density of N(0, 2).
pub(crate) fn gaussian_pdf(x: f64) -> f64 {
    (-0.25 * x * x).exp() / (4.0 * PI).sqrt()
}

/// Survival function of N(0, 2).
pub(crate) fn gaussian_sf(x: f64) -> f64 {
    0.5 * erfc(0.5 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `tests/golden/stable/make_golden.py`, where two other methods
    /// agree to 15 digits.
    const GOLDEN: &str = include_str!("../../../../tests/golden/stable/standard_law.csv");
    const SMALL_ALPHA: &str = include_str!("../../../../tests/golden/stable/small_alpha.csv");
    const QUANTILES: &str = include_str!("../../../../tests/golden/stable/standard_quantile.csv");

    fn rows<const N: usize>(csv: &'static str) -> impl Iterator<Item = [f64; N]> {
        csv.lines().skip(1).map(|line| {
            let mut fields = line.split(',').map(|field| field.parse().expect("a number"));
            std::array::from_fn(|_| fields.next().expect("another column"))
        })
    }

    fn golden() -> impl Iterator<Item = [f64; 4]> {
        rows(GOLDEN)
    }

    /// Relative error; below the range of normal numbers the absolute one
    /// counts.
    fn error(value: f64, expected: f64) -> f64 {
        if value == expected {
            return 0.0;
        }
        (value - expected).abs() / expected.abs().max(f64::MIN_POSITIVE)
    }

    fn close(value: f64, expected: f64, tolerance: f64) -> bool {
        error(value, expected) <= tolerance
    }

    /// As `SymmetricStable` has it, for the standard law.
    fn quantile(alpha: f64, p: f64) -> f64 {
        inverse_sf(alpha, p.min(1.0 - p)).copysign(p - 0.5)
    }

    /// The table of the README, with `-- --nocapture`.
    #[test]
    fn agrees_with_the_golden_values() {
        assert_eq!(golden().count(), 22 * 26);
        assert_eq!(rows::<3>(QUANTILES).count(), 21 * 14);
        let mut alphas: Vec<f64> = golden().map(|row| row[0]).collect();
        alphas.dedup();
        for alpha in alphas {
            let (mut of_pdf, mut of_sf, mut of_quantile) = (0f64, 0f64, 0f64);
            for [_, x, density, survival] in golden().filter(|row| row[0] == alpha) {
                of_pdf = of_pdf.max(error(pdf(alpha, x), density));
                of_sf = of_sf.max(error(sf(alpha, x), survival));
            }
            for [_, p, x] in rows(QUANTILES).filter(|row| row[0] == alpha) {
                of_quantile = of_quantile.max(error(quantile(alpha, p), x));
            }
            println!("| {alpha} | {of_pdf:.0e} | {of_sf:.0e} | {of_quantile:.0e} |");
            assert!(of_pdf < 5e-14, "pdf at alpha = {alpha}: {of_pdf:e}");
            assert!(of_sf < 5e-14, "sf at alpha = {alpha}: {of_sf:e}");
            assert!(of_quantile < 1e-12, "quantile at alpha = {alpha}: {of_quantile:e}");
        }
    }

    /// |x| from 1e-300 to 1e300, also at 0.
    #[test]
    fn agrees_with_the_golden_values_at_small_alpha() {
        assert_eq!(rows::<4>(SMALL_ALPHA).count(), 181);
        for [alpha, x, density, survival] in rows(SMALL_ALPHA) {
            let (f, s) = (pdf(alpha, x), sf(alpha, x));
            assert!(close(f, density, 5e-13), "pdf({alpha}, {x:e}) = {f:e}, not {density:e}");
            assert!(close(s, survival, 2e-14), "sf({alpha}, {x:e}) = {s:e}, not {survival:e}");
            if density.is_normal() {
                let (l, expected) = (ln_pdf(alpha, x), density.ln());
                let unit = expected.abs().max(1.0);
                assert!((l - expected).abs() < 1e-14 * unit, "ln_pdf({alpha}, {x:e}) = {l}");
            }
        }
        // The peak, where the second method of the script fails.
        for (alpha, x) in [(0.01, 1e-300), (0.05, 1e-100), (0.3, 1e-60), (0.45, 1e-300)] {
            assert!(close(pdf(alpha, x), pdf(alpha, 0.0), 1e-12), "{alpha}, {x}");
            assert!(close(sf(alpha, x), 0.5, 1e-15));
        }
    }

    const ALL_ALPHAS: [f64; 17] = [
        5e-324,
        1e-310,
        1e-300,
        1e-100,
        1e-16,
        1e-8,
        1e-4,
        9e-4,
        1e-3,
        2e-3,
        0.01,
        0.05,
        0.1,
        0.2,
        0.3,
        0.45,
        0.499_999_999,
    ];

    /// From the least to the greatest number both functions fall, and the
    /// density is the slope of the distribution.
    #[test]
    fn falls_everywhere_at_small_alpha() {
        let xs: Vec<f64> = (-323..=308).map(|e| format!("1.3e{e}").parse().unwrap()).collect();
        for alpha in ALL_ALPHAS {
            let (mut last_sf, mut last_ln_pdf) = (0.5, f64::INFINITY);
            for &x in &xs {
                let (s, l) = (sf(alpha, x), ln_pdf(alpha, x));
                assert!(s > 0.0 && s <= last_sf * (1.0 + 1e-14), "sf({alpha:e}, {x:e}) = {s:e}");
                assert!(l.is_finite() && l <= last_ln_pdf + 1e-9, "ln_pdf({alpha:e}, {x:e}) = {l}");
                assert_eq!(sf(alpha, -x), 1.0 - s);
                (last_sf, last_ln_pdf) = (s, l);
            }
            assert_eq!(sf(alpha, 0.0), 0.5);
            let at_zero = ln_pdf(alpha, 0.0);
            assert!(at_zero >= ln_pdf(alpha, 5e-324) - 1e-9, "ln_pdf({alpha:e}, 0) = {at_zero}");
            assert_eq!(pdf(alpha, 0.0).is_infinite(), alpha < 0.0059);
            assert_eq!((sf(alpha, f64::INFINITY), pdf(alpha, f64::INFINITY)), (0.0, 0.0));
            assert!(sf(alpha, f64::NAN).is_nan() && pdf(alpha, f64::NAN).is_nan());
        }
    }

    #[test]
    fn density_is_the_slope_at_small_alpha() {
        for alpha in [1e-3, 0.01, 0.1, 0.3, 0.45] {
            for x in [1e-100, 1e-8, 0.02, 1.0, 50.0, 1e9, 1e200] {
                let h = 1e-3;
                // The smaller part, lest the difference drown.
                let upper = sf(alpha, x) < 0.25;
                let part = |x| if upper { -sf(alpha, x) } else { central(alpha, x) };
                let slope = (part(x * (1.0 + h)) - part(x * (1.0 - h))) / (2.0 * h * x);
                assert!(close(slope, pdf(alpha, x), 2e-6), "{alpha}, {x:e}: {slope:e}");
            }
        }
    }

    /// Across α = 1/2 from one method to the other.
    #[test]
    fn small_alpha_meets_the_rest() {
        let (below, above) = (0.5f64.next_down(), 0.5);
        for x in [1e-300, 1e-9, 1e-3, 0.1, 1.0, 2.0, 30.0, 1e6, 1e100] {
            assert!(close(pdf(below, x), pdf(above, x), 5e-14), "{x}");
            assert!(close(sf(below, x), sf(above, x), 5e-14), "{x}");
            assert!(close(central(below, x), central(above, x), 1e-12), "{x}");
            assert!((ln_pdf(below, x) - ln_pdf(above, x)).abs() < 1e-12, "{x}");
        }
    }

    /// Outside the range of f64 it is 0 or infinite, inside it is the inverse.
    #[test]
    fn inverse_at_small_alpha() {
        for alpha in ALL_ALPHAS {
            let mut last = f64::INFINITY;
            for p in [1e-300, 1e-12, 1e-3, 0.1, 0.25, 0.3, 0.316, 0.317, 0.4, 0.49, 0.499_999_9] {
                let x = inverse_sf(alpha, p);
                assert!(x <= last, "{alpha}, {p}");
                if x == 0.0 {
                    assert!(sf(alpha, 5e-324) <= p);
                } else if x == f64::INFINITY {
                    assert!(sf(alpha, f64::MAX) >= p);
                } else {
                    assert!(close(sf(alpha, x), p, 1e-11), "{alpha}, {p}: {x:e}");
                }
                last = x;
            }
        }
        let limit = inverse_sf(1e-3, 0.3);
        assert!((limit.ln() * 1e-3 + (-(0.4f64.ln())).ln()).abs() < 1e-2, "{limit}");
    }

    #[test]
    fn logarithm_of_the_density() {
        for [alpha, x, density, _] in golden().filter(|row| row[2] > 0.0) {
            let (value, expected) = (ln_pdf(alpha, x), density.ln());
            assert!((value - expected).abs() < 1e-13 * expected.abs().max(1.0));
        }
        // Far outside the range of f64: x^{−2.5} and exp(−x²/4).
        let constant = ln_pdf(1.5, 1e6) + 2.5 * 1e6f64.ln();
        assert!((ln_pdf(1.5, 1e300) + 2.5 * 1e300f64.ln() - constant).abs() < 1e-7);
        assert_eq!(pdf(1.5, 1e300), 0.0);
        assert!((ln_pdf(2.0, 1e3) + 250_001.265_512_123_5).abs() < 1e-9);
    }

    #[test]
    fn limits() {
        for alpha in [0.3, 1.0, 1.9, 2.0] {
            assert_eq!(sf(alpha, f64::INFINITY), 0.0);
            assert_eq!(sf(alpha, f64::NEG_INFINITY), 1.0);
            assert_eq!(pdf(alpha, f64::NEG_INFINITY), 0.0);
            assert_eq!(ln_pdf(alpha, f64::INFINITY), f64::NEG_INFINITY);
            assert!(pdf(alpha, f64::NAN).is_nan() && sf(alpha, f64::NAN).is_nan());
        }
    }

    #[test]
    fn cauchy_in_closed_form() {
        for x in [0.0, 1e-9, 0.3, 1.0, 1.7, 2.0, 50.0, 1e12] {
            assert!(close(pdf(1.0, x), 1.0 / (PI * (1.0 + x * x)), 1e-14));
            assert!(close(sf(1.0, x), (1.0f64).atan2(x) / PI, 1e-14));
        }
    }

    /// Where the tail series hands over to the quadrature, nothing shows.
    #[test]
    fn both_methods_agree_where_they_meet() {
        for (alpha, x) in
            [(0.3, 0.5), (0.7, 2.0), (1.0, 3.0), (1.3, 6.0), (1.7, 10.0), (1.999, 18.0)]
        {
            let series = tail_series::sum(Tail::Density, alpha, x).expect("in reach of the series");
            let (difference, _) = contour::sum(contour::nodes(alpha, x), x);
            let quadrature = gaussian_pdf(x) + (2.0 - alpha) * difference;
            assert!(close(quadrature, series * x.powf(-1.0 - alpha), 1e-11), "alpha = {alpha}");
        }
    }

    /// Simpson's rule between neighbouring points against the difference of the
    /// survival function.
    #[test]
    fn density_integrates_to_the_distribution() {
        const PIECES: usize = 40;
        for alpha in [0.5, 0.8, 1.0, 1.4, 1.9, 1.999, 2.0] {
            for (low, high) in [(0.01, 0.05), (0.05, 0.2), (0.5, 1.0), (2.0, 3.0), (8.0, 10.0)] {
                let step = (high - low) / (2 * PIECES) as f64;
                let sum: f64 = (0..=2 * PIECES)
                    .map(|i| {
                        let weight = match i {
                            0 => 1.0,
                            i if i == 2 * PIECES => 1.0,
                            i if i % 2 == 1 => 4.0,
                            _ => 2.0,
                        };
                        weight * pdf(alpha, low + i as f64 * step)
                    })
                    .sum();
                let mass = sf(alpha, low) - sf(alpha, high);
                assert!((sum * step / 3.0 / mass - 1.0).abs() < 1e-6, "alpha = {alpha}, {low}");
            }
        }
    }

    #[test]
    fn inverse_of_the_survival_function() {
        for alpha in [0.3, 0.5, 1.0, 1.5, 1.99, 1.999_999_999, 2.0] {
            for p in [1e-300, 1e-30, 1e-9, 1e-4, 0.01, 0.1, 0.3, 0.45, 0.499] {
                let x = inverse_sf(alpha, p);
                if x.is_finite() {
                    // The error of x is what its last digit does to p, or less.
                    assert!(close(sf(alpha, x), p, 1e-9), "alpha = {alpha}, p = {p}: {x}");
                } else {
                    assert!(alpha <= 0.5 && p == 1e-300, "only beyond the range of f64");
                }
            }
            assert_eq!(inverse_sf(alpha, 0.5), 0.0);
            assert_eq!(inverse_sf(alpha, 0.0), f64::INFINITY);
        }
    }
}
