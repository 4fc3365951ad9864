use std::sync::Arc;

use candle_core::Device;

use super::*;
use crate::certificate::Plateau;
use crate::data::tests::blobs;
use crate::model::Model;
use crate::optimizer::{AdamW, Sgd};
use crate::schedule::Span;

const N_SAMPLES: usize = 40;

fn objective(seed: u64) -> Objective {
    let model = Arc::new(crate::Mlp::new(3, &[5, 4], 2));
    let params = model.init(&Streams::new(seed).named("init"), &Device::Cpu).unwrap();
    Objective::new(model, Arc::new(blobs(N_SAMPLES)), params).unwrap()
}

fn spec(optimizer: OptimizerSpec, sampling: Sampling) -> TrainingSpec {
    TrainingSpec {
        learning_rate: 0.05,
        batch_size: 6,
        max_epochs: 5,
        sampling,
        evaluate: Cadence::Steps(3),
        learning_rate_schedule: Schedule::Warmup {
            over: Span::Steps(4),
            start: 0.2,
            then: Box::new(Schedule::Exponential { gamma: 0.8 }),
        },
        batch_size_schedule: Schedule::Cosine { epochs: 4, final_multiplier: 2. },
        loss: Loss::default(),
        augmentation: None,
        micro_batch: None,
        optimizer,
        minimum: Some(MinimumSpec {
            gradient_norm: None,
            plateau: Some(Plateau { evaluations: 100, relative_improvement: 0.01 }),
        }),
    }
}

fn optimizers() -> [OptimizerSpec; 4] {
    let sgd = Sgd { momentum: 0.9, nesterov: false, weight_decay: 1e-3 };
    [
        OptimizerSpec::default(),
        OptimizerSpec::Sgd(sgd),
        OptimizerSpec::Sgd(Sgd { nesterov: true, ..sgd }),
        OptimizerSpec::AdamW(AdamW::default()),
    ]
}

/// Keeps the evaluations, and stops after a step.
#[derive(Default)]
struct Watch {
    rows: Vec<EvaluationRow>,
    stop_after: Option<u64>,
}

impl Observer for Watch {
    fn stepped(&mut self, trainer: &Trainer<'_>) -> Result<Flow, TrainError> {
        let stop = self.stop_after == Some(trainer.state().step);
        Ok(if stop { Flow::Stop } else { Flow::Continue })
    }

    fn evaluated(&mut self, _trainer: &Trainer<'_>, row: &EvaluationRow) -> Result<(), TrainError> {
        self.rows.push(*row);
        Ok(())
    }
}

/// Trains to the end, stopped and resumed after every step in `stops`; returns the evaluations, how it ended, and the
/// bytes of the last checkpoint.
fn train(spec: &TrainingSpec, stops: &[u64]) -> (String, Ending, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.safetensors");
    let streams = Streams::new(2);
    let (mut rows, mut begun) = (Vec::new(), false);
    for stop_after in stops.iter().copied().map(Some).chain([None]) {
        // What is resumed comes from the file and not from the objective.
        let objective = objective(if begun { 8 } else { 1 });
        let mut trainer = match begun {
            true => Trainer::resume(&objective, spec, &streams, &path).unwrap(),
            false => Trainer::new(&objective, spec, &streams).unwrap(),
        };
        begun = true;
        let mut watch = Watch { rows: Vec::new(), stop_after };
        let ending = trainer.run(&mut watch).unwrap();
        trainer.save(&path).unwrap();
        rows.append(&mut watch.rows);
        if ending != Ending::Stopped {
            // NaN, where there is no test set, is not equal to itself.
            return (format!("{rows:?}"), ending, std::fs::read(&path).unwrap());
        }
    }
    unreachable!("the last start is not stopped")
}

#[test]
fn stopped_and_resumed_equals_straight_through() {
    for sampling in [Sampling::Reshuffled, Sampling::WithReplacement] {
        for optimizer in optimizers() {
            let spec = spec(optimizer, sampling);
            let (rows, _, bytes) = train(&spec, &[]);
            for stops in [vec![1, 2, 3, 10, 17], (1..20).collect()] {
                let (again, _, bytes_again) = train(&spec, &stops);
                assert_eq!(again, rows, "{:?}", spec.optimizer);
                assert!(bytes_again == bytes, "{:?}: another checkpoint", spec.optimizer);
            }
        }
    }
}

#[test]
fn a_plateau_ends_the_training_at_the_same_step_however_often_it_was_stopped() {
    let mut spec = spec(OptimizerSpec::default(), Sampling::Reshuffled);
    spec.evaluate = Cadence::Steps(1);
    spec.max_epochs = 100;
    (spec.learning_rate, spec.learning_rate_schedule) = (0.5, Schedule::Constant);
    spec.minimum.as_mut().unwrap().plateau =
        Some(Plateau { evaluations: 6, relative_improvement: 0.03 });
    let (_, ending, bytes) = train(&spec, &[]);
    let Ending::Minimum(certificate) = &ending else { panic!("{ending:?}") };
    assert_eq!(
        certificate.criterion,
        "plateau: 6 evaluations without a loss lower by a share of 0.03"
    );
    assert!(certificate.step > 6);
    let stops: Vec<u64> = (1..certificate.step).collect();
    let (_, resumed, bytes_resumed) = train(&spec, &stops);
    assert_eq!(resumed, ending);
    assert!(bytes_resumed == bytes);
}

