//! Many trials on all cores.

use rayon::prelude::*;
use train::{Flow, Streams};

use crate::error::EscapeError;
use crate::exit_time::{Exit, Watch, first_exits};
use crate::walk::Start;

/// Trials under the same conditions.
pub struct Ensemble<'a> {
    /// Where and how they move.
    pub start: Box<dyn Start + 'a>,
    /// Loss at the minimum, L(w*).
    pub minimum_loss: f64,
    /// What ends them.
    pub watch: Watch,
    /// Trial `s` draws from the sub-stream named `s`.
    pub streams: Streams,
}

/// Runs trials of some ensembles, told by the numbers of ensemble and seed, and hands over the exits of each as it ends.
///
/// They are handed out one by one over all threads, in any order; what a trial finds depends on its ensemble and its seed
/// alone. `go_on` is asked at every check.
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on` says stop; what `finished` says.
pub fn ensemble<E: From<EscapeError> + Send>(
    ensembles: &[Ensemble],
    trials: &[(usize, u64)],
    go_on: &(dyn Fn() -> Flow + Sync),
    finished: &(dyn Fn(usize, u64, Vec<Exit>) -> Result<(), E> + Sync),
) -> Result<(), E> {
    // Trials differ a thousandfold in length.
    trials.par_iter().with_max_len(1).try_for_each(|&(idx, seed)| {
        let Ensemble { start, minimum_loss, watch, streams } = &ensembles[idx];
        let streams = streams.named(&seed.to_string());
        let exits = first_exits(&**start, *minimum_loss, watch, &streams, go_on)?;
        finished(idx, seed, exits)
    })
}
