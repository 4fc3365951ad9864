//! What moves a point.

use train::Streams;

use crate::error::EscapeError;
use crate::landscape::{Landscape, Site};

/// A dynamics on a landscape.
pub trait Driver: Sync {
    /// The rule of one trial, whose randomness comes from `streams` alone.
    ///
    /// # Errors
    /// When the landscape lacks what the driver needs.
    fn begin<'a>(
        &'a self,
        landscape: &'a dyn Landscape,
        streams: &Streams,
    ) -> Result<Box<dyn Rule + 'a>, EscapeError>;
}

/// What one trial carries from step to step: its random numbers, its place in the data, its momentum.
pub trait Rule {
    /// Moves `w` by one step of size η.
    fn step(
        &mut self,
        site: &mut dyn Site,
        w: &mut [f64],
        learning_rate: f64,
    ) -> Result<(), EscapeError>;
}
