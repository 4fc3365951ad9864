//! The stability index of every parameter: one dot each.

use std::collections::BTreeMap;

use anyhow::Result;
use plotters::style::text_anchor::VPos;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Lettering, Point};
use super::key::{self, Entry, Mark};
use super::panel::{MEDIUM, Panel, Place, SMALL};
use super::style::{FRAME, GAUSSIAN, Ink, MUTED, NEITHER, STABLE, TEXT};
use super::{Figure, RunTables, WIDTH, groups, number};

/// Every verdict on a parameter that has one, with its mark; degenerate parameters have none.
pub const VERDICTS: [(&str, Mark, Ink); 3] = [
    ("Gaussian not rejected", Mark::Ring, GAUSSIAN),
    ("heavy, SαS adequate", Mark::Disc, STABLE),
    ("heavy, SαS inadequate", Mark::Square, NEITHER),
];

const ROW_HEIGHT: f64 = 158.0;
const TOP: f64 = 72.0;
const LEFT: f64 = 24.0;
/// Width of the axis below 2, and of the block of dots at exactly 2.
const AXIS_WIDTH: f64 = 520.0;
const ATOM_WIDTH: f64 = 150.0;

/// The parameters of one batch size: estimate and index into [`VERDICTS`].
struct Row {
    batch_size: i64,
    dots: Vec<(f64, usize)>,
    n_degenerate: usize,
}

/// A row of dots for each batch size, those at exactly 2 in a block of their own.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.noise.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let (alpha, verdict) = (table.reals("alpha")?, table.texts("verdict")?);
    let rows: Vec<Row> = groups::ascending(table.integers("batch_size")?)
        .into_iter()
        .map(|(batch_size, rows)| {
            let dots = rows.iter().filter_map(|row| dot(alpha[*row], &verdict[*row])).collect();
            let row = Row { batch_size, dots, n_degenerate: 0 };
            Row { n_degenerate: rows.len() - row.dots.len(), ..row }
        })
        .collect();

    let title = "Stability index of each parameter's noise".to_owned();
    let caption = "One mark per parameter at its maximum-likelihood estimate α̂, coloured by the \
                   verdict of the tests. The block on the right holds the parameters whose \
                   estimate is exactly 2, where the SαS law is the Gaussian. An estimate below 2 \
                   alone shows neither a stable law nor an infinite variance."
        .to_owned();
    let height = TOP + ROW_HEIGHT * rows.len() as f64 - 4.0;
    let svg = Canvas::paint((WIDTH, height), "alpha", &title, &caption, |canvas| {
        let entries = VERDICTS.map(|(text, mark, ink)| Entry::new(mark, ink, text));
        key::draw(canvas, (LEFT, 8.0), WIDTH - LEFT, &entries);
        let lowest =
            rows.iter().flat_map(|row| &row.dots).fold(2.0, |low: f64, dot| low.min(dot.0));
        // Down to 1.5 in any case, so that estimates near 2 look near.
        let low = (lowest - 0.02).min(1.5).max(0.0);
        for (idx, row) in rows.iter().enumerate() {
            let place = Place {
                left: LEFT,
                top: TOP + ROW_HEIGHT * idx as f64,
                width: AXIS_WIDTH,
                height: ROW_HEIGHT - 62.0,
            };
            draw_row(canvas, place, row, low, idx + 1 == rows.len());
        }
    });
    Ok(Some(Figure { file: "alpha.svg", title, caption, svg }))
}

fn dot(alpha: f64, verdict: &str) -> Option<(f64, usize)> {
    let verdict = VERDICTS.iter().position(|(name, ..)| *name == verdict)?;
    alpha.is_finite().then_some((alpha.clamp(0.0, 2.0), verdict))
}

