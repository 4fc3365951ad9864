//! The real binary, each test in a directory of its own. No test reaches for the network.

#[path = "e2e/workdir.rs"]
mod workdir;

// Arrows between crates, read off the manifests.
#[path = "e2e/architecture.rs"]
mod architecture;
// `data list` and `data verify`.
#[path = "e2e/data.rs"]
mod data;
// One seed gives the same bytes: thread counts, interruptions, kills.
#[path = "e2e/determinism.rs"]
mod determinism;
// `escape`: landscapes, checkpoints, what begins outside, runs away or is resumed.
#[path = "e2e/escape.rs"]
mod escape;
// `fit` on files of others.
#[path = "e2e/fit.rs"]
mod fit;
// Help in two lengths, completions.
#[path = "e2e/help.rs"]
mod help;
// Bad input and failed runs: the line, the exit code, what stays.
#[path = "e2e/messages.rs"]
mod messages;
// `probe` at checkpoints, during training, and what it keeps.
#[path = "e2e/probe.rs"]
mod probe;
// `stable` against closed forms.
#[path = "e2e/stable.rs"]
mod stable;
// A whole experiment in small, and its stages on their own.
#[path = "e2e/stages.rs"]
mod stages;
