//! What can be wrong with a parameter or a series, told in one line.

use thiserror::Error;

/// A parameter outside its range, or a series that no law can be fitted to.
///
/// Each message names the thing, its value and the permitted range.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum StatsError {
    /// The stability index is not in (0, 2].
    #[error("stability index alpha = {alpha} is outside (0, 2]")]
    StabilityIndex {
        /// The value given.
        alpha: f64,
    },
    /// The scale of a stable law or the standard deviation of a Gaussian is
    /// not a positive finite number.
    #[error("{name} = {value} is not a positive finite number")]
    Scale {
        /// `"scale gamma"` or `"standard deviation"`.
        name: &'static str,
        /// The value given.
        value: f64,
    },
    /// The location of a law is not a finite number.
    #[error("location = {value} is not a finite number")]
    Location {
        /// The value given.
        value: f64,
    },
    /// The share of a component is not in [0, 1].
    #[error("share = {share} is outside [0, 1]")]
    Share {
        /// The value given.
        share: f64,
    },
    /// The narrower component of a mixture is wider than the wider one.
    #[error("the narrower standard deviation = {narrow} is above the wider = {wide}")]
    Order {
        /// What was given for the narrower.
        narrow: f64,
        /// What was given for the wider.
        wide: f64,
    },
    /// A sample is NaN or infinite.
    #[error("sample {sample_idx} is {value}")]
    NotFinite {
        /// Position in the series, counted from 0.
        sample_idx: usize,
        /// NaN or an infinity.
        value: f64,
    },
    /// The samples are so far apart that their range is not a number.
    #[error("samples range from {low:e} to {high:e}, their difference must be below 1.8e308")]
    Range {
        /// The smallest sample.
        low: f64,
        /// The greatest sample.
        high: f64,
    },
    /// Most samples are as good as equal beside the farthest.
    #[error(
        "samples range over {spread:e} times the scale of their middle half, at most {maximum:e}"
    )]
    Spread {
        /// The range over the standardised interquartile range.
        spread: f64,
        /// The greatest that can be fitted.
        maximum: f64,
    },
    /// The series is too short for a fit.
    #[error("series of length {n_samples}, at least {minimum} samples are needed")]
    TooFewSamples {
        /// Length of the series.
        n_samples: usize,
        /// The least length that can be fitted.
        minimum: usize,
    },
    /// The columns of a table differ in length.
    #[error("column {column_idx} has {n_samples} samples, the first has {expected}")]
    UnequalLengths {
        /// Position of the column, counted from 0.
        column_idx: usize,
        /// Its length.
        n_samples: usize,
        /// The length of the first column.
        expected: usize,
    },
    /// The level of a confidence interval is not in (0, 1).
    #[error("level = {level} is outside (0, 1)")]
    Level {
        /// The value given.
        level: f64,
    },
    /// Words that no [`Verdict`](crate::Verdict) has.
    #[error("no such verdict")]
    Verdict,
    /// A count that must be positive is zero.
    #[error("{name} = 0, at least 1 is needed")]
    ZeroCount {
        /// What was to be counted, such as `"histogram_bins"`.
        name: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: StatsError, message: &str) {
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn messages() {
        check(
            StatsError::StabilityIndex { alpha: 2.3 },
            "stability index alpha = 2.3 is outside (0, 2]",
        );
        check(
            StatsError::Scale { name: "scale gamma", value: -1.0 },
            "scale gamma = -1 is not a positive finite number",
        );
        check(StatsError::Location { value: f64::NAN }, "location = NaN is not a finite number");
        check(StatsError::NotFinite { sample_idx: 17, value: f64::NAN }, "sample 17 is NaN");
        check(
            StatsError::NotFinite { sample_idx: 3, value: f64::NEG_INFINITY },
            "sample 3 is -inf",
        );
        check(
            StatsError::TooFewSamples { n_samples: 12, minimum: 50 },
            "series of length 12, at least 50 samples are needed",
        );
        check(
            StatsError::UnequalLengths { column_idx: 2, n_samples: 99, expected: 100 },
            "column 2 has 99 samples, the first has 100",
        );
        check(StatsError::Level { level: 95.0 }, "level = 95 is outside (0, 1)");
        check(
            StatsError::ZeroCount { name: "histogram_bins" },
            "histogram_bins = 0, at least 1 is needed",
        );
    }
}
