//! `report`.

use crate::args::ReportArgs;
use crate::failure::Failure;
use crate::stages::write_report;
use crate::terminal::print;

/// Draws plots and reports again.
pub fn run(args: &ReportArgs) -> Result<(), Failure> {
    for run in &args.runs {
        if !run.join("manifest.json").exists() {
            return Err(Failure::in_file(run, "not a run directory: it holds no manifest.json"));
        }
        print(&format!("{}\n", write_report(run)?.display()))?;
    }
    Ok(())
}
