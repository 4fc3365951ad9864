//! The share of trials still inside the basin, iteration by iteration.

use anyhow::Result;

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::key::{self, Entry, LINE_HEIGHT, Mark};
use super::panel::{Panel, Place};
use super::style::Ink;
use super::{Figure, RunTables, WIDTH, groups};

/// More curves than this can't be told apart.
const MAX_CURVES: usize = 12;

/// A Kaplan–Meier curve with its band for each ensemble and basin.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.escape_survival.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let iterations: Vec<f64> = table.integers("iterations")?.iter().map(|k| *k as f64).collect();
    let survival = table.reals("survival")?;
    let (low, high) = (table.reals("low")?, table.reals("high")?);
    let mut curves = groups::ensembles(table, true)?;
    let n_ensembles = curves.len();
    if n_ensembles > MAX_CURVES {
        // Spread evenly: the ends of a sweep tell most.
        let kept = (0..MAX_CURVES).map(|i| i * (n_ensembles - 1) / (MAX_CURVES - 1));
        curves = kept.map(|idx| curves[idx].clone()).collect();
    }

    let first = iterations.iter().copied().filter(|k| *k > 0.0).fold(f64::INFINITY, f64::min);
    let last = iterations.iter().copied().fold(1.0, f64::max);
    // Exit times spread over decades when learning rates differ; only then is a logarithm worth it.
    let scale = if last > 30.0 * first { Scale::Log } else { Scale::Linear };

    let title = "Trials still inside the basin".to_owned();
    let caption = "Kaplan–Meier estimate of the probability not to have left after k iterations, \
                   with its pointwise 95 % band, for each ensemble. A curve that ends above 0 had \
                   trials cut off at the horizon."
        .to_owned();
    let caption = match n_ensembles > MAX_CURVES {
        true => format!("{caption} {MAX_CURVES} of {n_ensembles} ensembles are drawn."),
        false => caption,
    };
    let entries: Vec<Entry> = curves
        .iter()
        .enumerate()
        .map(|(idx, (name, _))| Entry::new(Mark::Line, Ink::ordered(idx, curves.len()), name))
        .collect();
    let width = WIDTH - 96.0;
    let key_height = LINE_HEIGHT * key::n_lines(&entries, width) as f64;
    let svg = Canvas::paint((WIDTH, 346.0 + key_height), "survival", &title, &caption, |canvas| {
        key::draw(canvas, (72.0, 10.0), width, &entries);
        let place = Place { left: 72.0, top: 28.0 + key_height, width, height: 260.0 };
        let begin = if scale == Scale::Log { 0.8 * first } else { 0.0 };
        let x = Axis::between("iterations k", scale, begin, 1.02 * last);
        let y = Axis::between("share still inside", Scale::Linear, 0.0, 1.0);
        let panel = Panel::new(canvas, place, "", x, y);
        let curve = |rows: &[usize]| -> Vec<[f64; 4]> {
            let held = rows.iter().map(|row| {
                // Before the first exit a logarithmic axis has no zero to begin at.
                [iterations[*row].max(begin), survival[*row], low[*row], high[*row]]
            });
            steps(held)
        };
        for (idx, (_, rows)) in curves.iter().enumerate() {
            let band = curve(rows).into_iter().map(|[k, _, low, high]| (k, low, high));
            panel.band(band, Ink::ordered(idx, curves.len()), 0.14);
        }
        for (idx, (_, rows)) in curves.iter().enumerate() {
            let line = curve(rows).into_iter().map(|[k, survival, ..]| (k, survival));
            panel.line(line, Ink::ordered(idx, curves.len()), 2.0);
        }
    });
    Ok(Some(Figure { file: "survival.svg", title, caption, svg }))
}

/// The corners of a step function whose values hold until the next iteration.
fn steps(points: impl Iterator<Item = [f64; 4]>) -> Vec<[f64; 4]> {
    let mut corners: Vec<[f64; 4]> = Vec::new();
    for point in points {
        if let Some([_, survival, low, high]) = corners.last().copied() {
            corners.push([point[0], survival, low, high]);
        }
        corners.push(point);
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_until_the_next() {
        let corners = steps([[0.0, 1.0, 1.0, 1.0], [3.0, 0.5, 0.2, 0.8]].into_iter());
        assert_eq!(corners[1], [3.0, 1.0, 1.0, 1.0]);
        assert_eq!(corners.len(), 3);
    }
}
