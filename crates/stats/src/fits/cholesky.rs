//! Newton's equations in a few unknowns.

/// Solves `matrix · x = vector` in the free coordinates by Cholesky's method,
/// from the upper triangle; `None` where the matrix is not positive definite or
/// not a number.
pub(super) fn solve<const N: usize>(
    matrix: &[[f64; N]; N],
    vector: &[f64; N],
    free: [bool; N],
) -> Option<[f64; N]> {
    let mut lower = [[0.0; N]; N];
    for i in (0..N).filter(|&i| free[i]) {
        for j in (0..=i).filter(|&j| free[j]) {
            let rest = matrix[j][i] - (0..j).map(|k| lower[i][k] * lower[j][k]).sum::<f64>();
            if i > j {
                lower[i][j] = rest / lower[j][j];
            } else if rest > 1e-12 * matrix[i][i] {
                lower[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut solution = [0.0; N];
    for i in (0..N).filter(|&i| free[i]) {
        let rest = vector[i] - (0..i).map(|k| lower[i][k] * solution[k]).sum::<f64>();
        solution[i] = rest / lower[i][i];
    }
    for i in (0..N).rev().filter(|&i| free[i]) {
        let rest = solution[i] - (i + 1..N).map(|k| lower[k][i] * solution[k]).sum::<f64>();
        solution[i] = rest / lower[i][i];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: `[[4, 2], [2, 3]] (1, 1) = (6, 5)`.
    #[test]
    fn cholesky() {
        let matrix = [[4.0, 9.0, 2.0], [0.0, -1.0, 9.0], [0.0, 0.0, 3.0]];
        let solution = solve(&matrix, &[6.0, 7.0, 5.0], [true, false, true]).unwrap();
        for (value, expected) in solution.into_iter().zip([1.0, 0.0, 1.0]) {
            assert!((value - expected).abs() < 1e-15);
        }
        assert!(solve(&matrix, &[6.0, 7.0, 5.0], [true; 3]).is_none());
        assert!(solve(&[[f64::NAN]], &[1.0], [true]).is_none());
    }
}
