//! The chapter on gradient noise: what the tests say, the table of fit measures, and what each measure means.

use anyhow::Result;
use stats::LEAST_ALPHA;
use train::Table;

use super::markup::{Cell, Column, Definition, definitions, table};
use super::{ReportInput, Section, noise_closer};
use crate::plot::number::{count, significant};
use crate::tables::way_of_noise;
use crate::verdicts::{AtBounds, labels_and_columns};

/// Rows of the table of fit measures: column of `noise_summary` and name.
const MEASURES: [(&str, &str); 12] = [
    ("gaussian_sse", "Standardised SSE, Gaussian"),
    ("stable_sse", "Standardised SSE, SαS"),
    ("ratio_sse", "SSE ratio, SαS / Gaussian"),
    ("gaussian_chi2", "χ², Gaussian"),
    ("stable_chi2", "χ², SαS"),
    ("ratio_chi2", "χ² ratio, SαS / Gaussian"),
    ("alpha", "Stability index α̂"),
    ("gamma", "Scale γ̂"),
    ("gaussian_ln_likelihood", "ln L, Gaussian"),
    ("stable_ln_likelihood", "ln L, SαS"),
    ("gaussian_histogram_sse", "Histogram SSE, Gaussian"),
    ("stable_histogram_sse", "Histogram SSE, SαS"),
];

const DEFINITIONS: [Definition; 11] = [
    (
        "Fits",
        "Maximum likelihood for both laws: mean and standard deviation of the Gaussian; α, γ and \
         δ of the SαS law, with characteristic function exp(iδt − |γt|<sup>α</sup>). At α = 2 it is \
         the Gaussian with variance 2γ², so SαS contains the Gaussian and its likelihood is never \
         lower.",
    ),
    (
        "Standardised SSE",
        "60 equal bins of width w = 0.2 on z ∈ [−6, 6], where z = (x − median) / (IQR / 1.349). \
         SSE = w Σ (h<sub>k</sub> − f̄<sub>k</sub>)², with h<sub>k</sub> the observed and \
         f̄<sub>k</sub> the fitted mean density in bin k. It does not depend on the scale of the \
         noise, and does not see draws outside the window.",
    ),
    (
        "Histogram SSE",
        "Σ (h<sub>k</sub> − f<sub>k</sub>)² over equal bins between the smallest and the greatest \
         draw, density against density at the centres of the bins. It carries the unit 1/x² and \
         depends on the bins, and so on the greatest draw: it is comparable neither between \
         parameters nor between batch sizes.",
    ),
    (
        "χ²",
        "Pearson's statistic on K = max(10, round(2 N<sup>0.4</sup>)) cells of equal probability \
         under the fitted law, N being the number of draws. Each law has its own cells.",
    ),
    (
        "Ratios",
        "SαS over Gaussian, of the means over parameters. A ratio below 1 is expected from the \
         extra parameter alone and decides nothing.",
    ),
    (
        "Heavy",
        "The likelihood-ratio test of the Gaussian within SαS, its p-value taken from a null \
         simulated at the same N (the usual χ² limit fails at the boundary α = 2), adjusted over \
         all parameters by Benjamini and Hochberg (1995), at the experiment's <code>fit.level</code>.",
    ),
    (
        "SαS or finite variance",
        "Of a heavy parameter, laws are compared by AIC: SαS with α &lt; 2 and Student's law with \
         ν ≤ 2, whose variance is infinite, with Student's with ν &gt; 2, Laplace's, the generalised \
         Gaussian and the mixture of two Gaussians, whose variance is finite. One side is better \
         where its best AIC is lower by more than 6; in between, SαS and a law of finite variance \
         are <em>not told apart</em>. In simulations at most 1 % of series from laws of finite variance \
         were called SαS at this margin.",
    ),
    (
        "Adequate",
        "The χ² test does not reject the fitted law at the same level, with the p-value of \
         K − 1 − p degrees of freedom for p fitted parameters, the smaller of the two that bound the \
         true one; SαS must also keep its α in sums of draws where that was tested. Not rejected \
         does not mean true.",
    ),
    (
        "Ends of the range",
        "SαS is fitted with 0.1 ≤ α ≤ 2. An α̂ at 0.1 is an upper bound of α; beside each mean stands how \
         many of its estimates are at an end of the range.",
    ),
    (
        "Ties apart",
        "Where one value holds more than 1 % of the draws and three times as many as any other, as \
         zeros of dead units do, it is left out, and the other draws are fitted and judged.",
    ),
    (
        "Traps",
        "α̂ &lt; 2 does not show an infinite variance: Laplace noise, whose moments are all finite, \
         gives α̂ ≈ 1.6 by maximum likelihood. Read a tail index only where SαS is better than every \
         law of finite variance, and then only over the range of the draws.",
    ),
];

