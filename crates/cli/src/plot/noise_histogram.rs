//! The noise of one parameter against its two fitted laws, a row for each batch size.

use anyhow::Result;
use stats::{Gaussian, SymmetricStable};
use train::Table;

use super::histogram::{self, Sample, reading};
use super::{Figure, RunTables, groups};

/// Draws the parameter whose draws the run kept.
pub fn figure(tables: &RunTables) -> Result<Option<Figure>> {
    let Some(table) = tables.noise_example.as_ref().filter(|table| table.n_rows() > 0) else {
        return Ok(None);
    };
    let (parameters, values) = (table.texts("parameter")?, table.reals("value")?);
    let parameter = &parameters[0];
    let mut samples = Vec::new();
    for (batch_size, rows) in groups::ascending(table.integers("batch_size")?) {
        let draws = rows.iter().map(|row| values[*row]).collect();
        let sample = Sample::new(format!("B = {batch_size}"), draws);
        samples.push(match &tables.noise {
            Some(noise) => {
                let (gaussian, stable) = fits(noise, batch_size, parameter)?;
                sample.with_laws(gaussian, stable)
            }
            None => sample,
        });
    }
    let title = "Noise of one parameter and its fitted laws".to_owned();
    let caption = format!(
        "Density of the gradient noise of {parameter} with the Gaussian and the SαS law of maximum \
         likelihood. {}",
        reading("Left", "right")
    );
    let svg = histogram::draw("noise-histogram", &title, &caption, &samples);
    Ok(Some(Figure { file: "noise_histogram.svg", title, caption, svg }))
}

/// The laws that were fitted to this parameter.
pub fn fits(
    noise: &Table,
    batch_size: i64,
    parameter: &str,
) -> Result<(Option<Gaussian>, Option<SymmetricStable>)> {
    let (batch_sizes, parameters) = (noise.integers("batch_size")?, noise.texts("parameter")?);
    let found = (0..noise.n_rows())
        .find(|row| batch_sizes[*row] == batch_size && parameters[*row] == parameter);
    let Some(row) = found else { return Ok((None, None)) };
    let real = |name: &str| Ok::<f64, anyhow::Error>(noise.reals(name)?[row]);
    let gaussian = Gaussian::new(real("gaussian_mean")?, real("gaussian_std")?);
    let stable = SymmetricStable::new(real("alpha")?, real("gamma")?, real("delta")?);
    Ok((gaussian.ok(), stable.ok()))
}
