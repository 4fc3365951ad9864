//! What theories take as measured.

use train::Flow;

use crate::curvature::Curvature;
use crate::ensemble::{Ensemble, ExitPoints, exit_points};
use crate::error::EscapeError;
use crate::exit_time::Exit;
use crate::landscape::Landscape;
use crate::noise_growth::noise_slope;
use crate::spec::EscapeSpec;
use crate::theories::Constants;

/// The constants of theories: outliers of the curvature at the minimum, where it is known; the growth of the noise up to
/// where the first trial of every ensemble left the first basin; and the stability index that the experiment states or
/// that its driver has.
///
/// `exits[ensemble][seed][basin]` and the points `kept` are those of [`ensemble()`](crate::ensemble()).
///
/// # Errors
/// [`EscapeError::Stopped`] when `go_on` says stop.
pub fn constants(
    spec: &EscapeSpec,
    landscape: &dyn Landscape,
    ensembles: &[Ensemble],
    exits: &[Vec<Vec<Exit>>],
    kept: ExitPoints,
    curvature: Option<&Curvature>,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Constants, EscapeError> {
    let noise_slope = match landscape.n_samples() {
        Some(_) => {
            let points = exit_points(ensembles, exits, kept, go_on)?;
            noise_slope(landscape, &points, go_on)?
        }
        None => None,
    };
    Ok(Constants {
        effective_dimension: curvature.and_then(Curvature::n_outliers).map(|n| n as f64),
        noise_slope,
        alpha: spec.noise_alpha.or(spec.driver.common_alpha()),
    })
}
