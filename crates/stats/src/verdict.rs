//! What is said about one parameter in the end.

use std::fmt;

use crate::{Comparison, FitStatus, Law, Rivals};

/// By how much a rival's BIC must be lower than that of an adequate stable law.
const CLEARLY_BETTER: f64 = 6.0;

/// What one series shows.
///
/// Never "the stable law fits better": it contains the Gaussian, so its
/// likelihood is never lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Neither the likelihood ratio nor χ² finds anything against the Gaussian.
    GaussianNotRejected,
    /// Not heavier than Gaussian, and χ² rejects the Gaussian: light tails, two
    /// peaks, a few values only.
    NotGaussianHeavinessOpen,
    /// Heavier than Gaussian, χ² finds nothing against the stable law, and no
    /// rival is clearly better.
    HeavyStableAdequate,
    /// Heavier than Gaussian, and Student's, Laplace's or the generalised
    /// Gaussian law describes it better.
    HeavyOtherBetter,
    /// Heavier than Gaussian, χ² rejects the stable law, and no rival is both
    /// adequate and better by BIC.
    HeavyNoneAdequate,
    /// No law could be fitted: constant or zero-inflated.
    Degenerate,
}

impl Verdict {
    /// All verdicts, in the order of a summary table.
    pub const ALL: [Self; 6] = [
        Self::GaussianNotRejected,
        Self::NotGaussianHeavinessOpen,
        Self::HeavyStableAdequate,
        Self::HeavyOtherBetter,
        Self::HeavyNoneAdequate,
        Self::Degenerate,
    ];

