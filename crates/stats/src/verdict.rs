//! What is said about one parameter in the end.

use std::fmt;
use std::str::FromStr;

use crate::{Comparison, Law, Rivals, StatsError};

/// By how much the AIC of one side must be lower before it is called better.
const CLEARLY_BETTER: f64 = 6.0;

/// What one series shows.
///
/// Never "the stable law fits better": it contains the Gaussian, so its
/// likelihood is never lower. And never "stable" for not being rejected: a law of
/// finite variance may do as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Neither the likelihood ratio nor χ² finds anything against the Gaussian.
    GaussianNotRejected,
    /// Not heavier than Gaussian, and χ² rejects the Gaussian: light tails, two
    /// peaks, a few values only.
    NotGaussianHeavinessOpen,
    /// Heavier than Gaussian, and the stable law is adequate and clearly better
    /// than every law of finite variance.
    HeavyStable,
    /// Heavier than Gaussian, and the stable law or Student's with ν ≤ 2 is
    /// clearly better than every law of finite variance, but it is not clearly the
    /// stable one.
    HeavyInfiniteVariance,
    /// Heavier than Gaussian, and the stable law and one of finite variance do as
    /// well.
    HeavyNotToldApart,
    /// Heavier than Gaussian, and an adequate law of finite variance is clearly
    /// better than those of infinite variance, or better where χ² rejects these.
    HeavyFiniteVariance,
    /// Heavier than Gaussian, and χ² rejects every law.
    HeavyNoneAdequate,
    /// Heavier than Gaussian, and the rivals of the stable law were not fitted.
    HeavyNotCompared,
    /// No law could be fitted: constant, zero-inflated, or beyond the range of
    /// numbers.
    Degenerate,
}

impl Verdict {
    /// All verdicts, in the order of a summary table.
    pub const ALL: [Self; 9] = [
        Self::GaussianNotRejected,
        Self::NotGaussianHeavinessOpen,
        Self::HeavyStable,
        Self::HeavyInfiniteVariance,
        Self::HeavyNotToldApart,
        Self::HeavyFiniteVariance,
        Self::HeavyNoneAdequate,
        Self::HeavyNotCompared,
        Self::Degenerate,
    ];

    /// Judges one series at a significance level.
    ///
    /// # Heavy or not
    ///
    /// `adjusted_p` is the p-value of the likelihood ratio, adjusted for the
    /// number of series ([`benjamini_hochberg`](crate::benjamini_hochberg)).
    /// The noise is called heavy where `adjusted_p ≤ level`. The likelihood ratio
    /// sees heavier tails only: where it finds nothing, `adjusted_chi2_p` decides
    /// whether the Gaussian may stand, the adjusted
    /// [`chi2_p_upper`](crate::GoodnessOfFit) of the Gaussian fit. The true
    /// p-value is at most that, so the doubt counts for the Gaussian.
    ///
    /// # Of finite variance or not
    ///
    /// Laws are compared by AIC. Of infinite variance are the stable law with
    /// α < 2 and Student's with ν ≤ 2; of finite variance are Student's with
    /// ν > 2, Laplace's, the generalised Gaussian, the mixture of two Gaussians,
    /// and the Gaussian. Student's law stands on both sides, with the greatest
    /// likelihood over its ν on each: where ν̂ is 2.3, that of ν = 2 speaks for the
    /// infinite variance. One side is clearly better where its best AIC is
    /// lower by more than 6 ([`Rivals::infinite_variance_lead`],
    /// [`Rivals::stable_lead`]), for laws with as many parameters a likelihood
    /// ratio of 20; that is the margin at which the
    /// [confusion table](crate#verdicts) calls at most 1 % of the series from a law
    /// of finite variance stable. BIC would do worse: at N = 1000 its price of ln N
    /// for the fourth parameter of the mixture hands 5 % of the series from one to
    /// the stable law. Vuong's test would, too: the laws differ in the tails, where
    /// a thousand samples hold but a dozen outliers and its variance is poorly
    /// known.
    ///
    /// # Adequate or not
    ///
    /// A law is called adequate where its `chi2_p_lower > level`, the p-value
    /// with K − 1 − p degrees of freedom. The true one lies between
    /// `chi2_p_lower` and `chi2_p_upper` (see
    /// [`GoodnessOfFit`](crate::GoodnessOfFit)); the lower is taken because
    /// "adequate" is the stronger claim, so the doubt must count against it.
    /// It errs towards "inadequate" by no more than the distance of the two. The
    /// stable law must also pass [`aggregation_test`](crate::aggregation_test)
    /// at the level, where its `aggregation_p` is given. An adequate law of
    /// finite variance needs no margin where no adequate one of infinite variance
    /// stands against it, only the lower AIC.
    pub fn of(
        comparison: &Comparison,
        adjusted_p: f64,
        adjusted_chi2_p: f64,
        aggregation_p: Option<f64>,
        level: f64,
    ) -> Self {
        if comparison.stable.status.is_degenerate() || adjusted_p.is_nan() {
            Self::Degenerate
        } else if adjusted_p > level && adjusted_chi2_p > level {
            Self::GaussianNotRejected
        } else if adjusted_p > level {
            Self::NotGaussianHeavinessOpen
        } else {
            let keeps_alpha = aggregation_p.is_none_or(|p| p.is_nan() || p > level);
            let stable_is_adequate = comparison.stable_fit.chi2_p_lower > level && keeps_alpha;
            match &comparison.rivals {
                Some(rivals) => Self::of_heavy(rivals, stable_is_adequate, level),
                None => Self::HeavyNotCompared,
            }
        }
    }

