//! A measurement from beginning to end: what is drawn, in which blocks, and what is said about it.

use train::{Flow, Objective, Streams, Table};

use crate::coordinates::{Coordinates, thinned};
use crate::error::ProbeError;
use crate::frozen::Frozen;
use crate::minibatch::draw_minibatches;
use crate::minibatches::Draws;
use crate::noise_matrix::NoiseMatrix;
use crate::per_sample::{draw_per_sample, n_chunks};
use crate::quantities::{
    self, Series, SeriesFit, Shape, Spectrum, Trace, fit_series, noise_table, resampled_table,
    resampled_tests,
};
use crate::reference::Reference;
use crate::spec::{FitSpec, Method, ProbeSpec};

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

/// What is known of one batch size, as its blocks come in.
struct OfSize {
    batch_size: usize,
    fits: Vec<SeriesFit>,
    shapes: Vec<Shape>,
    /// Of more parameters than are looked at closely.
    spectrum: Option<Spectrum>,
    trace: Option<Trace>,
    /// The draws at [`CLOSE_LOOK`] parameters.
    close: Option<NoiseMatrix>,
}

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

    /// How often `go_on` of [`measure`](Self::measure) is asked.
    pub fn n_pieces(&self) -> usize {
        let (n_all, n_sizes) = (self.coordinates.entries().len(), self.spec.batch_sizes.len());
        let n_passes = match self.spec.method {
            Method::Minibatch => n_sizes * self.spec.draws,
            Method::PerSample => n_chunks(&self.frozen),
        };
        let n_close = n_all.min(CLOSE_LOOK);
        let n_tested = if self.fit.replicates.is_some() { n_close } else { 0 };
        let n_traced = match self.spec.method {
            Method::Minibatch => 0,
            Method::PerSample => quantities::n_traced(&self.frozen),
        };
        n_passes * n_all.div_ceil(self.block_len())
            + n_sizes * (n_all + n_close + n_tested)
            + n_traced
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

    /// Draws, fits and judges; returns tables by name.
    ///
    /// | table | rows |
    /// |---|---|
    /// | `noise` | batch size × parameter: both laws and their rivals, tests, verdict, moments and quantiles |
    /// | `noise_summary` | batch size: means over parameters, the layout of the paper's tables |
    /// | `noise_layers` | batch size × layer |
    /// | `noise_scale` | batch size: Tr Σ and B_simple over the whole network |
    /// | `noise_spectrum` | batch size × rank: eigenvalues of the covariance |
    /// | `noise_covariance` | batch size × pair, about 0, of 200 parameters at most; the diagonal is `gaussian_mean`² + `gaussian_std`² of `noise` |
    /// | `noise_aggregation` | batch size × parameter × draws in a sum |
    /// | `noise_views` | batch size: per parameter, across parameters, pooled |
    /// | `noise_tests` | batch size × parameter: tests by simulation, where `fit.replicates` asks for them |
    /// | `noise_example`, `noise_grid` | draws of one parameter at every, of nine at the middle batch size |
    ///
    /// `noise_aggregation`, `noise_views`, `noise_tests` and the last two look at no more than 1000 of the parameters, at
    /// equal distances. The false-discovery rate is controlled over all parameters of a batch size.
    ///
    /// `keep` sees every matrix of draws with the number of its block. `go_on` is asked between pieces of work, from any
    /// thread. The result does not depend on the number of threads; on the size of blocks nothing depends but, by rounding,
    /// `noise_spectrum` of more than 1000 parameters.
    ///
    /// # Errors
    /// What the passes, the fits and `keep` fail with; [`ProbeError::Stopped`] when `go_on` says stop.
    pub fn measure(
        &self,
        go_on: &(dyn Fn() -> Flow + Sync),
        keep: &mut dyn FnMut(&NoiseMatrix, usize) -> Result<(), ProbeError>,
    ) -> Result<Vec<(&'static str, Table)>, ProbeError> {
        let ProbeSpec { draws: n_draws, sampling, batch_sizes, .. } = self.spec;
        let (n_draws, sampling) = (*n_draws, *sampling);
        let draws = Draws { n_draws, sampling, streams: &self.streams, go_on };
        let reference = Reference::full_batch(&self.frozen)?;
        let n_all = self.coordinates.entries().len();
        let mut of_sizes: Vec<OfSize> = batch_sizes
            .iter()
            .map(|&batch_size| OfSize {
                batch_size,
                fits: Vec::with_capacity(n_all),
                shapes: Vec::with_capacity(n_all),
                spectrum: (n_all > CLOSE_LOOK)
                    .then(|| Spectrum::of_draws(batch_size, n_all, n_draws)),
                trace: None,
                close: None,
            })
            .collect();

        let places: Vec<usize> = (0..n_all).collect();
        for (block_idx, block) in places.chunks(self.block_len()).enumerate() {
            let coordinates = self.coordinates.at(block);
            let mut take = |of_size: &mut OfSize, noise: NoiseMatrix| {
                keep(&noise, block_idx)?;
                self.take(of_size, &noise, block[0], go_on)
            };
            match self.spec.method {
                Method::Minibatch => {
                    for of_size in &mut of_sizes {
                        let (frozen, size) = (&self.frozen, of_size.batch_size);
                        let noise =
                            draw_minibatches(frozen, &coordinates, &reference, size, &draws)?;
                        take(of_size, noise)?;
                    }
                }
                Method::PerSample => {
                    let found = draw_per_sample(&self.frozen, &coordinates, batch_sizes, &draws)?;
                    for (of_size, noise) in of_sizes.iter_mut().zip(found) {
                        take(of_size, noise)?;
                    }
                }
            }
        }
        of_sizes
            .iter_mut()
            .for_each(|of_size| quantities::judge(&mut of_size.fits, self.fit.level));
        self.tables(&of_sizes, &reference, go_on)
    }

    /// Takes in a block that begins at place `start`.
    fn take(
        &self,
        of_size: &mut OfSize,
        noise: &NoiseMatrix,
        start: usize,
        go_on: &(dyn Fn() -> Flow + Sync),
    ) -> Result<(), ProbeError> {
        of_size.fits.extend(fit_series(&series(noise), self.fit, go_on)?);
        of_size.shapes.extend(quantities::shapes(noise));
        if let Some(spectrum) = &mut of_size.spectrum {
            spectrum.add(noise);
        }
        of_size.trace = of_size.trace.or_else(|| Trace::of_minibatches(noise));
        let inside = |place: usize| place.checked_sub(start).filter(|p| *p < noise.n_coordinates());
        let close = thinned(self.coordinates.entries().len(), CLOSE_LOOK);
        let close = noise.at(&close.into_iter().filter_map(inside).collect::<Vec<_>>());
        match &mut of_size.close {
            Some(earlier) => earlier.append(close),
            None => of_size.close = Some(close),
        }
        Ok(())
    }

    fn tables(
        &self,
        of_sizes: &[OfSize],
        reference: &Reference,
        go_on: &(dyn Fn() -> Flow + Sync),
    ) -> Result<Vec<(&'static str, Table)>, ProbeError> {
        let (coordinates, fit, sampling) = (&self.coordinates, self.fit, self.spec.sampling);
        let n_all = coordinates.entries().len();
        let close: Vec<(&NoiseMatrix, Vec<SeriesFit>)> = of_sizes
            .iter()
            .map(|of_size| {
                let places = thinned(n_all, CLOSE_LOOK).into_iter();
                let fits = places.map(|place| of_size.fits[place].clone()).collect();
                (of_size.close.as_ref().expect("there is a parameter"), fits)
            })
            .collect();
        let of_samples = match self.spec.method {
            Method::Minibatch => None,
            Method::PerSample => {
                Some(Trace::of_samples(&self.frozen, reference, &self.streams, go_on)?)
            }
        };
        let n_samples = self.frozen.objective().data().train.len();

        let of = |table: &dyn Fn(&OfSize) -> Table| Table::concat(of_sizes.iter().map(table));
        let mut tables = vec![
            (
                "noise",
                of(&|size| {
                    noise_table(size.batch_size, coordinates, &size.fits, &size.shapes, fit)
                }),
            ),
            (
                "noise_layers",
                of(&|size| quantities::layers(size.batch_size, coordinates, &size.fits)),
            ),
            (
                "noise_scale",
                of(&|size| {
                    let drawn = (size.batch_size, sampling);
                    quantities::noise_scale(n_samples, drawn, reference, size.trace, of_samples)
                }),
            ),
        ];
        let summaries = close.iter().zip(of_sizes);
        let summaries =
            summaries.map(|((noise, _), size)| quantities::summary(noise, &size.fits, fit.level));
        tables.push(("noise_summary", Table::concat(summaries)));
        let spectra = close.iter().zip(of_sizes).map(|((noise, _), size)| match &size.spectrum {
            Some(spectrum) => spectrum.table(),
            None => Spectrum::dense(noise).table(),
        });
        tables.push(("noise_spectrum", Table::concat(spectra)));
        if n_all <= CLOSE_LOOK {
            let covariances = close.iter().map(|(noise, _)| quantities::covariances(noise));
            let covariances: Option<Vec<Table>> = covariances.collect();
            tables.extend(covariances.map(|pairs| ("noise_covariance", Table::concat(pairs))));
        }
        let aggregations =
            close.iter().map(|(noise, _)| quantities::aggregation(noise, fit, go_on));
        let aggregations = aggregations.collect::<Result<Vec<_>, _>>()?;
        tables.push(("noise_aggregation", Table::concat(aggregations)));
        let views = close.iter().map(|(noise, _)| quantities::views(noise, fit));
        tables.push(("noise_views", Table::concat(views.collect::<Result<Vec<_>, _>>()?)));
        if let Some(n_replicates) = fit.replicates {
            let tests = close.iter().map(|(noise, fits)| {
                let size = noise.batch_size();
                let streams = self.streams.named("replicates").named(&size.to_string());
                let series = series(noise);
                let tests = resampled_tests(&series, fits, fit, n_replicates, &streams, go_on)?;
                let named = Table::new()
                    .with_integers("batch_size", series.iter().map(|_| size as i64))
                    .with_texts("parameter", series.iter().map(|series| series.name.as_str()));
                Ok(named.beside(resampled_table(&tests)))
            });
            let tests = tests.collect::<Result<Vec<Table>, ProbeError>>()?;
            tables.push(("noise_tests", Table::concat(tests)));
        }
        tables.extend(quantities::example(&close).map(|table| ("noise_example", table)));
        tables.extend(quantities::grid(&close).map(|table| ("noise_grid", table)));
        Ok(tables)
    }
}

fn series(noise: &NoiseMatrix) -> Vec<Series<'_>> {
    let entries = noise.coordinates().entries().iter().enumerate();
    entries
        .map(|(idx, entry)| Series { name: entry.name.clone(), samples: noise.column(idx) })
        .collect()
}

#[cfg(test)]
mod tests;