    /// Judges one series at a significance level.
    ///
    /// `adjusted_p` is the p-value of the likelihood ratio, adjusted for the
    /// number of series ([`benjamini_hochberg`](crate::benjamini_hochberg)).
    /// The noise is called heavy where `adjusted_p ≤ level`. The likelihood ratio
    /// sees heavier tails only: where it finds nothing, `adjusted_chi2_p` decides
    /// whether the Gaussian may stand, the adjusted
    /// [`chi2_p_upper`](crate::GoodnessOfFit) of the Gaussian fit. The true
    /// p-value is at most that, so the doubt counts for the Gaussian.
    ///
    /// A law is called adequate where its `chi2_p_lower > level`, the p-value
    /// with K − 1 − p degrees of freedom. The true one lies between
    /// `chi2_p_lower` and `chi2_p_upper` (see
    /// [`GoodnessOfFit`](crate::GoodnessOfFit)); the lower is taken because
    /// "adequate" is the stronger claim, so the doubt must count against it.
    /// It errs towards "inadequate" by no more than the distance of the two.
    ///
    /// Another law is better where the best of the adequate rivals
    /// ([`Rivals::best_adequate`]) has the lower BIC: by more than 6 where the
    /// stable law is adequate too, "strong evidence" on the scale of Kass and
    /// Raftery (1995), doi:10.1080/01621459.1995.10476572, and by anything where
    /// χ² has rejected the stable law already. BIC and not Vuong's test
    /// decides, since the rivals differ from the stable law in the tails, where
    /// a thousand samples hold but a dozen outliers and Vuong's variance is
    /// poorly known.
    ///
    /// # What it says of laws that are known
    ///
    /// Shares in per cent at level 5 %, without adjustment, of 500 series (50 at
    /// N = 10⁴) as simulated in `tests/sizes.rs`; "mixture" is one sample in ten
    /// from N(0, 9) and the others from N(0, 1).
    ///
    /// | truth | N | Gaussian | not Gaussian, heaviness open | SαS adequate | other better | none adequate |
    /// |---|---|---|---|---|---|---|
    /// | Gaussian | 300 | 91.0 | 3.6 | 4.8 | 0.4 | 0.2 |
    /// | Gaussian | 1000 | 90.4 | 3.6 | 5.8 | 0.2 | 0.0 |
    /// | SαS 1.5 | 300 | 0.0 | 0.0 | 94.8 | 2.2 | 3.0 |
    /// | SαS 1.5 | 1000 | 0.0 | 0.0 | 94.0 | 1.0 | 5.0 |
    /// | SαS 1.8 | 300 | 1.6 | 0.0 | 88.0 | 3.2 | 7.2 |
    /// | SαS 1.8 | 1000 | 0.0 | 0.0 | 94.6 | 0.6 | 4.8 |
    /// | t₃ | 300 | 0.0 | 0.0 | 72.4 | 26.0 | 1.6 |
    /// | t₃ | 1000 | 0.0 | 0.0 | 30.2 | 67.8 | 2.0 |
    /// | t₃ | 10⁴ | 0 | 0 | 0 | 94 | 6 |
    /// | t₅ | 300 | 4.6 | 0.4 | 68.8 | 23.6 | 2.6 |
    /// | t₅ | 1000 | 0.0 | 0.0 | 26.0 | 70.8 | 3.2 |
    /// | Laplace | 300 | 0.2 | 0.6 | 5.6 | 92.0 | 1.6 |
    /// | Laplace | 1000 | 0.0 | 0.0 | 0.2 | 96.8 | 3.0 |
    /// | mixture | 300 | 0.2 | 0.0 | 92.4 | 4.0 | 3.4 |
    /// | mixture | 1000 | 0.0 | 0.0 | 88.6 | 5.6 | 5.8 |
    /// | mixture | 10⁴ | 0 | 0 | 78 | 2 | 20 |
    ///
    /// So "SαS adequate" is no proof of infinite variance: Student's law passes
    /// for it in a third of the series of 1000, and a mixture of two Gaussians
    /// nearly always. [`aggregation_test`](crate::aggregation_test) tells these
    /// apart.
    pub fn of(comparison: &Comparison, adjusted_p: f64, adjusted_chi2_p: f64, level: f64) -> Self {
        let degenerate =
            matches!(comparison.stable.status, FitStatus::Constant | FitStatus::ZeroInflated);
        let stable_is_adequate = comparison.stable_fit.chi2_p_lower > level;
        if degenerate || adjusted_p.is_nan() {
            Self::Degenerate
        } else if adjusted_p > level && adjusted_chi2_p > level {
            Self::GaussianNotRejected
        } else if adjusted_p > level {
            Self::NotGaussianHeavinessOpen
        } else if lead_of_rivals(comparison.rivals.as_ref(), level)
            > if stable_is_adequate { CLEARLY_BETTER } else { 0.0 }
        {
            Self::HeavyOtherBetter
        } else if stable_is_adequate {
            Self::HeavyStableAdequate
        } else {
            Self::HeavyNoneAdequate
        }
    }
}