fn draw_row(canvas: &Canvas, place: Place, row: &Row, low: f64, is_last: bool) {
    let label = if is_last { "estimated stability index α̂" } else { "" };
    let x = Axis::between(label, Scale::Linear, low, 2.0);
    let y = Axis::between("", Scale::Linear, 0.0, 0.0).without_ticks();
    let panel = Panel::new(canvas, place, "", x, y);
    let foot = place.top + place.height;

    let heading = (place.left, place.top - 18.0);
    let bold = Lettering { bold: true, ..Lettering::new(TEXT, MEDIUM) };
    canvas.text(&format!("B = {}", row.batch_size), heading, bold);
    canvas.text(&summary(row), (place.left + 76.0, heading.1), Lettering::new(MUTED, SMALL));

    let (atom, spread): (Vec<_>, Vec<_>) =
        row.dots.iter().copied().partition(|dot: &(f64, usize)| dot.0 >= 2.0);
    let (atom_left, atom_right) = (place.left + place.width + 34.0, WIDTH - LEFT);
    canvas.line(&[(atom_left, foot), (atom_right, foot)], FRAME, 1.0);
    let below = Lettering { edge: VPos::Top, ..Lettering::new(MUTED, SMALL).centered() };
    let atom_label = format!("exactly 2: {}", number::count(atom.len() as i64));
    canvas.text(&atom_label, ((atom_left + atom_right) / 2.0, foot + 7.0), below);

    let columns: Vec<f64> = spread.iter().map(|dot| panel.column(dot.0)).collect();
    let size = dot_size(&columns, atom.len(), place.height);
    let radius = size * 0.45;

    let mut stacks: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (column, dot) in columns.iter().zip(&spread) {
        stacks.entry((column / size).floor() as i64).or_default().push(dot.1);
    }
    for (bin, mut stack) in stacks {
        stack.sort_unstable();
        let x = (bin as f64 + 0.5) * size;
        let step = size.min(place.height / stack.len() as f64);
        for (level, verdict) in stack.into_iter().enumerate() {
            draw_dot(canvas, (x, foot - (level as f64 + 0.5) * step), radius, verdict);
        }
    }
    let mut block: Vec<usize> = atom.iter().map(|dot| dot.1).collect();
    block.sort_unstable();
    let across = ((ATOM_WIDTH / size) as usize).max(1);
    let step = size.min(place.height / block.len().div_ceil(across).max(1) as f64);
    for (idx, verdict) in block.into_iter().enumerate() {
        let x = atom_left + ((idx % across) as f64 + 0.5) * size;
        draw_dot(canvas, (x, foot - ((idx / across) as f64 + 0.5) * step), radius, verdict);
    }
}

/// The largest dots that fit, stacked: at most twelve pixels, at least two.
fn dot_size(columns: &[f64], n_atom: usize, height: f64) -> f64 {
    let fits = |size: f64| {
        let mut levels: BTreeMap<i64, usize> = BTreeMap::new();
        for column in columns {
            *levels.entry((column / size).floor() as i64).or_default() += 1;
        }
        let tallest = levels.into_values().max().unwrap_or(0);
        let block = n_atom.div_ceil(((ATOM_WIDTH / size) as usize).max(1));
        tallest.max(block) as f64 * size <= height
    };
    (4..=24).rev().map(|half| half as f64 / 2.0).find(|size| fits(*size)).unwrap_or(2.0)
}

fn draw_dot(canvas: &Canvas, at: Point, radius: f64, verdict: usize) {
    let (_, mark, ink) = VERDICTS[verdict];
    match mark {
        Mark::Ring => canvas.ring(at, radius, ink),
        Mark::Square => canvas.square(at, radius, ink),
        _ => canvas.disc(at, radius, ink),
    }
}

fn summary(row: &Row) -> String {
    let n_heavy = row.dots.iter().filter(|dot| dot.1 > 0).count();
    let n_adequate = row.dots.iter().filter(|dot| dot.1 == 1).count();
    let mut text = format!(
        "{n_heavy} of {} parameters reject the Gaussian; SαS is adequate for {n_adequate} of them",
        row.dots.len()
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
    fn degenerate_parameters_have_no_dot() {
        assert_eq!(dot(1.9, "degenerate"), None);
        assert_eq!(dot(f64::NAN, "Gaussian not rejected"), None);
        assert_eq!(dot(2.0, "heavy, SαS adequate"), Some((2.0, 1)));
    }
}
