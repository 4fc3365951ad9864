//! The figures of fitted columns, a folder for each.

use std::collections::BTreeSet;
use std::path::Path;

use probe::quantities::SeriesFit;
use stats::{LEAST_ALPHA, Location, StatsError, continuous_part};
use train::write_atomic;

use crate::columns::Column;
use crate::failure::Failure;
use crate::plot;
use crate::plot::fit::Profile;

/// Where figures go, and the folders that are already taken.
pub struct Figures<'a> {
    directory: &'a Path,
    taken: BTreeSet<String>,
}

impl<'a> Figures<'a> {
    /// Figures below `directory`.
    pub fn to(directory: &'a Path) -> Self {
        Self { directory, taken: BTreeSet::new() }
    }

    /// Draws one column.
    ///
    /// # Errors
    /// When a folder of that name has been drawn to, or a file can't be written.
    pub fn draw(
        &mut self,
        fit: &SeriesFit,
        column: &Column,
        location: Location,
    ) -> Result<(), Failure> {
        let folder = folder(&fit.name);
        if !self.taken.insert(folder.clone()) {
            let reason = format!("--plots: two columns would be drawn to `{folder}`");
            return Err(Failure::BadInput(reason));
        }
        let (samples, _) = continuous_part(&column.values);
        let profile = profile(fit, &samples, location)
            .map_err(|error| Failure::BadInput(format!("{}: {error}", fit.name)))?;
        for figure in plot::fit::figures(&fit.name, &samples, &fit.comparison, profile.as_ref()) {
            let path = self.directory.join(&folder).join(figure.file);
            write_atomic(&path, figure.svg.as_bytes())?;
        }
        Ok(())
    }
}

/// A column's name as that of a folder.
fn folder(name: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || "._-[],".contains(c);
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    name.trim_start_matches('.').to_owned()
}

/// The profile likelihood around its 95 % interval; `None` where there is no fit.
fn profile(
    fit: &SeriesFit,
    samples: &[f64],
    location: Location,
) -> Result<Option<Profile>, StatsError> {
    let interval = fit.alpha_interval;
    if interval.low.is_nan() {
        return Ok(None);
    }
    let margin = 0.6 * (interval.high - interval.low).max(0.02);
    let (low, high) = ((interval.low - margin).max(LEAST_ALPHA), (interval.high + margin).min(2.));
    let alphas: Vec<f64> = (0..=60).map(|i| low + (high - low) * f64::from(i) / 60.).collect();
    let curve = stats::profile_likelihood(samples, location, &alphas)?;
    let curve = alphas.into_iter().zip(curve).collect();
    Ok(Some(Profile { curve, interval: (interval.low, interval.high) }))
}