/// By how much the BIC of the best adequate rival is lower than that of the
/// stable law; minus infinity where there is no such rival.
fn lead_of_rivals(rivals: Option<&Rivals>, level: f64) -> f64 {
    rivals
        .and_then(|rivals| {
            let other = rivals.best_adequate(level)?;
            Some(rivals.score(Law::SymmetricStable).criteria.bic - other.criteria.bic)
        })
        .unwrap_or(f64::NEG_INFINITY)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::GaussianNotRejected => "Gaussian not rejected",
            Self::NotGaussianHeavinessOpen => "not Gaussian, heaviness open",
            Self::HeavyStableAdequate => "heavy, SαS adequate",
            Self::HeavyOtherBetter => "heavy, another law better",
            Self::HeavyNoneAdequate => "heavy, none adequate",
            Self::Degenerate => "degenerate",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Binning, Location, compare, rivals};

    /// A series with given figures: p-values of χ² of the stable law, Student's
    /// and Laplace's, and by how much the BIC of these two is below that of the
    /// stable law.
    struct Case {
        status: FitStatus,
        stable_p: f64,
        rivals: Option<[(f64, f64); 2]>,
    }

    impl Case {
        fn comparison(&self) -> Comparison {
            let samples: Vec<f64> = (0..60).map(f64::from).collect();
            let mut comparison = compare(&samples, Location::Free, Binning::default()).unwrap();
            comparison.stable.status = self.status;
            comparison.stable_fit.chi2_p_lower = self.stable_p;
            comparison.stable_fit.chi2_p_upper = 0.9;
            comparison.rivals = self.rivals.map(|[student_t, laplace]| {
                let mut rivals = rivals(&samples, Location::Free).unwrap();
                let undefined = (f64::NAN, f64::NAN);
                let figures = [undefined, (self.stable_p, 0.0), student_t, laplace, undefined];
                for (score, (p, lead)) in rivals.scores.iter_mut().zip(figures) {
                    score.chi2_p_lower = p;
                    score.criteria.bic = 100.0 - lead;
                }
                rivals
            });
            comparison
        }
    }

    #[track_caller]
    fn check(case: Case, adjusted_p: f64, text: &str) {
        let verdict = Verdict::of(&case.comparison(), adjusted_p, 0.2, 0.05);
        assert_eq!(verdict.to_string(), text);
        assert!(Verdict::ALL.contains(&verdict));
    }

    #[test]
    fn what_is_not_heavy_need_not_be_gaussian() {
        let uniform: Vec<f64> = (0..1000).map(f64::from).collect();
        let comparison = compare(&uniform, Location::Free, Binning::default()).unwrap();
        let chi2_p = comparison.gaussian_fit.chi2_p_upper;
        assert!(chi2_p < 1e-9);
        assert_eq!(Verdict::of(&comparison, 1.0, chi2_p, 0.05), Verdict::NotGaussianHeavinessOpen);
        assert_eq!(Verdict::of(&comparison, 1.0, 0.06, 0.05), Verdict::GaussianNotRejected);
    }

    #[test]
    fn without_rivals() {
        let case = |status, stable_p| Case { status, stable_p, rivals: None };
        check(case(FitStatus::Boundary, 0.5), 1.0, "Gaussian not rejected");
        check(case(FitStatus::Interior, 0.5), 0.051, "Gaussian not rejected");
        check(case(FitStatus::Interior, 0.5), 0.05, "heavy, SαS adequate");
        check(case(FitStatus::LowerBound, 0.5), 0.001, "heavy, SαS adequate");
        check(case(FitStatus::Interior, 0.05), 0.001, "heavy, none adequate");
        check(case(FitStatus::Interior, 0.5), f64::NAN, "degenerate");
        check(case(FitStatus::Constant, f64::NAN), 0.001, "degenerate");
        check(case(FitStatus::ZeroInflated, f64::NAN), 0.001, "degenerate");
    }

    #[test]
    fn among_rivals() {
        let case =
            |stable_p, rivals| Case { status: FitStatus::Interior, stable_p, rivals: Some(rivals) };
        // Both adequate: 6 decides.
        check(case(0.5, [(0.5, 6.1), (0.5, -9.0)]), 0.01, "heavy, another law better");
        check(case(0.5, [(0.5, 5.9), (0.5, -9.0)]), 0.01, "heavy, SαS adequate");
        // Only one that is adequate itself counts.
        check(case(0.5, [(0.05, 50.0), (0.5, 1.0)]), 0.01, "heavy, SαS adequate");
        check(case(0.5, [(0.05, 50.0), (0.06, 7.0)]), 0.01, "heavy, another law better");
        // The stable law is rejected: any lead does.
        check(case(0.05, [(0.5, 0.1), (0.01, 9.0)]), 0.01, "heavy, another law better");
        check(case(0.05, [(0.5, -0.1), (0.01, 9.0)]), 0.01, "heavy, none adequate");
        check(case(0.05, [(0.01, 9.0), (0.01, 9.0)]), 0.01, "heavy, none adequate");
        // No figures of a rival, no rival.
        let nan = (f64::NAN, f64::NAN);
        check(case(0.5, [nan, nan]), 0.01, "heavy, SαS adequate");
        // Nothing is heavy: rivals do not matter.
        check(case(0.01, [(0.5, 9.0), nan]), 0.2, "Gaussian not rejected");
    }
}
