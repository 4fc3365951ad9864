//! A run: its directory, its stages in order, and a manifest that tells the truth at every moment.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use train::{Manifest, RunDir, StageRecord, Status, TrainError};

use crate::experiment::{Experiment, Plan};
use crate::failure::Failure;
use crate::stages::{self, Stage};

/// Runs those of `wanted` that the experiment has and that are not done yet; returns the run's directory.
pub fn run(plan: Plan, out: &Path, wanted: &[Stage]) -> Result<PathBuf, Failure> {
    let Plan { point, file } = plan;
    let hash = file.hash();
    let path = out.join(&file.name).join(format!("{point}-{hash}"));
    // Bad input is told before anything is written.
    let experiment = file.resolve()?;
    let directory = RunDir::open(&path).map_err(|error| match error {
        TrainError::Io { .. } => Failure::BadInput(format!("--out {}: {error}", out.display())),
        error => error.into(),
    })?;
    let earlier = directory.manifest();
    if let Some(earlier) = &earlier {
        goes_on(earlier, &experiment).map_err(|reason| Failure::in_file(&path, reason))?;
    }
    let is_done = |manifest: &Manifest| {
        let mut wanted = wanted.iter().filter(|stage| stage.is_in(&experiment.file));
        wanted.all(|stage| is_finished(manifest, *stage)) && path.join("report.html").exists()
    };
    if earlier.as_ref().is_some_and(is_done) {
        // Found again: nothing is done, and what the manifest says of who did it stays true.
        return Ok(path);
    }
    directory.write("experiment.toml", experiment.file.to_toml().as_bytes())?;

    let mut manifest = begin(&experiment, earlier, point, hash);
    let before = manifest.elapsed_seconds;
    let started = Instant::now();
    directory.write_manifest(&manifest)?;
    let mut outcome = wanted.iter().try_for_each(|&stage| {
        if !stage.is_in(&experiment.file) || is_finished(&manifest, stage) {
            return Ok(());
        }
        let stage_started = Instant::now();
        stage.run(&experiment, &directory)?;
        let seconds = stage_started.elapsed().as_secs_f64();
        let git_revision = env!("NOISESCOPE_REVISION").to_owned();
        manifest.stages.push(StageRecord { name: stage.name().to_owned(), seconds, git_revision });
        manifest.elapsed_seconds = before + started.elapsed().as_secs_f64();
        directory.write_manifest(&manifest)?;
        Ok(())
    });

    let mut all = Stage::ALL.iter().filter(|stage| stage.is_in(&experiment.file));
    manifest.status = match &outcome {
        Ok(()) if all.all(|&stage| is_finished(&manifest, stage)) => Status::Finished,
        Ok(()) => Status::Partial,
        Err(Failure::Interrupted(_)) => Status::Interrupted,
        Err(_) => Status::Failed,
    };
    manifest.tables = tables_in(&path)?;
    manifest.elapsed_seconds = before + started.elapsed().as_secs_f64();
    // The report tells of the manifest, and the manifest is the last to be written: it cannot claim what is not there.
    if outcome.is_ok() {
        let told = serde_json::to_value(&manifest).expect("a manifest serialises");
        outcome = stages::write_report(&path, &told).map(|_| ());
    }
    if let Err(failure) = &outcome
        && !matches!(failure, Failure::Interrupted(_))
    {
        (manifest.status, manifest.message) = (Status::Failed, Some(failure.to_string()));
    }
    let told = directory.write_manifest(&manifest);
    outcome.map_err(|failure: Failure| match failure {
        Failure::Interrupted(_) => {
            let path = path.display();
            Failure::Interrupted(format!("interrupted; the same command goes on from {path}"))
        }
        failure => failure,
    })?;
    told?;
    Ok(path)
}

/// A run goes on with the data and the program that it was begun with, or its tables would not belong together.
fn goes_on(earlier: &Manifest, experiment: &Experiment) -> Result<(), String> {
    let version = env!("CARGO_PKG_VERSION");
    let made = if earlier.noisescope != version {
        format!("by noisescope {}, this is {version}", earlier.noisescope)
    } else if earlier.data != experiment.digests {
        "with other data".to_owned()
    } else if earlier.checkpoint != experiment.checkpoint {
        "of another checkpoint under the same name".to_owned()
    } else {
        return Ok(());
    };
    Err(format!("this run was made {made}; remove it, or choose another --out"))
}

fn is_finished(manifest: &Manifest, stage: Stage) -> bool {
    manifest.stages.iter().any(|record| record.name == stage.name())
}

/// The manifest of this start: what an earlier start of the same run finished is kept.
fn begin(
    experiment: &Experiment,
    earlier: Option<Manifest>,
    point: String,
    hash: String,
) -> Manifest {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    Manifest {
        name: experiment.file.name.clone(),
        point,
        status: Status::Running,
        message: None,
        seed: experiment.file.seed,
        noisescope: env!("CARGO_PKG_VERSION").to_owned(),
        git_revision: env!("NOISESCOPE_REVISION").to_owned(),
        hash,
        device: experiment.file.device.clone(),
        threads: rayon::current_num_threads(),
        started: earlier.as_ref().map_or(now, |earlier| earlier.started.clone()),
        elapsed_seconds: earlier.as_ref().map_or(0., |earlier| earlier.elapsed_seconds),
        data: experiment.digests.clone(),
        checkpoint: experiment.checkpoint.clone(),
        stages: earlier.map_or_else(Vec::new, |earlier| earlier.stages),
        tables: Vec::new(),
    }
}

/// The names of the tables in a run directory, sorted.
pub fn tables_in(directory: &Path) -> Result<Vec<String>, TrainError> {
    let entries = std::fs::read_dir(directory).map_err(TrainError::io(directory))?;
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| name.ends_with(".parquet") || name == "steps.csv").collect();
    names.sort();
    Ok(names)
}
