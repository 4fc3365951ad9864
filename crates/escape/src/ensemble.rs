//! Many trials on all cores.

use std::collections::BTreeMap;

use rayon::prelude::*;
use train::{Flow, Streams};

use crate::error::EscapeError;
use crate::exit_time::{Ended, Exit, Watch, run};
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

/// The points `[D]` at which trials of seed 0 were seen outside of the first basin, by the number of their ensemble.
pub type ExitPoints = BTreeMap<usize, Vec<f64>>;

/// Runs trials of some ensembles, told by the numbers of ensemble and seed, and hands over the exits of each as it ends.
///
/// They are handed out over all threads, in any order, one by one or in the blocks in which they step together
/// ([`Start::at_once`]); what a trial finds depends on its ensemble and its seed alone. `go_on` is asked at every check.
///
/// Returns the points where first trials left: [`constants`](crate::constants()) takes them.
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on` says stop; what `finished` says.
pub fn ensemble<E: From<EscapeError> + Send>(
    ensembles: &[Ensemble],
    trials: &[(usize, u64)],
    go_on: &(dyn Fn() -> Flow + Sync),
    finished: &(dyn Fn(usize, u64, Vec<Exit>) -> Result<(), E> + Sync),
) -> Result<ExitPoints, E> {
    // Seeds that are asked for, by ensemble and block.
    let mut blocks: BTreeMap<(usize, u64), Vec<u64>> = BTreeMap::new();
    for &(idx, seed) in trials {
        blocks.entry((idx, seed / ensembles[idx].at_once())).or_default().push(seed);
    }
    let run_block = |((idx, _), seeds): ((usize, u64), Vec<u64>)| {
        let mut point = None;
        ensembles[idx].run(&seeds, &ensembles[idx].watch, go_on, |seed, ended| {
            if seed == 0 {
                point = ended.left_at.map(|point| (idx, point));
            }
            finished(idx, seed, ended.exits)
        })?;
        Ok(point)
    };
    // Trials differ a thousandfold in length.
    let blocks: Vec<_> = blocks.into_iter().collect();
    blocks
        .into_par_iter()
        .with_max_len(1)
        .filter_map(|block| run_block(block).transpose())
        .collect()
}

impl Ensemble<'_> {
    fn at_once(&self) -> u64 {
        self.start.at_once() as u64
    }

    /// Runs the block of trials that these seeds are in, and hands over those of them.
    fn run<E: From<EscapeError>>(
        &self,
        seeds: &[u64],
        watch: &Watch,
        go_on: &(dyn Fn() -> Flow + Sync),
        mut ended: impl FnMut(u64, Ended) -> Result<(), E>,
    ) -> Result<(), E> {
        let first = seeds[0] / self.at_once() * self.at_once();
        let trial = |seed: u64| (self.streams.named(&seed.to_string()), seeds.contains(&seed));
        let trials: Vec<_> = (first..first + self.at_once()).map(trial).collect();
        let by_seed = |trial: usize, found: Ended| ended(first + trial as u64, found);
        run(&*self.start, self.minimum_loss, watch, &trials, go_on, by_seed)
    }
}

/// The points `[D]` at which trials of seed 0 were seen outside of the first basin, of those ensembles in which that
/// trial left; `exits[ensemble][seed][basin]`.
///
/// `kept` are the points that [`ensemble()`] returned. A trial that an earlier start of the program has finished is not
/// among them and walks once more: its point, as large as the network, is not written down.
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on`, asked at every check, says stop.
pub(crate) fn exit_points(
    ensembles: &[Ensemble],
    exits: &[Vec<Vec<Exit>>],
    mut kept: ExitPoints,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Vec<Vec<f64>>, EscapeError> {
    let left = (0..ensembles.len()).filter(|&idx| exits[idx][0][0].time.exited());
    let mut point = |idx: usize| {
        if let Some(point) = kept.remove(&idx) {
            return Ok(Some(point));
        }
        let watch = &ensembles[idx].watch;
        let watch = Watch { basins: watch.basins[..1].to_vec(), ..watch.clone() };
        let mut point = None;
        ensembles[idx].run(&[0], &watch, go_on, |_seed, ended| {
            point = ended.left_at;
            Ok::<(), EscapeError>(())
        })?;
        Ok(point)
    };
    left.filter_map(|idx| point(idx).transpose()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::basin::Basin;
    use crate::drivers::{Brownian, Covariance};
    use crate::landscapes::LandscapeSpec;
    use crate::walk::{Dynamics, Walks};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use train::Schedule;

    /// Counts the trials that begin.
    struct Counted<'a>(Dynamics<'a>, &'a AtomicUsize);

    impl Start for Counted<'_> {
        fn minimum(&self) -> &[f64] {
            self.0.minimum()
        }

        fn begin(&self, trials: &[Streams]) -> Result<Box<dyn Walks + '_>, EscapeError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.begin(trials)
        }
    }

    #[test]
    fn a_point_of_the_first_walk_is_that_of_a_second_one() {
        let spec = LandscapeSpec::Quadratic { curvatures: vec![1., 2.], floor: 0. };
        let landscape = &*spec.build(&Streams::new(0)).unwrap();
        let driver = &Brownian::new(&Covariance::Isotropic(50.), landscape, 1).unwrap();
        let n_begun = AtomicUsize::new(0);
        // The last one ends before anything has left.
        let ensembles = [0.01, 0.02, 1e-9].map(|learning_rate| Ensemble {
            start: Box::new(Counted(Dynamics { landscape, driver }, &n_begun)),
            minimum_loss: 0.,
            watch: Watch {
                basins: vec![Basin::Distance(1.), Basin::LossRise(2.)],
                learning_rate,
                schedule: Schedule::Constant,
                check_every: 3,
                horizon: 10_000,
            },
            streams: Streams::new(1).named(&learning_rate.to_string()),
        });
        let trials: Vec<(usize, u64)> = (0..3).flat_map(|idx| [(idx, 0), (idx, 1)]).collect();
        let exits = Mutex::new(vec![vec![vec![]; 2]; 3]);
        let finished = |idx: usize, seed: u64, found: Vec<Exit>| {
            exits.lock().unwrap()[idx][seed as usize] = found;
            Ok::<(), EscapeError>(())
        };
        let go_on = || Flow::Continue;
        let kept = ensemble(&ensembles, &trials, &go_on, &finished).unwrap();
        let exits = exits.into_inner().unwrap();
        assert!(kept.keys().eq(&[0, 1]) && n_begun.load(Ordering::Relaxed) == 6);
        let points = exit_points(&ensembles, &exits, kept.clone(), &go_on).unwrap();
        assert_eq!(n_begun.load(Ordering::Relaxed), 6, "none walks twice");
        assert!(points.iter().eq(kept.values()));
        assert!(points.iter().all(|point| point[0].hypot(point[1]) > 1.));
        // As in a run that was stopped when one of them had ended.
        let resumed = ExitPoints::from_iter(kept.into_iter().skip(1));
        assert_eq!(exit_points(&ensembles, &exits, resumed, &go_on).unwrap(), points);
        assert_eq!(n_begun.load(Ordering::Relaxed), 7);
    }
}
