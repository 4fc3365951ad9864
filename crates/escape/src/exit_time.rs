//! One trial: from the minimum to the first exit from each basin, or to the horizon.

use serde::{Deserialize, Serialize};
use train::{Flow, Progress, Schedule, Streams};

use crate::basin::Basin;
use crate::error::EscapeError;
use crate::walk::{Look, Place, Start};

/// When a trial ended, in iterations from the perturbation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitTime {
    /// The first check that saw the point outside. Where iterations lie between checks it may have been outside before,
    /// and back: what is timed is then the first exit of the walk as it is seen at the checks.
    Exited(u64),
    /// The point was inside at every check up to here: the exit time, as seen at the checks, is longer and unknown.
    Censored(u64),
}

impl ExitTime {
    /// Iterations that were observed.
    pub fn iterations(self) -> u64 {
        match self {
            ExitTime::Exited(iterations) | ExitTime::Censored(iterations) => iterations,
        }
    }

    /// Whether an exit was seen.
    pub fn exited(self) -> bool {
        matches!(self, ExitTime::Exited(_))
    }
}

/// What is known of one trial and one basin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// When it left.
    pub time: ExitTime,
    /// The same in time, Σ η_k.
    pub elapsed: f64,
    /// The coordinate that was farthest from the minimum then, |w_i − w*_i|; `None` if it stayed.
    pub coordinate: Option<usize>,
    /// Whether the point had run away to what is no number.
    pub diverged: bool,
}

/// What to look for, how often and how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// The neighbourhoods to leave; each is timed, in the same trial.
    pub basins: Vec<Basin>,
    /// Step size η.
    pub learning_rate: f64,
    /// Multiplier s_t of the step size.
    pub schedule: Schedule,
    /// Iterations between checks; an exit is dated by the first check that sees it.
    pub check_every: u64,
    /// Iterations after which a trial is censored.
    pub horizon: u64,
}

impl Watch {
    /// Step size of iteration k = 1, 2, ….
    fn step_size(&self, iteration: u64) -> f64 {
        let progress = Progress { step: iteration - 1, ..Progress::default() };
        self.learning_rate * self.schedule.multiplier(&progress)
    }
}

