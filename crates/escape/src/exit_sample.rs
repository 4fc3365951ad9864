//! Exit times of many trials: survival curve, mean and median under censoring.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::exit_time::ExitTime;

/// Two-sided coverage of every interval here.
const COVERAGE: f64 = 0.95;
/// Its standard normal quantile.
const Z: f64 = 1.959_963_984_540_054;

/// The exit times of an ensemble of trials.
#[derive(Debug, Clone, PartialEq)]
pub struct ExitSample {
    times: Vec<ExitTime>,
}

/// A mean with its 95 % interval, in iterations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CensoredMean {
    /// The estimate; NaN where no trial left.
    pub mean: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end; infinite where no trial left.
    pub high: f64,
}

/// One step of the survival curve, which holds from `iterations` on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurvivalPoint {
    /// Iterations from the perturbation.
    pub iterations: u64,
    /// Estimated probability of a longer exit time.
    pub survival: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl ExitSample {
    /// Takes the times of all trials, in any order.
    pub fn new(mut times: Vec<ExitTime>) -> Self {
        // An exit comes before a censoring at the same iteration: the censored trial was still at risk then.
        times.sort_by_key(|time| (time.iterations(), !time.exited()));
        Self { times }
    }

    /// Number of trials.
    pub fn n_trials(&self) -> usize {
        self.times.len()
    }

    /// Number of trials that left.
    pub fn n_exited(&self) -> usize {
        self.times.iter().filter(|time| time.exited()).count()
    }

    /// The mean exit time if exits come at a constant rate, as all theories of escape from a deep minimum say.
    ///
    /// # Formula
    /// `τ̂ = T/d`, where `T` is the sum of all observed times, censored ones included, and `d` the number of exits: the
    /// maximum of the exponential likelihood. Interval `[2T/χ²_{0.975}(2d+2), 2T/χ²_{0.025}(2d)]` (Lawless 2003,
    /// section 4.1, for time-censored samples). Without censoring τ̂ is the sample mean.
    pub fn mean(&self) -> CensoredMean {
        let total: u64 = self.times.iter().map(|time| time.iterations()).sum();
        let (total, n_exited) = (total as f64, self.n_exited());
        let chi2 = |degrees: usize, level: f64| {
            let law = ChiSquared::new(degrees as f64).expect("degrees of freedom are positive");
            law.inverse_cdf(level)
        };
        let tail = (1. - COVERAGE) / 2.;
        let low = 2. * total / chi2(2 * n_exited + 2, 1. - tail);
        if n_exited == 0 {
            return CensoredMean { mean: f64::NAN, low, high: f64::INFINITY };
        }
        let high = 2. * total / chi2(2 * n_exited, tail);
        CensoredMean { mean: total / n_exited as f64, low, high }
    }

    /// The mean of min(exit time, horizon), without any assumption on the law: a lower bound of the mean exit time
    /// where trials were censored, and the sample mean where none was.
    ///
    /// The interval is that of a mean, ± 1.96 s/√n; NaN for fewer than two trials.
    pub fn restricted_mean(&self) -> CensoredMean {
        let n_trials = self.n_trials() as f64;
        let times = self.times.iter().map(|time| time.iterations() as f64);
        let mean = times.clone().sum::<f64>() / n_trials;
        let squares = times.map(|time| (time - mean).powi(2)).sum::<f64>();
        let half = Z * (squares / (n_trials - 1.) / n_trials).sqrt();
        CensoredMean { mean, low: mean - half, high: mean + half }
    }

    /// The iteration at which half of the trials have left; `None` where fewer have.
    pub fn median(&self) -> Option<u64> {
        self.survival().iter().find(|point| point.survival <= 0.5).map(|point| point.iterations)
    }

    /// The survival curve of Kaplan and Meier (1958), from (0, 1) on, with a point at every exit and one at the end.
    ///
    /// # Formula
    /// `S(t) = Π_{t_i ≤ t} (1 − d_i/n_i)` with `d_i` exits among `n_i` trials at risk. The interval is Greenwood's
    /// variance on the scale of ln(−ln S) (Kalbfleisch and Prentice 2002, section 1.4), which keeps it inside [0, 1].
    pub fn survival(&self) -> Vec<SurvivalPoint> {
        let mut curve = vec![SurvivalPoint { iterations: 0, survival: 1., low: 1., high: 1. }];
        let (mut survival, mut greenwood) = (1., 0.);
        let mut n_before = 0;
        for tied in self.times.chunk_by(|a, b| a.iterations() == b.iterations()) {
            let n_at_risk = (self.times.len() - n_before) as f64;
            let n_exits = tied.iter().filter(|time| time.exited()).count() as f64;
            n_before += tied.len();
            if n_exits > 0. {
                survival *= 1. - n_exits / n_at_risk;
                greenwood += n_exits / (n_at_risk * (n_at_risk - n_exits));
            }
            let last = n_before == self.times.len();
            if n_exits > 0. || last {
                let (low, high) = interval(survival, greenwood);
                let iterations = tied[0].iterations();
                curve.push(SurvivalPoint { iterations, survival, low, high });
            }
        }
        curve
    }
}

