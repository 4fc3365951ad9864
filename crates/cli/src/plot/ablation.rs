//! Learning-rate decay against batch growth: what they cost and where they lead.

use anyhow::Result;
use train::Table;

use super::axis::{Axis, Scale};
use super::canvas::Canvas;
use super::key::{self, Entry, Mark};
use super::panel::{Panel, Place};
use super::style::{ARMS, Ink};
use super::{Figure, RunTables, WIDTH, groups};

/// One arm, averaged over its seeds.
struct Arm {
    name: String,
    idx: usize,
    epochs: Vec<(i64, Vec<usize>)>,
}

/// Training loss, accuracy, noise scale and number of updates against the epoch.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.ablation.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let arms = arms(table)?;
    let (loss, noise_scale) = (table.reals("loss")?, table.reals("noise_scale")?);
    let step: Vec<f64> = table.integers("step")?.iter().map(|step| *step as f64).collect();
    let test_accuracy = table.reals("test_accuracy")?;
    let (accuracy, accuracy_name) = if test_accuracy.iter().any(|a| a.is_finite()) {
        (test_accuracy, "Test accuracy")
    } else {
        (table.reals("accuracy")?, "Training accuracy")
    };

    let title = "Ablation: decaying the learning rate or growing the batch".to_owned();
    let caption = "Mean over seeds at each epoch, with a band of ± 1 standard deviation. The \
                   noise scale is what both schedules lower alike; the number of updates is \
                   what they do not share."
        .to_owned();
    let svg = Canvas::paint((WIDTH, 606.0), "ablation", &title, &caption, |canvas| {
        let entry = |arm: &Arm| {
            Entry::new(if arm.idx == 0 { Mark::Line } else { Mark::Dashed }, arm.ink(), &arm.name)
        };
        let entries: Vec<Entry> = arms.iter().map(entry).collect();
        key::draw(canvas, (72.0, 10.0), WIDTH - 72.0, &entries);
        let place = Place { left: 76.0, top: 70.0, width: 280.0, height: 196.0 };
        let right = Place { left: 456.0, ..place };
        let below = |place: Place| Place { top: 354.0, ..place };
        let panels: [(Place, &str, Scale, &[f64]); 4] = [
            (place, "Training loss", Scale::Log, loss),
            (right, accuracy_name, Scale::Linear, accuracy),
            (below(place), "Noise scale", Scale::Log, noise_scale),
            (below(right), "Updates", Scale::Linear, &step),
        ];
        for (place, name, scale, values) in panels {
            draw_panel(canvas, place, name, scale, values, &arms);
        }
    });
    Ok(Some(Figure { file: "ablation.svg", title, caption, svg }))
}

fn arms(table: &Table) -> Result<Vec<Arm>> {
    let epoch = table.integers("epoch")?;
    let arms = groups::in_order(table.texts("arm")?).into_iter().enumerate();
    Ok(arms.map(|(idx, (name, rows))| Arm { name, idx, epochs: by_epoch(epoch, &rows) }).collect())
}

fn by_epoch(epoch: &[i64], rows: &[usize]) -> Vec<(i64, Vec<usize>)> {
    let of_arm: Vec<i64> = rows.iter().map(|row| epoch[*row]).collect();
    let groups = groups::ascending(&of_arm).into_iter();
    groups.map(|(epoch, within)| (epoch, within.into_iter().map(|i| rows[i]).collect())).collect()
}

fn draw_panel(
    canvas: &Canvas,
    place: Place,
    name: &str,
    scale: Scale,
    values: &[f64],
    arms: &[Arm],
) {
    let curves: Vec<Vec<[f64; 3]>> = arms.iter().map(|arm| arm.curve(values)).collect();
    let points = || curves.iter().flatten();
    let x = Axis::covering("epoch", Scale::Linear, points().map(|point| point[0]));
    let shown = points().flat_map(|[_, mean, deviation]| {
        // On a logarithmic axis a band may reach below zero; only its upper end sets the range.
        [*mean, mean + deviation, (mean - deviation).max(0.5 * mean)]
    });
    let y = Axis::covering("", scale, shown);
    let panel = Panel::new(canvas, place, name, x, y);
    for (arm, curve) in arms.iter().zip(&curves) {
        let band = curve.iter().map(|[x, mean, sd]| (*x, mean - sd, mean + sd));
        panel.band(band, arm.ink(), 0.14);
    }
    for (arm, curve) in arms.iter().zip(&curves) {
        let line = curve.iter().map(|[x, mean, _]| (*x, *mean));
        match arm.idx {
            0 => panel.line(line, arm.ink(), 2.0),
            _ => panel.dashed(line, arm.ink(), 2.0),
        }
        if let [[x, mean, _]] = curve[..]
            && let Some(at) = panel.at(x, mean)
        {
            canvas.disc(at, 3.5, arm.ink());
        }
    }
}

impl Arm {
    fn ink(&self) -> Ink {
        ARMS[self.idx.min(ARMS.len() - 1)]
    }

    /// Epoch, mean and standard deviation over the seeds.
    fn curve(&self, values: &[f64]) -> Vec<[f64; 3]> {
        let point = |(epoch, rows): &(i64, Vec<usize>)| {
            let values = || rows.iter().map(|row| values[*row]);
            let n_seeds = rows.len() as f64;
            let mean = values().sum::<f64>() / n_seeds;
            let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
            [*epoch as f64, mean, (squares / (n_seeds - 1.0).max(1.0)).sqrt()]
        };
        self.epochs.iter().map(point).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_averages_over_seeds() {
        let epochs = by_epoch(&[2, 1, 2, 1], &[0, 1, 2, 3]);
        let arm = Arm { name: String::new(), idx: 0, epochs };
        let curve = arm.curve(&[3.0, 1.0, 5.0, 1.0]);
        assert_eq!(curve, [[1.0, 1.0, 0.0], [2.0, 4.0, 2.0_f64.sqrt()]]);
    }
}
