//! What a dated exit says: that it came between two checks.

use super::{ExitLawError, Family};
use crate::exit_time::ExitTime;

/// One trial, in iterations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Observation {
    /// The last check that saw it inside; 0 is the start.
    pub(crate) after: f64,
    /// The check that saw it outside; `None` where it was censored.
    pub(crate) by: Option<f64>,
}

/// Reads exit times that were dated by checks every `check_every` iterations.
///
/// The last check, at the horizon, may come earlier than that after the one before.
pub(crate) fn observe(
    times: &[ExitTime],
    check_every: u64,
) -> Result<Vec<Observation>, ExitLawError> {
    if check_every == 0 {
        return Err(ExitLawError::NoChecks);
    }
    let observe = |time: &ExitTime| match *time {
        ExitTime::Exited(0) | ExitTime::Censored(0) => Err(ExitLawError::ZeroTime),
        ExitTime::Censored(t) => Ok(Observation { after: t as f64, by: None }),
        ExitTime::Exited(t) => {
            let after = (t - 1) / check_every * check_every;
            Ok(Observation { after: after as f64, by: Some(t as f64) })
        }
    };
    times.iter().map(observe).collect()
}

/// Whether the likelihood of a family has a maximum.
///
/// It has none where some direction in (shape·ln scale, shape) raises or keeps every term for ever. A term keeps its
/// value or rises if the hazard grows at `by` and falls at `after`.
pub(super) fn check(observations: &[Observation], family: Family) -> Result<(), ExitLawError> {
    let exits = || observations.iter().filter_map(|trial| Some((trial.after, trial.by?)));
    if exits().next().is_none() {
        return Err(ExitLawError::NoExit);
    }
    // Infinite hazard from the start.
    let all_at_once = observations.iter().all(|trial| trial.after == 0.);
    let last_inside = observations.iter().map(|trial| trial.after).fold(0., f64::max);
    let first_outside = exits().map(|(_, by)| by).fold(f64::INFINITY, f64::min);
    // Infinite shape: all leave at one time, between these two.
    let all_together = last_inside <= first_outside;
    // Shape 0: some leave at once and the others never.
    let stays = observations.iter().filter(|trial| trial.by.is_none()).map(|trial| trial.after);
    let last_outside = exits().map(|(_, by)| by).fold(0., f64::max);
    let at_once_or_never = exits().all(|(after, _)| after == 0.)
        && last_outside <= stays.fold(f64::INFINITY, f64::min);
    let weibull = family == Family::Weibull;
    if all_at_once || (weibull && (all_together || at_once_or_never)) {
        return Err(ExitLawError::TooCoarse);
    }
    Ok(())
}

/// The exponential estimate of the mean where checks are frequent: a unit of time of the right size.
pub(super) fn time_per_exit(observations: &[Observation]) -> f64 {
    let watched: f64 = observations.iter().map(|trial| trial.by.unwrap_or(trial.after)).sum();
    watched / observations.iter().filter(|trial| trial.by.is_some()).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExitTime::{Censored, Exited};

    #[test]
    fn between_checks() {
        let observed = observe(&[Exited(1), Exited(4), Exited(5), Exited(10), Censored(10)], 4);
        let expected =
            [(0., Some(1.)), (0., Some(4.)), (4., Some(5.)), (8., Some(10.)), (10., None)];
        assert_eq!(observed.unwrap(), expected.map(|(after, by)| Observation { after, by }));
    }
}