fn interval(survival: f64, greenwood: f64) -> (f64, f64) {
    if survival <= 0. || survival >= 1. {
        return (survival, survival);
    }
    let spread = Z * greenwood.sqrt() / survival.ln().abs();
    (survival.powf(spread.exp()), survival.powf((-spread).exp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ExitTime::{Censored, Exited};
    use rand::RngExt;
    use train::Streams;

    /// Remission times of the 6-MP group of Freireich et al. (1963), the textbook example of Kaplan–Meier.
    fn freireich() -> ExitSample {
        let exited = [6, 6, 6, 7, 10, 13, 16, 22, 23].map(Exited);
        let censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35].map(Censored);
        ExitSample::new([exited.as_slice(), censored.as_slice()].concat())
    }

    #[test]
    fn survival_of_the_textbook_example() {
        let curve = freireich().survival();
        let at = |t: u64| *curve.iter().rev().find(|point| point.iterations <= t).unwrap();
        // Published values (Kalbfleisch and Prentice; R's survival::survfit gives the same).
        for (t, survival) in [
            (6, 0.857),
            (7, 0.807),
            (10, 0.753),
            (13, 0.690),
            (16, 0.627),
            (22, 0.538),
            (23, 0.448),
        ] {
            assert!((at(t).survival - survival).abs() < 5e-4, "{t}: {:?}", at(t));
        }
        // survfit(conf.type = "log-log") at t = 10: 0.503 to 0.889.
        assert!((at(10).low - 0.503).abs() < 5e-4 && (at(10).high - 0.889).abs() < 5e-4);
        assert_eq!(curve.last().unwrap().iterations, 35);
        assert_eq!(freireich().median(), Some(23));
    }

    #[test]
    fn mean_under_censoring() {
        // 359 person-weeks, 9 relapses.
        let mean = freireich().mean();
        assert!((mean.mean - 359. / 9.).abs() < 1e-12);
        // χ²_{0.975}(20) = 34.1696, χ²_{0.025}(18) = 8.2307 from tables.
        assert!((mean.low - 718. / 34.1696).abs() < 1e-3);
        assert!((mean.high - 718. / 8.2307).abs() < 1e-2);
    }

    #[test]
    fn without_exits_there_is_only_a_lower_bound() {
        let sample = ExitSample::new(vec![Censored(100); 30]);
        let mean = sample.mean();
        assert!(mean.mean.is_nan() && mean.high == f64::INFINITY);
        // −3000/ln(0.025).
        assert!((mean.low - 3000. / 3.688_879_454).abs() < 1e-6);
        assert_eq!(sample.median(), None);
        assert_eq!(sample.survival().last().unwrap().survival, 1.);
    }

    #[test]
    fn intervals_cover_the_truth_under_heavy_censoring() {
        let (truth, horizon, n_repeats) = (200., 150., 2000);
        let covered = (0..n_repeats).filter(|&repeat| {
            let mut rng = Streams::new(8).rng(repeat);
            let times = (0..40).map(|_| {
                let time = -truth * (1. - rng.random::<f64>()).ln();
                if time < horizon { Exited(time.ceil() as u64) } else { Censored(150) }
            });
            let mean = ExitSample::new(times.collect()).mean();
            mean.low <= truth && truth <= mean.high
        });
        // Nominal 95 %; the interval is conservative below. Standard error 0.5 %.
        let share = covered.count() as f64 / n_repeats as f64;
        assert!((0.935..0.985).contains(&share), "{share}");
    }
}
