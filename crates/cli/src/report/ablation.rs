//! The chapter on the ablation of learning-rate decay against batch growth.

use anyhow::Result;
use train::Table;

use super::markup::{Cell, Column, shared, table};
use super::{ReportInput, Section};
use crate::plot::number::{count, significant};

const SPREADS: [(&str, &str); 6] = [
    ("gradient_noise", "Final gradient noise √(Tr Σ)"),
    ("step_noise", "Final step noise η√(Tr Σ)"),
    ("loss", "Training loss"),
    ("accuracy", "Training accuracy"),
    ("test_loss", "Test loss"),
    ("test_accuracy", "Test accuracy"),
];

pub(super) fn section(input: &ReportInput) -> Result<Option<Section>> {
    let mut body = input.figure("ablation.svg");
    if let Some(summary) = input.tables.ablation_summary.as_ref().filter(|t| t.n_rows() > 0) {
        body += &summary_table(summary)?;
    }
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(Section { id: "ablation", title: "Ablation", body }))
}

/// One column per arm, so that the table stays narrow.
fn summary_table(summary: &Table) -> Result<String> {
    let (n_seeds, epochs) = (summary.integers("n_seeds")?, summary.integers("epochs")?);
    let mut caption = "End of training, mean ± standard deviation over seeds".to_owned();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for (values, name, phrase) in [(epochs, "Epochs", "epochs"), (n_seeds, "Seeds", "seeds")] {
        match shared(values) {
            Some(value) => caption += &format!(", {} {phrase}", count(value)),
            None => rows.push(row(name, values.iter().map(|value| plain(count(*value))))),
        }
    }
    let updates = summary.integers("updates")?.iter();
    rows.push(row("Updates", updates.map(|value| plain(count(*value)))));
    let noise_scale = summary.reals("noise_scale")?.iter();
    rows.push(row("Final noise scale", noise_scale.map(|value| plain(significant(*value, 3)))));
    for (column, name) in SPREADS {
        let mean = summary.reals(&format!("{column}_mean"))?;
        let deviation = summary.reals(&format!("{column}_std"))?;
        // Runs without a test set have no test figures to show.
        if mean.iter().any(|mean| mean.is_finite()) {
            rows.push(row(name, mean.iter().zip(deviation).map(|(m, d)| Cell::spread(*m, *d))));
        }
    }
    let mut columns = vec![Column::Text("Quantity")];
    columns.extend(summary.texts("arm")?.iter().map(|arm| Column::Spread(arm.clone())));
    Ok(table(&caption, &columns, &rows))
}

fn row(name: &str, cells: impl Iterator<Item = Cell>) -> Vec<Cell> {
    std::iter::once(plain(name.to_owned())).chain(cells).collect()
}

fn plain(text: String) -> Cell {
    Cell::Plain(text)
}
