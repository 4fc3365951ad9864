//! What is known about the point where training stopped.

use serde::{Deserialize, Serialize};

use crate::error::SpecError;
use crate::table::Table;

/// `[training.minimum]` of an experiment: when a point counts as a minimum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinimumSpec {
    /// Largest permitted Euclidean norm of the full-batch gradient.
    pub gradient_norm: f64,
}

impl MinimumSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let holds = self.gradient_norm.is_finite() && self.gradient_norm > 0.;
        SpecError::check(holds, section, "gradient_norm", self.gradient_norm, "a number above 0")
    }
}

/// The certificate of a minimum: figures of the full training set at the weights where training stopped.
///
/// It certifies a nearly stationary point of the full-batch loss. It does not certify a strict minimum: that needs
/// the Hessian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Steps of training.
    pub step: u64,
    /// Epochs finished.
    pub epoch: u64,
    /// Full-batch loss.
    pub loss: f64,
    /// Euclidean norm of the full-batch gradient.
    pub gradient_norm: f64,
    /// Steps since the evaluation with the lowest full-batch loss.
    pub steps_since_improvement: u64,
    /// Training accuracy.
    pub accuracy: f64,
    /// The criterion that was met, in words.
    pub criterion: String,
}

impl Certificate {
    /// The certificate as a table of one row.
    pub fn to_table(&self) -> Table {
        Table::new()
            .with_integers("step", [self.step as i64])
            .with_integers("epoch", [self.epoch as i64])
            .with_reals("loss", [self.loss])
            .with_reals("gradient_norm", [self.gradient_norm])
            .with_integers("steps_since_improvement", [self.steps_since_improvement as i64])
            .with_reals("accuracy", [self.accuracy])
            .with_texts("criterion", [self.criterion.as_str()])
    }
}
