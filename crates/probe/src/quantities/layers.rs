//! The parameters of one layer taken together.

use stats::{FitStatus, Moments, Verdict, quantile};
use train::Table;

use super::fits::SeriesFit;
use super::summary::verdict_column;
use crate::coordinates::Coordinates;

/// One row per layer, in the order of the network: its place (from 0, biases and normalisations counted), how many of its
/// parameters were watched, α̂ over those that are not degenerate, how many α̂ are at the ends of the range, and how many
/// got which verdict.
pub fn layers(batch_size: usize, coordinates: &Coordinates, fits: &[SeriesFit]) -> Table {
    let mut layers: Vec<(&str, Vec<&SeriesFit>)> = Vec::new();
    let mut depths = Vec::new();
    for (entry, fit) in coordinates.entries().iter().zip(fits) {
        match layers.last_mut() {
            Some((name, of_layer)) if *name == entry.layer => of_layer.push(fit),
            _ => {
                layers.push((&entry.layer, vec![fit]));
                depths.push(entry.depth as i64);
            }
        }
    }
    let alphas = layers.iter().map(|(_, fits)| {
        let sound = fits.iter().filter(|fit| fit.verdict != Verdict::Degenerate);
        let mut alphas: Vec<f64> = sound.map(|fit| fit.comparison.stable.law.alpha()).collect();
        alphas.sort_unstable_by(f64::total_cmp);
        alphas
    });
    let alphas: Vec<Vec<f64>> = alphas.collect();
    let median = |alphas: &[f64]| if alphas.is_empty() { f64::NAN } else { quantile(alphas, 0.5) };
    let moments = || alphas.iter().map(|alphas| Moments::from_slice(alphas));
    let mut table = Table::new()
        .with_integers("batch_size", layers.iter().map(|_| batch_size as i64))
        .with_texts("layer", layers.iter().map(|(name, _)| *name))
        .with_integers("depth", depths)
        .with_integers("n_parameters", layers.iter().map(|(_, fits)| fits.len() as i64))
        .with_reals("alpha_mean", moments().map(|moments| moments.mean()))
        .with_reals("alpha_std", moments().map(|moments| moments.std()))
        .with_reals("alpha_median", alphas.iter().map(|alphas| median(alphas)));
    let bounds = [("n_boundary", FitStatus::Boundary), ("n_lower_bound", FitStatus::LowerBound)];
    for (name, status) in bounds {
        let count = |(_, fits): &(&str, Vec<&SeriesFit>)| {
            fits.iter().filter(|fit| fit.comparison.stable.status == status).count() as i64
        };
        table = table.with_integers(name, layers.iter().map(count));
    }
    for verdict in Verdict::ALL {
        let count = |(_, fits): &(&str, Vec<&SeriesFit>)| {
            fits.iter().filter(|fit| fit.verdict == verdict).count() as i64
        };
        table = table.with_integers(&verdict_column(verdict), layers.iter().map(count));
    }
    table
}
