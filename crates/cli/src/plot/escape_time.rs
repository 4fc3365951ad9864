//! How the mean escape time grows as the learning rate falls.

use anyhow::Result;
use train::Table;

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::key::{self, Entry, LINE_HEIGHT, Mark};
use super::panel::{Panel, Place};
use super::style::{BAR, DATA, Ink, MUTED};
use super::{Figure, RunTables, WIDTH, groups};

/// Mean escape times in one unit of time.
struct Series<'t> {
    eta: &'t [f64],
    mean: &'t [f64],
    low: &'t [f64],
    high: &'t [f64],
    /// Where trials were cut off.
    horizon: Vec<f64>,
    /// Learning rate and time of every exit.
    exits: Vec<(f64, f64)>,
}

/// Mean escape time in iterations and in time ηk, with intervals and lower bounds.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.escape_summary.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    if groups::in_order(table.reals("learning_rate")?).len() < 2 {
        // Nothing to plot against; the survival curves have it all.
        return Ok(None);
    }
    let iterations = series(table, tables.escape_trials.as_ref(), "iterations")?;
    let time = series(table, tables.escape_trials.as_ref(), "time")?;
    let ensembles = groups::ensembles(table, false)?;

    let title = "Mean escape time against learning rate".to_owned();
    let caption = "Mean first exit time from the minimum, on logarithmic axes, with its 95 % \
                   interval; trials cut off at the horizon (dashed) count as censored, not as \
                   exits. An open mark with an arrow is a lower bound; an \
                   arrow alone, an interval without an upper end. Left in iterations k, right \
                   in time ηk."
        .to_owned();
    let extra = match ensembles.len() {
        1 => 0.0,
        n => LINE_HEIGHT * (n as f64 / 3.0).ceil(),
    };
    let svg = Canvas::paint((WIDTH, 366.0 + extra), "escape-time", &title, &caption, |canvas| {
        let left = Place { left: 76.0, top: 66.0 + extra, width: 280.0, height: 242.0 };
        let right = Place { left: 456.0, ..left };
        let ink = |idx| if ensembles.len() > 1 { Ink::ordered(idx, ensembles.len()) } else { DATA };
        let mut entries = vec![
            Entry::new(Mark::Disc, DATA, "mean, 95 % interval"),
            Entry::new(Mark::Ring, DATA, "lower bound"),
            Entry::new(Mark::Disc, BAR, "one exit"),
            Entry::new(Mark::Dashed, MUTED, "horizon"),
        ];
        if ensembles.len() > 1 {
            let named = ensembles.iter().enumerate();
            entries.extend(named.map(|(idx, (name, _))| Entry::new(Mark::Line, ink(idx), name)));
        }
        key::draw(canvas, (left.left, 8.0), WIDTH - left.left, &entries);
        for (series, place, name) in
            [(&iterations, left, "Iterations k"), (&time, right, "Time ηk")]
        {
            let panel = panel(canvas, place, name, series);
            for at in series.exits.iter().filter_map(|(eta, time)| panel.at(*eta, *time)) {
                // Beside the mean rather than under it.
                canvas.disc((at.0 - 9.0, at.1), 1.6, BAR);
            }
            for (idx, (_, rows)) in ensembles.iter().enumerate() {
                series.draw(canvas, &panel, place, rows, ink(idx));
            }
        }
    });
    Ok(Some(Figure { file: "escape_time.svg", title, caption, svg }))
}

fn series<'t>(table: &'t Table, trials: Option<&Table>, unit: &str) -> Result<Series<'t>> {
    let eta = table.reals("learning_rate")?;
    let horizon = table.integers("horizon")?.iter().zip(eta);
    let horizon = horizon.map(|(horizon, eta)| match unit {
        "time" => *horizon as f64 * eta,
        _ => *horizon as f64,
    });
    Ok(Series {
        eta,
        mean: table.reals(&format!("mean_{unit}"))?,
        low: table.reals(&format!("mean_{unit}_low"))?,
        high: table.reals(&format!("mean_{unit}_high"))?,
        horizon: horizon.collect(),
        exits: match trials {
            Some(trials) => exits(trials, unit)?,
            None => Vec::new(),
        },
    })
}

fn exits(trials: &Table, unit: &str) -> Result<Vec<(f64, f64)>> {
    let eta = trials.reals("learning_rate")?;
    let exited = trials.flags("exited")?;
    let time: Vec<f64> = match unit {
        "time" => trials.reals("time")?.to_vec(),
        _ => trials.integers("iterations")?.iter().map(|k| *k as f64).collect(),
    };
    Ok((0..time.len()).filter(|row| exited[*row]).map(|row| (eta[row], time[row])).collect())
}

fn panel<'c, 'a>(
    canvas: &'c Canvas<'a>,
    place: Place,
    name: &str,
    series: &Series,
) -> Panel<'c, 'a> {
    let x = Axis::covering("learning rate η", Scale::Log, series.eta.iter().copied());
    let all = series.mean.iter().chain(series.low).chain(series.high).chain(&series.horizon);
    let all = all.chain(series.exits.iter().map(|(_, time)| time));
    let y = Axis::covering("", Scale::Log, all.copied());
    Panel::new(canvas, place, name, x, y)
}

impl Series<'_> {
    fn draw(&self, canvas: &Canvas, panel: &Panel, place: Place, rows: &[usize], ink: Ink) {
        let mut rows = rows.to_vec();
        rows.sort_by(|a, b| self.eta[*a].total_cmp(&self.eta[*b]));
        panel.dashed(rows.iter().map(|row| (self.eta[*row], self.horizon[*row])), MUTED, 1.2);
        panel.line(rows.iter().map(|row| (self.eta[*row], self.mean[*row])), ink, 1.2);
        for row in rows {
            let (eta, mean, low, high) =
                (self.eta[row], self.mean[row], self.low[row], self.high[row]);
            let Some(x) = panel.at(eta, if mean.is_finite() { mean } else { low }).map(|at| at.0)
            else {
                continue;
            };
            if low.is_finite() {
                let top = if high.is_finite() { panel.row(high) } else { place.top + 2.0 };
                let top = if mean.is_finite() { top } else { panel.row(low) - 32.0 };
                let foot = panel.row(low);
                canvas.line(&[(x, foot), (x, top)], ink, 1.6);
                if high.is_finite() && mean.is_finite() {
                    canvas.line(&[(x - 4.0, top), (x + 4.0, top)], ink, 1.6);
                } else {
                    canvas.arrow_head((x, top - 2.0), ink);
                }
                if mean.is_finite() {
                    canvas.line(&[(x - 4.0, foot), (x + 4.0, foot)], ink, 1.6);
                }
            }
            if mean.is_finite() {
                canvas.disc((x, panel.row(mean)), 4.2, ink);
            } else {
                canvas.ring((x, panel.row(low)), 4.8, ink);
            }
        }
    }
}
