//! α̂ of sums of draws: it stays where noise is stable, and goes to 2 where its variance is finite.

use rayon::prelude::*;
use stats::{Location, StatsError, continuous_part};
use train::{Flow, Table};

use crate::error::ProbeError;
use crate::noise_matrix::NoiseMatrix;
use crate::spec::FitSpec;

/// One row per parameter and number of draws in a sum, see [`stats::aggregation`]. α̂ is NaN where sums are degenerate.
///
/// This asks of minibatches that are drawn what larger minibatches would show: a sum of m draws of size B, with replacement, is
/// a draw of size mB up to its scale.
pub fn aggregation(
    noise: &NoiseMatrix,
    spec: &FitSpec,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Table, ProbeError> {
    let location: Location = spec.location.into();
    let of = |idx: usize| -> Result<_, ProbeError> {
        if go_on() == Flow::Stop {
            return Err(ProbeError::Stopped);
        }
        let name = |source: StatsError| {
            let series = noise.coordinates().entries()[idx].name.clone();
            ProbeError::Series { series, source }
        };
        let (draws, _) = continuous_part(noise.column(idx));
        stats::aggregation(&draws, location).map_err(name)
    };
    let found: Vec<_> =
        (0..noise.n_coordinates()).into_par_iter().map(of).collect::<Result<_, _>>()?;
    let entries = noise.coordinates().entries();
    let rows = || entries.iter().zip(&found).flat_map(|(e, sums)| sums.iter().map(move |s| (e, s)));
    Ok(Table::new()
        .with_integers("batch_size", rows().map(|_| noise.batch_size() as i64))
        .with_texts("parameter", rows().map(|(entry, _)| entry.name.as_str()))
        .with_integers("block", rows().map(|(_, sums)| sums.block as i64))
        .with_integers("n_sums", rows().map(|(_, sums)| sums.n_sums as i64))
        .with_reals("alpha", rows().map(|(_, sums)| sums.alpha)))
}
