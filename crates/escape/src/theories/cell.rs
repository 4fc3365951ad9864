//! Exit times at one setting, and their likelihood where exits come at a constant rate.

use super::{TheoryError, WayOut};
use crate::ascent::{Evaluation, maximise};
use crate::exit_laws::{Observation, observe};
use crate::exit_time::ExitTime;

/// Trials at one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// η > 0.
    pub learning_rate: f64,
    /// B > 0.
    pub batch_size: f64,
    /// L* ≥ 0, the loss at the minimum.
    pub loss: f64,
    /// ΔL > 0, the height of the edge or saddle above L*.
    pub barrier: f64,
    /// Which of the two it is.
    pub way_out: WayOut,
    /// One per trial.
    pub times: Vec<ExitTime>,
    /// Iterations between checks.
    pub check_every: u64,
}

impl Cell {
    /// Rejects numbers out of range, and reads the times.
    pub(super) fn read(&self, index: usize) -> Result<CellTimes, TheoryError> {
        let refuse = |name, value| TheoryError::Cell { cell: index, name, value };
        for (name, value) in [
            ("learning_rate", self.learning_rate),
            ("batch_size", self.batch_size),
            ("barrier", self.barrier),
            ("number of trials", self.times.len() as f64),
            ("check_every", self.check_every as f64),
        ] {
            if !(value > 0. && value < f64::INFINITY) {
                return Err(refuse(name, value));
            }
        }
        if !(self.loss >= 0. && self.loss < f64::INFINITY) {
            return Err(refuse("loss", self.loss));
        }
        let trials = observe(&self.times, self.check_every).map_err(|_| refuse("time", 0.))?;
        Ok(CellTimes::new(trials))
    }
}

/// The exit times of a cell, and what the exponential likelihood needs of them.
pub(super) struct CellTimes {
    pub(super) trials: Vec<Observation>,
    /// Iterations that all trials together were seen to stay.
    pub(super) stayed: f64,
    /// Intervals in which exits were seen: their length in iterations, and how many.
    pub(super) exits: Vec<(f64, f64)>,
}

impl CellTimes {
    fn new(trials: Vec<Observation>) -> Self {
        let stayed = trials.iter().map(|trial| trial.after).sum();
        let mut exits: Vec<(f64, f64)> = Vec::new();
        for width in trials.iter().filter_map(|trial| Some(trial.by? - trial.after)) {
            match exits.iter_mut().find(|(known, _)| *known == width) {
                Some((_, count)) => *count += 1.,
                None => exits.push((width, 1.)),
            }
        }
        Self { trials, stayed, exits }
    }

    /// The log-likelihood of a mean, with its first derivative by ln mean and minus its second.
    ///
    /// `−T/μ + Σ ln(1 − e^{−w/μ})`, where T is the time stayed and w the interval of an exit: the geometric law, where
    /// all w are equal. Concave in ln μ and in 1/μ.
    pub(super) fn ln_likelihood(&self, ln_mean: f64) -> (f64, f64, f64) {
        let mean = ln_mean.exp();
        let stayed = self.stayed / mean;
        let (mut value, mut first, mut information) = (-stayed, stayed, stayed);
        for &(width, count) in &self.exits {
            let r = width / mean;
            // g = r/(e^r − 1), and −r g'(r).
            let g = r / r.exp_m1();
            value += count * (-(-r).exp_m1()).ln();
            first -= count * g;
            information += count * g * (g + r - 1.);
        }
        (value, first, information)
    }

    /// The ln mean of greatest likelihood; infinite where no trial left, minus infinity where all left at the first
    /// check.
    pub(super) fn ln_mean(&self) -> f64 {
        if self.exits.is_empty() {
            return f64::INFINITY;
        }
        if self.stayed == 0. {
            return f64::NEG_INFINITY;
        }
        let n_exits: f64 = self.exits.iter().map(|(_, count)| count).sum();
        let unit = (self.stayed / n_exits + self.exits[0].0).ln();
        let evaluate = |[x, _]: [f64; 2]| {
            let (value, first, information) = self.ln_likelihood(unit + x);
            Evaluation { value, gradient: [first, 0.], information: [[information, 0.], [0., 0.]] }
        };
        let wide = f64::INFINITY;
        unit + maximise([0.; 2], [-wide, 0.], [wide, 0.], evaluate).point[0]
    }
}

