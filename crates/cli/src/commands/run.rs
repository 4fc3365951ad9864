//! `run`, `train`, `probe`, `escape`.

use std::time::Instant;

use crate::args::RunArgs;
use crate::experiment;
use crate::failure::Failure;
use crate::run;
use crate::stages::Stage;
use crate::tables;
use crate::terminal::print;

/// Runs the stages `wanted` at every point of the experiment.
pub fn run(args: &RunArgs, wanted: &[Stage]) -> Result<(), Failure> {
    let mut assignments = args.set.clone();
    assignments.extend(args.seed.map(|seed| format!("seed={seed}")));
    assignments.extend(args.device.as_ref().map(|device| format!("device=\"{device}\"")));
    let plans = experiment::read(&args.experiment, &assignments)?;
    for &stage in wanted {
        if plans.iter().any(|plan| !stage.is_in(&plan.file)) && wanted.len() < Stage::ALL.len() {
            let reason = format!("there is no section [{}]", stage.name());
            return Err(Failure::in_file(&args.experiment, reason));
        }
    }
    let n_plans = plans.len();
    for (plan_idx, plan) in plans.into_iter().enumerate() {
        let started = Instant::now();
        let point = match n_plans {
            1 => String::new(),
            _ => format!(", point {} of {n_plans}: {}", plan_idx + 1, plan.point),
        };
        eprintln!("Experiment {}, seed {}{point}", plan.file.name, plan.file.seed);
        let directory = run::run(plan, &args.out, wanted)
            .map_err(|failure| failure.context(args.experiment.display()))?;
        let summary = tables::summary(&tables::read(&directory)?)?;
        let directory = directory.display();
        let seconds = started.elapsed().as_secs_f64();
        print(&format!(
            "\n{summary}Done in {seconds:.1} s.\nReport: {directory}/report.html\nTables: {directory}\n"
        ))?;
    }
    Ok(())
}