#[test]
fn a_checkpoint_without_the_state_of_a_plateau_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.safetensors");
    let (objective, streams) = (objective(1), Streams::new(2));
    let with_plateau = spec(OptimizerSpec::default(), Sampling::Reshuffled);
    let without = TrainingSpec { minimum: None, ..with_plateau.clone() };
    let mut trainer = Trainer::new(&objective, &without, &streams).unwrap();
    trainer.run(&mut Watch { stop_after: Some(2), ..Watch::default() }).unwrap();
    trainer.save(&path).unwrap();
    let refused = Trainer::resume(&objective, &with_plateau, &streams, &path).err().unwrap();
    assert!(refused.to_string().ends_with("the plateau that training.minimum asks for"));
}

#[test]
fn an_evaluation_states_the_rate_and_batch_of_the_last_step() {
    for sampling in [Sampling::Reshuffled, Sampling::WithReplacement] {
        let multi_step = |factor| Schedule::MultiStep { milestones: vec![2], factor };
        let spec = TrainingSpec {
            evaluate: Cadence::Epoch,
            learning_rate_schedule: multi_step(0.5),
            batch_size_schedule: multi_step(2.),
            minimum: None,
            ..spec(OptimizerSpec::default(), sampling)
        };
        let objective = objective(1);
        let mut watch = Watch::default();
        Trainer::new(&objective, &spec, &Streams::new(2)).unwrap().run(&mut watch).unwrap();
        let stated: Vec<(f64, usize)> =
            watch.rows.iter().map(|row| (row.learning_rate, row.batch_size)).collect();
        let expected = [(0.05, 6); 3].into_iter().chain([(0.025, 12); 3]);
        assert_eq!(stated, expected.collect::<Vec<_>>(), "{sampling:?}");
    }
}

/// The complaint of a training without biases that begins where all weights of layer i are `layers[i]`, but for those of
/// the first logit, which are 0.
fn complaint(layers: [f32; 3], learning_rate: f64) -> String {
    let objective = objective(1);
    for (var, layer) in objective.params().vars().zip([0, 0, 1, 1, 2, 2]) {
        let mut values = vec![if var.rank() == 1 { 0. } else { layers[layer] }; var.elem_count()];
        if layer == 2 {
            values[..var.elem_count() / 2].fill(0.);
        }
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
    }
    let spec = TrainingSpec {
        learning_rate,
        batch_size: N_SAMPLES,
        evaluate: Cadence::Epoch,
        learning_rate_schedule: Schedule::Constant,
        batch_size_schedule: Schedule::Constant,
        minimum: None,
        ..spec(OptimizerSpec::default(), Sampling::Reshuffled)
    };
    let streams = Streams::new(2);
    let mut trainer = Trainer::new(&objective, &spec, &streams).unwrap();
    // The evaluation before the first step would see the gradient first.
    let error = std::iter::repeat_with(|| trainer.step()).take(3).find_map(Result::err);
    error.map_or_else(String::new, |error| error.to_string())
}

#[test]
fn what_is_not_finite_stops_the_training_with_its_name() {
    assert_eq!(complaint([0.1, 0.1, 0.1], 0.1), "");
    let line = complaint([1e-30, 1e20, 1e20], 0.1);
    let expected = "learning_rate = 0.1: training diverged, the gradient of `fc1.weight` is not finite at step 1;";
    assert!(line.starts_with(expected), "{line}");
    let line = complaint([1., 1., 1.], 1e39);
    let expected = "learning_rate = 1e39: training diverged, `fc1.weight` is not finite at step 1;";
    assert!(line.starts_with(expected), "{line}");
    let line = complaint([1e15, 1e15, 1e15], 0.1);
    let expected = "learning_rate = 0.1: training diverged, loss is ";
    assert!(line.starts_with(expected), "{line}");
}

#[test]
fn the_first_gradient_is_seen_before_it_reaches_a_weight() {
    let objective = objective(1);
    let spec = spec(OptimizerSpec::default(), Sampling::Reshuffled);
    let trainer = Trainer::new(&objective, &spec, &Streams::new(2)).unwrap();
    let sound: Vec<Tensor> = trainer.params().vars().map(|var| var.zeros_like().unwrap()).collect();
    trainer.check_gradient(&sound).unwrap();
    let broken: Vec<Tensor> = sound.iter().map(|g| (g / 0.).unwrap()).collect();
    let line = trainer.check_gradient(&broken).unwrap_err().to_string();
    assert!(line.contains("the gradient of `fc1.weight` is not finite at step 1"), "{line}");
}
