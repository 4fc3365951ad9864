//! Schedules: pure functions of the progress of training, the same for learning rate and batch size.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::error::SpecError;
use crate::sampler::SamplerPosition;

/// How far training has come when a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Steps taken before.
    pub step: u64,
    /// Epochs finished before.
    pub epoch: u64,
    /// Share of the current epoch's samples that are used, from 0 to below 1.
    pub fraction: f64,
}

impl Progress {
    /// The progress of a sampler of `n_samples` that stands at `position` after `step` steps.
    pub fn new(step: u64, position: SamplerPosition, n_samples: usize) -> Self {
        if position.offset >= n_samples {
            return Self { step, epoch: position.epoch + 1, fraction: 0. };
        }
        Self { step, epoch: position.epoch, fraction: position.offset as f64 / n_samples as f64 }
    }

    /// Time in epochs.
    pub fn epochs(&self) -> f64 {
        self.epoch as f64 + self.fraction
    }
}

/// A multiplier of the learning rate or of the batch size; the base value stands in the experiment.
///
/// Decay of the one and growth of the other are twins: for B ≪ N, dividing η by a and multiplying B by a change the
/// noise scale g = η(N/B − 1) alike (Smith et al. 2018). The twin of `multi_step` has the inverse factor, that of
/// `exponential` has 2 − γ.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Always 1.
    #[default]
    Constant,
    /// `factor^m` after `m` milestones have been passed.
    MultiStep {
        /// Epochs at whose beginning the value changes, increasing.
        milestones: Vec<u64>,
        /// What the value is multiplied by at each milestone; above 1 it grows.
        factor: f64,
    },
    /// `t^(γ − 1)`: the exponential scheduler of Battash, Wolf and Lindenbaum (2023), section 4.
    ///
    /// Here t is the number of the step, counted from 1. In the paper, whose drift (eq. 3) carries no multiplier, it is the
    /// time that has elapsed, `Σ ηs_k`, which grows as `k^γ` where `s_k = k^{γ−1}`: as a function of it the multiplier is
    /// `t^{(γ−1)/γ}` times a constant. The γ of the paper is 2 − 1/γ of this one, and this one 1/(2 − γ) of the paper's, whose
    /// 0.6 is written 0.714.
    Exponential {
        /// Cooling rate γ of steps: 1 is constant, below 1 the value falls, above 1 it grows.
        gamma: f64,
    },
    /// `f + (1 − f)(1 + cos(πt/T))/2` until `t = T`, then `f`: half a cosine without restarts (Loshchilov and Hutter
    /// 2017, eq. 5). Here t is in epochs and changes with every step.
    Cosine {
        /// T.
        epochs: u64,
        /// f.
        final_multiplier: f64,
    },
    /// `s + (1 − s)t/T` until `t = T`, times another schedule: gradual warm-up (Goyal et al. 2017, section 2.2).
    ///
    /// The other schedule's time counts from the beginning of training, so that its milestones keep their epochs.
    Warmup {
        /// T.
        over: Span,
        /// s: the multiplier of the first step.
        start: f64,
        /// The other schedule.
        #[serde(default)]
        then: Box<Schedule>,
    },
}

/// A length of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Span {
    /// So many passes over the data.
    Epochs(u64),
    /// So many steps.
    Steps(u64),
}

impl Span {
    /// The share of it that has passed, at most 1.
    fn share(self, progress: &Progress) -> f64 {
        let share = match self {
            Span::Epochs(n_epochs) => progress.epochs() / n_epochs as f64,
            Span::Steps(n_steps) => progress.step as f64 / n_steps as f64,
        };
        share.min(1.)
    }
}

impl Schedule {
    /// Epochs at whose beginning the value jumps.
    pub fn milestones(&self) -> &[u64] {
        match self {
            Schedule::MultiStep { milestones, .. } => milestones,
            Schedule::Warmup { then, .. } => then.milestones(),
            _ => &[],
        }
    }

