//! The rows of a table that share a value.

use train::{Table, TableError};

use super::number::chosen;

/// The rows of each ensemble of escapes and each basin, in order, with its [name](ensemble_names).
pub fn ensembles(table: &Table, by_rate: bool) -> Result<Vec<(String, Vec<usize>)>, TableError> {
    Ok(in_order(&ensemble_names(table, by_rate)?))
}

/// What tells the ensemble and the basin of each row from the others, in words: of its learning rate (where `by_rate`),
/// batch size, stability indices and basin those that differ.
pub fn ensemble_names(table: &Table, by_rate: bool) -> Result<Vec<String>, TableError> {
    let mut parts: Vec<Vec<String>> = Vec::new();
    let eta = table.reals("learning_rate")?.iter();
    if by_rate {
        parts.push(eta.map(|eta| format!("η = {}", chosen(*eta))).collect());
    }
    parts.push(table.integers("batch_size")?.iter().map(|size| format!("B = {size}")).collect());
    parts.push(table.texts("alpha")?.iter().map(|alpha| format!("α = {alpha}")).collect());
    parts.push(table.texts("basin")?.to_vec());
    let varies = |part: &&Vec<String>| part.iter().any(|own| *own != part[0]);
    let mut told: Vec<&Vec<String>> = parts.iter().filter(varies).collect();
    if told.is_empty() {
        told.push(&parts[0]);
    }
    let name =
        |row: usize| told.iter().map(|part| part[row].as_str()).collect::<Vec<_>>().join(", ");
    Ok((0..table.n_rows()).map(name).collect())
}

/// The distinct values of a column, in ascending order, each with its rows.
pub fn ascending<T: PartialOrd + Copy>(column: &[T]) -> Vec<(T, Vec<usize>)> {
    let mut groups = in_order(column);
    groups.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(std::cmp::Ordering::Equal));
    groups
}

/// The distinct values of a column, in the order in which they appear, each with its rows.
///
/// Values that do not equal themselves, such as NaN, belong to no group.
pub fn in_order<T: PartialEq + Clone>(column: &[T]) -> Vec<(T, Vec<usize>)> {
    let mut groups: Vec<(T, Vec<usize>)> = Vec::new();
    #[allow(clippy::eq_op)]
    for (row, value) in column.iter().enumerate().filter(|(_, value)| value == value) {
        match groups.iter_mut().find(|(known, _)| known == value) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((value.clone(), vec![row])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_grouped_by_value() {
        let column = [0.3, 0.1, f64::NAN, 0.3];
        assert_eq!(ascending(&column), [(0.1, vec![1]), (0.3, vec![0, 3])]);
        assert_eq!(in_order(&column), [(0.3, vec![0, 3]), (0.1, vec![1])]);
    }
}
