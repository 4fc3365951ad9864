//! Density and survival function of the standard law, to 13 digits, slowly.

use std::f64::consts::PI;

use statrs::function::erf::erfc_inv;
use statrs::function::gamma::gamma;

use super::contour;
use super::erfc::erfc;
use super::tail_series::{self, Tail};

/// `f_α(x)` for `0 < alpha ≤ 2`.
pub(crate) fn pdf(alpha: f64, x: f64) -> f64 {
    let x = x.abs();
    if alpha == 2.0 {
        gaussian_pdf(x)
    } else if x == 0.0 {
        gamma(1.0 + 1.0 / alpha) / PI
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
    } else if let Some(sum) = tail_series::sum(Tail::Survival, alpha, x) {
        sum * x.powf(-alpha)
    } else {
        let (_, difference) = contour::sum(contour::nodes(alpha, x), x);
        gaussian_sf(x) + (2.0 - alpha) * difference
    }
}

/// The `x ≥ 0` with `S_α(x) = p`, for `0 ≤ p ≤ 1/2`.
///
/// Newton's method for `ln S` as a function of `ln x`, which is monotone and
/// nearly straight in the tail; steps that leave the bracket are replaced by
/// its midpoint.
pub(crate) fn inverse_sf(alpha: f64, p: f64) -> f64 {
    if p == 0.0 {
        return f64::INFINITY;
    } else if p >= 0.5 {
        return 0.0;
    } else if alpha == 2.0 {
        return 2.0 * erfc_inv(2.0 * p);
    }
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    // The quantile of the tail or the one of the Gaussian, the greater.
    let tail = tail_series::term(Tail::Survival, alpha, 1.0, 1);
    let mut ln_x = f64::max((tail / p).ln() / alpha, (2.0 * erfc_inv(2.0 * p)).ln());
    for _ in 0..200 {
        let x = ln_x.exp();
        let survival = sf(alpha, x);
        let excess = (survival / p).ln();
        if excess > 0.0 {
            low = ln_x;
        } else {
            high = ln_x;
        }
        let mut next = ln_x + excess * survival / (ln_pdf(alpha, x) + ln_x).exp();
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
    ln_x.exp()
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

    fn golden() -> impl Iterator<Item = [f64; 4]> {
        GOLDEN.lines().skip(1).map(|line| {
            let mut fields = line.split(',').map(|field| field.parse().expect("a number"));
            std::array::from_fn(|_| fields.next().expect("four columns"))
        })
    }

    /// Equal, or relatively closer than `tolerance`; below the range of normal
    /// numbers the absolute error counts.
    fn close(value: f64, expected: f64, tolerance: f64) -> bool {
        (value - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE)
    }

    /// The measured error is below 2e-14.
    #[test]
    fn agrees_with_the_golden_values() {
        assert_eq!(golden().count(), 22 * 26);
        for [alpha, x, density, survival] in golden() {
            let (f, s) = (pdf(alpha, x), sf(alpha, x));
            assert!(close(f, density, 5e-14), "pdf({alpha}, {x}) = {f:e}, not {density:e}");
            assert!(close(s, survival, 5e-14), "sf({alpha}, {x}) = {s:e}, not {survival:e}");
        }
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