    /// The multiplier of a step.
    pub fn multiplier(&self, progress: &Progress) -> f64 {
        match self {
            Schedule::Constant => 1.,
            Schedule::MultiStep { milestones, factor } => {
                let passed = milestones.iter().filter(|&&milestone| milestone <= progress.epoch);
                factor.powi(passed.count() as i32)
            }
            Schedule::Exponential { gamma } => (progress.step as f64 + 1.).powf(gamma - 1.),
            Schedule::Cosine { epochs, final_multiplier } => {
                let share = Span::Epochs(*epochs).share(progress);
                let falling = (1. + (PI * share).cos()) / 2.;
                final_multiplier + (1. - final_multiplier) * falling
            }
            Schedule::Warmup { over, start, then } => {
                let rising = start + (1. - start) * over.share(progress);
                rising * then.multiplier(progress)
            }
        }
    }

    /// Checks every value; `section` is the schedule's own name in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        match self {
            Schedule::Constant => Ok(()),
            Schedule::MultiStep { milestones, factor } => {
                validate_multi_step(&format!("{section}.multi_step"), milestones, *factor)
            }
            Schedule::Exponential { gamma } => {
                let (section, holds) =
                    (format!("{section}.exponential"), *gamma > 0. && *gamma < 2.);
                SpecError::check(holds, &section, "gamma", gamma, "a number between 0 and 2")
            }
            Schedule::Cosine { epochs, final_multiplier } => {
                let section = format!("{section}.cosine");
                SpecError::check(*epochs >= 1, &section, "epochs", epochs, "1 or more")?;
                let (holds, value) =
                    (final_multiplier.is_finite() && *final_multiplier >= 0., final_multiplier);
                SpecError::check(holds, &section, "final_multiplier", value, "a number, 0 or more")
            }
            Schedule::Warmup { over, start, then } => {
                let section = format!("{section}.warmup");
                let (key, length) = match over {
                    Span::Epochs(length) => ("over.epochs", *length),
                    Span::Steps(length) => ("over.steps", *length),
                };
                SpecError::check(length >= 1, &section, key, length, "1 or more")?;
                let holds = *start > 0. && *start <= 1.;
                SpecError::check(holds, &section, "start", start, "above 0 and at most 1")?;
                then.validate(&format!("{section}.then"))
            }
        }
    }
}

/// Checks milestones and their factor, which have the same names in `[ablation]`.
pub(crate) fn validate_multi_step(
    section: &str,
    milestones: &[u64],
    factor: f64,
) -> Result<(), SpecError> {
    let increasing = milestones.windows(2).all(|pair| pair[0] < pair[1]);
    SpecError::check(increasing, section, "milestones", milestones, "increasing epochs")?;
    let positive = factor.is_finite() && factor > 0.;
    SpecError::check(positive, section, "factor", factor, "a number above 0")
}

#[cfg(test)]
mod tests {
    use super::*;

    const N_SAMPLES: usize = 30;
    const BATCH_SIZE: usize = 4;

    /// The progress of every step of ten epochs; the last minibatch of an epoch is smaller.
    fn steps() -> Vec<Progress> {
        let n_steps = N_SAMPLES.div_ceil(BATCH_SIZE) as u64;
        let at = |step| {
            let offset = (step % n_steps) as usize * BATCH_SIZE;
            Progress::new(step, SamplerPosition { epoch: step / n_steps, offset }, N_SAMPLES)
        };
        (0..10 * n_steps).map(at).collect()
    }

    fn values(schedule: &Schedule) -> Vec<f64> {
        steps().iter().map(|progress| schedule.multiplier(progress)).collect()
    }

    fn at_epoch(schedule: &Schedule, epoch: u64) -> f64 {
        schedule.multiplier(&Progress { step: 8 * epoch, epoch, fraction: 0. })
    }

