//! Tests, intervals and comparisons of laws beyond the two fits.

mod aggregation;
mod bootstrap;
mod common_alpha;
mod cross_validation;
mod edf;
mod edf_test;
mod information;
mod law;
mod pooled;
mod profile;
mod replicates;
mod rivals;
mod tail;
mod vuong;

pub use aggregation::{Aggregation, AggregationTest, aggregation, aggregation_test};
pub use bootstrap::bootstrap_interval;
pub use common_alpha::{CommonAlpha, common_alpha};
pub use cross_validation::{HeldOut, held_out_difference};
pub use edf::{EdfStatistics, edf_statistics};
pub use edf_test::{EdfTest, edf_test_gaussian, edf_test_stable};
pub use information::{InformationCriteria, information_criteria};
pub use law::Law;
pub use pooled::{PooledView, pooled_view};
pub use profile::{profile_interval, profile_likelihood};
pub use rivals::{LawScore, Rivals, rivals};
pub use tail::{TailIndex, tail_index};
pub use vuong::{Vuong, vuong};

use crate::StatsError;

/// An interval for the stability index.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AlphaInterval {
    /// The lower end.
    pub low: f64,
    /// The upper end, at most 2.
    pub high: f64,
    /// The coverage aimed at, such as 0.95.
    pub level: f64,
    /// Whether alpha is fitted as exactly 2, so that the interval has but one
    /// end to be estimated.
    pub one_sided: bool,
    /// Whether even the least alpha that is fitted is inside, so that the interval
    /// may reach farther down.
    pub open_below: bool,
}

impl AlphaInterval {
    /// What is said of a series that no stable law could be fitted to.
    const fn undefined(level: f64) -> Self {
        Self { low: f64::NAN, high: f64::NAN, level, one_sided: false, open_below: false }
    }
}

/// Rejects a level of confidence outside of (0, 1).
fn check_level(level: f64) -> Result<(), StatsError> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(StatsError::Level { level }) }
}
