//! What can go wrong in an escape.

use train::TrainError;

/// Everything that an escape can fail with.
#[derive(Debug, thiserror::Error)]
pub enum EscapeError {
    /// Training, data or tensors failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The caller said stop.
    #[error("stopped")]
    Stopped,
}
