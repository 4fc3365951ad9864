//! The chapter on the minimum and its certificate.

use anyhow::Result;
use train::Table;

use super::markup::{Cell, Column, table};
use super::{ReportInput, Section};
use crate::plot::number::{count, significant};

pub(super) fn section(input: &ReportInput) -> Result<Option<Section>> {
    let mut body = input.figure("loss.svg");
    if let Some(certificate) = input.tables.certificate.as_ref().filter(|t| t.n_rows() > 0) {
        body += "<p>The certificate says at which point the noise and the escapes below were \
                 measured. A small full-batch gradient shows that the point is nearly \
                 stationary; it does not show that the point is a strict or a global \
                 minimum.</p>\n";
        body += &certificate_table(certificate)?;
    }
    if body.is_empty() {
        return Ok(None);
    }
    Ok(Some(Section { id: "minimum", title: "Minimum and certificate", body }))
}

fn certificate_table(certificate: &Table) -> Result<String> {
    let real = |name| certificate.reals(name).map(|values| significant(values[0], 3));
    let whole = |name| certificate.integers(name).map(|values| count(values[0]));
    let rows = [
        ("Criterion", certificate.texts("criterion")?[0].clone()),
        ("Step", whole("step")?),
        ("Epoch", whole("epoch")?),
        ("Full-batch loss", real("loss")?),
        ("Norm of the full-batch gradient", real("gradient_norm")?),
        ("Accuracy on the training set", real("accuracy")?),
        ("Steps since the loss last improved", whole("steps_since_improvement")?),
    ];
    let rows: Vec<Vec<Cell>> = rows
        .into_iter()
        .map(|(name, value)| vec![Cell::Plain(name.to_owned()), Cell::Plain(value)])
        .collect();
    let columns = [Column::Text("Quantity"), Column::Text("At the certified point")];
    Ok(table("Certificate of the minimum", &columns, &rows))
}
