//! The noise of nine parameters against their fitted laws, from the least α̂ to the greatest.

use anyhow::Result;

use super::canvas::{Canvas, Lettering};
use super::histogram::{self, Sample, reading};
use super::noise_histogram::fits;
use super::panel::{Place, SMALL};
use super::style::{MUTED, TEXT};
use super::{Figure, RunTables, WIDTH, groups, number};

const ACROSS: usize = 3;
const TOP: f64 = 72.0;
const LEFT: f64 = 72.0;
const GAP: f64 = 48.0;
const BODY_HEIGHT: f64 = 96.0;
const TAILS_HEIGHT: f64 = 110.0;
/// From the foot of the body to the top of the tails.
const BETWEEN: f64 = 34.0;
/// From the foot of the tails to the body below.
const BELOW: f64 = 72.0;
/// Letters of a name that fit above a panel; longer ones lose their beginning.
const LONGEST: usize = 27;

/// Body above tails for each parameter, three parameters in a row.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.noise_grid.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let batch_size = table.integers("batch_size")?[0];
    let values = table.reals("value")?;
    let mut samples = Vec::new();
    for (parameter, rows) in groups::in_order(table.texts("parameter")?) {
        let sample = Sample::new("", rows.iter().map(|row| values[*row]).collect());
        let sample = match &tables.noise {
            Some(noise) => {
                let (gaussian, stable) = fits(noise, batch_size, &parameter)?;
                sample.with_laws(gaussian, stable)
            }
            None => sample,
        };
        samples.push((parameter, sample));
    }
    let title =
        format!("Noise of {} parameters and its fitted laws, B = {batch_size}", { samples.len() });
    let caption = format!(
        "Density of the gradient noise of parameters at equal distances in the order of their α̂, \
         from the least to the greatest, with the Gaussian and the SαS law of maximum likelihood. {}",
        reading("Above", "below")
    );
    let row_height = BODY_HEIGHT + BETWEEN + TAILS_HEIGHT + BELOW;
    let height = TOP + row_height * samples.len().div_ceil(ACROSS) as f64 - 20.0;
    let width = (WIDTH - LEFT - 24.0 - GAP * (ACROSS - 1) as f64) / ACROSS as f64;
    let svg = Canvas::paint((WIDTH, height), "noise-grid", &title, &caption, |canvas| {
        histogram::draw_key(canvas);
        for (idx, (parameter, sample)) in samples.iter().enumerate() {
            let (row, column) = (idx / ACROSS, idx % ACROSS);
            let place = Place {
                left: LEFT + (width + GAP) * column as f64,
                top: TOP + row_height * row as f64,
                width,
                height: BODY_HEIGHT,
            };
            let x = if idx + ACROSS < samples.len() { "" } else { "standardised value" };
            let y = if column == 0 { ["density", "logarithmic"] } else { ["", ""] };
            draw_cell(canvas, place, parameter, (x, y), sample);
        }
    });
    Ok(Some(Figure { file: "noise_grid.svg", title, caption, svg }))
}

fn draw_cell(
    canvas: &Canvas,
    place: Place,
    name: &str,
    labels: (&str, [&str; 2]),
    sample: &Sample,
) {
    let heading = (place.left, place.top - 13.0);
    let bold = Lettering { bold: true, ..Lettering::new(TEXT, SMALL) };
    canvas.text(&shortened(name), heading, bold);
    if sample.is_empty() {
        let at = (place.left, place.top + 9.0);
        return canvas.text("does not vary enough", at, Lettering::new(MUTED, SMALL));
    }
    let (across, [body, tails]) = labels;
    let panel = histogram::draw_body(canvas, place, "", ["", body], sample);
    panel.remark(&format!("α̂ = {}", number::significant(sample.alpha(), 3)), 0);
    let top = place.top + BODY_HEIGHT + BETWEEN;
    let place = Place { top, height: TAILS_HEIGHT, ..place };
    histogram::draw_tails(canvas, place, "", [across, tails], sample);
}

/// The end of a name tells parameters apart.
fn shortened(name: &str) -> String {
    let n_letters = name.chars().count();
    if n_letters <= LONGEST {
        return name.to_owned();
    }
    let end: String = name.chars().skip(n_letters - LONGEST + 1).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::test_tables;

    #[test]
    fn every_parameter_has_a_body_and_tails() {
        let svg = figure(&test_tables::full()).unwrap().unwrap().svg;
        assert_eq!(svg.matches("α̂ = ").count(), 9);
        assert_eq!(svg.matches("standardised value").count(), 3);
    }

    #[test]
    fn long_names_keep_their_end() {
        assert_eq!(shortened("fc1.weight[0,0]"), "fc1.weight[0,0]");
        let name = shortened(&format!("{}[1,2]", "layer.".repeat(9)));
        assert_eq!((name.chars().count(), name.ends_with("layer.[1,2]")), (LONGEST, true));
    }
}
