//! Mean exit times beside what each theory makes of them.

use anyhow::Result;
use train::Table;

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::key::{self, Entry, LINE_HEIGHT, Mark};
use super::panel::{Panel, Place};
use super::style::{DATA, Ink};
use super::{Figure, RunTables, WIDTH, groups};

/// What is swept: a column of the table, and its name on the axis.
type Sweep = (Vec<f64>, &'static str);

/// Observed means and a line for each theory along the longest sweep, the rest as in its first setting.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.escape_theory_means.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let theories = groups::in_order(table.texts("theory")?);
    let (along, label, rows) = longest_sweep(table, &theories[0].1)?;
    let title = "Theories of the escape time".to_owned();
    let caption = format!(
        "Mean exit times of the trials (marks, with 95 % intervals) and of each theory as fitted to all \
         settings (lines), in iterations, along {label}. An open mark with an arrow is a lower bound. \
         Each theory has two free parameters."
    );
    let observed = ["observed_mean_iterations", "observed_mean_low", "observed_mean_high"];
    let [mean, low, high] = observed.map(|name| table.reals(name));
    let (mean, low, high) = (mean?, low?, high?);
    let predicted = table.reals("mean_iterations")?;
    let ink = |idx: usize| Ink::ordered(idx, theories.len());
    let mut entries =
        vec![Entry::new(Mark::Disc, DATA, "trials"), Entry::new(Mark::Ring, DATA, "lower bound")];
    let named = theories.iter().enumerate();
    entries.extend(named.map(|(idx, (name, _))| Entry::new(Mark::Line, ink(idx), name)));
    let width = WIDTH - 100.0;
    let key_height = LINE_HEIGHT * key::n_lines(&entries, width) as f64;
    let size = (WIDTH, 346.0 + key_height);
    let svg = Canvas::paint(size, "escape-theories", &title, &caption, |canvas| {
        key::draw(canvas, (76.0, 10.0), width, &entries);
        let place = Place { left: 76.0, top: 28.0 + key_height, width, height: 260.0 };
        let x = Axis::covering(label, Scale::Log, rows.iter().map(|row| along[*row]));
        // All theories have the same settings in the same order.
        let first = theories[0].1[0];
        let seen = rows.iter().flat_map(|&row| {
            let of_theory =
                move |(_, of_all): &(String, Vec<usize>)| predicted[of_all[row - first]];
            [mean[row], low[row], high[row]].into_iter().chain(theories.iter().map(of_theory))
        });
        let y = Axis::covering("mean iterations", Scale::Log, seen);
        let panel = Panel::new(canvas, place, "", x, y);
        for (idx, (_, of_all)) in theories.iter().enumerate() {
            let line = rows.iter().map(|row| (along[*row], predicted[of_all[row - first]]));
            panel.line(line, ink(idx), 1.6);
        }
        for &row in &rows {
            let is_bound = !mean[row].is_finite();
            let Some(at) = panel.at(along[row], if is_bound { low[row] } else { mean[row] }) else {
                continue;
            };
            if is_bound {
                let top = (at.1 - 32.0).max(place.top + 2.0);
                canvas.line(&[at, (at.0, top)], DATA, 1.6);
                canvas.arrow_head((at.0, top - 2.0), DATA);
                canvas.ring(at, 4.8, DATA);
            } else {
                canvas.line(
                    &[(at.0, panel.row(low[row])), (at.0, panel.row(high[row]))],
                    DATA,
                    1.6,
                );
                canvas.disc(at, 4.2, DATA);
            }
        }
    });
    Ok(Some(Figure { file: "escape_theories.svg", title, caption, svg }))
}

/// Among learning rate, batch size and barrier the one with most values, and the rows of one theory along it.
fn longest_sweep(table: &Table, rows: &[usize]) -> Result<(Vec<f64>, &'static str, Vec<usize>)> {
    let sizes = table.integers("batch_size")?.iter().map(|size| *size as f64).collect();
    let sweeps: [Sweep; 3] = [
        (table.reals("learning_rate")?.to_vec(), "learning rate η"),
        (sizes, "batch size B"),
        (table.reals("barrier")?.to_vec(), "barrier ΔL"),
    ];
    let along = |swept: usize| -> Vec<usize> {
        let others = |row: &&usize| {
            let same = |(idx, (values, _)): (usize, &Sweep)| {
                idx == swept || values[**row] == values[rows[0]]
            };
            sweeps.iter().enumerate().all(same)
        };
        let mut along: Vec<usize> = rows.iter().filter(others).copied().collect();
        along.sort_by(|a, b| sweeps[swept].0[*a].total_cmp(&sweeps[swept].0[*b]));
        along
    };
    let best = (0..3).rev().max_by_key(|swept| along(*swept).len()).expect("three sweeps");
    Ok((sweeps[best].0.clone(), sweeps[best].1, along(best)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::test_tables;

    /// Theories are ten times above the trials at the left: their lines have a corner at every setting all the same. The first
    /// setting has no mean but a lower bound.
    #[test]
    fn curves_are_whole_and_bounds_are_no_means() {
        let full = test_tables::full();
        let drawn = |mean: f64| {
            let of_theory = |theory: &str| {
                Table::new()
                    .with_texts("theory", [theory; 3])
                    .with_reals("learning_rate", [0.1, 0.2, 0.4])
                    .with_integers("batch_size", [8; 3])
                    .with_reals("barrier", [0.5; 3])
                    .with_reals("mean_iterations", [5870.0, 800.0, 15.0])
                    .with_reals("observed_mean_iterations", [mean, 812.0, 140.0])
                    .with_reals("observed_mean_low", [587.0, 650.0, 118.0])
                    .with_reals("observed_mean_high", [f64::INFINITY, 1012.0, 165.0])
            };
            let means = Table::concat(["Kramers", "Hu et al."].map(of_theory));
            let tables = RunTables { escape_theory_means: Some(means), ..RunTables::default() };
            figure(&tables).unwrap().unwrap().svg
        };
        let svg = drawn(f64::NAN);
        let of_line = |rest: &str| rest.split('"').next().unwrap().split_whitespace().count();
        let lines = svg.split("<polyline").skip(1).filter_map(|line| line.split_once("points=\""));
        let corners: Vec<usize> = lines.map(|(_, rest)| of_line(rest)).collect();
        assert!(corners.iter().filter(|n| **n == 3).count() >= 2, "{corners:?}");
        // A bound is an open mark and an arrow, a mean a disc and an interval.
        let circles = |svg: &str| svg.matches("<circle").count();
        assert_eq!(circles(&svg), circles(&drawn(1578.0)) + 1);
        assert!(figure(&full).unwrap().is_some());
    }
}