    fn of_heavy(rivals: &Rivals, stable_is_adequate: bool, level: f64) -> Self {
        let student_t = rivals.score(Law::StudentT);
        // With ν = 2, too, where that is not clearly worse.
        let behind_best = rivals.student_t_aic_up_to_two() - student_t.criteria.aic;
        let student_is_adequate = behind_best <= CLEARLY_BETTER && student_t.chi2_p_lower > level;
        let one_is_adequate = stable_is_adequate || student_is_adequate;
        let finite = rivals.best_adequate_of_finite_variance(level);
        if !one_is_adequate && finite.is_none() {
            return Self::HeavyNoneAdequate;
        }
        let stable = rivals.score(Law::SymmetricStable);
        // The best adequate law of infinite variance.
        let infinite = f64::min(
            if stable_is_adequate { stable.criteria.aic } else { f64::INFINITY },
            if student_is_adequate { rivals.student_t_aic_up_to_two() } else { f64::INFINITY },
        );
        if rivals.least_aic_of_finite_variance() - infinite > CLEARLY_BETTER {
            // An AIC that is not a number is of no better law.
            let student_is_better = stable.criteria.aic - student_t.criteria.aic > CLEARLY_BETTER;
            let is_stable =
                stable_is_adequate && rivals.stable_lead() > CLEARLY_BETTER && !student_is_better;
            return if is_stable { Self::HeavyStable } else { Self::HeavyInfiniteVariance };
        }
        let margin = if one_is_adequate { CLEARLY_BETTER } else { 0.0 };
        let finite_lead =
            finite.map(|score| rivals.least_aic_of_infinite_variance() - score.criteria.aic);
        match finite_lead {
            Some(lead) if lead > margin => Self::HeavyFiniteVariance,
            _ => Self::HeavyNotToldApart,
        }
    }

    /// Whether it says that the tails are heavier than Gaussian.
    pub fn is_heavy(self) -> bool {
        match self {
            Self::GaussianNotRejected | Self::NotGaussianHeavinessOpen | Self::Degenerate => false,
            Self::HeavyStable
            | Self::HeavyInfiniteVariance
            | Self::HeavyNotToldApart
            | Self::HeavyFiniteVariance
            | Self::HeavyNoneAdequate
            | Self::HeavyNotCompared => true,
        }
    }

