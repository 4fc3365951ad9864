//! First exit times from a basin.
//!
//! A [`Landscape`] has a minimum; a [`Driver`] moves a point away from it, one step at a time; a [`Basin`] says when the
//! point has left. [`first_exit`] runs one trial and returns an [`ExitTime`]: exited, or censored at the horizon, which
//! is not an exit. [`ensemble()`] runs many seeds on all cores. An [`ExitSample`] turns their times into a survival curve
//! and a mean that says what it rests on.
//!
//! Time is counted in iterations k from the moment of the perturbation, and in ηk.
//!
//! The example leaves a trained network's basin by minibatch SGD at a smaller batch and a larger step than it was
//! trained with.
//!
//! ```
//! use std::sync::Arc;
//! use candle_core::Device;
//! use escape::{Basin, ExitTime, MinibatchSgd, NetworkLandscape, Watch, first_exit};
//! use train::{ModelSpec, Objective, Sampling, Streams, data};
//!
//! let spec = data::DataSpec::embedded("ionosphere");
//! let data = Arc::new(data::load(&spec, &Device::Cpu)?);
//! let spec = ModelSpec::mlp(&[16, 16]);
//! let model: Arc<dyn train::Model> = spec.build(&data).into();
//! let streams = Streams::new(1);
//! let params = model.init(&streams.named("init"), &Device::Cpu)?;
//!
//! // Not a minimum, to be quick: from here even a small step changes the loss.
//! let landscape = NetworkLandscape::new(Objective::new(model, data, params)?)?;
//! let driver = MinibatchSgd { batch_size: 4, learning_rate: 10., sampling: Sampling::WithReplacement };
//! let watch = Watch { basin: Basin::LossRatio(2.), check_every: 1, horizon: 100 };
//! let go_on = || train::Flow::Continue;
//! let exit = first_exit(&landscape, &driver, &watch, &streams.named("escape"), &go_on)?;
//! assert!(matches!(exit, ExitTime::Exited(k) if k <= 100));
//! # Ok::<(), escape::EscapeError>(())
//! ```

mod basin;
mod driver;
mod ensemble;
mod error;
mod exit_sample;
mod exit_time;
mod landscape;
mod spec;
pub mod tables;

pub use basin::Basin;
pub use driver::{Driver, MinibatchSgd};
pub use ensemble::ensemble;
pub use error::EscapeError;
pub use exit_sample::{ExitSample, MeanExitTime, MeanMethod, SurvivalPoint};
pub use exit_time::{ExitTime, Watch, first_exit};
pub use landscape::{Landscape, NetworkLandscape};
pub use spec::EscapeSpec;
