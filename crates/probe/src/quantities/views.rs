//! The same draws as three papers look at them.

use stats::pooled_view;
use train::Table;

use crate::error::ProbeError;
use crate::noise_matrix::NoiseMatrix;
use crate::spec::FitSpec;

/// One row: α̂ per parameter across minibatches (Battash et al.), across the parameters of each minibatch (Xie et al. 2021),
/// and of all together (Simsekli et al. 2019), see [`stats::PooledView`]. All draws take part, also those that share one value
/// and that the fits of single parameters set apart.
pub fn views(noise: &NoiseMatrix, spec: &FitSpec) -> Result<Table, ProbeError> {
    let columns: Vec<&[f64]> = (0..noise.n_coordinates()).map(|idx| noise.column(idx)).collect();
    let view = pooled_view(&columns, spec.location.into())
        .map_err(|source| ProbeError::Series { series: "pooled".into(), source })?;
    Ok(Table::new()
        .with_integers("batch_size", [noise.batch_size() as i64])
        .with_integers("n_parameters", [view.n_parameters as i64])
        .with_integers("n_draws", [view.n_draws as i64])
        .with_integers("n_fitted", [view.n_fitted as i64])
        .with_integers("n_boundary", [view.n_boundary as i64])
        .with_integers("n_lower_bound", [view.n_lower_bound as i64])
        .with_reals("alpha_per_parameter_mean", [view.per_parameter_mean])
        .with_reals("alpha_per_parameter_std", [view.per_parameter_std])
        .with_reals("alpha_across_parameters_mean", [view.per_draw_mean])
        .with_reals("alpha_pooled", [view.pooled])
        .with_reals("alpha_pooled_mohammadi", [view.pooled_blocks]))
}
