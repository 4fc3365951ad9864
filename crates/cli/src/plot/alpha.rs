//! The stability index of every parameter: one dot each.

use std::collections::BTreeMap;

use anyhow::Result;
use plotters::style::text_anchor::VPos;
use stats::{LEAST_ALPHA, Verdict};
use train::Table;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Lettering, Point};
use super::key::{self, Entry, Mark};
use super::panel::{MEDIUM, Panel, Place, SMALL};
use super::style::{FRAME, GAUSSIAN, Ink, MUTED, NEITHER, STABLE, TEXT};
use super::{Figure, MOST_MARKS, RunTables, WIDTH, groups, number, thinned};
use crate::verdicts;

/// The mark of a verdict; degenerate parameters have none.
pub fn mark_of(verdict: Verdict) -> Option<(Mark, Ink)> {
    Some(match verdict {
        Verdict::GaussianNotRejected => (Mark::Ring, GAUSSIAN),
        Verdict::NotGaussianHeavinessOpen => (Mark::Ring, NEITHER),
        Verdict::HeavyStable => (Mark::Disc, STABLE),
        Verdict::HeavyInfiniteVariance => (Mark::Square, STABLE),
        Verdict::HeavyNotToldApart => (Mark::Ring, STABLE),
        Verdict::HeavyFiniteVariance => (Mark::Disc, NEITHER),
        Verdict::HeavyNoneAdequate => (Mark::Square, NEITHER),
        Verdict::HeavyNotCompared => (Mark::Ring, MUTED),
        Verdict::Degenerate => return None,
    })
}

/// The key of all marks.
pub fn key_entries() -> Vec<Entry> {
    let entry = |verdict: Verdict| {
        mark_of(verdict).map(|(mark, ink)| Entry::new(mark, ink, verdict.label()))
    };
    Verdict::ALL.into_iter().filter_map(entry).collect()
}

const ROW_HEIGHT: f64 = 158.0;
const TOP: f64 = 92.0;
const LEFT: f64 = 24.0;
/// Width of a block of dots at an end of the range, and its distance from the axis.
const BLOCK_WIDTH: f64 = 150.0;
const BLOCK_GAP: f64 = 34.0;

/// The parameters of one batch size; those between the ends with their estimate.
struct Row {
    batch_size: i64,
    at_floor: Vec<Verdict>,
    between: Vec<(f64, Verdict)>,
    at_two: Vec<Verdict>,
    n_degenerate: usize,
}

impl Row {
    fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        let between = self.between.iter().map(|dot| dot.1);
        self.at_floor.iter().copied().chain(between).chain(self.at_two.iter().copied())
    }
}

/// A row of dots for each batch size, those at exactly 2 in a block of their own.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.noise.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let rows = rows(table)?;
    let title = "Stability index of each parameter's noise".to_owned();
    let mut caption =
        "One mark per parameter at its maximum-likelihood estimate α̂, coloured by the \
                   verdict of the tests. The block on the right holds the parameters whose \
                   estimate is exactly 2, where the SαS law is the Gaussian; a block on the left \
                   those at the lower end of the fit's range. An estimate below 2 alone shows \
                   neither a stable law nor an infinite variance."
            .to_owned();
    let is_thinned = |row: &Row| {
        [row.at_floor.len(), row.between.len(), row.at_two.len()].iter().any(|n| *n > MOST_MARKS)
    };
    if rows.iter().any(is_thinned) {
        caption += &format!(
            " Of more than {} parameters in one place, so many are drawn; counts are of all.",
            number::count(MOST_MARKS as i64)
        );
    }
    let height = TOP + ROW_HEIGHT * rows.len() as f64 - 4.0;
    let svg = Canvas::paint((WIDTH, height), "alpha", &title, &caption, |canvas| {
        key::draw(canvas, (LEFT, 8.0), WIDTH - LEFT, &key_entries());
        let lowest =
            rows.iter().flat_map(|row| &row.between).fold(2.0, |low: f64, dot| low.min(dot.0));
        // Down to 1.5 in any case, so that estimates near 2 look near.
        let low = (lowest - 0.02).clamp(0.0, 1.5);
        let has_floor = rows.iter().any(|row| !row.at_floor.is_empty());
        let left = LEFT + if has_floor { BLOCK_WIDTH + BLOCK_GAP } else { 0.0 };
        for (idx, row) in rows.iter().enumerate() {
            let place = Place {
                left,
                top: TOP + ROW_HEIGHT * idx as f64,
                width: WIDTH - LEFT - BLOCK_WIDTH - BLOCK_GAP - left,
                height: ROW_HEIGHT - 62.0,
            };
            draw_row(canvas, place, row, low, idx + 1 == rows.len());
        }
    });
    Ok(Some(Figure { file: "alpha.svg", title, caption, svg }))
}

