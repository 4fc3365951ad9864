//! The chapter on escapes from the minimum.

use anyhow::Result;
use train::{Table, TableError};

use super::markup::{Cell, Column, aligned, definitions, shared, table as table_of};
use super::{ReportInput, Section};
use crate::plot::canvas::escape;
use crate::plot::number::{chosen, count, significant};
use crate::tables::no_noise;

const DEFINITIONS: [(&str, &str); 5] = [
    (
        "Exit",
        "The first checked iteration k at which a trial that started from the minimum is outside \
         the basin that the experiment defines. The time of an exit is the sum of its step sizes, ηk \
         where they are constant.",
    ),
    (
        "Censored",
        "A trial that was inside at every check up to the horizon. It is not an exit, and its time is \
         only known to be longer. Excursions between two checks are not seen: with checks further apart \
         the time of an exit is another, longer one.",
    ),
    (
        "Mean",
        "Where all trials left, the sample mean with its normal interval, on the scale of logarithms \
         where it would reach 0. Where some were censored, \
         the iterations observed in all trials together over the number of exits, with the interval \
         of exponential times: right when exits come at a constant rate, which Laplace's test must \
         not reject at 1 %. Otherwise only a lower bound, the lower end of the interval for the mean \
         of min(exit time, horizon).",
    ),
    (
        "Weibull shape",
        "Of the Weibull law fitted to exits and censored trials, with its 95 % interval; 1 is a \
         constant rate of exits. Exponential, p: the goodness of fit of the exponential law, by 199 \
         replicates of the parametric bootstrap.",
    ),
    (
        "Median",
        "From the Kaplan–Meier curve, which assumes no law of exits; “–” where the curve does \
         not reach one half.",
    ),
];

pub(super) fn section(input: &ReportInput) -> Result<Option<Section>> {
    let mut body = certificate(input)?;
    if let Some(table) = input.tables.escape_full_batch.as_ref().filter(|table| table.n_rows() > 0)
    {
        body += &format!("<p>Note: {}.</p>\n", no_noise(table)?);
    }
    body += &(input.figure("escape_time.svg") + &input.figure("survival.svg"));
    if let Some(summary) = input.tables.escape_summary.as_ref().filter(|t| t.n_rows() > 0) {
        body += &summary_table(summary)?;
        body += &input.figure("escape_axes.svg");
        body += &slopes(input)?;
        body += &super::theories::chapter(input)?;
        body += "<h3>Definitions</h3>\n";
        body += &definitions(DEFINITIONS);
    }
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(Section { id: "escape", title: "Escape from the minimum", body }))
}

/// The certificate of the minimum in a sentence.
fn certificate(input: &ReportInput) -> Result<String> {
    let Some(table) = input.tables.escape_minimum.as_ref().filter(|table| table.n_rows() > 0)
    else {
        return Ok(String::new());
    };
    let real = |name: &str| Ok::<_, TableError>(significant(table.reals(name)?[0], 3));
    let start = format!(
        "Trials begin at loss {}, where the full gradient has norm {}",
        real("loss")?,
        real("gradient_norm")?
    );
    let largest = table.reals("largest_eigenvalue")?[0];
    if largest.is_nan() {
        let reason = escape(&table.texts("no_hessian")?[0]);
        return Ok(format!("<p>{start}; there is no Hessian: {reason}.</p>\n"));
    }
    let downwards = match table.reals("smallest_eigenvalue_seen")?[0] {
        smallest if smallest < 0.0 => format!(
            " The least eigenvalue that was seen is {}, {} % of the largest in size: along some direction the loss curves \
             downwards, so the point is no minimum in the strict sense.",
            significant(smallest, 3),
            significant(-100.0 * smallest / largest.abs(), 2),
        ),
        _ => String::new(),
    };
    let outliers = match table.reals("n_outliers")?[0] {
        n if n.is_nan() => "none stands out from the others".to_owned(),
        1.0 => "it stands out from the rest".to_owned(),
        n => format!("{n} eigenvalues stand out from the rest"),
    };
    let unstable = match largest > 0.0 {
        true => format!(
            " Descent without noise or momentum leaves it, too, at learning rates above 2/λ = {}.",
            significant(2.0 / largest, 3)
        ),
        false => String::new(),
    };
    Ok(format!(
        "<p>{start} and the largest eigenvalue of the Hessian is λ = {}; {outliers}.{unstable}{downwards}</p>\n",
        significant(largest, 3),
    ))
}

