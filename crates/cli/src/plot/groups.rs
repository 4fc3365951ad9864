//! The rows of a table that share a value.

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