pub(super) fn section(input: &ReportInput) -> Result<Option<Section>> {
    let mut body = input.figure("alpha.svg");
    let mut terms = Vec::new();
    if let Some(summary) = input.tables.noise_summary.as_ref().filter(|t| t.n_rows() > 0) {
        body += &format!("<p>{}</p>\n", way_of_noise(summary)?);
        body += &verdicts(summary)?;
        body += &input.figure("noise_histogram.svg");
        body += &input.figure("noise_grid.svg");
        body += &measures(summary)?;
        terms.extend(DEFINITIONS);
    } else {
        body += &input.figure("noise_histogram.svg");
        body += &input.figure("noise_grid.svg");
    }
    for part in noise_closer::parts(input)? {
        body += &format!("<h3>{}</h3>\n{}", part.title, part.body);
        terms.extend(part.terms);
    }
    if !terms.is_empty() {
        body += "<h3>Definitions</h3>\n";
        body += &definitions(terms);
    }
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(Section { id: "noise", title: "Gradient noise", body }))
}

fn verdicts(summary: &Table) -> Result<String> {
    let mut names = vec![
        ("Parameters".to_owned(), "n_parameters".to_owned()),
        ("α̂ = 2".to_owned(), "n_boundary".to_owned()),
        (format!("α̂ ≤ {LEAST_ALPHA}"), "n_lower_bound".to_owned()),
        ("ties apart".to_owned(), "n_tied".to_owned()),
    ];
    names.extend(labels_and_columns().map(|(label, column)| (label.to_owned(), column)));
    let mut columns = vec![Column::Text("Batch size B")];
    columns.extend(names.iter().map(|(name, _)| Column::Number(name.clone())));
    let batch_sizes = summary.integers("batch_size")?;
    let mut rows = Vec::new();
    for (row, batch_size) in batch_sizes.iter().enumerate() {
        let mut cells = vec![Cell::Plain(count(*batch_size))];
        for (_, column) in &names {
            cells.push(Cell::Plain(count(summary.integers(column)?[row])));
        }
        rows.push(cells);
    }
    Ok(table("Verdicts on the parameters", &columns, &rows))
}

fn measures(summary: &Table) -> Result<String> {
    let batch_sizes = summary.integers("batch_size")?;
    let mut columns = vec![Column::Text("Mean ± standard deviation over parameters")];
    columns.extend(batch_sizes.iter().map(|b| Column::Spread(format!("B = {b}"))));
    let mut rows = Vec::new();
    for (column, name) in MEASURES {
        let mean = summary.reals(&format!("{column}_mean"))?;
        let deviation = summary.reals(&format!("{column}_std"))?;
        let mut name = name.to_owned();
        if column == "alpha" {
            // An end of the range is no estimate, and a mean of such is said to be one.
            let notes = (0..batch_sizes.len())
                .map(|row| Ok((batch_sizes[row], AtBounds::of_row(summary, row)?.note())));
            let notes = notes.collect::<Result<Vec<(i64, String)>>>()?;
            let notes = notes.iter().filter(|(_, note)| !note.is_empty());
            let notes: Vec<String> = notes.map(|(b, note)| format!("B = {b}{note}")).collect();
            if !notes.is_empty() {
                name += &format!("; at an end of the range: {}", notes.join(", "));
            }
        }
        let mut cells = vec![Cell::Plain(name)];
        cells.extend(mean.iter().zip(deviation).map(|(mean, deviation)| {
            if column.starts_with("ratio") {
                Cell::Spread(significant(*mean, 3), String::new())
            } else {
                Cell::spread(*mean, *deviation)
            }
        }));
        rows.push(cells);
    }
    Ok(table("Fit measures over the parameters that are not degenerate", &columns, &rows))
}
