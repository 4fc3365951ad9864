//! The chapter on escapes from the minimum.

use anyhow::Result;
use train::Table;

use super::markup::{Cell, Column, aligned, definitions, shared, table};
use super::{ReportInput, Section};
use crate::plot::number::{chosen, count};

const DEFINITIONS: [(&str, &str); 4] = [
    (
        "Exit",
        "The first checked iteration k at which a trial that started from the minimum is outside \
         the basin that the experiment defines: by the ratio of its loss to that of the minimum, or \
         by its distance. The time of an exit is ηk.",
    ),
    (
        "Censored",
        "A trial that was still inside at the horizon. It is not an exit, and its time is only \
         known to be longer.",
    ),
    (
        "Mean",
        "Where all trials left, the sample mean with its normal interval. Where some were censored, \
         the iterations observed in all trials together over the number of exits, with the interval \
         of exponential times: right when exits come at a constant rate, which Laplace's test must \
         not reject at 1 %. Otherwise only a lower bound, the lower end of the interval for the mean \
         of min(exit time, horizon).",
    ),
    (
        "Median",
        "From the Kaplan–Meier curve, which assumes no law of exits; “–” where the curve does \
         not reach one half.",
    ),
];

pub(super) fn section(input: &ReportInput) -> Result<Option<Section>> {
    let mut body = input.figure("escape_time.svg") + &input.figure("survival.svg");
    if let Some(summary) = input.tables.escape_summary.as_ref().filter(|t| t.n_rows() > 0) {
        body += &summary_table(summary)?;
        body += "<h3>Definitions</h3>\n";
        body += &definitions(DEFINITIONS);
    }
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(Section { id: "escape", title: "Escape from the minimum", body }))
}

fn summary_table(summary: &Table) -> Result<String> {
    let mut caption = "First exit times by learning rate".to_owned();
    let mut columns = vec![Column::Number("η".to_owned())];
    let eta = summary.reals("learning_rate")?;
    let mut cells: Vec<Vec<String>> = vec![eta.iter().map(|eta| chosen(*eta)).collect()];
    let mut add = |name: &str, values: Vec<String>| {
        columns.push(Column::Number(name.replace(' ', "\u{A0}")));
        cells.push(values);
    };
    // What all rows share stands in the caption, so that the table stays narrow.
    for (column, name, phrase) in
        [("batch_size", "B", ", B ="), ("horizon", "Horizon", ", horizon k =")]
    {
        let values = summary.integers(column)?;
        match shared(values) {
            Some(value) => caption += &format!("{phrase} {}", count(value)),
            None => add(name, values.iter().map(|value| count(*value)).collect()),
        }
    }
    for (column, name) in
        [("n_trials", "Trials"), ("n_exited", "Exits"), ("n_censored", "Censored")]
    {
        add(name, summary.integers(column)?.iter().map(|value| count(*value)).collect());
    }
    add("Mean k", aligned(summary.reals("mean_iterations")?, 1));
    add("95 % interval", intervals(summary, "iterations", 1)?);
    add("Rate constant, p", aligned(summary.reals("constant_rate_p")?, 2));
    add("Median k", aligned(summary.reals("median_iterations")?, 1));
    add("Mean ηk", aligned(summary.reals("mean_time")?, 2));
    add("95 % interval", intervals(summary, "time", 2)?);
    let rows: Vec<Vec<Cell>> = (0..summary.n_rows())
        .map(|row| cells.iter().map(|column| Cell::Plain(column[row].clone())).collect())
        .collect();
    Ok(table(&caption, &columns, &rows))
}

/// The intervals of the mean in words: one without an upper end is a lower bound.
fn intervals(summary: &Table, unit: &str, digits: usize) -> Result<Vec<String>> {
    let low = summary.reals(&format!("mean_{unit}_low"))?;
    let high = summary.reals(&format!("mean_{unit}_high"))?;
    let ends = aligned(&[low, high].concat(), digits);
    let (low_text, high_text) = ends.split_at(low.len());
    let interval = |row: usize| match high[row] {
        _ if low[row].is_nan() => "–".to_owned(),
        f64::INFINITY => format!("above {}", low_text[row]),
        _ => format!("{} to {}", low_text[row], high_text[row]),
    };
    Ok((0..low.len()).map(interval).collect())
}
