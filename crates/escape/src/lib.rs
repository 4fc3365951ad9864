//! First exit times from a basin.
//!
//! A [`Landscape`] has a minimum; a [`Driver`] moves a point away from it, one step at a time; a [`Basin`] says when the
//! point has left. [`first_exits`] runs one trial and returns an [`Exit`] for each basin: exited, or censored at the
//! horizon, which is not an exit. [`ensemble()`] runs many seeds on all cores. An [`ExitSample`] turns their times into a
//! survival curve and a mean that says what it rests on; [`exit_laws`] fits exponential and Weibull laws to them, and
//! [`theories`] holds the means at many settings against theories of escape. [`curvature()`] says what kind of minimum it was.
//!
//! Time is counted in iterations k from the moment of the perturbation, and in Σ η_k.
//!
//! The example leaves the well of a quadratic by Gaussian noise.
//!
//! ```
//! use escape::{Basin, Brownian, Covariance, Dynamics, LandscapeSpec, Watch};
//! use train::{Flow, Schedule, Streams};
//!
//! let spec = LandscapeSpec::Quadratic { curvatures: vec![1.0, 10.0], floor: 0.0 };
//! let landscape = &*spec.build(&Streams::new(1)).unwrap();
//! let driver = &Brownian::new(&Covariance::Isotropic(50.0), landscape, 1)?;
//! let start = Dynamics { landscape, driver };
//! let basins = vec![Basin::Distance(1.5), Basin::LossRise(2.0)];
//! let schedule = Schedule::Constant;
//! let watch = Watch { basins, learning_rate: 0.01, schedule, check_every: 1, horizon: 100_000 };
//! let minimum_loss = escape::check_start(&start, &watch.basins)?;
//! let go_on = || Flow::Continue;
//! let exits = escape::first_exits(&start, minimum_loss, &watch, &Streams::new(2), &go_on)?;
//! assert!(exits.iter().all(|exit| exit.time.exited()));
//! assert_eq!(exits[0].coordinate, Some(0), "it leaves where it is flat");
//! # Ok::<(), escape::EscapeError>(())
//! ```

mod ascent;
mod basin;
mod batched;
mod constant_rate;
mod constants;
mod curvature;
mod driver;
mod drivers;
mod engines;
mod ensemble;
mod error;
pub mod exit_laws;
mod exit_sample;
mod exit_time;
mod journal;
mod landscape;
mod landscapes;
mod many_seeds;
mod noise_growth;
mod slope;
mod spec;
pub mod tables;
pub mod theories;
mod walk;

pub use basin::Basin;
pub use batched::Batched;
pub use constants::constants;
pub use curvature::{Curvature, curvature, most_products};
pub use driver::{Driver, Rule};
pub use drivers::{
    Brownian, Covariance, Decoupled, MinibatchNoise, MinibatchSgd, Multiplicative, StableNoise,
    StateDependent,
};
pub use engines::Engines;
pub use ensemble::{Ensemble, ExitPoints, ensemble};
pub use error::EscapeError;
pub use exit_sample::{ExitSample, MeanExitTime, MeanMethod, SurvivalPoint};
pub use exit_time::{Exit, ExitTime, Watch, check_start, first_exits};
pub use journal::{Journal, Trial};
pub use landscape::{Evaluation, Landscape, Site};
pub use landscapes::{LandscapeSpec, NetworkLandscape};
pub use many_seeds::{ManySeeds, Perceptron, Seed};
pub use slope::{Slope, edge_slope, moris_slope, slope};
pub use spec::{Conditions, DriverSpec, EscapeSpec, Indices};
pub use walk::{Dynamics, Place, Start, Walks};
