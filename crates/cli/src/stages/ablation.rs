//! The three arms, each repetition a training of its own.

use rayon::prelude::*;
use train::ablation::{self, Arm, ArmRun};
use train::{Ending, EvaluationRow, Flow, Objective, Observer, RunDir, Table, TrainError, Trainer};

use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Task;

/// Runs the trainings that an earlier start has not finished, side by side.
pub fn run(experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
    let (Some(spec), Some((data, _))) = (&experiment.file.ablation, &experiment.ablation) else {
        return Ok(());
    };
    let arms = Arm::ALL.into_iter().flat_map(|arm| (0..spec.seeds).map(move |seed| (arm, seed)));
    let arms: Vec<(Arm, u64)> = arms.collect();
    let task = Task::begin("ablation", Some(arms.len() as u64 * spec.training.max_epochs));
    let arm_run = |&(arm, seed): &(Arm, u64)| -> Result<ArmRun, Failure> {
        let partial = format!("partial/ablation-{}-{seed}", arm.name().replace(' ', "-"));
        let steps = match run.table(&partial)? {
            Some(done) => {
                (0..spec.training.max_epochs).for_each(|_| task.advance());
                done
            }
            None => {
                let place = format!("ablation, {}, seed {seed}", arm.name());
                let steps = train_arm(experiment, arm, seed, &task);
                let steps = steps.map_err(|failure| failure.context(place))?;
                run.write_table(&partial, &steps)?;
                steps
            }
        };
        Ok(ArmRun { arm, seed, steps })
    };
    let runs = arms.par_iter().with_max_len(1).map(arm_run).collect::<Result<Vec<_>, _>>()?;
    let (n_samples, optimizer) = (data.train.len(), &spec.training.optimizer);
    run.write_table("ablation", &ablation::curves(&runs, n_samples, optimizer)?)?;
    run.write_table("ablation_summary", &ablation::summary(&runs, n_samples, optimizer)?)?;
    run.write_table("ablation_differences", &ablation::differences(&runs)?)?;
    run.remove("partial")?;
    task.finish(&format!("{} arms, {} seeds each", Arm::ALL.len(), spec.seeds));
    Ok(())
}

/// Repetition `seed` draws its weights and minibatches from the same streams in every arm.
fn train_arm(experiment: &Experiment, arm: Arm, seed: u64, task: &Task) -> Result<Table, Failure> {
    let (Some(spec), Some((data, model))) = (&experiment.file.ablation, &experiment.ablation)
    else {
        unreachable!("checked by the caller");
    };
    let streams = experiment.streams.named("ablation").named(&seed.to_string());
    let params = model.init(&streams.named("init"), data.train.device())?;
    let training = spec.training(arm);
    let objective = Objective::new(model.clone(), data.clone(), params)?
        .with_loss(training.loss)
        .with_micro_batch(training.micro_batch);
    let mut rows = Rows { rows: Vec::new(), epoch: 0, task };
    match Trainer::new(&objective, &training, &streams)?.run(&mut rows)? {
        Ending::Stopped => Err(Failure::Interrupted("interrupted".into())),
        Ending::Minimum(_) | Ending::Epochs(_) => {
            Ok(ablation::steps(&rows.rows, &objective, &streams)?)
        }
    }
}

struct Rows<'a> {
    rows: Vec<EvaluationRow>,
    epoch: u64,
    task: &'a Task,
}

impl Observer for Rows<'_> {
    fn stepped(&mut self, trainer: &Trainer<'_>) -> Result<Flow, TrainError> {
        let epoch = trainer.state().position.epoch;
        (self.epoch..epoch).for_each(|_| self.task.advance());
        self.epoch = epoch;
        Ok(interrupt::flow())
    }

    fn evaluated(&mut self, _trainer: &Trainer<'_>, row: &EvaluationRow) -> Result<(), TrainError> {
        self.rows.push(*row);
        Ok(())
    }
}
