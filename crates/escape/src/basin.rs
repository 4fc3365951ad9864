//! When a point has left.

use serde::{Deserialize, Serialize};
use train::SpecError;

use crate::error::EscapeError;
use crate::landscape::Landscape;

/// A neighbourhood of the minimum. The paper does not state its criterion; these are the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Basin {
    /// L(w) ≤ c·L(w*) (Mori et al. 2022).
    LossRatio(f64),
    /// ‖w − w*‖ ≤ r (Nguyen et al. 2019).
    Distance(f64),
}

impl Basin {
    /// Whether a point is outside. A loss or distance that is not a number is outside of every basin.
    pub fn is_left_by<L: Landscape>(
        &self,
        landscape: &L,
        point: &L::Point,
    ) -> Result<bool, EscapeError> {
        let inside = match self {
            Basin::LossRatio(ratio) => landscape.loss(point)? <= ratio * landscape.minimum_loss(),
            Basin::Distance(radius) => landscape.distance(point)? <= *radius,
        };
        Ok(!inside)
    }

    /// Checks the value; `section` is the name of the section that the basin stands in.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let section = format!("{section}.basin");
        match self {
            Basin::LossRatio(ratio) => {
                let holds = ratio.is_finite() && *ratio > 1.;
                SpecError::check(holds, &section, "loss_ratio", ratio, "a number above 1")
            }
            Basin::Distance(radius) => {
                let holds = radius.is_finite() && *radius > 0.;
                SpecError::check(holds, &section, "distance", radius, "a number above 0")
            }
        }
    }
}
