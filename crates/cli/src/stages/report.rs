//! Plots and report, drawn from the tables of a run directory.

use std::path::{Path, PathBuf};

use train::{TrainError, write_atomic};

use crate::failure::Failure;
use crate::report::{self, ReportInput};
use crate::{plot, tables};

/// Draws every figure whose tables are there and writes `plots/*.svg` and `report.html`; returns the report's path.
pub fn write(directory: &Path, manifest: &serde_json::Value) -> Result<PathBuf, Failure> {
    let resolved = directory.join("experiment.toml");
    let experiment_toml = std::fs::read_to_string(&resolved).map_err(TrainError::io(&resolved))?;
    let tables = tables::read(directory)?;
    let figures = plot::figures(&tables)?;
    for figure in &figures {
        write_atomic(&directory.join("plots").join(figure.file), figure.svg.as_bytes())?;
    }
    let html = report::html(&ReportInput {
        name: manifest["name"].as_str().unwrap_or("run"),
        manifest,
        experiment_toml: &experiment_toml,
        tables: &tables,
        figures: &figures,
    })?;
    let path = directory.join("report.html");
    write_atomic(&path, html.as_bytes())?;
    Ok(path)
}
