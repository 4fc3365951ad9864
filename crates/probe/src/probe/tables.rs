//! The tables of a measurement, when all blocks are in.

use train::Table;

use super::of_size::OfSize;
use super::{CLOSE_LOOK, Extent, GoOn, Measured, Probe};
use crate::coordinates::thinned;
use crate::error::ProbeError;
use crate::noise_matrix::NoiseMatrix;
use crate::quantities::{
    self, Covariance, LowRank, SeriesFit, Trace, Traced, noise_table, resampled_table,
};
use crate::reference::Reference;
use crate::spec::Method;

type Named = Vec<(&'static str, Table)>;

impl Probe<'_> {
    pub(super) fn report(
        &self,
        extent: Extent,
        mut of_sizes: Vec<OfSize>,
        reference: &Reference,
        covariances: Vec<LowRank>,
        go_on: GoOn<'_>,
    ) -> Result<Measured, ProbeError> {
        if self.spec.method == Method::PerSample {
            let trace = Trace::of_samples(&self.frozen, reference, &self.streams, go_on)?;
            of_sizes.iter_mut().for_each(|size| size.traced = Some(Traced::Samples(trace)));
        }
        let tables = self.brief(&of_sizes, reference)?;
        let mut measured = Measured { tables, covariances };
        if extent == Extent::Full {
            self.complete(&mut measured, &of_sizes, go_on)?;
        }
        Ok(measured)
    }

    /// The tables of [`Extent::Brief`].
    fn brief(&self, of_sizes: &[OfSize], reference: &Reference) -> Result<Named, ProbeError> {
        let (coordinates, fit) = (&self.coordinates, self.fit);
        let n_samples = self.frozen.objective().data().train.len();
        let of = |table: &dyn Fn(&OfSize) -> Table| Table::concat(of_sizes.iter().map(table));
        let views = of_sizes.iter().map(|size| quantities::views(size.close(), fit));
        Ok(vec![
            (
                "noise",
                of(&|size| {
                    noise_table(size.batch_size, coordinates, &size.fits, &size.shapes, fit)
                }),
            ),
            ("noise_summary", of(&|size| quantities::summary(size.close(), &size.fits, fit.level))),
            ("noise_views", Table::concat(views.collect::<Result<Vec<_>, _>>()?)),
            (
                "noise_scale",
                of(&|size| {
                    let traced = size.traced.expect("by minibatches or by samples");
                    let drawn = (size.batch_size, self.spec.sampling);
                    quantities::noise_scale(n_samples, drawn, reference, traced)
                }),
            ),
        ])
    }

    /// Adds what else is said about the noise.
    fn complete(
        &self,
        measured: &mut Measured,
        of_sizes: &[OfSize],
        go_on: GoOn<'_>,
    ) -> Result<(), ProbeError> {
        let (coordinates, fit) = (&self.coordinates, self.fit);
        let Measured { tables, covariances } = measured;
        let of_layers =
            of_sizes.iter().map(|s| quantities::layers(s.batch_size, coordinates, &s.fits));
        tables.push(("noise_layers", Table::concat(of_layers)));

        let close: Vec<(&NoiseMatrix, Vec<SeriesFit>)> = of_sizes
            .iter()
            .map(|size| {
                let places = thinned(coordinates.entries().len(), CLOSE_LOOK).into_iter();
                (size.close(), places.map(|place| size.fits[place].clone()).collect())
            })
            .collect();
        let mut spectra = Vec::new();
        let mut pairs = Vec::new();
        for size in of_sizes {
            if let Some(gram) = &size.covariance {
                spectra.push(gram.spectrum());
                continue;
            }
            let dense = Covariance::dense(size.close());
            spectra.push(dense.spectrum());
            pairs.extend(dense.pairs(coordinates));
            covariances.extend(self.spec.eigenvectors.map(|n| dense.leading(n)));
        }
        tables.push(("noise_spectrum", Table::concat(spectra)));
        if !pairs.is_empty() {
            tables.push(("noise_covariance", Table::concat(pairs)));
        }

        let aggregations =
            close.iter().map(|(noise, _)| quantities::aggregation(noise, fit, go_on));
        let aggregations = aggregations.collect::<Result<Vec<_>, _>>()?;
        tables.push(("noise_aggregation", Table::concat(aggregations)));
        if close.len() > 1 {
            let noise: Vec<&NoiseMatrix> = close.iter().map(|(noise, _)| *noise).collect();
            tables.push(("noise_common_alpha", quantities::common_alpha(&noise, fit, go_on)?));
        }
        let tests = of_sizes.iter().filter_map(|size| {
            let tests = size.tests.as_ref()?;
            let entries = size.close().coordinates().entries();
            let named = Table::new()
                .with_integers("batch_size", entries.iter().map(|_| size.batch_size as i64))
                .with_texts("parameter", entries.iter().map(|entry| entry.name.as_str()));
            Some(named.beside(resampled_table(tests)))
        });
        let tests: Vec<Table> = tests.collect();
        if !tests.is_empty() {
            tables.push(("noise_tests", Table::concat(tests)));
        }
        tables.extend(quantities::example(&close).map(|table| ("noise_example", table)));
        tables.extend(quantities::grid(&close).map(|table| ("noise_grid", table)));
        Ok(())
    }
}
