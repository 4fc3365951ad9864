//! `report`.

use std::path::Path;

use crate::args::ReportArgs;
use crate::failure::Failure;
use crate::stages::write_report;
use crate::terminal::print;

/// Draws plots and reports again.
pub fn run(args: &ReportArgs) -> Result<(), Failure> {
    for run in &args.runs {
        let report = write_report(run, &manifest(run)?)?;
        print(&format!("{}\n", report.display()))?;
    }
    Ok(())
}

/// The manifest of a run directory.
pub fn manifest(run: &Path) -> Result<serde_json::Value, Failure> {
    let path = run.join("manifest.json");
    let text = std::fs::read(&path)
        .map_err(|_| Failure::in_file(run, "not a run directory: it holds no manifest.json"))?;
    serde_json::from_slice(&text).map_err(|error| Failure::in_file(&path, error))
}
