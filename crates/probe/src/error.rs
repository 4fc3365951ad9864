//! What can go wrong in a probe.

use stats::StatsError;
use train::TrainError;

/// Everything that a probe can fail with.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// Training, data or tensors failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A series could not be fitted.
    #[error("{series}: {source}")]
    Series {
        /// The parameter or column.
        series: String,
        /// Why not.
        source: StatsError,
    },
    /// The caller said stop.
    #[error("stopped")]
    Stopped,
}

impl From<candle_core::Error> for ProbeError {
    fn from(error: candle_core::Error) -> Self {
        ProbeError::Train(error.into())
    }
}
