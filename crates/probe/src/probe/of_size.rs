//! What is kept of the draws of one batch size, as its blocks come in.

use train::Streams;

use super::GoOn;
use crate::error::ProbeError;
use crate::noise_matrix::NoiseMatrix;
use crate::quantities::{
    self, Covariance, ResampledTests, Series, SeriesFit, Shape, Traced, fit_series, resampled_tests,
};
use crate::spec::FitSpec;

/// What is known of one batch size.
pub(super) struct OfSize {
    pub batch_size: usize,
    pub fits: Vec<SeriesFit>,
    pub shapes: Vec<Shape>,
    /// Of more parameters than are looked at closely.
    pub covariance: Option<Covariance>,
    /// Where the way to the noise gives it.
    pub traced: Option<Traced>,
    /// Of the parameters that are looked at closely, where they were asked for.
    pub tests: Option<Vec<ResampledTests>>,
    close: Option<NoiseMatrix>,
}

impl OfSize {
    /// With a Gram matrix of `n_gram_draws`, if any.
    pub fn new(batch_size: usize, n_parameters: usize, n_gram_draws: Option<usize>) -> Self {
        let of_draws = |n_draws| Covariance::of_draws(batch_size, n_parameters, n_draws);
        Self {
            batch_size,
            fits: Vec::with_capacity(n_parameters),
            shapes: Vec::with_capacity(n_parameters),
            covariance: n_gram_draws.map(of_draws),
            traced: None,
            tests: None,
            close: None,
        }
    }

    /// Takes in a block that begins at place `start`, and keeps its draws at those of its places that are among `close`.
    pub fn take(
        &mut self,
        noise: &NoiseMatrix,
        start: usize,
        close: &[usize],
        fit: &FitSpec,
        go_on: GoOn<'_>,
    ) -> Result<(), ProbeError> {
        self.fits.extend(fit_series(&series(noise), fit, go_on)?);
        self.shapes.extend(quantities::shapes(noise));
        if let Some(covariance) = &mut self.covariance {
            covariance.add(noise);
        }
        self.traced = self.traced.or_else(|| Traced::by_minibatches(noise));
        let inside =
            |place: &usize| place.checked_sub(start).filter(|p| *p < noise.n_coordinates());
        let close = noise.at(&close.iter().filter_map(inside).collect::<Vec<_>>());
        match &mut self.close {
            Some(earlier) => earlier.append(close),
            None => self.close = Some(close),
        }
        Ok(())
    }

    /// Runs the tests that simulate, if there are to be any, at the places that are looked at closely; verdicts are to use
    /// them.
    pub fn test(
        &mut self,
        close: &[usize],
        fit: &FitSpec,
        streams: &Streams,
        go_on: GoOn<'_>,
    ) -> Result<(), ProbeError> {
        let Some(n_replicates) = fit.replicates else { return Ok(()) };
        let streams = streams.named("replicates").named(&self.batch_size.to_string());
        let series = series(self.close.as_ref().expect("there is a parameter"));
        let fits: Vec<SeriesFit> = close.iter().map(|&place| self.fits[place].clone()).collect();
        let tests = resampled_tests(&series, &fits, fit, n_replicates, &streams, go_on)?;
        for (&place, tests) in close.iter().zip(&tests) {
            self.fits[place].aggregation_p = Some(tests.aggregation.p);
        }
        self.tests = Some(tests);
        Ok(())
    }

    /// The draws at the parameters that are looked at closely.
    pub fn close(&self) -> &NoiseMatrix {
        self.close.as_ref().expect("there is a parameter")
    }
}

pub(super) fn series(noise: &NoiseMatrix) -> Vec<Series<'_>> {
    let entries = noise.coordinates().entries().iter().enumerate();
    entries
        .map(|(idx, entry)| Series { name: entry.name.clone(), samples: noise.column(idx) })
        .collect()
}