/// The log-likelihood of one trial.
pub(super) fn trial_ln_likelihood(trial: &Observation, ln_mean: f64) -> f64 {
    let mean = ln_mean.exp();
    let exit = trial.by.map_or(0., |by| (-(-(by - trial.after) / mean).exp_m1()).ln());
    exit - trial.after / mean
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExitTime::{Censored, Exited};

    fn read(times: &[ExitTime], check_every: u64) -> CellTimes {
        let cell = Cell {
            learning_rate: 0.1,
            batch_size: 1.,
            loss: 0.,
            barrier: 1.,
            way_out: WayOut::Edge,
            times: times.to_vec(),
            check_every,
        };
        cell.read(0).unwrap()
    }

    /// Mean 2, checks at every second iteration: the exit at 2 has 1 − e^{−1}, the one at 6 has e^{−2}(1 − e^{−1}),
    /// the censored one at 4 e^{−2}.
    #[test]
    fn by_hand() {
        let times = read(&[Exited(2), Censored(4), Exited(6)], 2);
        let (value, _, _) = times.ln_likelihood(2f64.ln());
        let exit = (1. - (-1f64).exp()).ln();
        assert!((value - (2. * exit - 4.)).abs() < 1e-14);
        let trials: f64 =
            times.trials.iter().map(|trial| trial_ln_likelihood(trial, 2f64.ln())).sum();
        assert!((trials - value).abs() < 1e-14);
        // Of one interval the maximum is w/ln(1 + n w/T).
        assert!((times.ln_mean().exp() - 2. / (1. + 2. * 2. / 8f64).ln()).abs() < 1e-9);
    }

    #[test]
    fn derivatives() {
        let times = read(&[Exited(3), Exited(30), Censored(41), Exited(41)], 3);
        let step = 1e-5;
        for ln_mean in [-1., 1., 3., 8.] {
            let at = |step: f64| times.ln_likelihood(ln_mean + step);
            let (_, first, information) = at(0.);
            let slope = (at(step).0 - at(-step).0) / (2. * step);
            let curvature = (at(step).1 - at(-step).1) / (2. * step);
            assert!((slope - first).abs() < 1e-6 * first.abs().max(1.), "{slope} {first}");
            assert!((curvature + information).abs() < 1e-6 * information.max(1.));
        }
    }

    #[test]
    fn means_beyond_what_was_watched() {
        assert_eq!(read(&[Censored(9); 3], 3).ln_mean(), f64::INFINITY);
        assert_eq!(read(&[Exited(3); 3], 3).ln_mean(), f64::NEG_INFINITY);
    }

    #[test]
    fn numbers_out_of_range_are_told() {
        let good = Cell {
            learning_rate: 0.1,
            batch_size: 1.,
            loss: 0.,
            barrier: 1.,
            way_out: WayOut::Edge,
            times: vec![Exited(1)],
            check_every: 1,
        };
        assert!(good.read(0).is_ok());
        let message = |cell: Cell| cell.read(3).err().unwrap().to_string();
        let told = message(Cell { barrier: -0.5, ..good.clone() });
        assert_eq!(told, "cell 3: barrier = -0.5 is out of range");
        let told = message(Cell { times: vec![], ..good.clone() });
        assert_eq!(told, "cell 3: number of trials = 0 is out of range");
        let told = message(Cell { times: vec![Exited(0)], ..good.clone() });
        assert_eq!(told, "cell 3: time = 0 is out of range");
        assert!(Cell { loss: f64::NAN, ..good.clone() }.read(0).is_err());
        assert!(Cell { check_every: 0, ..good }.read(0).is_err());
    }
}
