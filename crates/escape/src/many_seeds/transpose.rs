//! The transpose of a matrix, eight by eight.

use super::aligned::padded;
use super::lanes::{LANES, Lanes};

/// Writes the transpose of a matrix `[n_rows, n_columns]`; of both the second number is the step from row to row.
///
/// Both sizes are rounded up to multiples of [`LANES`]: what stands behind the matrix goes along.
///
/// # Panics
/// When a slice is too short for that.
pub fn transpose(from: (&[f32], usize), to: (&mut [f32], usize), [n_rows, n_columns]: [usize; 2]) {
    let sizes = [padded(n_rows), padded(n_columns)];
    assert!(n_rows > 0 && n_columns > 0);
    assert!((sizes[0] - 1) * from.1 + sizes[1] <= from.0.len());
    assert!((sizes[1] - 1) * to.1 + sizes[0] <= to.0.len());
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2(from: (&[f32], usize), to: (&mut [f32], usize), sizes: [usize; 2]) {
            // SAFETY: the lengths are checked before the call, and the function asks for the instructions.
            unsafe { blocks::<std::arch::x86_64::__m256>(from, to, sizes) }
        }

        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the instructions.
            return unsafe { avx2(from, to, sizes) };
        }
    }
    // SAFETY: the lengths are checked above, and arrays need no special instructions.
    unsafe { blocks::<[f32; LANES]>(from, to, sizes) }
}

/// # Safety
/// All blocks lie in both slices; the processor has the instructions of `L`.
#[inline(always)]
unsafe fn blocks<L: Lanes>(
    (from, from_step): (&[f32], usize),
    (to, to_step): (&mut [f32], usize),
    [n_rows, n_columns]: [usize; 2],
) {
    for row in (0..n_rows).step_by(LANES) {
        for column in (0..n_columns).step_by(LANES) {
            // SAFETY: the caller's promise.
            unsafe {
                let from = from.as_ptr().add(row * from_step + column);
                let to = to.as_mut_ptr().add(column * to_step + row);
                let mut rows = [L::splat(0.); LANES];
                for (i, row) in rows.iter_mut().enumerate() {
                    *row = L::load(from.add(i * from_step));
                }
                for (i, column) in L::transpose(rows).into_iter().enumerate() {
                    column.store(to.add(i * to_step));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_lanes_transpose() {
        let (n_rows, n_columns) = (24, 16);
        let from: Vec<f32> = (0..n_rows * 40).map(|i| i as f32).collect();
        let mut found = vec![0.; n_columns * 24];
        let mut by_arrays = found.clone();
        transpose((&from, 40), (&mut found, 24), [n_rows - 3, n_columns]);
        // SAFETY: both slices are long enough.
        unsafe {
            blocks::<[f32; LANES]>((&from, 40), (&mut by_arrays, 24), [n_rows, n_columns]);
        }
        for row in 0..n_rows {
            for column in 0..n_columns {
                assert_eq!(found[column * 24 + row], from[row * 40 + column]);
            }
        }
        assert_eq!(found, by_arrays);
    }
}
