//! The raw noise of one typical parameter, to be looked at.

use stats::Verdict;
use train::Table;

use super::fits::SeriesFit;
use crate::noise_matrix::NoiseMatrix;

/// Every draw of one parameter at each batch size: the parameter whose α̂ at the middle batch size is the median over
/// those that are not degenerate. `None` where all are.
///
/// *Why the median?* The most heavy-tailed one would make the better picture and the worse argument.
pub fn example(noise: &[(NoiseMatrix, Vec<SeriesFit>)]) -> Option<Table> {
    let (middle, fits) = noise.get(noise.len() / 2)?;
    let mut candidates: Vec<usize> =
        (0..fits.len()).filter(|&idx| fits[idx].verdict != Verdict::Degenerate).collect();
    let alpha = |idx: usize| fits[idx].comparison.stable.law.alpha();
    candidates.sort_by(|&a, &b| alpha(a).total_cmp(&alpha(b)));
    let chosen = *candidates.get(candidates.len() / 2)?;
    let name = middle.coordinates().entries()[chosen].name.as_str();
    Some(Table::concat(noise.iter().map(|(matrix, _)| {
        let values = matrix.column(chosen);
        Table::new()
            .with_integers("batch_size", values.iter().map(|_| matrix.batch_size() as i64))
            .with_texts("parameter", values.iter().map(|_| name))
            .with_integers("draw", 0..values.len() as i64)
            .with_reals("value", values.iter().copied())
    })))
}
