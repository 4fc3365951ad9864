//! Which samples make up the minibatches: the same for both ways of finding their gradients.

use rand::RngExt;
use rand::seq::index;
use serde::{Deserialize, Serialize};
use train::{Flow, Streams};

/// How the samples of one minibatch are drawn. The minibatches of a probe are independent of each other either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// B different samples, as in a reshuffled epoch.
    #[default]
    WithoutReplacement,
    /// Each of the B samples is drawn from all.
    WithReplacement,
}

impl Sampling {
    /// The name that it has in an experiment.
    pub fn name(self) -> &'static str {
        match self {
            Sampling::WithoutReplacement => "without_replacement",
            Sampling::WithReplacement => "with_replacement",
        }
    }

    /// What multiplies Σ₁/B, with Σ₁ the covariance of a single sample's gradient, to give the covariance of the gradient
    /// of a minibatch of B among N samples: (N − B)/(N − 1) without replacement (Cochran 1977, *Sampling Techniques*,
    /// theorem 2.2), 1 with.
    ///
    /// # Panics
    /// When B exceeds N, without replacement.
    pub fn finite_population_factor(self, n_samples: usize, batch_size: usize) -> f64 {
        match self {
            Sampling::WithoutReplacement if n_samples > 1 => {
                (n_samples - batch_size) as f64 / (n_samples - 1) as f64
            }
            _ => 1.,
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
    pub(crate) fn is_default(&self) -> bool {
        *self == Sampling::default()
    }
}

/// What drawing minibatches needs, whatever is done with them.
#[derive(Clone, Copy)]
pub struct Draws<'a> {
    /// Minibatches per size.
    pub n_draws: usize,
    /// How the samples of each are drawn.
    pub sampling: Sampling,
    /// Draw `k` of size B uses generator `k` of the stream `minibatches/<B>`.
    pub streams: &'a Streams,
    /// Asked between pieces of work, from any thread.
    pub go_on: &'a (dyn Fn() -> Flow + Sync),
}

impl Draws<'_> {
    /// The samples of minibatch `draw_idx` of `batch_size` among `n_samples`, increasing.
    ///
    /// # Panics
    /// When there are fewer samples than a minibatch without replacement needs.
    pub fn samples(&self, n_samples: usize, batch_size: usize, draw_idx: u64) -> Vec<u32> {
        let streams = self.streams.named("minibatches").named(&batch_size.to_string());
        let mut rng = streams.rng(draw_idx);
        let mut samples: Vec<u32> = match self.sampling {
            Sampling::WithoutReplacement => {
                index::sample(&mut rng, n_samples, batch_size).iter().map(|s| s as u32).collect()
            }
            Sampling::WithReplacement => {
                (0..batch_size).map(|_| rng.random_range(0..n_samples as u32)).collect()
            }
        };
        samples.sort_unstable();
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sampling: Sampling) -> [usize; 4] {
        let streams = Streams::new(1);
        let draws = Draws { n_draws: 0, sampling, streams: &streams, go_on: &|| Flow::Continue };
        let mut n_pairs = [0; 4];
        for draw_idx in 0..4000 {
            let samples = draws.samples(2, 2, draw_idx);
            assert!(samples.is_sorted());
            n_pairs[(2 * samples[0] + samples[1]) as usize] += 1;
        }
        n_pairs
    }

    #[test]
    fn samples_repeat_with_replacement_alone() {
        assert_eq!(counts(Sampling::WithoutReplacement), [0, 4000, 0, 0]);
        let [both_0, different, _, both_1] = counts(Sampling::WithReplacement);
        // Binomial(4000, 1/4) and (4000, 1/2) have standard deviations of 27 and 32.
        assert!(both_0.abs_diff(1000) < 120 && both_1.abs_diff(1000) < 120);
        assert!(different.abs_diff(2000) < 130);
    }

    #[test]
    fn the_factor_of_the_finite_population() {
        let factor = |sampling: Sampling, b| sampling.finite_population_factor(11, b);
        assert_eq!(factor(Sampling::WithoutReplacement, 1), 1.);
        assert_eq!(factor(Sampling::WithoutReplacement, 6), 0.5);
        assert_eq!(factor(Sampling::WithoutReplacement, 11), 0.);
        assert_eq!(factor(Sampling::WithReplacement, 6), 1.);
    }
}
