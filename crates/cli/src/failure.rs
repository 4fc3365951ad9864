//! How a command ends when it doesn't succeed: one line, and an exit code that says whose fault it was.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use escape::EscapeError;
use probe::ProbeError;
use train::{SpecError, TableError, TrainError};

/// A command that did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The input is to blame; exit code 2.
    BadInput(String),
    /// The run failed; exit code 1.
    Run(String),
    /// The user stopped it; exit code 130, as shells have it.
    Interrupted(String),
}

impl Failure {
    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::BadInput(_) => 2,
            Failure::Run(_) => 1,
            Failure::Interrupted(_) => 130,
        })
    }

    /// Bad input in a file.
    pub fn in_file(path: &Path, reason: impl fmt::Display) -> Self {
        Failure::BadInput(format!("{}: {reason}", path.display()))
    }

    /// Says where it happened, in front, if that is not said yet; an interruption needs no place.
    pub fn context(self, place: impl fmt::Display) -> Self {
        let place = format!("{place}: ");
        let placed = |message: String| match message.starts_with(&place) {
            true => message,
            false => place + &message,
        };
        match self {
            Failure::BadInput(message) => Failure::BadInput(placed(message)),
            Failure::Run(message) => Failure::Run(placed(message)),
            Failure::Interrupted(message) => Failure::Interrupted(message),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Failure::BadInput(message) | Failure::Run(message) | Failure::Interrupted(message)) =
            self;
        // Messages of libraries may span lines, and bytes of a file may be anything; a message is one line to be read.
        const LONGEST: usize = 1000;
        let line = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let printable = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
        f.write_str(&line.chars().take(LONGEST).map(printable).collect::<String>())?;
        f.write_str(if line.chars().nth(LONGEST).is_some() { "…" } else { "" })
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::Interrupted(told) => Failure::Interrupted(told),
            error if error.is_bad_input() => Failure::BadInput(error.to_string()),
            error => Failure::Run(error.to_string()),
        }
    }
}

impl From<candle_core::Error> for Failure {
    fn from(error: candle_core::Error) -> Self {
        TrainError::from(error).into()
    }
}

impl From<SpecError> for Failure {
    fn from(error: SpecError) -> Self {
        Failure::BadInput(error.to_string())
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Failure::Run(error.to_string())
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Train(error) => error.into(),
            ProbeError::Series { .. } => Failure::BadInput(error.to_string()),
            ProbeError::Stopped => Failure::Interrupted("interrupted".into()),
        }
    }
}

impl From<EscapeError> for Failure {
    fn from(error: EscapeError) -> Self {
        match error {
            EscapeError::Train(error) => error.into(),
            EscapeError::Stopped => Failure::Interrupted("interrupted".into()),
            EscapeError::Unsupported { .. }
            | EscapeError::NoHessian(_)
            | EscapeError::StartsOutside { .. } => Failure::BadInput(error.to_string()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Run(format!("{error:#}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `noisescope --help` says of exit codes.
    #[test]
    fn an_interrupted_download_is_no_bad_input() {
        let failure = Failure::from(TrainError::Interrupted("x: interrupted".into()));
        assert!(matches!(failure, Failure::Interrupted(told) if told == "x: interrupted"));
    }
}
