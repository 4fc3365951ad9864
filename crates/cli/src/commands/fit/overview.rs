//! What `fit` prints to be read: few digits, the rest is in the other formats.

use probe::quantities::{ResampledTests, SeriesFit};
use stats::{EdfTest, HeldOut};

use crate::plot::number::significant;
use crate::terminal::aligned;

/// Both laws, tests and verdicts.
pub fn of_fits(fits: &[SeriesFit]) -> String {
    let header = [
        "name",
        "n",
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
        "least BIC",
        "verdict",
    ];
    let rows = fits.iter().map(|fit| {
        let c = &fit.comparison;
        let (stable, gaussian) = (&c.stable.law, &c.gaussian.law);
        let interval = fit.alpha_interval;
        let ends = [interval.low, interval.high].map(|end| significant(end, 4));
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
        let mut row = vec![fit.name.clone(), c.n_samples.to_string()];
        row.push(significant(stable.alpha(), 4));
        row.push(ends.join(" … "));
        row.extend(figures.map(|figure| significant(figure, 4)));
        row.push(fit.best_law().map_or_else(|| "–".to_owned(), |law| law.to_string()));
        row.push(fit.verdict.to_string());
        row
    });
    aligned(&header, &rows.collect::<Vec<_>>())
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
