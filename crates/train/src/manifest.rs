//! What a run was and how far it came.

use serde::{Deserialize, Serialize};

use crate::data::DataDigest;

/// `manifest.json`: the last file of a run to be written. Times stand here, and in the report that is made from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the experiment.
    pub name: String,
    /// Point of the sweep, `base` without one.
    pub point: String,
    /// How far the run came.
    pub status: Status,
    /// Why it failed.
    pub message: Option<String>,
    /// The seed of all random streams.
    pub seed: u64,
    /// Version of Noisescope.
    pub noisescope: String,
    /// Revision of its source at the last start that did any work.
    pub git_revision: String,
    /// Digest of the resolved experiment.
    pub hash: String,
    /// Where tensors live.
    pub device: String,
    /// Worker threads; results do not depend on them.
    pub threads: usize,
    /// When the run was first started, UTC, RFC 3339.
    pub started: String,
    /// Seconds of work, over all starts.
    pub elapsed_seconds: f64,
    /// The data that was used.
    pub data: Vec<DataDigest>,
    /// SHA-256 of the checkpoint that was probed, where weights were not trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// The stages in the order in which they were finished.
    pub stages: Vec<StageRecord>,
    /// The tables that are there.
    pub tables: Vec<String>,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// At work, or killed.
    Running,
    /// Complete.
    Finished,
    /// Complete as far as it was asked for; the experiment has more stages.
    Partial,
    /// Stopped by the user; the same command goes on.
    Interrupted,
    /// Ended by an error.
    Failed,
}

/// One finished stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name.
    pub name: String,
    /// Seconds of work in the start that finished it.
    pub seconds: f64,
    /// Revision of the source that finished it.
    pub git_revision: String,
}
