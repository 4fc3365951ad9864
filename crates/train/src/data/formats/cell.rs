//! The cells of tables in text, judged by their characters.

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing, or a word for a missing value.
    Missing,
    /// A number.
    Number(Written),
    /// Anything else.
    Text,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    /// Significant digits, without the zeros at either end; 1 for zero and for infinity.
    pub n_digits: usize,
    /// Whether there are digits alone, perhaps after a sign.
    pub is_whole: bool,
    /// `.` or `,`, where it has one.
    pub mark: Option<u8>,
}

impl Cell {
    /// Judges a cell; whatever is a number here is one to [`number`], with the decimal mark that it has.
    pub(crate) fn of(text: &str) -> Self {
        if is_missing(text) {
            return Self::Missing;
        }
        Written::of(text).map_or(Self::Text, Self::Number)
    }
}

impl Written {
    fn of(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
            return Some(Self { n_digits: 1, is_whole: false, mark: None });
        }
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (unsigned, None),
        };
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(exponent) = exponent {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if digits.is_empty() || !is_digits(digits) {
                return None;
            }
        }
        let mark = mantissa.bytes().find(|byte| matches!(byte, b'.' | b','));
        let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
        let holds = is_digits(whole) && is_digits(fraction) && whole.len() + fraction.len() > 0;
        let n_digits = || {
            let digits = || whole.bytes().chain(fraction.bytes());
            let (first, last) = (
                digits().position(|digit| digit != b'0')?,
                digits().rev().position(|digit| digit != b'0')?,
            );
            Some(whole.len() + fraction.len() - first - last)
        };
        holds.then(|| Self {
            n_digits: n_digits().unwrap_or(1),
            is_whole: mark.is_none() && exponent.is_none(),
            mark,
        })
    }
}

/// Whether a cell is empty or a word for a missing value.
pub(crate) fn is_missing(text: &str) -> bool {
    text.is_empty()
        || text == "?"
        || text.eq_ignore_ascii_case("na")
        || text.eq_ignore_ascii_case("nan")
}

/// The value of a number, finite or not, with a decimal point or, if it is so `with_comma`, with a comma.
pub(crate) fn number(text: &str, with_comma: bool) -> Option<f64> {
    match with_comma && text.contains(',') {
        true if text.contains('.') => None,
        true => text.replace(',', ".").parse().ok(),
        false => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<(usize, bool, Option<u8>)> {
        match Cell::of(text) {
            Cell::Number(Written { n_digits, is_whole, mark }) => Some((n_digits, is_whole, mark)),
            _ => None,
        }
    }

    #[test]
    fn significant_digits_of_numbers() {
        assert_eq!(written("0.0012957"), Some((5, false, Some(b'.'))));
        assert_eq!(written("-0,298746"), Some((6, false, Some(b','))));
        assert_eq!(written("1e-3"), Some((1, false, None)));
        assert_eq!(written("+1200"), Some((2, true, None)));
        assert_eq!(written("0"), Some((1, true, None)));
        assert_eq!(written("0.0"), Some((1, false, Some(b'.'))));
        assert_eq!(written("1.50"), Some((2, false, Some(b'.'))));
        assert_eq!(written("-inf"), Some((1, false, None)));
    }

    #[test]
    fn numbers_are_what_the_standard_library_reads() {
        for text in ["1", "-1.5e-3", ".5", "5.", "+1E5", "inf", "-Infinity"] {
            assert!(matches!(Cell::of(text), Cell::Number(_)), "{text}");
            assert!(number(text, false).is_some() && number(text, true).is_some(), "{text}");
        }
        for text in
            ["1,2,3", "1.5.2", "1.000,5", ".", "e5", "1e", "1e+", "0x10", "1_0", "1 2", "--1", "a"]
        {
            assert_eq!(Cell::of(text), Cell::Text, "{text}");
            assert!(number(text, false).is_none() && number(text, true).is_none(), "{text}");
        }
        for text in ["", "?", "NA", "nan"] {
            assert_eq!(Cell::of(text), Cell::Missing, "{text}");
        }
        assert_eq!((number("0,5", true), number("0,5", false)), (Some(0.5), None));
    }
}
