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
        "Mean exit times of the trials (marks) and of each theory as fitted to all settings (lines), \
         in iterations, along {label}. Each theory has two free parameters."
    );
    let observed = table.reals("observed_mean_iterations")?;
    let predicted = table.reals("mean_iterations")?;
    let ink = |idx: usize| Ink::ordered(idx, theories.len());
    let mut entries = vec![Entry::new(Mark::Disc, DATA, "trials")];
    let named = theories.iter().enumerate();
    entries.extend(named.map(|(idx, (name, _))| Entry::new(Mark::Line, ink(idx), name)));
    let width = WIDTH - 100.0;
    let key_height = LINE_HEIGHT * key::n_lines(&entries, width) as f64;
    let size = (WIDTH, 346.0 + key_height);
    let svg = Canvas::paint(size, "escape-theories", &title, &caption, |canvas| {
        key::draw(canvas, (76.0, 10.0), width, &entries);
        let place = Place { left: 76.0, top: 28.0 + key_height, width, height: 260.0 };
        let x = Axis::covering(label, Scale::Log, rows.iter().map(|row| along[*row]));
        let seen = rows.iter().map(|row| observed[*row]);
        let y = Axis::covering("mean iterations", Scale::Log, seen);
        let panel = Panel::new(canvas, place, "", x, y);
        let of_theory = |of_all: &[usize], values: &[f64]| -> Vec<(f64, f64)> {
            // All theories have the same settings in the same order.
            let first = theories[0].1[0];
            rows.iter()
                .map(|row| {
                    let row = of_all[row - first];
                    (along[row], values[row])
                })
                .collect()
        };
        for (idx, (_, of_all)) in theories.iter().enumerate() {
            panel.line(of_theory(of_all, predicted), ink(idx), 1.6);
        }
        for (x, y) in of_theory(&theories[0].1, observed) {
            if let Some(at) = panel.at(x, y) {
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
