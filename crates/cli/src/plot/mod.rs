//! Figures drawn from the tables of a run, and from nothing else.
//!
//! Each figure is one file; all of them are made of panels ([`panel`]) with axes ([`axis`]), drawn on a sheet
//! ([`canvas`]) in a few inks that mean the same everywhere ([`style`]).

use anyhow::{Context, Result};
use train::Table;

mod ablation;
mod aggregation;
mod alpha;
mod alpha_during;
mod alpha_layers;
mod axis;
pub mod canvas;
mod escape_axes;
mod escape_theories;
mod escape_time;
pub mod fit;
pub mod groups;
mod histogram;
mod key;
mod loss;
mod noise_grid;
mod noise_histogram;
pub mod number;
mod panel;
mod profile;
mod quantiles;
pub mod style;
mod survival;
#[cfg(test)]
pub mod test_tables;

/// Width of every figure in pixels.
const WIDTH: f64 = 760.0;

/// Marks of a panel, or of a row of marks: more cannot be told apart, and make files of tens of megabytes.
const MOST_MARKS: usize = 2000;

/// At most [`MOST_MARKS`] of them, at equal distances.
fn thinned<T: Copy>(marks: &[T]) -> Vec<T> {
    let n_kept = marks.len().min(MOST_MARKS);
    (0..n_kept).map(|idx| marks[idx * marks.len() / n_kept]).collect()
}

/// The tables of a run, those that its experiment produced.
#[derive(Default)]
pub struct RunTables {
    /// Full-batch loss, gradient norm and accuracy at each evaluation of the training.
    pub steps: Option<Table>,
    /// One row: how the training stopped.
    pub certificate: Option<Table>,
    /// One row per batch size and parameter: the fits and tests of its noise.
    pub noise: Option<Table>,
    /// One row per batch size: means over the parameters.
    pub noise_summary: Option<Table>,
    /// The raw noise of one parameter, draw by draw.
    pub noise_example: Option<Table>,
    /// The raw noise of up to nine parameters at the middle batch size, draw by draw.
    pub noise_grid: Option<Table>,
    /// One row per batch size and layer: its parameters taken together.
    pub noise_layers: Option<Table>,
    /// One row per batch size: noise and signal of the whole gradient.
    pub noise_scale: Option<Table>,
    /// One row per batch size and rank: the greatest eigenvalues of the covariance.
    pub noise_spectrum: Option<Table>,
    /// One row per batch size, parameter and number of draws in a sum.
    pub noise_aggregation: Option<Table>,
    /// One row per parameter: the test of one α at all batch sizes.
    pub noise_common_alpha: Option<Table>,
    /// One row per batch size: α̂ of each parameter, across parameters and of all pooled.
    pub noise_views: Option<Table>,
    /// One row per batch size and parameter: tests by simulation.
    pub noise_tests: Option<Table>,
    /// `noise_summary` at each measurement during training.
    pub noise_during_summary: Option<Table>,
    /// `noise_views`, likewise.
    pub noise_during_views: Option<Table>,
    /// `noise_scale`, likewise.
    pub noise_during_scale: Option<Table>,
    /// One row per escape trial.
    pub escape_trials: Option<Table>,
    /// One row per learning rate: mean and median escape times with intervals.
    pub escape_summary: Option<Table>,
    /// Kaplan–Meier curves, one per ensemble and basin.
    pub escape_survival: Option<Table>,
    /// One row per ensemble, basin and coordinate: the share of exits through it.
    pub escape_axes: Option<Table>,
    /// One row: the certificate of the minimum.
    pub escape_minimum: Option<Table>,
    /// One row: the batch size of trials without noise.
    pub escape_full_batch: Option<Table>,
    /// One row per ensemble: growth of the exit time with the loss ratio.
    pub escape_slopes: Option<Table>,
    /// One row per theory of the exit time.
    pub escape_theories: Option<Table>,
    /// One row per pair of theories.
    pub escape_theory_pairs: Option<Table>,
    /// One row per theory and setting.
    pub escape_theory_means: Option<Table>,
    /// What theories took as measured.
    pub escape_constants: Option<Table>,
    /// One row per arm, seed and epoch of the ablation.
    pub ablation: Option<Table>,
    /// One row per arm of the ablation.
    pub ablation_summary: Option<Table>,
    /// Differences between arms.
    pub ablation_differences: Option<Table>,
}

/// A drawing that stands on its own as an SVG file.
pub struct Figure {
    /// File name under `plots/`.
    pub file: &'static str,
    /// What the figure shows, in a few words.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// The drawing, on white paper.
    pub svg: String,
}

/// Draws every figure whose tables are there.
///
/// # Errors
/// When a table lacks a column that its figure needs.
pub fn figures(tables: &RunTables) -> Result<Vec<Figure>> {
    type Draw = fn(&RunTables) -> Result<Option<Figure>>;
    let all: [(&str, Draw); 12] = [
        ("loss", loss::figure),
        ("alpha", alpha::figure),
        ("noise histogram", noise_histogram::figure),
        ("noise grid", noise_grid::figure),
        ("layers", alpha_layers::figure),
        ("aggregation", aggregation::figure),
        ("noise during training", alpha_during::figure),
        ("escape time", escape_time::figure),
        ("survival", survival::figure),
        ("theories", escape_theories::figure),
        ("axes", escape_axes::figure),
        ("ablation", ablation::figure),
    ];
    let drawn = all
        .into_iter()
        .map(|(name, draw)| draw(tables).with_context(|| format!("cannot draw the {name} figure")));
    drawn.filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(tables: &RunTables) -> Vec<Figure> {
        figures(tables).unwrap()
    }

    #[test]
    fn a_full_run_has_every_figure() {
        let files: Vec<&str> =
            drawn(&test_tables::full()).iter().map(|figure| figure.file).collect();
        let expected = [
            "loss",
            "alpha",
            "noise_histogram",
            "noise_grid",
            "alpha_layers",
            "aggregation",
            "alpha_during",
            "escape_time",
            "survival",
            "escape_theories",
            "escape_axes",
            "ablation",
        ];
        assert_eq!(files, expected.map(|name| format!("{name}.svg")));
    }

    #[test]
    fn equal_tables_give_equal_figures() {
        let svgs = || drawn(&test_tables::full()).into_iter().map(|figure| figure.svg);
        assert!(svgs().eq(svgs()));
    }

    #[test]
    fn missing_and_empty_tables_have_no_figure() {
        assert!(drawn(&RunTables::default()).is_empty());
        assert!(drawn(&test_tables::hard()[0]).is_empty());
    }

    #[test]
    fn a_missing_column_is_named() {
        let steps = Some(Table::new().with_integers("step", [1]));
        let error = figures(&RunTables { steps, ..RunTables::default() }).err().unwrap();
        let message = format!("{error:#}");
        assert!(message.contains("loss figure") && message.contains("`loss`"), "{message}");
    }

    #[test]
    fn hard_tables_are_drawn_within_their_sheet() {
        for tables in test_tables::hard() {
            for Figure { file, svg, .. } in drawn(&tables) {
                crate::report::assert_balanced(&svg);
                let numbers = svg
                    .split(['"', ',', ' '])
                    .filter_map(|word| word.parse::<f64>().ok())
                    .filter(|number| number.abs() > 20_000.0);
                assert_eq!(numbers.count(), 0, "{file} draws far outside");
                assert!(!svg.contains("NaN"), "{file}");
            }
        }
    }
}
