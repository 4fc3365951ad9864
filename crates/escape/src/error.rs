//! What can go wrong in an escape.

use train::{SpecError, TrainError};

/// Everything that an escape can fail with.
#[derive(Debug, thiserror::Error)]
pub enum EscapeError {
    /// Training, data or tensors failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A landscape can't do what a driver or a basin asks of it.
    #[error("{asked}: {reason}")]
    Unsupported {
        /// What was asked for.
        asked: &'static str,
        /// Why it can't be had.
        reason: &'static str,
    },
    /// The loss has no second derivatives where they are asked for.
    #[error("no Hessian: {0}")]
    NoHessian(String),
    /// A trial would begin outside of a basin.
    #[error(
        "the minimum, of loss {loss}, lies outside of the basin {basin}: there is nothing to leave"
    )]
    StartsOutside {
        /// The basin, as [`Basin`](crate::Basin) writes it.
        basin: String,
        /// Loss at the minimum.
        loss: f64,
    },
    /// The caller said stop.
    #[error("stopped")]
    Stopped,
}

impl From<candle_core::Error> for EscapeError {
    fn from(error: candle_core::Error) -> Self {
        EscapeError::Train(error.into())
    }
}

impl From<SpecError> for EscapeError {
    fn from(error: SpecError) -> Self {
        EscapeError::Train(error.into())
    }
}
