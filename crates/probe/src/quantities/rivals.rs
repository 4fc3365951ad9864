//! The information criteria of all laws, and the fits of the rivals.

use stats::{Comparison, Law, Location, Rivals, information_criteria};
use train::Table;

use super::fits::SeriesFit;

/// A parameter of a fitted rival, by name.
type Parameter = (&'static str, fn(&Rivals) -> f64);

/// Columns for the laws beside the Gaussian and the stable one; NaN where they are not fitted.
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

    let parameters: [(Law, &str, &[Parameter]); 3] = [
        (
            Law::StudentT,
            "student_t",
            &[
                ("nu", |r| r.student_t.law.nu()),
                ("mu", |r| r.student_t.law.mu()),
                ("sigma", |r| r.student_t.law.sigma()),
            ],
        ),
        (Law::Laplace, "laplace", &[("mu", |r| r.laplace.law.mu()), ("b", |r| r.laplace.law.b())]),
        (
            Law::GeneralisedGaussian,
            "generalised_gaussian",
            &[
                ("beta", |r| r.generalised_gaussian.law.beta()),
                ("mu", |r| r.generalised_gaussian.law.mu()),
                ("scale", |r| r.generalised_gaussian.law.scale()),
            ],
        ),
    ];
    let of_rivals = |of: &dyn Fn(&Rivals) -> f64| -> Vec<f64> {
        let figure = |fit: &SeriesFit| fit.comparison.rivals.as_ref().map_or(f64::NAN, of);
        fits.iter().map(figure).collect()
    };
    for (law, prefix, parameters) in parameters {
        for (name, figure) in parameters {
            table = table.with_reals(&format!("{prefix}_{name}"), of_rivals(figure));
        }
        let score = |of: fn(&stats::LawScore) -> f64| of_rivals(&|rivals| of(rivals.score(law)));
        table = table
            .with_reals(&format!("{prefix}_ln_likelihood"), score(|score| score.ln_likelihood))
            .with_reals(&format!("{prefix}_aic"), score(|score| score.criteria.aic))
            .with_reals(&format!("{prefix}_bic"), score(|score| score.criteria.bic))
            .with_reals(&format!("{prefix}_chi2"), score(|score| score.chi2))
            .with_reals(&format!("{prefix}_chi2_p_lower"), score(|score| score.chi2_p_lower));
    }
    table
}
