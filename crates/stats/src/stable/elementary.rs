//! Exponential and logarithm without branches or tables, so that loops over
//! them are compiled to vector instructions.
//!
//! Both reduce the argument by a power of two, read or written in the exponent
//! bits, and sum a series on what remains. They use no fused multiplications:
//! every processor gets the same bits.

use std::f64::consts::LOG2_E;

/// `ln 2` as a sum; the first part has trailing zeros, so that its multiples
/// are exact.
const LN_2: (f64, f64) = (0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10);

/// Adding this to a small number rounds it to an integer, in the lowest bits.
const ROUND: f64 = 1.5 * (1u64 << 52) as f64;

const MANTISSA_BITS: u32 = 52;

/// The bits of 1.
const ONE: u64 = 1f64.to_bits();

/// `e^x` for `−700 ≤ x ≤ 700`, to 4e-16.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    /// `1 / k!` for k = 12, 11, …, 0.
    const SERIES: [f64; 13] = {
        let mut series = [1.0; 13];
        let mut k = 1;
        while k < 13 {
            series[12 - k] = series[13 - k] / k as f64;
            k += 1;
        }
        series
    };
    let rounded = x * LOG2_E + ROUND;
    let power_of_two = rounded - ROUND;
    let rest = x - power_of_two * LN_2.0 - power_of_two * LN_2.1;
    let mut sum = 0.0;
    for coefficient in SERIES {
        sum = sum * rest + coefficient;
    }
    sum * f64::from_bits((rounded.to_bits() << MANTISSA_BITS).wrapping_add(ONE))
}

/// `ln x` for positive normal `x`, to 3e-16 of `max(1, |ln x|)`.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    /// `2 / (2k + 1)` for k = 10, 9, …, 0.
    const SERIES: [f64; 11] = {
        let mut series = [2.0; 11];
        let mut k = 1;
        while k < 11 {
            series[10 - k] = 2.0 / (2 * k + 1) as f64;
            k += 1;
        }
        series
    };
    /// The bits of `√½`: the mantissa is taken from `[√½, √2)`.
    const SMALLEST: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    /// An integer below 2^52 in the mantissa of this is added to it.
    const INTEGER: f64 = (1u64 << MANTISSA_BITS) as f64;
    let bits = x.to_bits().wrapping_add(ONE - SMALLEST);
    let exponent = f64::from_bits((bits >> MANTISSA_BITS) | INTEGER.to_bits()) - (INTEGER + 1023.0);
    let mantissa = f64::from_bits((bits & ((1 << MANTISSA_BITS) - 1)).wrapping_add(SMALLEST));
    // ln m = 2 artanh((m − 1) / (m + 1)).
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for coefficient in SERIES {
        sum = sum * square + coefficient;
    }
    exponent * LN_2.0 + (exponent * LN_2.1 + ratio * sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential() {
        assert_eq!(exp(0.0), 1.0);
        for i in -100_000..=100_000 {
            let x = 0.007 * f64::from(i);
            assert!((exp(x) / x.exp() - 1.0).abs() < 5e-16, "{x}");
        }
    }

    #[test]
    fn logarithm() {
        assert_eq!(ln(1.0), 0.0);
        for i in -100_000..=100_000 {
            let x = (0.007 * f64::from(i)).exp();
            assert!((ln(x) - x.ln()).abs() < 4e-16 * x.ln().abs().max(1.0), "{x}");
        }
    }
}
