//! The information criteria of all laws, and the fits of the rivals.

use stats::{Comparison, FitStatus, Law, Location, Rivals, information_criteria};
use train::{Column, Table};

use super::fits::SeriesFit;

/// A parameter of a fitted rival, by name.
type Parameter = (&'static str, fn(&Rivals) -> f64);

/// How the fit of a rival ended.
type Status = fn(&Rivals) -> FitStatus;

/// Columns for the laws beside the Gaussian and the stable one; NaN, and statuses empty, where they are not fitted.
///
/// `lead_over_finite_variance` is the AIC of the best law of finite variance less that of the stable one, on which the
/// verdict rests (see [`Rivals::stable_lead`]); `infinite_variance_lead` the same for the best law of infinite variance.
pub(super) fn rivals_table(fits: &[SeriesFit], location: Location) -> Table {
    let criteria = |law: Law, ln_likelihood: fn(&Comparison) -> f64| {
        let n_parameters = law.n_parameters(location);
        let of = move |fit: &SeriesFit| {
            let comparison = &fit.comparison;
            information_criteria(ln_likelihood(comparison), n_parameters, comparison.n_samples)
        };
        fits.iter().map(of).collect::<Vec<_>>()
    };
    let gaussian = criteria(Law::Gaussian, |c| c.gaussian.ln_likelihood);
    let stable = criteria(Law::SymmetricStable, |c| c.stable.ln_likelihood);
    let mut table = Table::new()
        .with_reals("gaussian_aic", gaussian.iter().map(|criteria| criteria.aic))
        .with_reals("gaussian_bic", gaussian.iter().map(|criteria| criteria.bic))
        .with_reals("aic", stable.iter().map(|criteria| criteria.aic))
        .with_reals("bic", stable.iter().map(|criteria| criteria.bic));

    let parameters: [(Law, &str, Status, &[Parameter]); 4] = [
        (
            Law::StudentT,
            "student_t",
            |r| r.student_t.status,
            &[
                ("nu", |r| r.student_t.law.nu()),
                ("mu", |r| r.student_t.law.mu()),
                ("sigma", |r| r.student_t.law.sigma()),
            ],
        ),
        (
            Law::Laplace,
            "laplace",
            |r| r.laplace.status,
            &[("mu", |r| r.laplace.law.mu()), ("b", |r| r.laplace.law.b())],
        ),
        (
            Law::GeneralisedGaussian,
            "generalised_gaussian",
            |r| r.generalised_gaussian.status,
            &[
                ("beta", |r| r.generalised_gaussian.law.beta()),
                ("mu", |r| r.generalised_gaussian.law.mu()),
                ("scale", |r| r.generalised_gaussian.law.scale()),
            ],
        ),
        (
            Law::GaussianMixture,
            "gaussian_mixture",
            |r| r.gaussian_mixture.status,
            &[
                ("share", |r| r.gaussian_mixture.law.share()),
                ("mu", |r| r.gaussian_mixture.law.mu()),
                ("narrow", |r| r.gaussian_mixture.law.narrow()),
                ("wide", |r| r.gaussian_mixture.law.wide()),
            ],
        ),
    ];
    let of_rivals = |of: &dyn Fn(&Rivals) -> f64| -> Vec<f64> {
        let figure = |fit: &SeriesFit| fit.comparison.rivals.as_ref().map_or(f64::NAN, of);
        fits.iter().map(figure).collect()
    };
    for (law, prefix, status, parameters) in parameters {
        for (name, figure) in parameters {
            table = table.with_reals(&format!("{prefix}_{name}"), of_rivals(figure));
        }
        let of_fit = |fit: &SeriesFit| {
            fit.comparison.rivals.as_ref().map_or_else(String::new, |r| status(r).to_string())
        };
        table = table
            .with(&format!("{prefix}_status"), Column::Text(fits.iter().map(of_fit).collect()));
        let score = |of: fn(&stats::LawScore) -> f64| of_rivals(&|rivals| of(rivals.score(law)));
        table = table
            .with_reals(&format!("{prefix}_ln_likelihood"), score(|score| score.ln_likelihood))
            .with_reals(&format!("{prefix}_aic"), score(|score| score.criteria.aic))
            .with_reals(&format!("{prefix}_bic"), score(|score| score.criteria.bic))
            .with_reals(&format!("{prefix}_chi2"), score(|score| score.chi2))
            .with_reals(&format!("{prefix}_chi2_p_lower"), score(|score| score.chi2_p_lower));
    }
    table
        .with_reals("student_t_ln_likelihood_at_two", of_rivals(&|rivals| rivals.student_t_at_two))
        .with_reals("lead_over_finite_variance", of_rivals(&Rivals::stable_lead))
        .with_reals("infinite_variance_lead", of_rivals(&Rivals::infinite_variance_lead))
}
