//! What `fit` prints to be read: few digits, the rest is in the other formats.

use probe::quantities::{ResampledTests, SeriesFit};
use stats::{EdfTest, FitStatus, HeldOut, Law, Rivals, TiedValue};

use crate::plot::number::significant;
use crate::terminal::aligned;

/// Both laws, tests and verdicts.
pub fn of_fits(fits: &[SeriesFit]) -> String {
    let header = [
        "name",
        "n",
        "left out",
        "α",
        "95 % interval",
        "γ",
        "δ",
        "Gauss μ",
        "Gauss σ",
        "SSE SαS",
        "SSE Gauss",
        "χ² SαS",
        "χ² Gauss",
        "LR",
        "p (FDR)",
        "tail index",
        "of",
        "least BIC",
        "AIC lead",
        "verdict",
    ];
    let rows = fits.iter().map(|fit| {
        let c = &fit.comparison;
        let (stable, gaussian) = (&c.stable.law, &c.gaussian.law);
        let interval = fit.alpha_interval;
        let ends = [interval.low, interval.high].map(|end| significant(end, 4));
        let open = if interval.open_below { "≤ " } else { "" };
        let figures = [
            stable.gamma(),
            stable.delta(),
            gaussian.mean(),
            gaussian.std(),
            c.stable_fit.sse,
            c.gaussian_fit.sse,
            c.stable_fit.chi2,
            c.gaussian_fit.chi2,
            c.likelihood_ratio,
            fit.p_adjusted,
        ];
        let mut row = vec![fit.name.clone(), fit.n_all.to_string(), left_out(fit)];
        let at_bound = if c.stable.status == FitStatus::LowerBound { "≤ " } else { "" };
        row.push(format!("{at_bound}{}", significant(stable.alpha(), 4)));
        row.push(format!("{open}{}", ends.join(" … ")));
        row.extend(figures.map(|figure| significant(figure, 4)));
        let tail = [fit.tail.low, fit.tail.high].map(|end| significant(end, 3));
        row.push(format!("{} ({})", significant(fit.tail.index, 3), tail.join(" … ")));
        row.push(fit.tail.n_top.to_string());
        row.push(fit.best_law().map_or_else(|| "–".to_owned(), |law| name_of_law(fit, law)));
        let lead = c.rivals.as_ref().map_or(f64::NAN, Rivals::stable_lead);
        row.push(significant(lead, 3));
        row.push(fit.verdict.to_string());
        row
    });
    aligned(&header, &rows.collect::<Vec<_>>()) + &notes(fits)
}

/// The share of the samples that share one value and are not fitted.
fn left_out(fit: &SeriesFit) -> String {
    fit.tied.map_or_else(
        || "–".to_owned(),
        |TiedValue { value, share, .. }| {
            format!("{} % = {}", significant(100. * share, 3), significant(value, 3))
        },
    )
}

/// A law, with a mark where its shape is at an end of the range.
fn name_of_law(fit: &SeriesFit, law: Law) -> String {
    let status = fit.comparison.rivals.as_ref().map(|rivals| match law {
        Law::Gaussian => FitStatus::Interior,
        Law::SymmetricStable => fit.comparison.stable.status,
        Law::StudentT => rivals.student_t.status,
        Law::Laplace => rivals.laplace.status,
        Law::GeneralisedGaussian => rivals.generalised_gaussian.status,
        Law::GaussianMixture => rivals.gaussian_mixture.status,
    });
    let at_bound = status.is_some_and(FitStatus::is_at_bound);
    format!("{law}{}", if at_bound { "*" } else { "" })
}

/// What the columns leave to be said.
fn notes(fits: &[SeriesFit]) -> String {
    let mut notes = String::new();
    let at_bound =
        |fit: &SeriesFit| fit.best_law().is_some_and(|law| name_of_law(fit, law).ends_with('*'));
    if fits.iter().any(at_bound) {
        notes += "  * its shape is at an end of the range that is fitted\n";
    }
    if fits.iter().any(|fit| fit.tied.is_some()) {
        notes += "  left out: samples that share one value; everything else is of the others\n";
    }
    if fits.iter().any(|fit| fit.comparison.rivals.is_some()) {
        notes += "  tail index: Hill's, of the √n samples farthest out, 95 %; 2 or less is an infinite variance\n  \
                  AIC lead: of SαS over the best law of finite variance; clear above 6 or below −6\n";
    }
    notes
}

/// p-values of the tests by simulation, and the stable law against the others on samples that were held out.
pub fn of_tests(fits: &[SeriesFit], tests: &[ResampledTests]) -> String {
    let header = [
        "p by simulation",
        "KS Gauss",
        "CvM Gauss",
        "AD Gauss",
        "KS SαS",
        "CvM SαS",
        "AD SαS",
        "sums keep α",
        "95 % bootstrap",
        "held out: SαS − Gauss",
        "best rival",
        "SαS − rival",
        "Vuong z",
        "p",
    ];
    let rows = fits.iter().zip(tests).map(|(fit, tests)| {
        let mut row = vec![fit.name.clone()];
        for EdfTest { p, .. } in [&tests.gaussian_edf, &tests.stable_edf] {
            row.extend([p.ks, p.cramer_von_mises, p.anderson_darling].map(|p| significant(p, 3)));
        }
        row.push(significant(tests.aggregation.p, 3));
        let ends = [tests.bootstrap.low, tests.bootstrap.high].map(|end| significant(end, 4));
        row.push(ends.join(" … "));
        row.push(with_error(&tests.against_gaussian));
        match &tests.against_rival {
            Some(against) => row.extend([
                against.rival.to_string(),
                with_error(&against.held_out),
                significant(against.vuong.z, 3),
                significant(against.vuong.p_two_sided, 3),
            ]),
            None => row.extend(["–"; 4].map(str::to_owned)),
        }
        row
    });
    aligned(&header, &rows.collect::<Vec<_>>())
}

fn with_error(held_out: &HeldOut) -> String {
    let HeldOut { mean_difference, standard_error } = held_out;
    format!("{} ± {}", significant(*mean_difference, 2), significant(*standard_error, 2))
}
