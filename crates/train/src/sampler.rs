//! Which samples make up a minibatch.

use rand::RngExt;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::streams::Streams;

/// How minibatches are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Each epoch is a new permutation of the data, cut into minibatches; the last one may be smaller.
    #[default]
    Reshuffled,
    /// Every sample of every minibatch is drawn afresh; an epoch is N draws.
    WithReplacement,
}

/// Where a sampler stands; with the streams, this determines every minibatch to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SamplerPosition {
    /// The current epoch, counted from 0.
    pub epoch: u64,
    /// Samples already used in it.
    pub offset: usize,
}

/// Draws minibatches of indices into a data set of `n_samples`.
pub struct MinibatchSampler {
    sampling: Sampling,
    streams: Streams,
    position: SamplerPosition,
    order: Vec<u32>,
}

impl MinibatchSampler {
    /// A sampler that goes on at `position`; epoch `e` uses generator `e` of `streams`.
    pub fn new(
        sampling: Sampling,
        n_samples: usize,
        streams: Streams,
        position: SamplerPosition,
    ) -> Self {
        let mut sampler = Self { sampling, streams, position, order: vec![0; n_samples] };
        sampler.draw_epoch();
        sampler
    }

    /// Where the sampler stands.
    pub fn position(&self) -> SamplerPosition {
        self.position
    }

    /// The next minibatch; smaller than `batch_size` where the epoch ends.
    pub fn next(&mut self, batch_size: usize) -> &[u32] {
        if self.position.offset >= self.order.len() {
            self.position = SamplerPosition { epoch: self.position.epoch + 1, offset: 0 };
            self.draw_epoch();
        }
        let start = self.position.offset;
        let end = (start + batch_size).min(self.order.len());
        self.position.offset = end;
        &self.order[start..end]
    }

    /// Whether the minibatch drawn last ended its epoch.
    pub fn at_epoch_end(&self) -> bool {
        self.position.offset == self.order.len()
    }

    fn draw_epoch(&mut self) {
        let mut rng = self.streams.rng(self.position.epoch);
        let n_samples = self.order.len() as u32;
        match self.sampling {
            Sampling::Reshuffled => {
                self.order = (0..n_samples).collect();
                self.order.shuffle(&mut rng);
            }
            Sampling::WithReplacement => {
                self.order.fill_with(|| rng.random_range(0..n_samples));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(sampling: Sampling, position: SamplerPosition) -> MinibatchSampler {
        MinibatchSampler::new(sampling, 10, Streams::new(5).named("shuffle"), position)
    }

    #[test]
    fn an_epoch_holds_every_sample_once_and_keeps_the_small_last_batch() {
        let mut sampler = sampler(Sampling::Reshuffled, SamplerPosition::default());
        for _epoch in 0..3 {
            let batches: Vec<Vec<u32>> = (0..3).map(|_| sampler.next(4).to_vec()).collect();
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
            assert!(sampler.at_epoch_end());
            let mut all = batches.concat();
            all.sort_unstable();
            assert_eq!(all, (0..10).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn resuming_at_any_position_continues_the_same_minibatches() {
        for sampling in [Sampling::Reshuffled, Sampling::WithReplacement] {
            let mut straight = sampler(sampling, SamplerPosition::default());
            for _ in 0..20 {
                let mut resumed = sampler(sampling, straight.position());
                assert_eq!(resumed.next(3), straight.next(3));
            }
        }
    }
}
