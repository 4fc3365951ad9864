//! The figures of one fitted series.

use stats::Comparison;

use super::histogram::{self, Sample, reading};
pub use super::profile::Profile;
use super::{Figure, profile, quantiles};

/// Histogram, quantiles and profile likelihood; a degenerate series has no laws to be drawn.
pub fn figures(
    name: &str,
    samples: &[f64],
    comparison: &Comparison,
    profile: Option<&Profile>,
) -> Vec<Figure> {
    let gaussian = Some(comparison.gaussian.law).filter(|law| law.std() > 0.0);
    let stable = Some(comparison.stable.law).filter(|law| law.gamma() > 0.0);
    let title = format!("{name} and its fitted laws");
    let caption = format!(
        "Density of {name} with the Gaussian and the SαS law of maximum likelihood. {}",
        reading("Left", "right")
    );
    let sample = Sample::new("", samples.to_vec()).with_laws(gaussian, stable);
    let svg = histogram::draw("histogram", &title, &caption, &[sample]);
    let histogram = Figure { file: "histogram.svg", title, caption, svg };
    let mut figures = vec![histogram, quantiles::figure(samples, gaussian, stable)];
    figures.extend(profile.map(profile::figure));
    figures
}
