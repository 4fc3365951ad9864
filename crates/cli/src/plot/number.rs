//! Numbers as people write them: few digits, a true minus sign, powers of ten instead of `e`.

/// A number with so many significant digits; "–" when undefined, "∞" when infinite.
pub fn significant(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "–".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "∞" } else { "−∞" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = digits.max(1);
    // The exponent is read off the rounded number, since rounding can carry into the next decade.
    let scientific = format!("{:.*e}", digits - 1, value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let text = if (-4..6).contains(&exponent) {
        fixed_unsigned(value.abs(), (digits as i32 - 1 - exponent).max(0) as usize)
    } else {
        format!("{mantissa}×{}", power_of_ten(exponent))
    };
    signed(value, text)
}

/// A number with so many decimals, thousands set apart.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_finite() {
        signed(value, fixed_unsigned(value.abs(), decimals))
    } else {
        significant(value, 1)
    }
}

/// A number that somebody chose, with the digits needed to tell it from others: 0.1, 0.025, 10⁻⁶.
pub fn chosen(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return significant(value, 1);
    }
    if !(1e-4..1e6).contains(&value.abs()) {
        return scientific(value);
    }
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let text = rounded.abs().to_string();
    let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
    signed(value, fixed_unsigned(rounded.abs(), decimals))
}

/// The same, always as a multiple of a power of ten: 10⁰, 5×10⁻².
pub fn scientific(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return significant(value, 1);
    }
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let scientific = format!("{:e}", rounded.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power = power_of_ten(exponent.parse().unwrap_or(0));
    signed(value, if mantissa == "1" { power } else { format!("{mantissa}×{power}") })
}

/// A count, thousands set apart.
pub fn count(value: i64) -> String {
    signed(value as f64, group_thousands(&value.unsigned_abs().to_string()))
}

/// A mean and its standard deviation, rounded alike: the deviation to two digits.
pub fn mean_and_deviation(mean: f64, deviation: f64) -> (String, String) {
    let largest = mean.abs().max(deviation.abs());
    if !(mean.is_finite() && deviation.is_finite() && deviation > 0.0) {
        return (significant(mean, 4), significant(deviation, 2));
    }
    if !(1e-3..1e6).contains(&largest) {
        return (significant(mean, 3), significant(deviation, 2));
    }
    let decimals = (1 - deviation.log10().floor() as i32).clamp(0, 6) as usize;
    (fixed(mean, decimals), fixed(deviation, decimals))
}

/// "10⁻³".
pub fn power_of_ten(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let raised = exponent.to_string();
    let raised =
        raised.chars().map(|c| c.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]));
    "10".chars().chain(raised).collect()
}

fn fixed_unsigned(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some((whole, part)) => format!("{}.{part}", group_thousands(whole)),
        None => group_thousands(&text),
    }
}

/// Narrow spaces between groups of three, from five digits on.
fn group_thousands(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.to_owned();
    }
    let mut grouped = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            grouped.push('\u{202F}');
        }
        grouped.push(digit);
    }
    grouped
}

fn signed(value: f64, unsigned: String) -> String {
    let is_zero = unsigned.chars().all(|c| matches!(c, '0' | '.'));
    if value < 0.0 && !is_zero { format!("−{unsigned}") } else { unsigned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits() {
        let cases = [
            (1.87345, "1.87"),
            (0.00099996, "0.00100"),
            (-3.2e-7, "−3.20×10⁻⁷"),
            (12345.6, "12\u{202F}346"),
            (9.9996e5, "1.00×10⁶"),
            (f64::NAN, "–"),
            (f64::INFINITY, "∞"),
            (0.0, "0"),
        ];
        for (value, expected) in cases {
            assert_eq!(significant(value, 3), expected);
        }
    }

    #[test]
    fn chosen_numbers_keep_their_digits() {
        let shown = [0.1, 0.025, 1e-6, 2.5e-6, 64.0, 0.1 + 0.2].map(chosen);
        assert_eq!(shown, ["0.1", "0.025", "10⁻⁶", "2.5×10⁻⁶", "64", "0.3"]);
    }

    #[test]
    fn a_mean_is_rounded_with_its_deviation() {
        let rounded = |mean, deviation| {
            let (mean, deviation) = mean_and_deviation(mean, deviation);
            format!("{mean} ± {deviation}")
        };
        assert_eq!(rounded(1.87345, 0.0412), "1.873 ± 0.041");
        assert_eq!(rounded(-1234.5, 56.7), "−1234 ± 57");
        assert_eq!(rounded(0.5, f64::NAN), "0.5000 ± –");
        assert_eq!(rounded(3.21e-7, 1.2e-8), "3.21×10⁻⁷ ± 1.2×10⁻⁸");
    }

    #[test]
    fn zero_has_no_sign_and_counts_are_grouped() {
        assert_eq!(fixed(-0.0001, 2), "0.00");
        assert_eq!(count(1234567), "1\u{202F}234\u{202F}567");
        assert_eq!(count(-1200), "−1200");
    }
}
