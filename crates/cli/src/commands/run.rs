//! `run`, `train`.

use std::path::Path;
use std::time::Instant;

use crate::args::{RunArgs, RunOptions};
use crate::experiment::{self, Plan};
use crate::failure::Failure;
use crate::run;
use crate::stages::Stage;
use crate::tables;
use crate::terminal::print;

/// Runs the stages `wanted` at every point of the experiment.
pub fn run(args: &RunArgs, wanted: &[Stage]) -> Result<(), Failure> {
    let path = &args.experiment;
    let plans = experiment::plans(path, experiment::read(path)?, &args.options.assignments())?;
    run_plans(path, plans, &args.options.out, wanted)
}

/// Runs the stages `wanted` of each plan; `source` is the file that is to blame for them.
pub fn run_plans(
    source: &Path,
    plans: Vec<Plan>,
    out: &Path,
    wanted: &[Stage],
) -> Result<(), Failure> {
    for &stage in wanted {
        if plans.iter().any(|plan| !stage.is_in(&plan.file)) && wanted.len() < Stage::ALL.len() {
            let reason = match stage {
                Stage::Train => {
                    "a checkpoint says where weights are, or nothing needs any: nothing is trained"
                        .into()
                }
                _ => format!("there is no section [{}]", stage.name()),
            };
            return Err(Failure::in_file(source, reason));
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
        let directory =
            run::run(plan, out, wanted).map_err(|failure| failure.context(source.display()))?;
        let summary = tables::summary(&tables::read(&directory)?)?;
        let directory = directory.display();
        let seconds = started.elapsed().as_secs_f64();
        print(&format!(
            "\n{summary}Done in {seconds:.1} s.\nReport: {directory}/report.html\nTables: {directory}\n"
        ))?;
    }
    Ok(())
}

impl RunOptions {
    /// Everything that is said as assignments of keys.
    pub fn assignments(&self) -> Vec<String> {
        let mut assignments = self.set.clone();
        assignments.extend(self.seed.map(|seed| format!("seed={seed}")));
        assignments.extend(self.device.as_ref().map(|device| format!("device=\"{device}\"")));
        assignments
    }
}