    fn multi_step(factor: f64) -> Schedule {
        Schedule::MultiStep { milestones: vec![2, 5], factor }
    }

    fn warmup(over: Span, then: Schedule) -> Schedule {
        Schedule::Warmup { over, start: 0.1, then: Box::new(then) }
    }

    #[track_caller]
    fn assert_close(values: &[f64], expected: &[f64]) {
        assert_eq!(values.len(), expected.len());
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-12, "{values:?}");
        }
    }

    /// The multiplier against the time elapsed, by its definition: a power of γ − 1 for the γ of the paper.
    #[test]
    fn the_cooling_rate_of_the_paper_is_one_of_elapsed_time() {
        let gamma_of_paper = 0.6;
        let schedule = Schedule::Exponential { gamma: 1. / (2. - gamma_of_paper) };
        let (mut elapsed, mut seen) = (0., Vec::new());
        for step in 0..1_000_000 {
            let multiplier = schedule.multiplier(&Progress { step, ..Progress::default() });
            elapsed += 0.1 * multiplier;
            seen.push((f64::ln(elapsed), multiplier.ln()));
        }
        let (from, to) = (seen[50_000], seen[999_999]);
        let power = (to.1 - from.1) / (to.0 - from.0);
        assert!((power - (gamma_of_paper - 1.)).abs() < 1e-3, "{power}");
    }

    #[test]
    fn the_end_of_an_epoch_is_the_beginning_of_the_next() {
        let at = |epoch, offset| Progress::new(7, SamplerPosition { epoch, offset }, N_SAMPLES);
        assert_eq!(at(2, N_SAMPLES), at(3, 0));
        assert_eq!(at(2, 15), Progress { step: 7, epoch: 2, fraction: 0.5 });
        let epochs: Vec<f64> = steps().iter().map(Progress::epochs).collect();
        assert!(epochs.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn multi_step_changes_at_the_beginning_of_an_epoch() {
        let values: Vec<f64> = (0..7).map(|epoch| at_epoch(&multi_step(0.5), epoch)).collect();
        assert_eq!(values, [1., 1., 0.5, 0.5, 0.5, 0.25, 0.25]);
        for progress in steps() {
            let expected = at_epoch(&multi_step(0.5), progress.epoch);
            assert_eq!(multi_step(0.5).multiplier(&progress), expected);
        }
    }

    #[test]
    fn values_are_those_computed_by_hand() {
        let exponential = Schedule::Exponential { gamma: 0.5 };
        let values: Vec<f64> = [0, 3, 99]
            .map(|step| exponential.multiplier(&Progress { step, epoch: 0, fraction: 0. }))
            .to_vec();
        assert_close(&values, &[1., 0.5, 0.1]);

        let cosine = Schedule::Cosine { epochs: 6, final_multiplier: 0.2 };
        let values: Vec<f64> = [0, 1, 2, 3, 4, 6, 9].map(|epoch| at_epoch(&cosine, epoch)).to_vec();
        // cos 30° = √3/2.
        assert_close(&values, &[1., 0.6 + 0.2 * 3f64.sqrt(), 0.8, 0.6, 0.4, 0.2, 0.2]);
        let half = Progress { step: 0, epoch: 1, fraction: 0.5 };
        assert_close(&[cosine.multiplier(&half)], &[0.6 + 0.4 / 2f64.sqrt()]);

        let by_steps = warmup(Span::Steps(9), multi_step(0.5));
        let values: Vec<f64> = [(0, 0), (3, 0), (9, 1), (16, 2), (100, 5)]
            .map(|(step, epoch)| by_steps.multiplier(&Progress { step, epoch, fraction: 0. }))
            .to_vec();
        assert_close(&values, &[0.1, 0.4, 1., 0.5, 0.25]);

        let by_epochs = warmup(Span::Epochs(3), multi_step(0.5));
        let values: Vec<f64> = (0..6).map(|epoch| at_epoch(&by_epochs, epoch)).collect();
        assert_close(&values, &[0.1, 0.4, 0.7 * 0.5, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn schedules_stay_within_their_bounds_and_go_one_way() {
        let cosine = |final_multiplier| Schedule::Cosine { epochs: 7, final_multiplier };
        let exponential = |gamma| Schedule::Exponential { gamma };
        let n_steps = steps().len() as f64;
        let falling = [
            (multi_step(0.1), 0.01),
            (cosine(0.), 0.),
            (cosine(0.3), 0.3),
            (exponential(0.7), n_steps.powf(-0.3)),
        ];
        for (schedule, least) in falling {
            let values = values(&schedule);
            assert_eq!(values[0], 1., "{schedule:?}");
            assert!(values.windows(2).all(|pair| pair[0] >= pair[1]), "{schedule:?}");
            assert!((values.last().unwrap() - least).abs() < 1e-12, "{schedule:?}");
        }
        let growing = [
            multi_step(10.),
            cosine(8.),
            exponential(1.3),
            warmup(Span::Epochs(4), Schedule::Constant),
            warmup(Span::Steps(11), Schedule::Constant),
        ];
        for schedule in growing {
            let values = values(&schedule);
            assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{schedule:?}");
            assert!(values[0] < *values.last().unwrap(), "{schedule:?}");
        }
        assert!(values(&exponential(1.)).iter().all(|&value| value == 1.));
        let warmed = values(&warmup(Span::Steps(11), cosine(0.3)));
        assert_eq!(warmed[0], 0.1);
        assert_eq!(warmed[11..], values(&cosine(0.3))[11..]);
    }

    #[test]
    fn decay_of_the_rate_and_growth_of_the_batch_are_twins() {
        let twins = [
            (multi_step(0.2), multi_step(5.)),
            (Schedule::Exponential { gamma: 0.6 }, Schedule::Exponential { gamma: 1.4 }),
        ];
        for (decay, growth) in twins {
            for (decayed, grown) in values(&decay).iter().zip(values(&growth)) {
                // η N/B is the same where η is multiplied by the one and where B is by the other.
                assert!((decayed * grown - 1.).abs() < 1e-12, "{decay:?}, {growth:?}");
            }
        }
    }

    #[test]
    fn messages_name_key_value_and_permitted_range() {
        let message = |toml: &str| {
            let schedule: std::collections::BTreeMap<String, Schedule> =
                toml::from_str(toml).unwrap();
            let validated = schedule["s"].validate("training.s");
            validated.map_or_else(|error| error.to_string(), |()| "ok".into())
        };
        assert_eq!(message("s.warmup = { over = { epochs = 5 }, start = 0.1 }"), "ok");
        let nested = "s.warmup = { over = { steps = 5 }, start = 0.1, then = { cosine = { epochs = 0, \
                      final_multiplier = 0.0 } } }";
        assert_eq!(
            message(nested),
            "training.s.warmup.then.cosine.epochs = 0: permitted is 1 or more"
        );
        assert_eq!(
            message("s.exponential = { gamma = 2.0 }"),
            "training.s.exponential.gamma = 2.0: permitted is a number between 0 and 2"
        );
        assert_eq!(
            message("s.multi_step = { milestones = [2, 1], factor = 0.1 }"),
            "training.s.multi_step.milestones = [2, 1]: permitted is increasing epochs"
        );
        assert_eq!(
            message("s.warmup = { over = { steps = 0 }, start = 0.1 }"),
            "training.s.warmup.over.steps = 0: permitted is 1 or more"
        );
        assert_eq!(
            message("s.cosine = { epochs = 3, final_multiplier = -0.5 }"),
            "training.s.cosine.final_multiplier = -0.5: permitted is a number, 0 or more"
        );
        assert_eq!(
            message("s.warmup = { over = { steps = 3 }, start = 0.0 }"),
            "training.s.warmup.start = 0.0: permitted is above 0 and at most 1"
        );
    }
}
