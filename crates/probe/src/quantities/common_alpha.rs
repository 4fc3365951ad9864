//! One α at all batch sizes? Stable noise would have it, that of finite variance would not.

use rayon::prelude::*;
use stats::{Location, StatsError};
use train::{Flow, Table};

use crate::error::ProbeError;
use crate::noise_matrix::NoiseMatrix;
use crate::spec::FitSpec;

/// One row per parameter: the test that its noise has one α at all batch sizes, see [`stats::common_alpha`], from matrices of
/// the same parameters; `p_adjusted` controls the false-discovery rate over them (Benjamini and Hochberg 1995). NaN where
/// fewer than two of the series can be fitted. `go_on` is asked after every parameter.
///
/// Minibatches of different sizes come from streams of their own, so that given weights and samples the series of one
/// parameter are independent, as the test asks. Its null also holds that batches of different sizes are sums of independent
/// stable variables, and a finite training set is not quite that:
/// - without replacement, the noise of B and that of N − B differ by sign and scale alone, u_{N−B} = −u_B B/(N − B): the law
///   of sums is to be expected for B ≪ N, or with replacement;
/// - where n draws of B take each sample many times, n B ≫ N, the greatest gradients recur and tails end at them, so that α̂
///   rises with B even if the samples come from a stable law: at 1000 draws of 8 to 400 among 50,000 samples the test at 5 %
///   rejects 28 % of such pools, see [the sizes of the tests](stats#sizes).
///
/// # Errors
/// [`ProbeError::Series`] names the parameter that is not a number somewhere; [`ProbeError::Stopped`] when `go_on` says stop.
pub fn common_alpha(
    noise: &[&NoiseMatrix],
    spec: &FitSpec,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Table, ProbeError> {
    let location: Location = spec.location.into();
    let entries = noise.first().map_or(&[][..], |first| first.coordinates().entries());
    let of = |idx: usize| -> Result<_, ProbeError> {
        if go_on() == Flow::Stop {
            return Err(ProbeError::Stopped);
        }
        let parts: Vec<_> =
            noise.iter().map(|noise| stats::continuous_part(noise.column(idx)).0).collect();
        let series: Vec<&[f64]> = parts.iter().map(AsRef::as_ref).collect();
        let name =
            |source: StatsError| ProbeError::Series { series: entries[idx].name.clone(), source };
        stats::common_alpha(&series, location).map_err(name)
    };
    let found: Vec<_> = (0..entries.len()).into_par_iter().map(of).collect::<Result<_, _>>()?;
    let p_values: Vec<f64> = found.iter().map(|test| test.p_value).collect();
    Ok(Table::new()
        .with_integers("coordinate", entries.iter().map(|entry| entry.index as i64))
        .with_texts("parameter", entries.iter().map(|entry| entry.name.as_str()))
        .with_integers("n_sizes", found.iter().map(|test| test.n_series as i64))
        .with_reals("alpha", found.iter().map(|test| test.alpha))
        .with_reals("likelihood_ratio", found.iter().map(|test| test.likelihood_ratio))
        .with_reals("level", found.iter().map(|_| spec.level))
        .with_reals("p_adjusted", stats::benjamini_hochberg(&p_values))
        .with_reals("p_value", p_values))
}
