//! How the training came to its minimum: loss and gradient norm against the step.

use anyhow::Result;

use super::axis::{Axis, Scale};
use super::canvas::{Canvas, Lettering, Point};
use super::key::{self, Entry, Mark};
use super::number;
use super::panel::{Panel, Place, SMALL};
use super::style::{DATA, Ink, MUTED, TEXT};
use super::{Figure, RunTables, WIDTH};

const TEST_LOSS: Ink = super::style::ARMS[1];

/// Full-batch loss above, gradient norm below, the step of the certificate marked in both; in a training that seeks no
/// minimum, accuracy below.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.steps.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let steps: Vec<f64> = table.integers("step")?.iter().map(|step| *step as f64).collect();
    let loss = table.reals("loss")?;
    let test_loss = table.reals("test_loss")?;
    let norm = table.reals("gradient_norm")?;
    let (accuracy, test_accuracy) = (table.reals("accuracy")?, table.reals("test_accuracy")?);
    let certificate = match &tables.certificate {
        Some(table) if table.n_rows() > 0 => Some(table.integers("step")?[0]),
        _ => None,
    };
    let has_test = test_loss.iter().any(|loss| loss.is_finite());

    let has_norm = norm.iter().any(|norm| norm.is_finite());
    let title = if has_norm { "Training to the minimum" } else { "Training" }.to_owned();
    let mut caption = match has_norm {
        true => {
            "Full-batch loss and norm of the full-batch gradient at each evaluation, on \
             logarithmic axes."
        }
        false => "Loss, on a logarithmic axis, and accuracy at each evaluation.",
    }
    .to_owned();
    if let Some(step) = certificate {
        caption += &format!(
            " The vertical line marks step {}, at which the point was certified.",
            number::count(step)
        );
    }
    let draw = |canvas: &Canvas| {
        let marked = steps.iter().copied().chain(certificate.map(|step| step as f64));
        let x = Axis::covering("", Scale::Linear, marked).ending_at(Some(steps[0]), None);
        let upper = Place { left: 72.0, top: 34.0, width: WIDTH - 96.0, height: 190.0 };
        let lower = Place { top: 272.0, height: 160.0, ..upper };
        let losses = loss.iter().chain(test_loss).copied();
        let y = Axis::covering("", Scale::Log, losses);
        let panel = Panel::new(canvas, upper, "Loss", x.clone(), y);
        if has_test {
            panel.line(points(&steps, test_loss), TEST_LOSS, 1.5);
            let entries = [
                Entry::new(Mark::Line, DATA, "training, full batch"),
                Entry::new(Mark::Line, TEST_LOSS, "test"),
            ];
            key::draw(canvas, (upper.left + 420.0, upper.top - 24.0), 300.0, &entries);
        }
        panel.line(points(&steps, loss), DATA, 1.8);
        mark(canvas, &panel, upper, certificate, Some("certified minimum"));

        let x = x.labelled("step");
        let (name, below, scale) = match has_norm {
            true => ("Gradient norm", norm, Scale::Log),
            false => ("Accuracy", accuracy, Scale::Linear),
        };
        let test = if has_norm { &[] } else { test_accuracy };
        let y = Axis::covering("", scale, below.iter().chain(test).copied());
        let panel = Panel::new(canvas, lower, name, x, y);
        panel.line(points(&steps, test), TEST_LOSS, 1.5);
        panel.line(points(&steps, below), DATA, 1.8);
        mark(canvas, &panel, lower, certificate, None);
        if let (1, Some(at)) = (steps.len(), panel.at(steps[0], below[0])) {
            canvas.disc(at, 3.5, DATA);
        }
    };
    let svg = Canvas::paint((WIDTH, 482.0), "loss", &title, &caption, draw);
    Ok(Some(Figure { file: "loss.svg", title, caption, svg }))
}

fn points<'a>(steps: &'a [f64], values: &'a [f64]) -> impl Iterator<Item = Point> + 'a {
    steps.iter().copied().zip(values.iter().copied())
}

fn mark(canvas: &Canvas, panel: &Panel, place: Place, step: Option<i64>, label: Option<&str>) {
    let Some(step) = step else { return };
    let x = panel.column(step as f64);
    canvas.dashed(&[(x, place.top), (x, place.top + place.height)], MUTED, 1.2);
    if let Some(label) = label {
        let lettering = Lettering::new(TEXT, SMALL);
        let (at, lettering) = if x > place.left + place.width / 2.0 {
            (x - 6.0, lettering.ending())
        } else {
            (x + 6.0, lettering)
        };
        canvas.text(label, (at, place.top + 10.0), lettering);
    }
}
