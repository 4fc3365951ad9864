//! A measurement from beginning to end: what is drawn, in which blocks, and what is said about it.

use train::{Flow, Objective, Streams, Table};

use crate::coordinates::{Coordinates, thinned};
use crate::error::ProbeError;
use crate::frozen::Frozen;
use crate::minibatch::draw_minibatches;
use crate::minibatches::Draws;
use crate::noise_matrix::NoiseMatrix;
use crate::per_sample::{draw_per_sample, n_chunks};
use crate::quantities::{self, LowRank, MOST_DRAWS};
use crate::reference::Reference;
use crate::spec::{FitSpec, Method, ProbeSpec};

mod of_size;
mod tables;

use of_size::OfSize;

/// So many parameters are looked at more closely than one by one: pooled, summed, drawn.
const CLOSE_LOOK: usize = 1000;

/// What a measurement is made of: frozen weights, the watched parameters, and the specification.
pub struct Probe<'a> {
    frozen: Frozen,
    coordinates: Coordinates,
    spec: &'a ProbeSpec,
    fit: &'a FitSpec,
    streams: Streams,
}

/// How much is said about the noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All that the specification asks for.
    Full,
    /// The tables `noise`, `noise_summary`, `noise_views` and `noise_scale`, for measurements that are repeated.
    Brief,
}

/// What a measurement gives.
pub struct Measured {
    /// Tables by name.
    pub tables: Vec<(&'static str, Table)>,
    /// For each batch size, where eigenvectors are asked for.
    pub covariances: Vec<LowRank>,
}

/// Asked between pieces of work, from any thread.
type GoOn<'a> = &'a (dyn Fn() -> Flow + Sync);

impl<'a> Probe<'a> {
    /// At the present weights of `objective`, of which it keeps a copy.
    ///
    /// Parameters come from the stream `coordinates` of `streams`, minibatches from `minibatches/<B>`.
    pub fn new(
        objective: &Objective,
        spec: &'a ProbeSpec,
        fit: &'a FitSpec,
        streams: &Streams,
    ) -> Result<Self, ProbeError> {
        let params = objective.params();
        let coordinates = Coordinates::choose(params, spec.parameters, &spec.layers, streams);
        let frozen = Frozen::new(objective, spec.statistics)?;
        Ok(Self { frozen, coordinates, spec, fit, streams: streams.clone() })
    }

    /// The watched parameters.
    pub fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// How often `go_on` of [`measure`](Self::measure) is asked for [`Extent::Full`].
    pub fn n_pieces(&self) -> usize {
        let (n_all, n_sizes) = (self.coordinates.entries().len(), self.spec.batch_sizes.len());
        let n_passes = |n_draws: usize| match self.spec.method {
            Method::Minibatch => n_sizes * n_draws,
            Method::PerSample => n_chunks(&self.frozen),
        };
        let n_blocks = n_all.div_ceil(self.block_len());
        let n_again = if self.has_gram_matrix() && self.spec.eigenvectors.is_some() {
            (n_blocks - 1) * n_passes(self.n_draws_again())
        } else {
            0
        };
        let n_close = n_all.min(CLOSE_LOOK);
        let n_tested = if self.fit.replicates.is_some() { n_close } else { 0 };
        let n_common = if n_sizes > 1 { n_close } else { 0 };
        let n_traced = match self.spec.method {
            Method::Minibatch => 0,
            Method::PerSample => quantities::n_traced(&self.frozen),
        };
        n_blocks * n_passes(self.spec.draws)
            + n_again
            + n_sizes * (n_all + n_close + n_tested)
            + n_common
            + n_traced
    }

    /// Whether there are more parameters than a dense covariance has room for.
    fn has_gram_matrix(&self) -> bool {
        self.coordinates.entries().len() > CLOSE_LOOK
    }

    /// Draws of which eigenvectors are made, where they need a second pass.
    fn n_draws_again(&self) -> usize {
        self.spec.draws.min(MOST_DRAWS)
    }

    /// Parameters whose noise is held at once.
    fn block_len(&self) -> usize {
        let numbers = match self.spec.method {
            Method::Minibatch => self.spec.draws,
            Method::PerSample => 2 * self.spec.draws * self.spec.batch_sizes.len(),
        };
        let bytes = numbers.saturating_mul(size_of::<f64>());
        (self.spec.memory_mib.saturating_mul(1 << 20) / bytes).max(1)
    }