/// Growth of the exit time with the loss ratio beside Mori's prediction.
fn slopes(input: &ReportInput) -> Result<String> {
    let Some(table) = input.tables.escape_slopes.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(String::new());
    };
    let columns =
        ["η", "B", "loss ratios", "slope", "95 % interval", "at an edge", "B/(ηh*) + 1 − n/2"];
    let columns = columns.map(|name| Column::Number(name.replace(' ', "\u{A0}")));
    let real =
        |name: &str, row: usize| Ok::<_, TableError>(significant(table.reals(name)?[row], 3));
    let mut rows = Vec::new();
    for row in 0..table.n_rows() {
        let cells = [
            chosen(table.reals("learning_rate")?[row]),
            table.integers("batch_size")?[row].to_string(),
            format!("{} to {}", real("least_ratio", row)?, real("largest_ratio", row)?),
            real("slope", row)?,
            format!("{} to {}", real("slope_low", row)?, real("slope_high", row)?),
            real("edge_slope", row)?,
            real("mori_slope", row)?,
        ];
        rows.push(Vec::from(cells.map(Cell::Plain)));
    }
    let caption = "Slope of ln(mean exit time) against ln(loss ratio), jackknife over trials, beside \
                   that for noise in proportion to the loss: (B/(ηh*) + 1) ln R − (n/2) ln(R − 1) through \
                   an edge of the loss, as here, with R at the edge as discrete steps pass it, and the power \
                   of Mori et al. (2022) over a saddle";
    Ok(table_of(caption, &columns, &rows))
}

fn summary_table(summary: &Table) -> Result<String> {
    let mut caption = "First exit times".to_owned();
    let mut columns = vec![Column::Number("η".to_owned())];
    let eta = summary.reals("learning_rate")?;
    let mut cells: Vec<Vec<String>> = vec![eta.iter().map(|eta| chosen(*eta)).collect()];
    let mut basin = String::new();
    let mut add = |name: &str, values: Vec<String>| {
        columns.push(Column::Number(name.replace(' ', "\u{A0}")));
        cells.push(values);
    };
    for (column, name) in [("basin", "Basin"), ("alpha", "α")] {
        let values = summary.texts(column)?;
        if values.iter().any(|value| *value != values[0]) {
            add(name, values.to_vec());
        } else if column == "basin" {
            basin = format!(", basin {}", values[0]);
        }
    }
    // What all rows share stands in the caption, so that the table stays narrow.
    for (column, name, phrase) in
        [("batch_size", "B", ", B ="), ("horizon", "Horizon", ", horizon k =")]
    {
        let values = summary.integers(column)?;
        match shared(values) {
            // No minibatches.
            Some(0) => {}
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
    add("Weibull shape", shapes(summary)?);
    add("Exponential, p", aligned(summary.reals("exponential_p")?, 3));
    add("Mean ηk", aligned(summary.reals("mean_time")?, 2));
    add("95 % interval", intervals(summary, "time", 2)?);
    let rows: Vec<Vec<Cell>> = (0..summary.n_rows())
        .map(|row| cells.iter().map(|column| Cell::Plain(column[row].clone())).collect())
        .collect();
    Ok(table_of(&(caption + &basin), &columns, &rows))
}

/// The shape of the Weibull law with its interval; `–` where there is none.
fn shapes(summary: &Table) -> Result<Vec<String>> {
    let of = |name: &str| summary.reals(name);
    let (shape, low, high) =
        (of("weibull_shape")?, of("weibull_shape_low")?, of("weibull_shape_high")?);
    let text = |row: usize| match shape[row].is_finite() {
        true => {
            let [low, high] = [low[row], high[row]].map(|end| significant(end, 2));
            format!("{} ({low} to {high})", significant(shape[row], 3))
        }
        false => "–".to_owned(),
    };
    Ok((0..shape.len()).map(text).collect())
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