fn rows(table: &Table) -> Result<Vec<Row>> {
    let (alpha, status) = (table.reals("alpha")?, table.texts("status")?);
    let verdict = verdicts::of_rows(table)?;
    let row = |(batch_size, rows): (i64, Vec<usize>)| {
        let (mut at_floor, mut between, mut at_two) = (Vec::new(), Vec::new(), Vec::new());
        let mut n_degenerate = 0;
        for &idx in &rows {
            match (verdict[idx], alpha[idx]) {
                (Verdict::Degenerate, _) => n_degenerate += 1,
                (verdict, _) if status[idx] == "lower_bound" => at_floor.push(verdict),
                (verdict, alpha) if alpha >= 2.0 => at_two.push(verdict),
                (verdict, alpha) => between.push((alpha.max(0.0), verdict)),
            }
        }
        Row { batch_size, at_floor, between, at_two, n_degenerate }
    };
    Ok(groups::ascending(table.integers("batch_size")?).into_iter().map(row).collect())
}

fn draw_row(canvas: &Canvas, place: Place, row: &Row, low: f64, is_last: bool) {
    let label = if is_last { "estimated stability index α̂" } else { "" };
    let x = Axis::between(label, Scale::Linear, low, 2.0);
    let y = Axis::between("", Scale::Linear, 0.0, 0.0).without_ticks();
    let panel = Panel::new(canvas, place, "", x, y);
    let foot = place.top + place.height;

    let heading = (LEFT, place.top - 18.0);
    let bold = Lettering { bold: true, ..Lettering::new(TEXT, MEDIUM) };
    canvas.text(&format!("B = {}", row.batch_size), heading, bold);
    canvas.text(&summary(row), (LEFT + 76.0, heading.1), Lettering::new(MUTED, SMALL));

    let between = thinned(&row.between);
    let columns: Vec<f64> = between.iter().map(|dot| panel.column(dot.0)).collect();
    let n_block = row.at_floor.len().max(row.at_two.len()).min(MOST_MARKS);
    let size = dot_size(&columns, n_block, place.height);
    let mut stacks: BTreeMap<i64, Vec<Verdict>> = BTreeMap::new();
    for (column, dot) in columns.iter().zip(&between) {
        stacks.entry((column / size).floor() as i64).or_default().push(dot.1);
    }
    for (bin, mut stack) in stacks {
        stack.sort_unstable();
        let x = (bin as f64 + 0.5) * size;
        let step = size.min(place.height / stack.len() as f64);
        for (level, verdict) in stack.into_iter().enumerate() {
            draw_dot(canvas, (x, foot - (level as f64 + 0.5) * step), size * 0.45, verdict);
        }
    }
    let right = place.left + place.width + BLOCK_GAP;
    draw_block(canvas, (right, foot), "exactly 2", &row.at_two, size, place.height);
    if place.left > LEFT {
        let label = format!("at most {LEAST_ALPHA}");
        draw_block(canvas, (LEFT, foot), &label, &row.at_floor, size, place.height);
    }
}

/// Dots without an order among them, row by row on a line of their own.
fn draw_block(
    canvas: &Canvas,
    (left, foot): Point,
    label: &str,
    verdicts: &[Verdict],
    size: f64,
    height: f64,
) {
    canvas.line(&[(left, foot), (left + BLOCK_WIDTH, foot)], FRAME, 1.0);
    let below = Lettering { edge: VPos::Top, ..Lettering::new(MUTED, SMALL).centered() };
    let text = format!("{label}: {}", number::count(verdicts.len() as i64));
    canvas.text(&text, (left + BLOCK_WIDTH / 2.0, foot + 7.0), below);
    let mut verdicts = thinned(verdicts);
    verdicts.sort_unstable();
    let across = ((BLOCK_WIDTH / size) as usize).max(1);
    let step = size.min(height / verdicts.len().div_ceil(across).max(1) as f64);
    for (idx, verdict) in verdicts.into_iter().enumerate() {
        let x = left + ((idx % across) as f64 + 0.5) * size;
        let y = foot - ((idx / across) as f64 + 0.5) * step;
        draw_dot(canvas, (x, y), size * 0.45, verdict);
    }
}