    /// Draws, fits and judges.
    ///
    /// | table | rows |
    /// |---|---|
    /// | `noise` | batch size × parameter: both laws and their rivals, tests, verdict, moments and quantiles |
    /// | `noise_summary` | batch size: means over parameters, the layout of the paper's tables |
    /// | `noise_views` | batch size: per parameter, across parameters, pooled |
    /// | `noise_scale` | batch size: Tr Σ and B_simple over the whole network |
    /// | `noise_layers` | batch size × layer |
    /// | `noise_spectrum` | batch size × rank: eigenvalues of the covariance |
    /// | `noise_covariance` | batch size × pair, about 0, of 200 parameters at most; the diagonal is `gaussian_mean`² + `gaussian_std`² of `noise` |
    /// | `noise_aggregation` | batch size × parameter × draws in a sum |
    /// | `noise_common_alpha` | parameter: the test of one α at all batch sizes, where there are several |
    /// | `noise_tests` | batch size × parameter: tests by simulation, where `fit.replicates` asks for them |
    /// | `noise_example`, `noise_grid` | draws of one parameter at every, of nine at the middle batch size |
    ///
    /// `noise_aggregation`, `noise_common_alpha`, `noise_views`, `noise_tests` and the last two look at no more than 1000 of the parameters, at
    /// equal distances. The false-discovery rate is controlled over all parameters of a batch size.
    ///
    /// Eigenvectors of more than 1000 parameters are known when the Gram matrix of the draws is, so that all blocks of
    /// parameters but the last are drawn a second time, 500 draws of each.
    ///
    /// `keep` sees every matrix of draws with the number of its block. `go_on` is asked between pieces of work, from any
    /// thread. The result does not depend on the number of threads; on the size of blocks nothing depends but, by rounding,
    /// the covariance of more than 1000 parameters.
    ///
    /// # Errors
    /// What the passes, the fits and `keep` fail with; [`ProbeError::Stopped`] when `go_on` says stop.
    pub fn measure(
        &self,
        extent: Extent,
        go_on: GoOn<'_>,
        keep: &mut dyn FnMut(&NoiseMatrix, usize) -> Result<(), ProbeError>,
    ) -> Result<Measured, ProbeError> {
        let reference = Reference::full_batch(&self.frozen)?;
        let n_all = self.coordinates.entries().len();
        let has_gram_matrix = extent == Extent::Full && self.has_gram_matrix();
        let sizes = self.spec.batch_sizes.iter();
        let mut of_sizes: Vec<OfSize> = sizes
            .map(|&size| OfSize::new(size, n_all, has_gram_matrix.then_some(self.spec.draws)))
            .collect();
        let n_eigenvectors = self.spec.eigenvectors.filter(|_| extent == Extent::Full);

        let places: Vec<usize> = (0..n_all).collect();
        let blocks: Vec<&[usize]> = places.chunks(self.block_len()).collect();
        let close = thinned(n_all, CLOSE_LOOK);
        let mut covariances = Vec::new();
        for (block_idx, block) in blocks.iter().enumerate() {
            self.draw(block, self.spec.draws, &reference, go_on, &mut |size_idx, noise| {
                keep(&noise, block_idx)?;
                let of_size = &mut of_sizes[size_idx];
                of_size.take(&noise, block[0], &close, self.fit, go_on)?;
                if let (Some(gram), Some(n)) = (&of_size.covariance, n_eigenvectors)
                    && block_idx + 1 == blocks.len()
                {
                    let mut leading = gram.leading(n);
                    leading.fill(block[0], &noise);
                    covariances.push(leading);
                }
                Ok(())
            })?;
        }
        if !covariances.is_empty() {
            for block in &blocks[..blocks.len() - 1] {
                let n_draws = self.n_draws_again();
                self.draw(block, n_draws, &reference, go_on, &mut |size_idx, noise| {
                    covariances[size_idx].fill(block[0], &noise);
                    Ok(())
                })?;
            }
        }
        for of_size in &mut of_sizes {
            if extent == Extent::Full {
                of_size.test(&close, self.fit, &self.streams, go_on)?;
            }
            quantities::judge(&mut of_size.fits, self.fit.level);
        }
        self.report(extent, of_sizes, &reference, covariances, go_on)
    }

    /// The noise at a block of parameters, `take` being told the place of the batch size, one after the other.
    fn draw(
        &self,
        block: &[usize],
        n_draws: usize,
        reference: &Reference,
        go_on: GoOn<'_>,
        take: &mut dyn FnMut(usize, NoiseMatrix) -> Result<(), ProbeError>,
    ) -> Result<(), ProbeError> {
        let ProbeSpec { sampling, batch_sizes, method, .. } = self.spec;
        let draws = Draws { n_draws, sampling: *sampling, streams: &self.streams, go_on };
        let coordinates = self.coordinates.at(block);
        match method {
            Method::Minibatch => {
                for (size_idx, &size) in batch_sizes.iter().enumerate() {
                    let frozen = &self.frozen;
                    take(
                        size_idx,
                        draw_minibatches(frozen, &coordinates, reference, size, &draws)?,
                    )?;
                }
            }
            Method::PerSample => {
                let found = draw_per_sample(&self.frozen, &coordinates, batch_sizes, &draws)?;
                for (size_idx, noise) in found.into_iter().enumerate() {
                    take(size_idx, noise)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
