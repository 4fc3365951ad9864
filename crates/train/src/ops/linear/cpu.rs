//! Matrix products, cut into blocks of rows or of columns for the threads.

use gemm::{Parallelism, gemm};
use rayon::prelude::*;

use crate::ops::parallel::LEAST_WORK;
use crate::ops::simd::Real;

/// Rows or columns of a block, where that makes no more than [`MOST_BLOCKS`].
const BLOCK: usize = 64;

/// Every block packs the other factor anew; with 8 a step of 784-100-100-10 at B = 1024 takes 3 % longer on two cores.
const MOST_BLOCKS: usize = 4;

/// Where blocks are written to, from several threads.
struct Output<T>(*mut T);

// SAFETY: every block is written by one thread and overlaps no other.
unsafe impl<T: Send> Sync for Output<T> {}

impl<T> Output<T> {
    /// Where number `at` is.
    ///
    /// # Safety
    /// It lies in the output.
    unsafe fn at(&self, at: usize) -> *mut T {
        unsafe { self.0.add(at) }
    }
}

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
    assert!(a.len() == n * k && b.len() == k * m && output.len() == n * m);
    if output.is_empty() || k == 0 {
        return output;
    }
    // Strides of row and column.
    let strides = |rows: usize, columns: usize, transposed| {
        if transposed { (1, rows) } else { (columns, 1) }
    };
    let ((a_row, a_column), (b_row, b_column)) =
        (strides(n, k, transposed[0]), strides(k, m, transposed[1]));
    let target = Output(output.as_mut_ptr());
    let block = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        // SAFETY: the factors and the output have the lengths asserted above; blocks do not overlap.
        unsafe {
            gemm(
                rows.len(),
                columns.len(),
                k,
                target.at(rows.start * m + columns.start),
                1,
                m as isize,
                bias.is_some(),
                a.as_ptr().add(rows.start * a_row),
                a_column as isize,
                a_row as isize,
                b.as_ptr().add(columns.start * b_column),
                b_column as isize,
                b_row as isize,
                T::one(),
                T::one(),
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    };
    // The longer side is cut.
    let size = n.max(m).div_ceil(MOST_BLOCKS).max(BLOCK);
    let piece = |at: usize, len: usize| at * size..((at + 1) * size).min(len);
    if n * k * m < LEAST_WORK {
        block(0..n, 0..m);
    } else if n >= m {
        (0..n.div_ceil(size)).into_par_iter().for_each(|at| block(piece(at, n), 0..m));
    } else {
        (0..m.div_ceil(size)).into_par_iter().for_each(|at| block(0..n, piece(at, m)));
    }
    output
}