/// The largest dots that fit, stacked: at most twelve pixels, at least two.
fn dot_size(columns: &[f64], n_block: usize, height: f64) -> f64 {
    let fits = |size: f64| {
        let mut levels: BTreeMap<i64, usize> = BTreeMap::new();
        for column in columns {
            *levels.entry((column / size).floor() as i64).or_default() += 1;
        }
        let tallest = levels.into_values().max().unwrap_or(0);
        let block = n_block.div_ceil(((BLOCK_WIDTH / size) as usize).max(1));
        tallest.max(block) as f64 * size <= height
    };
    (4..=24).rev().map(|half| half as f64 / 2.0).find(|size| fits(*size)).unwrap_or(2.0)
}

/// The mark of a parameter with this verdict.
pub fn draw_dot(canvas: &Canvas, at: Point, radius: f64, verdict: Verdict) {
    match mark_of(verdict) {
        Some((Mark::Ring, ink)) => canvas.ring(at, radius, ink),
        Some((Mark::Square, ink)) => canvas.square(at, radius, ink),
        Some((_, ink)) => canvas.disc(at, radius, ink),
        None => {}
    }
}

fn summary(row: &Row) -> String {
    let n_heavy = row.verdicts().filter(|verdict| verdict.is_heavy()).count();
    let n = |of: Verdict| row.verdicts().filter(|verdict| *verdict == of).count();
    let mut text = format!(
        "{n_heavy} of {} parameters heavier than Gaussian; clearly SαS {}, SαS or finite variance {}",
        row.verdicts().count(),
        n(Verdict::HeavyStable),
        n(Verdict::HeavyNotToldApart)
    );
    if row.n_degenerate > 0 {
        text += &format!(" ({} degenerate, not shown)", row.n_degenerate);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_shrink_until_they_fit() {
        assert_eq!(dot_size(&[10.0, 50.0], 3, 88.0), 12.0);
        assert!(dot_size(&[10.0; 30], 0, 88.0) <= 88.0 / 30.0);
        assert_eq!(dot_size(&[10.0; 1000], 5000, 88.0), 2.0);
    }

    #[test]
    fn every_parameter_has_one_place() {
        let table = Table::new()
            .with_integers("batch_size", [8; 5])
            .with_reals("alpha", [0.1, 1.9, 2.0, f64::NAN, 1.8])
            .with_texts("status", ["lower_bound", "interior", "boundary", "constant", "interior"]);
        let [none, stable, gaussian, degenerate, open] = [
            Verdict::HeavyNoneAdequate,
            Verdict::HeavyStable,
            Verdict::GaussianNotRejected,
            Verdict::Degenerate,
            Verdict::NotGaussianHeavinessOpen,
        ];
        let labels = [none, stable, gaussian, degenerate, open].map(Verdict::label);
        let row = &rows(&table.clone().with_texts("verdict", labels)).unwrap()[0];
        assert_eq!(
            (&row.at_floor, &row.at_two, row.n_degenerate),
            (&vec![none], &vec![gaussian], 1)
        );
        assert_eq!(row.between, [(1.9, stable), (1.8, open)]);
        // What is not known is no degenerate parameter.
        let unknown = table.with_texts("verdict", ["fine"; 5]);
        let message = rows(&unknown).err().unwrap().to_string();
        assert!(message.contains("`fine`"), "{message}");
    }

    #[test]
    fn every_mark_is_another() {
        let marks: Vec<_> = Verdict::ALL.into_iter().filter_map(mark_of).collect();
        assert_eq!(marks.len(), Verdict::ALL.len() - 1);
        for (idx, (mark, ink)) in marks.iter().enumerate() {
            let is_same = |other: &(Mark, Ink)| other.0 == *mark && other.1 == *ink;
            assert!(!marks[..idx].iter().any(is_same), "{idx}");
        }
    }
}
