//! Stochastic gradient noise, parameter by parameter.
//!
//! A [`ProbeSpec`] says which [`Coordinates`], minibatch sizes and how many draws. A [`Frozen`] objective keeps its weights.
//! [`draw_minibatches`] takes a [`Reference`] (the full-batch gradient) and true minibatch gradients, [`draw_per_sample`]
//! those of single samples, of which all minibatches are means; both return a [`NoiseMatrix`] `[n_draws, n_coordinates]`.
//! [`quantities`] reduce it to table rows: what laws fit its columns, how well, and whether the noise is heavy-tailed. A
//! [`Probe`] does all of it.
//!
//! Noise has the sign of Battash, Wolf, Lindenbaum (2023), eq. 1: u = ∇L(w) − (1/B) Σ_{i∈Ω} ∇ℓ_i(w). It is one series
//! per parameter over many minibatches, never pooled over parameters.
//!
//! A probe leaves no trace: weights and random streams of training are as before.
//!
//! ```
//! use std::sync::Arc;
//! use candle_core::Device;
//! use probe::{Coordinates, Draws, Frozen, Reference, Sampling, Statistics};
//! use probe::{draw_minibatches, draw_per_sample};
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
//! let frozen = Frozen::new(&objective, Statistics::Minibatch)?;
//! let reference = Reference::full_batch(&frozen)?;
//! let (sampling, go_on) = (Sampling::WithoutReplacement, &|| train::Flow::Continue);
//! let draws = Draws { n_draws: 100, sampling, streams: &streams, go_on };
//! let noise = draw_minibatches(&frozen, &coordinates, &reference, 8, &draws)?;
//! assert_eq!((noise.n_draws(), noise.n_coordinates()), (100, 20));
//!
//! // The same draws, and those of other sizes, from the gradients of single samples.
//! let all = draw_per_sample(&frozen, &coordinates, &[8, 32], &draws)?;
//! assert!((all[0].column(0)[0] - noise.column(0)[0]).abs() < 1e-6);
//! # Ok::<(), probe::ProbeError>(())
//! ```

mod coordinates;
mod during;
mod error;
mod frozen;
mod minibatch;
mod minibatches;
mod noise_matrix;
mod per_sample;
mod probe;
pub mod quantities;
mod reference;
mod spec;

pub use coordinates::{All, Amount, Coordinate, Coordinates, PerLayer};
pub use during::During;
pub use error::ProbeError;
pub use frozen::{Frozen, Statistics};
pub use minibatch::draw_minibatches;
pub use minibatches::{Draws, Sampling};
pub use noise_matrix::{NoiseMatrix, Way};
pub use per_sample::draw_per_sample;
pub use probe::{Extent, Measured, Probe};
pub use reference::Reference;
pub use spec::{DrawFormat, FitSpec, FittedLocation, Method, ProbeSpec};