    /// Its words, also its name in tables.
    pub fn label(self) -> &'static str {
        match self {
            Self::GaussianNotRejected => "Gaussian not rejected",
            Self::NotGaussianHeavinessOpen => "not Gaussian, heaviness open",
            Self::HeavyStable => "heavy, SαS",
            Self::HeavyInfiniteVariance => "heavy, infinite variance",
            Self::HeavyNotToldApart => "heavy, SαS or finite variance",
            Self::HeavyFiniteVariance => "heavy, finite variance",
            Self::HeavyNoneAdequate => "heavy, none adequate",
            Self::HeavyNotCompared => "heavy, not compared",
            Self::Degenerate => "degenerate",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl FromStr for Verdict {
    type Err = StatsError;

    /// The verdict with these words.
    fn from_str(label: &str) -> Result<Self, StatsError> {
        let known = Self::ALL.into_iter().find(|verdict| verdict.label() == label);
        known.ok_or(StatsError::Verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Binning, FitStatus, Location, compare, rivals};

    /// A series with given figures: p-values of χ² of the stable law, Laplace's and
    /// Student's; by how much the AIC of the latter two is below that of the
    /// stable law; and ν.
    struct Case {
        status: FitStatus,
        stable_p: f64,
        rivals: Option<Figures>,
        aggregation_p: Option<f64>,
    }

    #[derive(Clone, Copy)]
    struct Figures {
        laplace: (f64, f64),
        student_t: (f64, f64),
        nu: f64,
        at_two: f64,
    }

    impl Case {
        fn comparison(&self) -> Comparison {
            let samples: Vec<f64> = (0..60).map(f64::from).collect();
            let mut comparison = compare(&samples, Location::Free, Binning::default()).unwrap();
            comparison.stable.status = self.status;
            comparison.stable_fit.chi2_p_lower = self.stable_p;
            comparison.stable_fit.chi2_p_upper = 0.9;
            comparison.rivals = self.rivals.map(|Figures { laplace, student_t, nu, at_two }| {
                let mut rivals = rivals(&samples, Location::Free).unwrap();
                let undefined = (f64::NAN, f64::NAN);
                let stable = (self.stable_p, 0.0);
                let figures = [undefined, stable, student_t, laplace, undefined, undefined];
                for (score, (p, lead)) in rivals.scores.iter_mut().zip(figures) {
                    score.chi2_p_lower = p;
                    score.criteria.aic = 100.0 - lead;
                    score.ln_likelihood = -0.5 * (94.0 - lead);
                }
                rivals.student_t.law = crate::StudentT::new(nu, 0.0, 1.0).unwrap();
                rivals.student_t_at_two = -0.5 * (94.0 - at_two);
                rivals
            });
            comparison
        }
    }

    #[track_caller]
    fn check(case: Case, adjusted_p: f64, expected: Verdict) {
        let verdict = Verdict::of(&case.comparison(), adjusted_p, 0.2, case.aggregation_p, 0.05);
        assert_eq!(verdict, expected);
    }

    #[test]
    fn what_is_not_heavy_need_not_be_gaussian() {
        let uniform: Vec<f64> = (0..1000).map(f64::from).collect();
        let comparison = compare(&uniform, Location::Free, Binning::default()).unwrap();
        let chi2_p = comparison.gaussian_fit.chi2_p_upper;
        assert!(chi2_p < 1e-9);
        let of = |chi2_p| Verdict::of(&comparison, 1.0, chi2_p, None, 0.05);
        assert_eq!(of(chi2_p), Verdict::NotGaussianHeavinessOpen);
        assert_eq!(of(0.06), Verdict::GaussianNotRejected);
    }

    #[test]
    fn without_rivals() {
        let case = |status, stable_p| Case { status, stable_p, rivals: None, aggregation_p: None };
        check(case(FitStatus::Boundary, 0.5), 1.0, Verdict::GaussianNotRejected);
        check(case(FitStatus::Interior, 0.5), 0.051, Verdict::GaussianNotRejected);
        check(case(FitStatus::Interior, 0.5), 0.05, Verdict::HeavyNotCompared);
        check(case(FitStatus::LowerBound, 0.01), 0.001, Verdict::HeavyNotCompared);
        check(case(FitStatus::Interior, 0.5), f64::NAN, Verdict::Degenerate);
        check(case(FitStatus::Constant, f64::NAN), 0.001, Verdict::Degenerate);
        check(case(FitStatus::ZeroInflated, f64::NAN), 0.001, Verdict::Degenerate);
    }

    const NOTHING: (f64, f64) = (0.01, -99.0);

    fn case(stable_p: f64, laplace: (f64, f64)) -> Case {
        let rivals = Figures { laplace, student_t: NOTHING, nu: 5.0, at_two: -99.0 };
        Case { status: FitStatus::Interior, stable_p, rivals: Some(rivals), aggregation_p: None }
    }

    #[test]
    fn stable_or_of_finite_variance() {
        // Both adequate: 6 decides, either way.
        check(case(0.5, (0.5, 6.1)), 0.01, Verdict::HeavyFiniteVariance);
        check(case(0.5, (0.5, 5.9)), 0.01, Verdict::HeavyNotToldApart);
        check(case(0.5, (0.5, -5.9)), 0.01, Verdict::HeavyNotToldApart);
        check(case(0.5, (0.5, -6.1)), 0.01, Verdict::HeavyStable);
        // A law that χ² rejects can stand in the way, and nothing more.
        check(case(0.5, (0.05, 50.0)), 0.01, Verdict::HeavyNotToldApart);
        check(case(0.5, (0.05, -5.9)), 0.01, Verdict::HeavyNotToldApart);
        check(case(0.5, (0.05, -6.1)), 0.01, Verdict::HeavyStable);
        // The stable law is rejected: any lead does.
        check(case(0.05, (0.5, 0.1)), 0.01, Verdict::HeavyFiniteVariance);
        check(case(0.05, (0.5, -0.1)), 0.01, Verdict::HeavyNotToldApart);
        check(case(0.05, (0.5, -50.0)), 0.01, Verdict::HeavyNotToldApart);
        check(case(0.05, (0.05, 9.0)), 0.01, Verdict::HeavyNoneAdequate);
        // Nothing is heavy: rivals do not matter.
        check(case(0.01, (0.5, 9.0)), 0.2, Verdict::GaussianNotRejected);
    }

    #[test]
    fn a_stable_law_keeps_its_alpha() {
        let sums = |p, case: Case| Case { aggregation_p: Some(p), ..case };
        check(sums(0.06, case(0.5, (0.5, -6.1))), 0.01, Verdict::HeavyStable);
        check(sums(f64::NAN, case(0.5, (0.5, -6.1))), 0.01, Verdict::HeavyStable);
        check(sums(0.05, case(0.5, (0.5, -6.1))), 0.01, Verdict::HeavyNotToldApart);
        check(sums(0.05, case(0.5, (0.5, 0.1))), 0.01, Verdict::HeavyFiniteVariance);
        check(sums(0.06, case(0.5, (0.5, 0.1))), 0.01, Verdict::HeavyNotToldApart);
    }

    /// Student's law counts by its ν, and where that is uncertain on both sides.
    #[test]
    fn students_law_on_both_sides() {
        let student = |stable_p, student_t: (f64, f64), nu: f64, at_two: f64| {
            let rivals = Figures { laplace: NOTHING, student_t, nu, at_two };
            Case {
                status: FitStatus::Interior,
                stable_p,
                rivals: Some(rivals),
                aggregation_p: None,
            }
        };
        // ν̂ = 1.5 leads, and ν = 2 is far behind it.
        let infinite = Verdict::HeavyInfiniteVariance;
        check(student(0.5, (0.5, 9.0), 1.5, -9.0), 0.01, infinite);
        check(student(0.01, (0.5, 9.0), 1.5, -9.0), 0.01, infinite);
        check(student(0.5, (0.5, 4.0), 1.5, -9.0), 0.01, Verdict::HeavyStable);
        // Clearly of infinite variance, while the stable law by itself is not clear.
        check(student(0.5, (0.5, 4.0), 1.5, -4.0), 0.01, infinite);
        // ν = 2 is as good: the variance is open, also where χ² rejects the stable law.
        check(student(0.01, (0.5, 9.0), 2.1, 8.0), 0.01, Verdict::HeavyNotToldApart);
        check(student(0.01, (0.5, 9.0), 2.9, 2.0), 0.01, Verdict::HeavyFiniteVariance);
        check(student(0.5, (0.5, 9.0), 1.5, 4.0), 0.01, Verdict::HeavyNotToldApart);
        check(student(0.5, (0.5, 9.0), 2.5, 4.0), 0.01, Verdict::HeavyNotToldApart);
        check(student(0.5, (0.5, 9.0), 2.5, 2.0), 0.01, Verdict::HeavyFiniteVariance);
    }

    #[test]
    fn labels() {
        for verdict in Verdict::ALL {
            assert_eq!(verdict.to_string().parse(), Ok(verdict));
        }
        assert_eq!("heavy, SαS adequate".parse::<Verdict>(), Err(StatsError::Verdict));
        assert_eq!(Verdict::ALL.iter().filter(|verdict| verdict.is_heavy()).count(), 6);
    }
}
