//! Noise while a network trains: measured when it is due, one piece in `partial/` each, and put together at the end.

use probe::{During, Extent, Probe, ProbeSpec};
use train::{RunDir, Table, Trainer, TrainingSpec};

use super::probe::of_run;
use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Task;

const PARTIAL: &str = "partial";
const PIECES: &str = "partial/noise";

/// Tables that are kept of each measurement, and what they are called.
const TABLES: [(&str, &str); 4] = [
    ("noise", "noise_during"),
    ("noise_summary", "noise_during_summary"),
    ("noise_views", "noise_during_views"),
    // The last: with it a measurement is complete.
    ("noise_scale", "noise_during_scale"),
];

/// What measures in a training.
pub struct NoiseDuring<'a> {
    experiment: &'a Experiment,
    run: &'a RunDir,
    spec: &'a ProbeSpec,
    during: &'a During,
    training: &'a TrainingSpec,
}

impl<'a> NoiseDuring<'a> {
    /// `None` where the experiment asks for nothing.
    pub fn new(experiment: &'a Experiment, run: &'a RunDir) -> Option<Self> {
        let spec = experiment.file.probe.as_ref()?;
        let (during, training) = (spec.during.as_ref()?, experiment.file.training.as_ref()?);
        Some(Self { experiment, run, spec, during, training })
    }

    /// Measures where it is due and not done yet; weights, buffers and streams of the training stay as they are.
    pub fn measure(&self, trainer: &Trainer<'_>, task: &Task) -> Result<(), Failure> {
        let step = trainer.state().step;
        let is_due = self.during.is_due(step, trainer.ended_epoch(), self.training);
        let piece = |name: &str| format!("{PIECES}/{step}/{name}");
        let [.., (last, _)] = TABLES;
        if !is_due || self.run.table(&piece(last))?.is_some() {
            return Ok(());
        }
        task.note(|| format!("step {step}, measuring noise"));
        // The same parameters and minibatches as at the end: what differs is the weights.
        let streams = self.experiment.streams.named("probe");
        let probe =
            Probe::new(trainer.objective(), self.spec, &self.experiment.file.fit, &streams)?;
        let measured = probe.measure(Extent::Brief, &interrupt::flow, &mut |_, _| Ok(()));
        let tables = measured
            .map_err(|error| of_run(self.spec, error).context(format!("step {step}")))?
            .tables;
        for (name, _) in TABLES {
            let (_, table) = tables.iter().find(|(found, _)| *found == name).expect("it is made");
            let n_rows = table.n_rows();
            let at = Table::new()
                .with_integers("step", vec![step as i64; n_rows])
                .with_reals("epochs", vec![trainer.progress().epochs(); n_rows])
                .with_reals("learning_rate", vec![trainer.learning_rate(); n_rows]);
            self.run.write_table(&piece(name), &at.beside(table.clone()))?;
        }
        Ok(())
    }

    /// Puts the pieces together, which stay until [`tidy`](Self::tidy): a run that is killed before its training is saved
    /// needs them again.
    pub fn finish(&self) -> Result<(), Failure> {
        let mut steps: Vec<u64> = std::fs::read_dir(self.run.file(PIECES))
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        steps.sort_unstable();
        for (name, together) in TABLES {
            let pieces =
                steps.iter().map(|step| self.run.table(&format!("{PIECES}/{step}/{name}")));
            let pieces = pieces.collect::<Result<Option<Vec<Table>>, _>>()?;
            if let Some(pieces) = pieces.filter(|pieces| !pieces.is_empty()) {
                self.run.write_table(together, &Table::concat(pieces))?;
            }
        }
        Ok(())
    }

    /// Removes the pieces.
    pub fn tidy(&self) -> Result<(), Failure> {
        Ok(self.run.remove(PARTIAL)?)
    }
}
