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
    epoch_ended: bool,
}

impl MinibatchSampler {
    /// A sampler that goes on at `position`; epoch `e` uses generator `e` of `streams`.
    pub fn new(
        sampling: Sampling,
        n_samples: usize,
        streams: Streams,
        position: SamplerPosition,
    ) -> Self {
        let order = vec![0; n_samples];
        let mut sampler = Self { sampling, streams, position, order, epoch_ended: false };
        sampler.draw_epoch();
        sampler
    }

    /// Where the sampler stands.
    pub fn position(&self) -> SamplerPosition {
        self.position
    }

    /// The next minibatch. A reshuffled one is smaller where the epoch ends; one with replacement always has
    /// `batch_size` samples.
    pub fn next(&mut self, batch_size: usize) -> Vec<u32> {
        let mut batch = Vec::with_capacity(batch_size.min(self.order.len()));
        self.epoch_ended = false;
        loop {
            if self.position.offset >= self.order.len() {
                self.position = SamplerPosition { epoch: self.position.epoch + 1, offset: 0 };
                self.draw_epoch();
            }
            let start = self.position.offset;
            let end = (start + batch_size - batch.len()).min(self.order.len());
            self.position.offset = end;
            batch.extend_from_slice(&self.order[start..end]);
            self.epoch_ended |= end == self.order.len();
            if batch.len() == batch_size || self.sampling == Sampling::Reshuffled {
                return batch;
            }
        }
    }

    /// Whether the minibatch drawn last ended an epoch.
    pub fn epoch_ended(&self) -> bool {
        self.epoch_ended
    }

    /// Epochs that have been finished.
    pub fn n_finished_epochs(&self) -> u64 {
        self.position.epoch + u64::from(self.position.offset == self.order.len())
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
            let batches: Vec<Vec<u32>> = (0..3).map(|_| sampler.next(4)).collect();
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
            assert!(sampler.epoch_ended());
            let mut all = batches.concat();
            all.sort_unstable();
            assert_eq!(all, (0..10).collect::<Vec<u32>>());
        }
    }

    #[test]
    fn minibatches_with_replacement_are_never_cut() {
        let mut sampler = sampler(Sampling::WithReplacement, SamplerPosition::default());
        let mut ends = 0;
        for drawn in 1..=50u64 {
            assert_eq!(sampler.next(3).len(), 3);
            ends += u64::from(sampler.epoch_ended());
            assert_eq!(sampler.n_finished_epochs(), 3 * drawn / 10);
        }
        assert_eq!(ends, 15);
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
