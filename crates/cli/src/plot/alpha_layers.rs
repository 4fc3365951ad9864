//! The stability index layer by layer: one column each, in the order of the network, as in Figure 5 of Battash, Wolf and
//! Lindenbaum (2023).

use std::collections::HashMap;

use anyhow::Result;
use stats::Verdict;
use train::Table;

use super::alpha::{draw_dot, key_entries, mark_of};
use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Lettering};
use super::key;
use super::panel::{MEDIUM, Panel, Place, SMALL};
use super::style::{MUTED, TEXT};
use super::{Figure, MOST_MARKS, RunTables, WIDTH, groups, number, thinned};
use crate::verdicts;

const LEFT: f64 = 72.0;
const TOP: f64 = 114.0;
const HEIGHT: f64 = 160.0;
const GAP: f64 = 72.0;
/// Height of the band above each panel for estimates of exactly 2, most of which would hide each other on a line.
const BAND: f64 = 20.0;
/// Width of a letter.
const LETTER: f64 = 0.55 * SMALL;
/// Upright names are no longer than this, and their columns no narrower.
const LONGEST: f64 = 170.0;
const NARROWEST: f64 = 14.0;

/// The parameters of one batch size.
struct Strip {
    batch_size: i64,
    /// Column, α̂ and verdict of each mark.
    marks: Vec<(usize, f64, Verdict)>,
    /// Of each column; NaN where all parameters are degenerate.
    medians: Vec<f64>,
    /// Parameters that have a mark or would have one if all were drawn.
    n_sound: usize,
}

/// How columns are told apart.
enum Names {
    Level,
    Upright,
    Numbers,
}

/// A panel for each batch size, or for the least, the middle and the greatest.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let (Some(layers), Some(noise)) = (&tables.noise_layers, &tables.noise) else {
        return Ok(None);
    };
    if layers.n_rows() == 0 {
        return Ok(None);
    }
    let names = in_order(layers)?;
    let strips = strips(layers, noise, &names)?;
    let width = WIDTH - LEFT - 24.0;
    let column_width = width / names.len() as f64;
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as f64 * LETTER;
    let (labels, room) = if longest < column_width - 8.0 {
        (Names::Level, 30.0)
    } else if longest <= LONGEST && column_width >= NARROWEST {
        (Names::Upright, longest + 18.0)
    } else {
        (Names::Numbers, 54.0)
    };

    let title = "Stability index layer by layer".to_owned();
    let mut caption =
        "One mark per parameter at its maximum-likelihood estimate α̂, coloured by the \
                       verdict of the tests, in one column per tensor of parameters from input to \
                       output; within a column, marks are spread sideways to be seen, and those at \
                       exactly 2 upwards. The bar is the median over those that are not degenerate."
            .to_owned();
    if let Names::Numbers = labels {
        caption += " Columns are numbered from 0 as in the table of layers.";
    }
    if strips.iter().any(|strip| strip.n_sound > strip.marks.len()) {
        caption += &format!(
            " Of more than {} parameters, so many at equal distances are drawn; medians are over all.",
            number::count(MOST_MARKS as i64)
        );
    }
    let lowest = strips.iter().flat_map(|strip| &strip.marks).map(|mark| mark.1);
    let low = (lowest.fold(1.52, f64::min) - 0.02).max(0.0);

    let height = TOP + (HEIGHT + GAP) * strips.len() as f64 - GAP + room;
    let svg = Canvas::paint((WIDTH, height), "alpha-layers", &title, &caption, |canvas| {
        key::draw(canvas, (24.0, 8.0), WIDTH - 24.0, &key_entries());
        for (idx, strip) in strips.iter().enumerate() {
            let top = TOP + (HEIGHT + GAP) * idx as f64;
            let place = Place { left: LEFT, top, width, height: HEIGHT };
            let is_last = idx + 1 == strips.len();
            let label = if is_last && matches!(labels, Names::Numbers) { "layer" } else { "" };
            let x = Axis::between(label, Scale::Linear, 0.0, names.len() as f64).without_ticks();
            let y = Axis::between("stability index α̂", Scale::Linear, low, 2.0);
            let panel = Panel::new(canvas, place, "", x, y);
            let heading = Lettering { bold: true, ..Lettering::new(TEXT, MEDIUM) };
            canvas.text(&format!("B = {}", strip.batch_size), (LEFT, top - BAND - 13.0), heading);
            if idx == 0 {
                let remark = (LEFT + width, top - BAND - 13.0);
                let letters = Lettering::new(MUTED, SMALL).ending();
                canvas.text("above the line at 2.0: exactly 2", remark, letters);
            }
            draw_marks(canvas, &panel, strip, column_width);
            if is_last {
                draw_names(canvas, &panel, &names, &labels);
            }
        }
    });
    Ok(Some(Figure { file: "alpha_layers.svg", title, caption, svg }))
}

