//! When a point has left.

use std::fmt;

use serde::{Deserialize, Serialize};
use train::SpecError;

use crate::error::EscapeError;
use crate::walk::Look;

/// A neighbourhood of the minimum. The paper does not state its criterion; these are the usual ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "Keys")]
pub enum Basin {
    /// L(w) ≤ c·L(w*) (Mori et al. 2022).
    LossRatio(f64),
    /// L(w) ≤ L(w*) + ΔL: a barrier of given height, for a minimum of loss 0 or below.
    LossRise(f64),
    /// ‖w − w*‖ ≤ r (Nguyen et al. 2019).
    Distance(f64),
    /// low ≤ w_i ≤ high for every coordinate.
    Interval(f64, f64),
    /// Training accuracy ≥ a.
    Accuracy(f64),
}

/// A basin as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a basin, such as { loss_ratio = 10.0 }")]
struct Keys {
    loss_ratio: Option<f64>,
    loss_rise: Option<f64>,
    distance: Option<f64>,
    interval: Option<Interval>,
    accuracy: Option<f64>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "permitted is two numbers, the lower first; -inf and inf are numbers here"
)]
enum Interval {
    Ends(f64, f64),
}

impl TryFrom<Keys> for Basin {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<Self, &'static str> {
        let given = [
            keys.loss_ratio.map(Basin::LossRatio),
            keys.loss_rise.map(Basin::LossRise),
            keys.distance.map(Basin::Distance),
            keys.interval.map(|Interval::Ends(low, high)| Basin::Interval(low, high)),
            keys.accuracy.map(Basin::Accuracy),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(basin), None) => Ok(basin),
            _ => {
                Err("permitted is one key of loss_ratio, loss_rise, distance, interval, accuracy; \
                      several basins are several in the list")
            }
        }
    }
}

impl Basin {
    /// Whether a point is outside. What is not a number is outside of every basin.
    pub(crate) fn is_left(&self, look: &mut Look) -> Result<bool, EscapeError> {
        let inside = match *self {
            Basin::LossRatio(ratio) => look.loss()? <= ratio * look.minimum_loss(),
            Basin::LossRise(rise) => look.loss()? <= look.minimum_loss() + rise,
            Basin::Distance(radius) => look.distance()? <= radius,
            Basin::Interval(low, high) => look.all_within(low, high)?,
            Basin::Accuracy(share) => look.accuracy()? >= share,
        };
        Ok(!inside)
    }

    /// Height ΔL of its edge above the minimum, where it is an edge of the loss.
    pub fn barrier(&self, minimum_loss: f64) -> Option<f64> {
        match *self {
            Basin::LossRatio(ratio) => Some((ratio - 1.) * minimum_loss),
            Basin::LossRise(rise) => Some(rise),
            Basin::Distance(_) | Basin::Interval(..) | Basin::Accuracy(_) => None,
        }
    }

    /// Checks the value; `section` is the name of the section that the basin stands in.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let check = |holds, key, value: f64, permitted| {
            SpecError::check(holds, section, key, value, permitted)
        };
        let positive = |value: f64| value.is_finite() && value > 0.;
        match *self {
            Basin::LossRatio(ratio) => {
                let holds = ratio.is_finite() && ratio > 1.;
                check(holds, "loss_ratio", ratio, "a number above 1")
            }
            Basin::LossRise(rise) => check(positive(rise), "loss_rise", rise, "a number above 0"),
            Basin::Distance(radius) => {
                check(positive(radius), "distance", radius, "a number above 0")
            }
            Basin::Interval(low, high) => {
                let permitted = "two numbers, the lower first; -inf and inf are numbers here";
                SpecError::check(low < high, section, "interval", [low, high], permitted)
            }
            Basin::Accuracy(share) => {
                let holds = share > 0. && share <= 1.;
                check(holds, "accuracy", share, "a number above 0, up to 1")
            }
        }
    }
}

/// As in formulas: `L/L* = 10`, `|w - w*| = 0.5`.
impl fmt::Display for Basin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Basin::LossRatio(ratio) => write!(f, "L/L* = {ratio}"),
            Basin::LossRise(rise) => write!(f, "L - L* = {rise}"),
            Basin::Distance(radius) => write!(f, "|w - w*| = {radius}"),
            Basin::Interval(low, high) => write!(f, "w in [{low}, {high}]"),
            Basin::Accuracy(share) => write!(f, "accuracy = {share}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basins_read_as_they_are_written() {
        let basins = [
            Basin::LossRatio(2.),
            Basin::LossRise(0.5),
            Basin::Distance(1.),
            Basin::Interval(-0.5, 0.25),
            Basin::Accuracy(0.9),
        ];
        for basin in basins {
            let written = serde_json::to_string(&basin).unwrap();
            assert_eq!(serde_json::from_str::<Basin>(&written).unwrap(), basin);
        }
    }
}
