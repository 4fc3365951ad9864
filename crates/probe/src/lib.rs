//! Stochastic gradient noise, parameter by parameter.
//!
//! A [`ProbeSpec`] says how many [`Coordinates`], which minibatch sizes and how many draws. [`draw_minibatches`] freezes
//! the weights of an objective, takes a [`Reference`] (the full-batch gradient) and returns a [`NoiseMatrix`]
//! `[n_draws, n_coordinates]`. [`quantities`] reduce its columns to table rows: what laws fit, how well, and whether the
//! noise is heavy-tailed.
//!
//! Noise has the sign of Battash, Wolf, Lindenbaum (2023), eq. 1: u = ∇L(w) − (1/B) Σ_{i∈Ω} ∇ℓ_i(w). It is one series
//! per parameter over many minibatches, never pooled over parameters.
//!
//! A probe leaves no trace: weights and random streams of training are as before.
//!
//! ```
//! use std::sync::Arc;
//! use candle_core::Device;
//! use probe::{Coordinates, Reference, draw_minibatches};
//! use train::{ModelSpec, Objective, Streams, data};
//!
//! let spec = data::DataSpec::embedded("ionosphere");
//! let data = Arc::new(data::load(&spec, &Device::Cpu)?);
//! let spec = ModelSpec::mlp(&[16, 16]);
//! let model: Arc<dyn train::Model> = spec.build(&data).into();
//! let streams = Streams::new(1);
//! let params = model.init(&streams.named("init"), &Device::Cpu)?;
//! let objective = Objective::new(model, data, params)?;
//!
//! let coordinates = Coordinates::uniform(objective.params(), 20, &streams);
//! let reference = Reference::full_batch(&objective)?;
//! let go_on = || train::Flow::Continue;
//! let noise = draw_minibatches(&objective, &coordinates, &reference, 8, 100, &streams, &go_on)?;
//! assert_eq!((noise.n_draws(), noise.n_coordinates()), (100, 20));
//! # Ok::<(), probe::ProbeError>(())
//! ```

mod coordinates;
mod error;
mod minibatch;
mod noise_matrix;
pub mod quantities;
mod reference;
mod spec;

pub use coordinates::Coordinates;
pub use error::ProbeError;
pub use minibatch::draw_minibatches;
pub use noise_matrix::NoiseMatrix;
pub use reference::Reference;
pub use spec::{FitSpec, FittedLocation, ProbeSpec};