/// The names of the layers by their place in the network.
fn in_order(layers: &Table) -> Result<Vec<String>> {
    let (names, depth) = (layers.texts("layer")?, layers.integers("depth")?);
    let mut rows: Vec<usize> = (0..layers.n_rows()).collect();
    rows.sort_by_key(|row| depth[*row]);
    let names: Vec<&str> = rows.into_iter().map(|row| names[row].as_str()).collect();
    Ok(groups::in_order(&names).into_iter().map(|(name, _)| name.to_owned()).collect())
}

fn strips(layers: &Table, noise: &Table, names: &[String]) -> Result<Vec<Strip>> {
    let columns: HashMap<&str, usize> =
        names.iter().enumerate().map(|(idx, name)| (name.as_str(), idx)).collect();
    let (layer, medians) = (layers.texts("layer")?, layers.reals("alpha_median")?);
    let (layer_of, alpha) = (noise.texts("layer")?, noise.reals("alpha")?);
    let verdict = verdicts::of_rows(noise)?;
    let mark = |row: usize| {
        let column = *columns.get(layer_of[row].as_str())?;
        mark_of(verdict[row])?;
        alpha[row].is_finite().then(|| (column, alpha[row].clamp(0.0, 2.0), verdict[row]))
    };
    let parameters: HashMap<i64, Vec<usize>> =
        groups::in_order(noise.integers("batch_size")?).into_iter().collect();
    let sizes = groups::ascending(layers.integers("batch_size")?);
    let chosen = match sizes.len() {
        n @ 4.. => vec![0, n / 2, n - 1],
        n => (0..n).collect(),
    };
    let strip = |&(batch_size, ref rows): &(i64, Vec<usize>)| {
        let sound = parameters.get(&batch_size).into_iter().flatten();
        let sound: Vec<_> = sound.filter_map(|row| mark(*row)).collect();
        let mut of_columns = vec![f64::NAN; names.len()];
        for row in rows {
            of_columns[columns[layer[*row].as_str()]] = medians[*row];
        }
        let n_sound = sound.len();
        Strip { batch_size, marks: thinned(&sound), medians: of_columns, n_sound }
    };
    Ok(chosen.into_iter().map(|idx| strip(&sizes[idx])).collect())
}

fn draw_marks(canvas: &Canvas, panel: &Panel, strip: &Strip, column_width: f64) {
    let densest = if strip.marks.len() > 600 { 2.0 } else { 3.2 };
    let radius = (0.14 * column_width).clamp(1.4, densest);
    let mut n_drawn = vec![0_usize; strip.medians.len()];
    for &(column, alpha, verdict) in &strip.marks {
        // Multiples of such numbers leave no gaps, however many there are.
        let idx = n_drawn[column] as f64;
        n_drawn[column] += 1;
        let aside = (0.618_034 * idx + 0.5).fract() - 0.5;
        let up =
            if alpha < 2.0 { 0.0 } else { radius + 2.0 + (0.754_878 * idx).fract() * (BAND - 8.0) };
        let x = panel.column(column as f64 + 0.5) + aside * (0.8 * column_width - 2.0 * radius);
        draw_dot(canvas, (x, panel.row(alpha) - up), radius, verdict);
    }
    for (column, median) in strip.medians.iter().enumerate().filter(|(_, m)| m.is_finite()) {
        let (x, y) = (panel.column(column as f64 + 0.5), panel.row(*median));
        let half = (0.42 * column_width).min(30.0);
        canvas.line(&[(x - half, y), (x + half, y)], TEXT, (0.1 * column_width).clamp(1.4, 2.2));
    }
}

