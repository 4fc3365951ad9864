//! Data, models, schedules, the training loop, checkpoints and run directories, on candle.
//!
//! [`data::load`] gives a [`data::Dataset`]; a [`Model`] draws a [`ParamSet`] and binds it to a network; both make an
//! [`Objective`], the function whose minibatch gradient is noisy. A [`Trainer`] descends it with an [`Optimizer`] and
//! tells an [`Observer`]; it ends at a point with a [`Certificate`]. All randomness comes from [`Streams`]. A [`RunDir`]
//! keeps [`Table`]s, checkpoints and the [`Manifest`].
//!
//! This crate never knows that noise is being measured, and never writes to a terminal.
//!
//! ```
//! use std::sync::Arc;
//! use candle_core::Device;
//! use train::{Ending, MinimumSpec, ModelSpec, Objective, Streams, Trainer, TrainingSpec, data};
//!
//! let spec = data::DataSpec::embedded("ionosphere");
//! let data = Arc::new(data::load(&spec, &Device::Cpu)?);
//! let spec = ModelSpec::mlp(&[16, 16]);
//! let model: Arc<dyn train::Model> = spec.build(&data).into();
//!
//! let streams = Streams::new(1);
//! let params = model.init(&streams.named("init"), &Device::Cpu)?;
//! let objective = Objective::new(model, data, params)?;
//! let spec = TrainingSpec {
//!     minimum: Some(MinimumSpec { gradient_norm: Some(0.05), plateau: None }),
//!     ..TrainingSpec::new(0.1, 32, 2000)
//! };
//! let ending = Trainer::new(&objective, &spec, &streams)?.run(&mut ())?;
//! let Ending::Minimum(certificate) = ending else { panic!("{ending:?}") };
//! assert!(certificate.gradient_norm <= 0.05 && certificate.accuracy > 0.95);
//! # Ok::<(), train::TrainError>(())
//! ```

pub mod ablation;
mod augmentation;
mod candle_model;
mod certificate;
pub mod checkpoint;
pub mod data;
pub mod device;
mod error;
mod gradient_noise;
pub mod layers;
mod loss;
mod manifest;
mod memory;
mod model;
pub mod networks;
mod objective;
pub mod ops;
pub mod optimizer;
mod params;
mod run_dir;
mod sampler;
mod schedule;
pub mod steps_log;
mod streams;
mod table;
pub mod tensorboard;
mod trainer;

pub use augmentation::Augmentation;
pub use candle_model::{CandleModel, SharedModule};
pub use certificate::{Certificate, MinimumSpec, Plateau, PlateauState};
pub use error::{SpecError, TrainError};
pub use gradient_noise::gradient_noise;
pub use loss::Loss;
pub use manifest::{Manifest, StageRecord, Status};
pub use memory::keep_freed_memory;
pub use model::{
    ArchitectureSpec, LossTangent, Mode, Model, ModelSpec, Network, SecondDerivatives,
};
pub use networks::Mlp;
pub use objective::{Evaluation, Objective};
pub use optimizer::{AdamW, Optimizer, OptimizerSpec, Sgd};
pub use params::{ParamSet, flatten};
pub use run_dir::{RunDir, read_table, write_atomic};
pub use sampler::{MinibatchSampler, SamplerPosition, Sampling};
pub use schedule::{Progress, Schedule, Span};
pub use streams::Streams;
pub use table::{Column, Table, TableError};
pub use trainer::{
    Cadence, Ending, EvaluationRow, Flow, Observer, Trainer, TrainingSpec, TrainingState,
};
