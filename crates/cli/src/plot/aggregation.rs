//! The stability index of sums of draws: flat where noise is stable, rising to 2 where its variance is finite.

use anyhow::Result;
use stats::Moments;
use train::Table;

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::key::{self, Entry, LINE_HEIGHT, Mark};
use super::panel::{Panel, Place};
use super::style::{GAUSSIAN, Ink};
use super::{Figure, RunTables, WIDTH, groups, number};
use crate::verdicts::AtBounds;

/// Mean and standard deviation of α̂ over parameters, at each number of draws in a sum.
struct Curve {
    batch_size: i64,
    points: Vec<(f64, Moments)>,
    /// Of single draws.
    at_bounds: AtBounds,
}

/// A line for each batch size.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.noise_aggregation.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let curves = curves(table)?;
    let title = "Stability index of sums of draws".to_owned();
    let mut caption = "Mean of α̂ over parameters, with its standard deviation, of sums of m consecutive \
                   draws; sums that do not vary enough for a fit are left out. Sums of stable noise \
                   keep its α; where the variance is finite they approach the Gaussian, α = 2. Of \
                   N draws there are N/m sums, so that α̂ scatters more to the right; since it \
                   cannot exceed 2, its mean over Gaussian series is below 2 as well."
        .to_owned();
    let notes = curves.iter().filter(|curve| !curve.at_bounds.note().is_empty());
    let notes: Vec<String> =
        notes.map(|curve| format!("B = {}{}", curve.batch_size, curve.at_bounds.note())).collect();
    if !notes.is_empty() {
        caption += &format!(" Single draws at an end of the range: {}.", notes.join(", "));
    }
    let ink = |idx: usize| Ink::ordered(idx, curves.len());
    let of_size = |(idx, curve): (usize, &Curve)| {
        Entry::new(Mark::Line, ink(idx), format!("B = {}", curve.batch_size))
    };
    let mut entries: Vec<Entry> = curves.iter().enumerate().map(of_size).collect();
    entries.push(Entry::new(Mark::Dashed, GAUSSIAN, "Gaussian, α = 2"));
    let width = WIDTH - 96.0;
    let key_height = LINE_HEIGHT * key::n_lines(&entries, width) as f64;
    let svg =
        Canvas::paint((WIDTH, 346.0 + key_height), "aggregation", &title, &caption, |canvas| {
            key::draw(canvas, (72.0, 10.0), width, &entries);
            let place = Place { left: 72.0, top: 28.0 + key_height, width, height: 260.0 };
            let points = || curves.iter().flat_map(|curve| &curve.points);
            let lowest = points().map(|(_, alpha)| alpha.mean() - alpha.std()).fold(1.52, f64::min);
            let low = (lowest - 0.02).max(0.0);
            let last = points().map(|(block, _)| *block).fold(1.0, f64::max);
            let x = Axis::between("draws in a sum m", Scale::Log, 0.8, 1.25 * last).without_ticks();
            let y =
                Axis::between("stability index α̂", Scale::Linear, low, 2.0 + 0.03 * (2.0 - low));
            let panel = Panel::new(canvas, place, "", x, y);
            let mut blocks: Vec<f64> = points().map(|(block, _)| *block).collect();
            blocks.sort_by(f64::total_cmp);
            blocks.dedup();
            for block in blocks {
                panel.tick(block, &number::chosen(block));
            }
            panel.dashed([(0.8, 2.0), (1.25 * last, 2.0)], GAUSSIAN, 1.5);
            // Bars of different curves stand side by side.
            let beside = (1.25 * last / 0.8).powf(0.009);
            for (idx, curve) in curves.iter().enumerate() {
                let places = idx as f64 - (curves.len() - 1) as f64 / 2.0;
                draw_curve(canvas, &panel, curve, (beside.powf(places.clamp(-4.0, 4.0)), ink(idx)));
            }
        });
    Ok(Some(Figure { file: "aggregation.svg", title, caption, svg }))
}

fn curves(table: &Table) -> Result<Vec<Curve>> {
    let (block, alpha) = (table.integers("block")?, table.reals("alpha")?);
    let curve = |(batch_size, rows): (i64, Vec<usize>)| {
        let blocks: Vec<i64> = rows.iter().map(|row| block[*row]).collect();
        let point = |(block, of_block): (i64, Vec<usize>)| {
            let alphas = of_block.iter().map(|idx| alpha[rows[*idx]]);
            let alphas: Vec<f64> = alphas
                .filter(|alpha| alpha.is_finite())
                .map(|alpha| alpha.clamp(0.0, 2.0))
                .collect();
            (block as f64, Moments::from_slice(&alphas))
        };
        let points = groups::ascending(&blocks).into_iter().filter(|(block, _)| *block > 0);
        let single = rows.iter().filter(|row| block[**row] == 1).map(|row| alpha[*row]);
        let at_bounds = AtBounds::among(&single.collect::<Vec<f64>>());
        Curve { batch_size, points: points.map(point).collect(), at_bounds }
    };
    Ok(groups::ascending(table.integers("batch_size")?).into_iter().map(curve).collect())
}

fn draw_curve(canvas: &Canvas, panel: &Panel, curve: &Curve, (beside, ink): (f64, Ink)) {
    let means = curve.points.iter().map(|(block, alpha)| (beside * block, alpha.mean()));
    panel.line(means, ink, 2.0);
    for (block, alpha) in &curve.points {
        let x = panel.column(beside * block);
        let (mean, std) = (alpha.mean(), alpha.std());
        if std.is_finite() {
            let [low, high] = [mean - std, (mean + std).min(2.0)].map(|alpha| panel.row(alpha));
            canvas.line(&[(x, low), (x, high)], ink, 1.2);
        }
        if mean.is_finite() {
            canvas.disc((x, panel.row(mean)), 3.2, ink);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::test_tables;

    #[test]
    fn curves_leave_out_what_was_not_fitted() {
        let table = Table::new()
            .with_integers("batch_size", [64, 8, 8, 8, 8])
            .with_integers("block", [1, 2, 1, 1, 2])
            .with_reals("alpha", [2.0, 1.9, 1.0, 1.5, f64::NAN]);
        let curves = curves(&table).unwrap();
        assert_eq!(curves.iter().map(|curve| curve.batch_size).collect::<Vec<_>>(), [8, 64]);
        let means: Vec<_> = curves[0].points.iter().map(|(m, alpha)| (*m, alpha.mean())).collect();
        assert_eq!(means, [(1.0, 1.25), (2.0, 1.9)]);
    }

    #[test]
    fn every_block_has_a_mark_for_each_size() {
        let svg = figure(&test_tables::full()).unwrap().unwrap().svg;
        assert_eq!(svg.matches("<circle").count(), 2 * 6);
        assert_eq!(svg.matches("B = ").count(), 2);
    }
}
