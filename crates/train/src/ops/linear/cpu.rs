//! Matrix products, cut into blocks of rows for the threads.

use gemm::{Parallelism, gemm};

use crate::ops::parallel::for_chunks;
use crate::ops::simd::Real;

/// Rows of a block.
const ROWS: usize = 64;

/// `A B + bias`, `[n, m]` row by row; `sizes` is n, k, m, and `transposed` says which factor is stored so.
pub fn product<T: Real>(
    a: &[T],
    b: &[T],
    bias: Option<&[T]>,
    [n, k, m]: [usize; 3],
    transposed: [bool; 2],
) -> Vec<T> {
    let mut output = match bias {
        Some(bias) => bias.repeat(n),
        None => vec![T::zero(); n * m],
    };
    if n * m * k == 0 {
        return output;
    }
    // Strides of row and column.
    let strides = |rows: usize, columns: usize, transposed| {
        let (row, column) = if transposed { (1, rows) } else { (columns, 1) };
        (row as isize, column as isize)
    };
    let ((a_row, a_column), (b_row, b_column)) =
        (strides(n, k, transposed[0]), strides(k, m, transposed[1]));
    for_chunks(&mut output, ROWS * m, n * k * m, |block, output, _: &mut ()| {
        let n_rows = output.len() / m;
        // SAFETY: the factors hold n · k and k · m numbers, the block n_rows · m; nothing else writes to it.
        unsafe {
            gemm(
                n_rows,
                m,
                k,
                output.as_mut_ptr(),
                1,
                m as isize,
                bias.is_some(),
                a.as_ptr().offset((block * ROWS) as isize * a_row),
                a_column,
                a_row,
                b.as_ptr(),
                b_column,
                b_row,
                T::one(),
                T::one(),
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    });
    output
}