/// Runs one trial until it has left every basin, or to the horizon. All its randomness comes from `streams`; `go_on` is
/// asked at every check. One [`Exit`] for each basin, in order.
///
/// `minimum_loss` is L(w*).
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on` says stop.
pub fn first_exits(
    start: &dyn Start,
    minimum_loss: f64,
    watch: &Watch,
    streams: &Streams,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Vec<Exit>, EscapeError> {
    let mut found = Vec::new();
    let ended = |_trial, ended: Ended| {
        found = ended.exits;
        Ok::<(), EscapeError>(())
    };
    run(start, minimum_loss, watch, &[(streams.clone(), true)], go_on, ended)?;
    Ok(found)
}

/// A trial at its end.
pub(crate) struct Ended {
    /// One exit for each basin.
    pub exits: Vec<Exit>,
    /// The point `[D]` that was seen outside of the first basin; `None` if it stayed.
    pub left_at: Option<Vec<f64>>,
}

/// Runs trials that step together, until those that are asked for have left every basin, or to the horizon; they are
/// handed over as they end, by their number.
pub(crate) fn run<E: From<EscapeError>>(
    start: &dyn Start,
    minimum_loss: f64,
    watch: &Watch,
    trials: &[(Streams, bool)],
    go_on: &(dyn Fn() -> Flow + Sync),
    mut ended: impl FnMut(usize, Ended) -> Result<(), E>,
) -> Result<(), E> {
    let streams: Vec<Streams> = trials.iter().map(|(streams, _)| streams.clone()).collect();
    let mut walks = start.begin(&streams)?;
    let begun = || UnderWay { exits: vec![None; watch.basins.len()], left_at: None };
    let asked = (0..trials.len()).filter(|&trial| trials[trial].1);
    let mut left: Vec<(usize, UnderWay)> = asked.map(|trial| (trial, begun())).collect();
    let mut elapsed = 0.;
    for iteration in 1..=watch.horizon {
        let learning_rate = watch.step_size(iteration);
        walks.step(learning_rate)?;
        elapsed += learning_rate;
        if !iteration.is_multiple_of(watch.check_every) && iteration != watch.horizon {
            continue;
        }
        let mut remaining = Vec::with_capacity(left.len());
        for (trial, mut own) in left {
            let place = walks.at(trial);
            own.look(place, start.minimum(), minimum_loss, watch, (iteration, elapsed))?;
            match own.exits.iter().all(Option::is_some) {
                true => ended(trial, own.end(watch, elapsed))?,
                false => remaining.push((trial, own)),
            }
        }
        left = remaining;
        if left.is_empty() {
            return Ok(());
        }
        if go_on() == Flow::Stop {
            return Err(EscapeError::Stopped.into());
        }
    }
    left.into_iter().try_for_each(|(trial, own)| ended(trial, own.end(watch, elapsed)))
}

/// What has been seen of a trial.
struct UnderWay {
    exits: Vec<Option<Exit>>,
    left_at: Option<Vec<f64>>,
}

impl UnderWay {
    /// Checks the basins that it has not left yet.
    fn look(
        &mut self,
        place: &mut dyn Place,
        minimum: &[f64],
        minimum_loss: f64,
        watch: &Watch,
        (iteration, elapsed): (u64, f64),
    ) -> Result<(), EscapeError> {
        let mut look = Look::at(place, minimum, minimum_loss);
        for (basin, exit) in watch.basins.iter().zip(&mut self.exits) {
            if exit.is_none() && basin.is_left(&mut look)? {
                *exit = Some(Exit {
                    time: ExitTime::Exited(iteration),
                    elapsed,
                    coordinate: Some(look.farthest()?),
                    diverged: !look.is_finite()?,
                });
            }
        }
        if self.left_at.is_none() && matches!(self.exits.first(), Some(Some(_))) {
            self.left_at = Some(place.point()?.into_owned());
        }
        Ok(())
    }

    fn end(self, watch: &Watch, elapsed: f64) -> Ended {
        let time = ExitTime::Censored(watch.horizon);
        let stayed = Exit { time, elapsed, coordinate: None, diverged: false };
        let exits = self.exits.into_iter().map(|exit| exit.unwrap_or(stayed)).collect();
        Ended { exits, left_at: self.left_at }
    }
}

/// Makes sure that trials begin inside of every basin, and returns the loss L(w*) at the minimum.
///
/// # Errors
/// [`EscapeError::StartsOutside`] of the first basin that the minimum is not in.
pub fn check_start(start: &dyn Start, basins: &[Basin]) -> Result<f64, EscapeError> {
    let mut walks = start.begin(&[Streams::new(0)])?;
    let mut look = Look::at_minimum(walks.at(0), start.minimum())?;
    let loss = look.minimum_loss();
    for basin in basins {
        if matches!(basin, Basin::LossRatio(_)) && loss <= 0. {
            return Err(EscapeError::Unsupported {
                asked: "a basin by loss_ratio",
                reason: "the loss at the minimum is not above 0; use loss_rise",
            });
        }
        if basin.is_left(&mut look)? {
            return Err(EscapeError::StartsOutside { basin: basin.to_string(), loss });
        }
    }
    Ok(loss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::{Brownian, Covariance};
    use crate::landscapes::LandscapeSpec;
    use crate::walk::Dynamics;

    fn watch(basins: Vec<Basin>, check_every: u64, horizon: u64) -> Watch {
        let schedule = Schedule::Constant;
        Watch { basins, learning_rate: 0.01, schedule, check_every, horizon }
    }

    /// Brownian motion on a parabola of curvature 1, or on a plane.
    fn exits(curvature: f64, watch: &Watch, flow: Flow) -> Result<Vec<Exit>, EscapeError> {
        let spec = LandscapeSpec::Quadratic { curvatures: vec![curvature, curvature], floor: 0. };
        let landscape = &*spec.build(&Streams::new(0)).unwrap();
        let driver = &Brownian::new(&Covariance::Diagonal(vec![1., 100.]), landscape, 1)?;
        let start = Dynamics { landscape, driver };
        let minimum_loss = check_start(&start, &watch.basins)?;
        first_exits(&start, minimum_loss, watch, &Streams::new(1), &|| flow)
    }

    #[test]
    fn what_never_leaves_is_censored_and_not_an_exit() {
        let found = exits(1., &watch(vec![Basin::Distance(50.)], 7, 30), Flow::Continue).unwrap();
        assert_eq!(found[0].time, ExitTime::Censored(30));
        assert!((found[0].elapsed - 0.3).abs() < 1e-12);
        assert_eq!((found[0].coordinate, found[0].diverged), (None, false));
    }

    #[test]
    fn exits_are_dated_by_the_check_that_sees_them() {
        let exit = |check_every, horizon| {
            let watch = watch(vec![Basin::Distance(1e-9)], check_every, horizon);
            exits(0., &watch, Flow::Continue).unwrap()[0].time
        };
        assert_eq!(exit(1, 10), ExitTime::Exited(1));
        assert_eq!(exit(4, 10), ExitTime::Exited(4));
        assert_eq!(exit(40, 10), ExitTime::Exited(10));
    }

    #[test]
    fn several_basins_are_timed_in_one_trial() {
        let alone = |basin| exits(0., &watch(vec![basin], 1, 10_000), Flow::Continue).unwrap()[0];
        let basins = vec![Basin::Distance(1.), Basin::Interval(-0.5, 0.5), Basin::Distance(2.)];
        let found = exits(0., &watch(basins.clone(), 1, 10_000), Flow::Continue).unwrap();
        assert_eq!(found, basins.into_iter().map(alone).collect::<Vec<_>>());
        assert!(found[1].time.iterations() <= found[0].time.iterations());
        assert!(found[0].time.iterations() <= found[2].time.iterations());
        // The noise of the second coordinate is ten times as wide.
        assert!(found.iter().all(|exit| exit.coordinate == Some(1)));
    }

    #[test]
    fn a_falling_step_makes_time_go_slower() {
        let mut watch = watch(vec![Basin::Distance(1e9)], 1, 100);
        watch.schedule = Schedule::Exponential { gamma: 0.5 };
        let elapsed = exits(0., &watch, Flow::Continue).unwrap()[0].elapsed;
        let expected: f64 = (1..=100).map(|t| 0.01 / f64::from(t).sqrt()).sum();
        assert!((elapsed - expected).abs() < 1e-12);
    }

    #[test]
    fn a_trial_can_be_stopped_in_the_middle() {
        let found = exits(1., &watch(vec![Basin::Distance(50.)], 1, u64::MAX), Flow::Stop);
        assert!(matches!(found, Err(EscapeError::Stopped)));
    }

    #[test]
    fn what_runs_away_says_so() {
        // η h = 3: the iteration is unstable, and w overflows.
        let found = exits(300., &watch(vec![Basin::Distance(1e308)], 1, 10_000), Flow::Continue);
        let exit = found.unwrap()[0];
        assert!(exit.time.exited() && exit.time.iterations() > 500);
        let finite = exits(300., &watch(vec![Basin::Distance(1e3)], 1, 10_000), Flow::Continue);
        assert!(!finite.unwrap()[0].diverged);
        let nowhere = watch(vec![Basin::LossRise(f64::MAX)], 1000, 10_000);
        assert!(exits(300., &nowhere, Flow::Continue).unwrap()[0].diverged);
    }

    #[test]
    fn a_minimum_outside_of_its_basin_is_refused() {
        let outside = exits(1., &watch(vec![Basin::Interval(0.5, 1.)], 1, 10), Flow::Continue);
        let message = outside.unwrap_err().to_string();
        assert!(message.contains("lies outside of the basin w in [0.5, 1]"), "{message}");
        let accuracy = exits(1., &watch(vec![Basin::Accuracy(0.5)], 1, 10), Flow::Continue);
        assert!(accuracy.unwrap_err().to_string().contains("nothing is classified"));
    }
}
