//! What is said about one parameter in the end.

use std::fmt;

use crate::{Comparison, FitStatus};

/// What one series shows.
///
/// Never "the stable law fits better": it contains the Gaussian, so its
/// likelihood is never lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The likelihood ratio is one that Gaussian noise produces easily.
    GaussianNotRejected,
    /// Heavier than Gaussian, and χ² finds nothing against the stable law.
    HeavyStableAdequate,
    /// Heavier than Gaussian, but not stable either.
    HeavyStableInadequate,
    /// No law could be fitted: constant or zero-inflated.
    Degenerate,
}

impl Verdict {
    /// All verdicts, in the order of a summary table.
    pub const ALL: [Self; 4] = [
        Self::GaussianNotRejected,
        Self::HeavyStableAdequate,
        Self::HeavyStableInadequate,
        Self::Degenerate,
    ];

    /// Judges one series at a significance level.
    ///
    /// `adjusted_p` is the p-value of the likelihood ratio, adjusted for the
    /// number of series ([`benjamini_hochberg`](crate::benjamini_hochberg)).
    /// The noise is called heavy where `adjusted_p ≤ level`.
    ///
    /// The stable law is called adequate where `chi2_p_lower > level`, the
    /// p-value with K − 1 − p degrees of freedom. The true one lies between
    /// `chi2_p_lower` and `chi2_p_upper` (see
    /// [`GoodnessOfFit`](crate::GoodnessOfFit)); the lower is taken because
    /// "adequate" is the stronger claim, so the doubt must count against it.
    /// It errs towards "inadequate" by no more than the distance of the two.
    pub fn of(comparison: &Comparison, adjusted_p: f64, level: f64) -> Self {
        let degenerate =
            matches!(comparison.stable.status, FitStatus::Constant | FitStatus::ZeroInflated);
        if degenerate || adjusted_p.is_nan() {
            Self::Degenerate
        } else if adjusted_p > level {
            Self::GaussianNotRejected
        } else if comparison.stable_fit.chi2_p_lower > level {
            Self::HeavyStableAdequate
        } else {
            Self::HeavyStableInadequate
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::GaussianNotRejected => "Gaussian not rejected",
            Self::HeavyStableAdequate => "heavy, SαS adequate",
            Self::HeavyStableInadequate => "heavy, SαS inadequate",
            Self::Degenerate => "degenerate",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Binning, Location, compare};

    fn comparison(status: FitStatus, chi2_p_lower: f64, chi2_p_upper: f64) -> Comparison {
        let samples: Vec<f64> = (0..60).map(f64::from).collect();
        let mut comparison = compare(&samples, Location::Free, Binning::default()).unwrap();
        comparison.stable.status = status;
        comparison.stable_fit.chi2_p_lower = chi2_p_lower;
        comparison.stable_fit.chi2_p_upper = chi2_p_upper;
        comparison
    }

    #[test]
    fn verdicts() {
        let check = |status, chi2_p_lower, adjusted_p, text: &str| {
            let verdict = Verdict::of(&comparison(status, chi2_p_lower, 0.9), adjusted_p, 0.05);
            assert_eq!(verdict.to_string(), text);
            assert!(Verdict::ALL.contains(&verdict));
        };
        check(FitStatus::Boundary, 0.5, 1.0, "Gaussian not rejected");
        check(FitStatus::Interior, 0.5, 0.051, "Gaussian not rejected");
        check(FitStatus::Interior, 0.5, 0.05, "heavy, SαS adequate");
        check(FitStatus::LowerBound, 0.5, 0.001, "heavy, SαS adequate");
        check(FitStatus::Interior, 0.05, 0.001, "heavy, SαS inadequate");
        check(FitStatus::Interior, 0.5, f64::NAN, "degenerate");
        check(FitStatus::Constant, f64::NAN, 0.001, "degenerate");
        check(FitStatus::ZeroInflated, f64::NAN, 0.001, "degenerate");
    }
}
