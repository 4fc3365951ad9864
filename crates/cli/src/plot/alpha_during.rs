//! The stability index of the noise while the network was trained.

use anyhow::Result;
use train::Table;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Lettering};
use super::key::{self, Entry, LINE_HEIGHT, Mark};
use super::panel::{Panel, Place, SMALL};
use super::style::{FRAME, Ink, MUTED};
use super::{Figure, RunTables, WIDTH, groups, number};
use crate::verdicts::AtBounds;

/// By so much the learning rate has to change to be marked.
const CHANGE: f64 = 1.5;
/// Room for what is said of a change.
const LABEL_WIDTH: f64 = 66.0;

/// The learning rates of two measurements in a row that differ.
#[derive(Debug, PartialEq)]
struct Change {
    steps: [f64; 2],
    rates: [f64; 2],
}

/// A line with a band for each batch size.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.noise_during_summary.as_ref().filter(|table| table.n_rows() > 0)
    else {
        return Ok(None);
    };
    let steps: Vec<f64> = table.integers("step")?.iter().map(|step| *step as f64).collect();
    let (mean, deviation) = (table.reals("alpha_mean")?, table.reals("alpha_std")?);
    let curves = groups::ascending(table.integers("batch_size")?);
    let changes = changes(table)?;

    let first = steps.iter().copied().fold(f64::INFINITY, f64::min);
    let last = steps.iter().copied().fold(0.0, f64::max);
    let scale = if first > 0.0 && last > 50.0 * first { Scale::Log } else { Scale::Linear };
    let title = "Stability index during training".to_owned();
    let mut caption =
        "Mean of α̂ over parameters at each measurement, with a band of ± one standard \
                       deviation over parameters, for each batch size of the minibatches whose \
                       noise is measured; training itself may use another."
            .to_owned();
    caption += &at_bounds(table, &curves)?;
    if !changes.is_empty() {
        caption += " Vertical lines stand halfway between two measurements between which the \
                    learning rate η changed by more than a factor of 1.5.";
    }
    let entry = |(idx, (batch_size, _)): (usize, &(i64, Vec<usize>))| {
        Entry::new(Mark::Line, Ink::ordered(idx, curves.len()), format!("B = {batch_size}"))
    };
    let entries: Vec<Entry> = curves.iter().enumerate().map(entry).collect();
    let width = WIDTH - 96.0;
    let key_height = LINE_HEIGHT * key::n_lines(&entries, width) as f64;
    let top = 28.0 + key_height + if changes.is_empty() { 0.0 } else { 22.0 };
    let height = top + 318.0;
    let svg = Canvas::paint((WIDTH, height), "alpha-during", &title, &caption, |canvas| {
        key::draw(canvas, (72.0, 10.0), width, &entries);
        let place = Place { left: 72.0, top, width, height: 260.0 };
        let lowest = mean
            .iter()
            .zip(deviation)
            .map(|(mean, deviation)| if deviation.is_finite() { mean - deviation } else { *mean });
        let low = (lowest.fold(1.52, f64::min) - 0.02).max(0.0);
        let x = Axis::covering("step", scale, steps.iter().copied());
        let y = Axis::between("stability index α̂", Scale::Linear, low, 2.0 + 0.03 * (2.0 - low));
        let panel = Panel::new(canvas, place, "", x, y);
        draw_changes(canvas, &panel, place, &changes);
        for (idx, (_, rows)) in curves.iter().enumerate() {
            let band = rows.iter().map(|&row| {
                let (low, high) = (mean[row] - deviation[row], mean[row] + deviation[row]);
                (steps[row], low, high.min(2.0))
            });
            panel.band(band, Ink::ordered(idx, curves.len()), 0.14);
        }
        for (idx, (_, rows)) in curves.iter().enumerate() {
            let ink = Ink::ordered(idx, curves.len());
            panel.line(rows.iter().map(|row| (steps[*row], mean[*row])), ink, 2.0);
            for at in rows.iter().filter_map(|row| panel.at(steps[*row], mean[*row])) {
                canvas.disc(at, 2.8, ink);
            }
        }
    });
    Ok(Some(Figure { file: "alpha_during.svg", title, caption, svg }))
}

/// How many of the estimates are ends of the range, where any is.
fn at_bounds(table: &Table, curves: &[(i64, Vec<usize>)]) -> Result<String> {
    let mut said = Vec::new();
    for (batch_size, rows) in curves {
        let most = rows.iter().map(|row| AtBounds::of_row(table, *row));
        let most = most.collect::<Result<Vec<_>, _>>()?.into_iter();
        let most =
            most.reduce(|a, b| AtBounds { least: a.least.max(b.least), two: a.two.max(b.two) });
        let note = most.map_or_else(String::new, AtBounds::note);
        said.extend((!note.is_empty()).then(|| format!("B = {batch_size}{note}")));
    }
    Ok(match said.is_empty() {
        true => String::new(),
        false => format!(" Estimates at an end of the range, at most: {}.", said.join(", ")),
    })
}

fn changes(table: &Table) -> Result<Vec<Change>> {
    let rates = table.reals("learning_rate")?;
    let measured = groups::ascending(table.integers("step")?);
    let measured: Vec<(f64, f64)> =
        measured.into_iter().map(|(step, rows)| (step as f64, rates[rows[0]])).collect();
    let pairs = measured
        .windows(2)
        .map(|pair| Change { steps: [pair[0].0, pair[1].0], rates: [pair[0].1, pair[1].1] });
    let differs = |change: &Change| (change.rates[1] / change.rates[0]).ln().abs() > CHANGE.ln();
    Ok(pairs.filter(differs).collect())
}

/// Lines, and above them what changed as far as there is room to say it.
fn draw_changes(canvas: &Canvas, panel: &Panel, place: Place, changes: &[Change]) {
    let mut free_from = f64::NEG_INFINITY;
    for Change { steps, rates } in changes {
        let x = (panel.column(steps[0]) + panel.column(steps[1])) / 2.0;
        canvas.line(&[(x, place.top - 6.0), (x, place.top + place.height)], FRAME, 1.0);
        let half = LABEL_WIDTH / 2.0;
        let middle = x.clamp(place.left + half, place.left + place.width - half);
        if middle - half >= free_from {
            free_from = middle + half;
            let label = format!("η → {}", number::significant(rates[1], 2));
            let letters = Lettering::new(MUTED, SMALL).centered();
            canvas.text(&label, (middle, place.top - 14.0), letters);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::test_tables;

    #[test]
    fn a_change_of_the_learning_rate_is_marked() {
        let table = Table::new()
            .with_integers("step", [1, 1, 10, 10, 100, 100])
            .with_reals("learning_rate", [0.1, 0.1, 0.09, 0.09, 0.009, 0.009]);
        let only = Change { steps: [10.0, 100.0], rates: [0.09, 0.009] };
        assert_eq!(changes(&table).unwrap(), [only]);
        let Figure { svg, caption, .. } = figure(&test_tables::full()).unwrap().unwrap();
        assert_eq!(svg.matches("η → 0.010").count(), 1);
        assert!(caption.contains("Vertical lines"), "{caption}");
    }

    #[test]
    fn every_measurement_has_a_mark_for_each_size() {
        let svg = figure(&test_tables::full()).unwrap().unwrap().svg;
        let during = test_tables::full().noise_during_summary.unwrap();
        assert_eq!(svg.matches("<circle").count(), during.n_rows());
        assert_eq!(svg.matches("<polygon").count(), 2);
    }
}
