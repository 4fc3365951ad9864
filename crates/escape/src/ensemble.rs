//! Many trials on all cores.

use rayon::prelude::*;
use train::{Flow, Streams};

use crate::driver::Driver;
use crate::error::EscapeError;
use crate::exit_time::{ExitTime, Watch, first_exit};
use crate::landscape::Landscape;

/// Exit times of trials 0, 1, …, `n_seeds` − 1, in this order.
///
/// Trial `s` draws from the sub-stream named `s`, so the times depend neither on the number of threads nor on the order
/// in which trials finish. `go_on` is asked at every check, `finished` is told of every trial that is done.
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on` says stop.
pub fn ensemble<L: Landscape, D: Driver<L>>(
    landscape: &L,
    driver: &D,
    watch: &Watch,
    streams: &Streams,
    n_seeds: usize,
    go_on: &(dyn Fn() -> Flow + Sync),
    finished: &(dyn Fn() + Sync),
) -> Result<Vec<ExitTime>, EscapeError> {
    let trial = |seed: usize| -> Result<ExitTime, EscapeError> {
        let streams = streams.named(&seed.to_string());
        let exit = first_exit(landscape, driver, watch, &streams, go_on)?;
        finished();
        Ok(exit)
    };
    // Trials differ a thousandfold in length: hand them out one by one.
    (0..n_seeds).into_par_iter().with_max_len(1).map(trial).collect()
}
