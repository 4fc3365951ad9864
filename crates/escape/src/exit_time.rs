//! One trial: from the minimum to the first exit, or to the horizon.

use train::{Flow, Streams};

use crate::basin::Basin;
use crate::driver::Driver;
use crate::error::EscapeError;
use crate::landscape::Landscape;

/// When a trial ended, in iterations from the perturbation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitTime {
    /// The point was outside for the first time at this iteration, to within the interval of checks.
    Exited(u64),
    /// The point was inside at every check up to here: the exit time is longer than this, and unknown.
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

/// What to look for, how often and how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// The neighbourhood to leave.
    pub basin: Basin,
    /// Iterations between checks; an exit is dated by the first check that sees it.
    pub check_every: u64,
    /// Iterations after which a trial is censored.
    pub horizon: u64,
}

/// Runs one trial. All its randomness comes from `streams`. `go_on` is asked at every check.
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on` says stop.
pub fn first_exit<L: Landscape, D: Driver<L>>(
    landscape: &L,
    driver: &D,
    watch: &Watch,
    streams: &Streams,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<ExitTime, EscapeError> {
    let mut point = landscape.minimum()?;
    let mut trial = driver.begin(&point, streams);
    for iteration in 1..=watch.horizon {
        driver.step(&mut point, &mut trial)?;
        let due = iteration.is_multiple_of(watch.check_every) || iteration == watch.horizon;
        if due && watch.basin.is_left_by(landscape, &point)? {
            return Ok(ExitTime::Exited(iteration));
        }
        if due && go_on() == Flow::Stop {
            return Err(EscapeError::Stopped);
        }
    }
    Ok(ExitTime::Censored(watch.horizon))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::ensemble;
    use crate::exit_sample::ExitSample;
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;

    /// ½ h x², and the Euler–Maruyama scheme of dx = −h x dt + σ dW on it.
    struct Quadratic {
        curvature: f64,
    }

    struct Brownian {
        curvature: f64,
        sigma: f64,
        dt: f64,
    }

    impl Landscape for Quadratic {
        type Point = f64;

        fn minimum(&self) -> Result<f64, EscapeError> {
            Ok(0.)
        }

        fn minimum_loss(&self) -> f64 {
            0.
        }

        fn loss(&self, x: &f64) -> Result<f64, EscapeError> {
            Ok(self.curvature * x * x / 2.)
        }

        fn distance(&self, x: &f64) -> Result<f64, EscapeError> {
            Ok(x.abs())
        }
    }

    impl Driver<Quadratic> for Brownian {
        type Trial = ChaCha8Rng;

        fn begin(&self, _x: &f64, streams: &Streams) -> ChaCha8Rng {
            streams.rng(0)
        }

        fn step(&self, x: &mut f64, rng: &mut ChaCha8Rng) -> Result<(), EscapeError> {
            let (u, v): (f64, f64) = (1. - rng.random::<f64>(), rng.random());
            let normal = (-2. * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
            *x += -self.curvature * *x * self.dt + self.sigma * self.dt.sqrt() * normal;
            Ok(())
        }
    }

    /// E[τ] = (2/σ²) ∫₀^a e^{h y²/σ²} ∫₀^y e^{−h z²/σ²} dz dy (Gardiner 2009, eq. 5.5.24), by the midpoint rule.
    fn exact_mean(h: f64, sigma: f64, radius: f64) -> f64 {
        let (n, rate) = (20_000, h / (sigma * sigma));
        let dy = radius / n as f64;
        let (mut inner, mut outer) = (0., 0.);
        for i in 0..n {
            let y = (i as f64 + 0.5) * dy;
            let density = (-rate * y * y).exp();
            outer += (rate * y * y).exp() * (inner + 0.5 * density * dy) * dy;
            inner += density * dy;
        }
        2. / (sigma * sigma) * outer
    }

    #[test]
    fn mean_exit_time_of_an_ornstein_uhlenbeck_process_is_the_exact_integral() {
        let (curvature, sigma, dt, radius) = (1., 1., 2e-3, 1.2);
        let watch = Watch { basin: Basin::Distance(radius), check_every: 1, horizon: 1_000_000 };
        let driver = Brownian { curvature, sigma, dt };
        let streams = Streams::new(4).named("escape");
        let go_on = || Flow::Continue;
        let landscape = Quadratic { curvature };
        let times = ensemble(&landscape, &driver, &watch, &streams, 4000, &go_on, &|| ()).unwrap();
        let mean = ExitSample::new(times).mean().mean * dt;
        // A path that is looked at only every dt leaves later, as if the edge stood ζ(½)/√(2π)·σ√dt further away
        // (Broadie, Glasserman, Kou 1997).
        let expected = exact_mean(curvature, sigma, radius + 0.5826 * sigma * dt.sqrt());
        // Exit times are nearly exponential: the standard error is 1/√4000 = 1.6 %. Without the factor 2 of the drift
        // or the correction of the edge (5 %) this fails.
        assert!((mean / expected - 1.).abs() < 0.04, "{mean} {expected}");
    }

    #[test]
    fn what_never_leaves_is_censored_and_not_an_exit() {
        let watch = Watch { basin: Basin::Distance(50.), check_every: 7, horizon: 30 };
        let driver = Brownian { curvature: 1., sigma: 1., dt: 0.01 };
        let landscape = Quadratic { curvature: 1. };
        let exit = first_exit(&landscape, &driver, &watch, &Streams::new(1), &|| Flow::Continue);
        assert_eq!(exit.unwrap(), ExitTime::Censored(30));
    }

    #[test]
    fn exits_are_dated_by_the_check_that_sees_them() {
        let driver = Brownian { curvature: 0., sigma: 1., dt: 1. };
        let exit = |check_every, horizon| {
            let watch = Watch { basin: Basin::Distance(1e-9), check_every, horizon };
            let landscape = Quadratic { curvature: 0. };
            first_exit(&landscape, &driver, &watch, &Streams::new(1), &|| Flow::Continue).unwrap()
        };
        assert_eq!(exit(1, 10), ExitTime::Exited(1));
        assert_eq!(exit(4, 10), ExitTime::Exited(4));
        assert_eq!(exit(40, 10), ExitTime::Exited(10));
    }

    #[test]
    fn a_trial_can_be_stopped_in_the_middle() {
        let watch = Watch { basin: Basin::Distance(50.), check_every: 1, horizon: u64::MAX };
        let driver = Brownian { curvature: 1., sigma: 1., dt: 0.01 };
        let landscape = Quadratic { curvature: 1. };
        let exit = first_exit(&landscape, &driver, &watch, &Streams::new(1), &|| Flow::Stop);
        assert!(matches!(exit, Err(EscapeError::Stopped)));
    }

    #[test]
    fn a_point_that_is_not_a_number_has_left() {
        let runaway = Quadratic { curvature: f64::NAN };
        assert!(Basin::LossRatio(2.).is_left_by(&runaway, &1.).unwrap());
        assert!(Basin::Distance(1e300).is_left_by(&runaway, &f64::NAN).unwrap());
    }
}
