//! What theories take as measured.

use train::Flow;

use crate::curvature::Curvature;
use crate::ensemble::{Ensemble, ExitPoints, exit_points};
use crate::error::EscapeError;
use crate::exit_time::Exit;
use crate::landscape::Landscape;
use crate::noise_growth::noise_slope;
use crate::spec::{DriverSpec, EscapeSpec};
use crate::theories::Constants;

/// The constants of theories: outliers of the curvature at the minimum and its largest eigenvalue, where they are known; the
/// growth of the noise, of the driver where it says so, else measured up to where the first trial of every ensemble left the
/// first basin; and the stability index that the experiment states or that its driver has.
///
/// Of a driver, with the curvature h: `state_dependent` has s = 2σ_H/(hσ_g), `decoupled` 1/L*, `brownian` 0.
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
    let largest = curvature.and_then(|found| found.eigenvalues.first().copied());
    let h = largest.filter(|h| *h > 0.);
    let growth_measured = || match landscape.n_samples() {
        Some(_) => {
            let points = exit_points(ensembles, exits, kept, go_on)?;
            noise_slope(landscape, &points, go_on)
        }
        None => Ok(None),
    };
    let (noise_slope, noise_growth) = match spec.driver {
        DriverSpec::StateDependent { at_minimum, growth } => {
            (h.map(|h| 2. * growth / (h * at_minimum)), Some(growth))
        }
        DriverSpec::Decoupled {} => {
            (ensembles.first().map(|ensemble| ensemble.minimum_loss.recip()), None)
        }
        DriverSpec::Brownian { .. } => (Some(0.), None),
        _ => (growth_measured()?, None),
    };
    Ok(Constants {
        effective_dimension: curvature.and_then(Curvature::n_outliers).map(|n| n as f64),
        curvature: h,
        noise_slope,
        noise_growth,
        alpha: spec.noise_alpha.or(spec.driver.common_alpha()),
    })
}
