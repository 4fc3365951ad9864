//! Through which axis of a plane trials leave, as the tails of its two noises grow apart.

use anyhow::Result;
use train::Table;

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::panel::{Panel, Place};
use super::style::{DATA, MUTED};
use super::{Figure, RunTables, WIDTH, groups};

/// The share of exits through the first axis where the noise of the second is lighter by Δ = α₂ − α₁.
struct Share {
    delta: f64,
    share: f64,
    low: f64,
    high: f64,
}

/// The share of exits through the first coordinate against the difference of stability indices.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.escape_axes.as_ref() else { return Ok(None) };
    let shares = shares(table)?;
    if shares.len() < 2 {
        return Ok(None);
    }
    let title = "Escaping axis".to_owned();
    let caption = "Share of exits at which the first coordinate was the farther from the minimum, \
                   with its 95 % interval, against the difference Δ = α₂ − α₁ of the stability \
                   indices of the two noises. At Δ = 0 both axes are alike, a share of one half."
        .to_owned();
    let svg = Canvas::paint((WIDTH, 336.0), "escape-axes", &title, &caption, |canvas| {
        let place = Place { left: 72.0, top: 18.0, width: WIDTH - 96.0, height: 260.0 };
        let ends = shares.iter().map(|own| own.delta);
        let (least, most) =
            (ends.clone().fold(f64::INFINITY, f64::min), ends.fold(f64::NEG_INFINITY, f64::max));
        let margin = 0.04 * (most - least);
        let x = Axis::between("Δ = α₂ − α₁", Scale::Linear, least - margin, most + margin);
        let lowest = shares.iter().map(|own| own.low).fold(0.4, f64::min);
        let y = Axis::between("share of exits along w1", Scale::Linear, lowest, 1.0);
        let panel = Panel::new(canvas, place, "", x, y);
        panel.dashed([(least - margin, 0.5), (most + margin, 0.5)], MUTED, 1.2);
        panel.line(shares.iter().map(|own| (own.delta, own.share)), DATA, 1.2);
        for own in &shares {
            let x = panel.column(own.delta);
            canvas.line(&[(x, panel.row(own.low)), (x, panel.row(own.high))], DATA, 1.6);
            canvas.disc((x, panel.row(own.share)), 4.2, DATA);
        }
    });
    Ok(Some(Figure { file: "escape_axes.svg", title, caption, svg }))
}

/// One share for each ensemble of the first basin that has two axes of stable noise, by rising Δ.
fn shares(table: &Table) -> Result<Vec<Share>> {
    let (names, alpha) = (table.texts("coordinate")?, table.reals("coordinate_alpha")?);
    let (share, low, high) =
        (table.reals("share")?, table.reals("share_low")?, table.reals("share_high")?);
    let basins = table.texts("basin")?;
    let mut shares = Vec::new();
    for (_, rows) in groups::ensembles(table, true)? {
        let axis = |name: &str| rows.iter().copied().find(|row| names[*row] == name);
        let (Some(first), Some(second), 2) = (axis("w1"), axis("w2"), rows.len()) else { continue };
        let delta = alpha[second] - alpha[first];
        if basins[first] == basins[0] && delta.is_finite() && share[first].is_finite() {
            let (share, low, high) = (share[first], low[first], high[first]);
            shares.push(Share { delta, share, low, high });
        }
    }
    shares.sort_by(|a, b| a.delta.total_cmp(&b.delta));
    Ok(shares)
}
