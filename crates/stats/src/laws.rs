//! The two laws that are compared: Gaussian and symmetric stable.

mod fast_stable;
mod gaussian;
mod stability_index;
mod symmetric_stable;

pub(crate) use fast_stable::FastStable;
pub use gaussian::Gaussian;
pub use stability_index::StabilityIndex;
pub use symmetric_stable::SymmetricStable;

use crate::StatsError;

/// `location` if it is finite.
fn finite_location(value: f64) -> Result<f64, StatsError> {
    if value.is_finite() { Ok(value) } else { Err(StatsError::Location { value }) }
}

/// `value` if it is positive and finite.
fn positive_scale(name: &'static str, value: f64) -> Result<f64, StatsError> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(StatsError::Scale { name, value })
    }
}