fn draw_names(canvas: &Canvas, panel: &Panel, names: &[String], labels: &Names) {
    let middle = |column: usize| column as f64 + 0.5;
    match labels {
        Names::Level => {
            names.iter().enumerate().for_each(|(idx, name)| panel.tick(middle(idx), name));
        }
        Names::Upright => {
            let letters = Lettering { upwards: true, ..Lettering::new(MUTED, SMALL) }.ending();
            for (idx, name) in names.iter().enumerate() {
                panel.tick(middle(idx), "");
                canvas.text(name, (panel.column(middle(idx)), panel.foot() + 8.0), letters);
            }
        }
        Names::Numbers => {
            let all = Axis::between("", Scale::Linear, 0.0, names.len() as f64);
            for (value, label) in all.ticks(10) {
                if value.fract() == 0.0 && value < names.len() as f64 {
                    panel.tick(middle(value as usize), &label);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::test_tables;

    /// So many parameters in each of so many layers, at each of these batch sizes.
    fn run(n_parameters: usize, n_layers: usize, batch_sizes: &[i64]) -> RunTables {
        let rows = |n: usize| {
            let of = move |size| (0..n_layers * n).map(move |idx| (size, idx / n));
            batch_sizes.iter().flat_map(move |&size| of(size)).collect::<Vec<(i64, usize)>>()
        };
        let named = |rows: &[(i64, usize)]| {
            Table::new()
                .with_integers("batch_size", rows.iter().map(|row| row.0))
                .with_texts("layer", rows.iter().map(|row| format!("block{}.weight", row.1)))
        };
        let (each, layers) = (rows(n_parameters), rows(1));
        let noise = named(&each)
            .with_reals("alpha", each.iter().map(|row| 1.9 - 1e-3 * row.1 as f64))
            .with_texts("verdict", each.iter().map(|_| Verdict::HeavyStable.label()));
        let layers = named(&layers)
            .with_integers("depth", layers.iter().map(|row| row.1 as i64))
            .with_reals("alpha_median", layers.iter().map(|_| 1.9));
        RunTables { noise: Some(noise), noise_layers: Some(layers), ..RunTables::default() }
    }

    fn drawn(tables: &RunTables) -> Figure {
        figure(tables).unwrap().unwrap()
    }

    #[test]
    fn every_parameter_has_a_mark_and_every_size_a_panel() {
        let Figure { svg, caption, .. } = drawn(&run(5, 3, &[8, 64]));
        // A ring is two circles.
        let circles = |(mark, _)| match mark {
            key::Mark::Ring => 2,
            key::Mark::Disc => 1,
            _ => 0,
        };
        let in_key = Verdict::ALL.into_iter().filter_map(mark_of).map(circles);
        assert_eq!(svg.matches("<circle").count(), 2 * 3 * 5 + in_key.sum::<usize>());
        assert_eq!(svg.matches("B = ").count(), 2);
        assert!(svg.contains("block2.weight") && !caption.contains("numbered"), "{caption}");
        assert!(!caption.contains("equal distances"), "{caption}");
    }

    #[test]
    fn of_many_sizes_three_are_shown() {
        let svg = drawn(&run(1, 2, &[8, 16, 32, 64, 128])).svg;
        let shown = |size: i64| svg.contains(&format!("B = {size}\n"));
        assert_eq!([8, 16, 32, 64, 128].map(shown), [true, false, true, false, true]);
    }

    #[test]
    fn many_parameters_are_thinned_and_many_layers_numbered() {
        let Figure { svg, caption, .. } = drawn(&run(100, 62, &[8]));
        let n_marks = svg.matches("<circle").count();
        assert!((MOST_MARKS..MOST_MARKS + 20).contains(&n_marks), "{n_marks}");
        assert!(caption.contains("numbered") && caption.contains("equal distances"), "{caption}");
        assert!(!svg.contains("block7.weight"));
    }

    #[test]
    fn marks_that_fit_are_all_kept() {
        assert_eq!(thinned(&(0..7).collect::<Vec<_>>()), [0, 1, 2, 3, 4, 5, 6]);
        let thinned = thinned(&(0..10_000).collect::<Vec<_>>());
        assert_eq!((thinned.len(), thinned[1], thinned[MOST_MARKS - 1]), (MOST_MARKS, 5, 9995));
    }

    #[test]
    fn layers_stand_in_the_order_of_the_network() {
        let table = Table::new()
            .with_texts("layer", ["out", "in", "out", "in"])
            .with_integers("depth", [1, 0, 1, 0]);
        assert_eq!(in_order(&table).unwrap(), ["in", "out"]);
        assert!(
            figure(&RunTables { noise_layers: None, ..test_tables::full() }).unwrap().is_none()
        );
    }
}
