//! What can go wrong in this crate, one line each.

use std::path::{Path, PathBuf};

use crate::table::TableError;

/// A value of an experiment outside its permitted range.
#[derive(Debug, thiserror::Error)]
#[error("{key} = {value}: permitted is {permitted}")]
pub struct SpecError {
    /// The key with its section, `training.batch_size`.
    pub key: String,
    /// The value as written.
    pub value: String,
    /// The permitted values, in words.
    pub permitted: String,
}

impl SpecError {
    /// `Ok` where `holds`, otherwise the error for `section.key = value`.
    pub fn check(
        holds: bool,
        section: &str,
        key: &str,
        value: impl std::fmt::Debug,
        permitted: impl Into<String>,
    ) -> Result<(), SpecError> {
        if holds {
            return Ok(());
        }
        let (key, value) = (format!("{section}.{key}"), format!("{value:?}"));
        Err(SpecError { key, value, permitted: permitted.into() })
    }

    /// `Ok` where no value stands twice in a list of `what`.
    pub fn check_distinct<T: PartialEq + std::fmt::Debug>(
        values: &[T],
        section: &str,
        key: &str,
        what: &str,
    ) -> Result<(), SpecError> {
        let distinct = (1..values.len()).all(|idx| !values[..idx].contains(&values[idx]));
        Self::check(distinct, section, key, values, format!("{what} that differ"))
    }
}

/// Everything that data, models, training and run directories can fail with.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The experiment asks for something that is not permitted.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A data set is unknown, missing, damaged or not what its card says.
    #[error("{file}: {reason}")]
    Data {
        /// The file or data set.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint is damaged or belongs to another network.
    #[error("{path}: not a checkpoint of this experiment: {reason}")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The loss, a gradient or a parameter stopped being finite.
    #[error(
        "learning_rate = {learning_rate:?}: training diverged, {symptom} at step {step}; permitted are rates at which it stays finite"
    )]
    Diverged {
        /// What is not finite: "loss is NaN", "the gradient of `fc1.weight` is not finite".
        symptom: String,
        /// The step in which it was seen.
        step: u64,
        /// The learning rate at that step.
        learning_rate: f64,
    },
    /// Backpropagation left a trainable parameter without a gradient.
    #[error("parameter `{0}` received no gradient: is it used by the network's forward pass?")]
    NoGradient(String),
    /// The second derivatives of the loss cannot be relied on.
    #[error("the Hessian of this network is not known: {0}")]
    NoHessian(&'static str),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The user stopped what can be gone on with.
    #[error("{0}")]
    Interrupted(String),
    /// A run directory is in use.
    #[error("{0}: another process is working on this run")]
    Locked(PathBuf),
    /// A table is unreadable or lacks a column.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The memory of the GPU does not suffice.
    #[error(
        "device: the GPU is out of memory: permitted is what fits: a smaller batch_size, or training.micro_batch, by which \
         minibatches go through the network in parts"
    )]
    OutOfMemory,
    /// candle refused an operation.
    #[error("tensor operation failed: {0}")]
    Tensor(candle_core::Error),
}

impl From<candle_core::Error> for TrainError {
    fn from(error: candle_core::Error) -> Self {
        let text = error.to_string();
        let symptoms = ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED"];
        match symptoms.iter().any(|symptom| text.contains(symptom)) {
            true => TrainError::OutOfMemory,
            false => TrainError::Tensor(error),
        }
    }
}

impl TrainError {
    /// Whether the input is to blame (and not the run): the shell answers with exit code 2.
    pub fn is_bad_input(&self) -> bool {
        matches!(self, TrainError::Spec(_) | TrainError::Data { .. } | TrainError::OutOfMemory)
    }

    pub(crate) fn data(file: impl Into<String>, reason: impl Into<String>) -> Self {
        TrainError::Data { file: file.into(), reason: reason.into() }
    }

    /// Names the file in an error of the operating system; for use with `map_err`.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| TrainError::Io { path, source }
    }
}
