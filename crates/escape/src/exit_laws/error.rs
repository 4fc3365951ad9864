//! Why a law cannot be fitted.

/// Exit times to which no law can be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExitLawError {
    /// No trial left.
    #[error("no trial left: the likelihood grows with the mean without end")]
    NoExit,
    /// The likelihood has no maximum, such as where all trials leave at the first check.
    #[error("exits are too coarsely dated: the likelihood has no maximum")]
    TooCoarse,
    /// A time of 0 iterations.
    #[error("an exit time of 0, the first check is at 1 iteration or later")]
    ZeroTime,
    /// No check at all.
    #[error("check_every = 0, at least 1 is needed")]
    NoChecks,
    /// The ascent of the likelihood did not end.
    #[error("the likelihood could not be maximised")]
    NotConverged,
}
