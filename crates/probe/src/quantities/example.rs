//! The raw noise of typical parameters, to be looked at.

use stats::Verdict;
use train::Table;

use super::fits::SeriesFit;
use crate::noise_matrix::NoiseMatrix;

/// Parameters of a grid.
const N_GRID: usize = 9;

/// Every draw of one parameter at each batch size: the parameter whose α̂ at the middle batch size is the median over
/// those that are not degenerate. `None` where all are.
///
/// *Why the median?* The most heavy-tailed one would make the better picture and the worse argument.
pub fn example(noise: &[(&NoiseMatrix, Vec<SeriesFit>)]) -> Option<Table> {
    let candidates = by_alpha(&noise.get(noise.len() / 2)?.1);
    let chosen = *candidates.get(candidates.len() / 2)?;
    Some(Table::concat(noise.iter().map(|(matrix, _)| draws(matrix, chosen))))
}

/// Every draw of nine parameters at the middle batch size, at equal distances in the order of their α̂ from the least to the
/// greatest. `None` where all are degenerate.
pub fn grid(noise: &[(&NoiseMatrix, Vec<SeriesFit>)]) -> Option<Table> {
    let (middle, fits) = noise.get(noise.len() / 2)?;
    let candidates = by_alpha(fits);
    let last = candidates.len().checked_sub(1)?;
    let mut places: Vec<usize> = (0..N_GRID).map(|idx| idx * last / (N_GRID - 1)).collect();
    places.dedup();
    Some(Table::concat(places.into_iter().map(|place| draws(middle, candidates[place]))))
}

/// The parameters that are not degenerate, in the order of α̂.
fn by_alpha(fits: &[SeriesFit]) -> Vec<usize> {
    let mut candidates: Vec<usize> =
        (0..fits.len()).filter(|&idx| fits[idx].verdict != Verdict::Degenerate).collect();
    let alpha = |idx: usize| fits[idx].comparison.stable.law.alpha();
    candidates.sort_by(|&a, &b| alpha(a).total_cmp(&alpha(b)));
    candidates
}

fn draws(matrix: &NoiseMatrix, coordinate_idx: usize) -> Table {
    let name = matrix.coordinates().entries()[coordinate_idx].name.as_str();
    let values = matrix.column(coordinate_idx);
    Table::new()
        .with_integers("batch_size", values.iter().map(|_| matrix.batch_size() as i64))
        .with_texts("parameter", values.iter().map(|_| name))
        .with_integers("draw", 0..values.len() as i64)
        .with_reals("value", values.iter().copied())
}
