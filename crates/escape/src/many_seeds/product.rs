//! The one loop that everything goes through: a product of two small matrices, in tiles that stay in registers.

use super::lanes::{LANES, Lanes};

/// Rows of a tile of two vectors: 12 sums, 2 vectors and a factor fill the 16 registers of AVX2.
const ROWS: usize = 6;

/// The product of a matrix `[n_rows, n_terms]` and one `[n_terms, n_columns]`.
///
/// Every number is a sum over terms in order, whatever the tile that it falls into: its bits depend on nothing but
/// whether the processor rounds a multiplication and an addition at once.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// The left factor.
    pub left: &'a [f32],
    /// Steps in it from row to row and from term to term.
    pub left_steps: [usize; 2],
    /// The right factor, whose columns lie next to each other.
    pub right: &'a [f32],
    /// Step in it from term to term.
    pub right_step: usize,
    /// Rows of the left factor.
    pub n_rows: usize,
    /// Columns of the left factor, rows of the right one.
    pub n_terms: usize,
    /// Columns of the right factor, a multiple of [`LANES`].
    pub n_columns: usize,
}

impl Product<'_> {
    /// Writes the product into `target`, whose rows begin at multiples of `step`.
    ///
    /// # Panics
    /// When there is nothing to sum, or a slice is too short.
    pub fn write(&self, target: &mut [f32], step: usize) {
        self.run::<false>(target, step);
    }

    /// Adds the product to `target`, each sum at once: term by term it would be rounded as often as there are terms.
    ///
    /// # Panics
    /// As [`Product::write`].
    pub fn add_to(&self, target: &mut [f32], step: usize) {
        self.run::<true>(target, step);
    }

    fn run<const ADD: bool>(&self, target: &mut [f32], step: usize) {
        let last = |n: usize| n.checked_sub(1).expect("nothing to multiply");
        let (row, term) = (last(self.n_rows), last(self.n_terms));
        assert!(self.n_columns.is_multiple_of(LANES));
        assert!(row * self.left_steps[0] + term * self.left_steps[1] < self.left.len());
        assert!(term * self.right_step + self.n_columns <= self.right.len());
        assert!(row * step + self.n_columns <= target.len());
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx2,fma")]
            fn avx2<const ADD: bool>(product: &Product<'_>, target: &mut [f32], step: usize) {
                // SAFETY: the lengths are checked before the call, and the function asks for the instructions.
                unsafe { product.tiles::<std::arch::x86_64::__m256, ADD>(target, step) }
            }

            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                // SAFETY: the processor has the instructions.
                return unsafe { avx2::<ADD>(self, target, step) };
            }
        }
        // SAFETY: the lengths are checked above, and arrays need no special instructions.
        unsafe { self.tiles::<[f32; LANES], ADD>(target, step) }
    }

    /// # Safety
    /// The numbers of all factors and of the target lie in their slices; the processor has the instructions of `L`.
    #[inline(always)]
    unsafe fn tiles<L: Lanes, const ADD: bool>(&self, target: &mut [f32], step: usize) {
        let mut column = 0;
        while column < self.n_columns {
            let is_wide = column + 2 * LANES <= self.n_columns;
            let mut row = 0;
            // Tiles of equal heights: one of few rows would wait for its own sums.
            let most = if is_wide { ROWS } else { 2 * ROWS };
            for n_left in (1..=self.n_rows.div_ceil(most)).rev() {
                let n_rows = (self.n_rows - row).div_ceil(n_left);
                macro_rules! of_height {
                    ($vectors:literal: $($height:literal)*) => {
                        match n_rows {
                            // SAFETY: the caller's promise.
                            $($height => unsafe {
                                self.tile::<L, $height, $vectors, ADD>(row, column, target, step)
                            },)*
                            _ => unreachable!("no tile is higher"),
                        }
                    };
                }
                match is_wide {
                    true => of_height!(2: 1 2 3 4 5 6),
                    false => of_height!(1: 1 2 3 4 5 6 7 8 9 10 11 12),
                }
                row += n_rows;
            }
            column += if is_wide { 2 * LANES } else { LANES };
        }
    }

    /// The tile of `HEIGHT` rows and `VECTORS` vectors that begins there.
    ///
    /// # Safety
    /// As [`Product::tiles`], and the tile lies in the product.
    #[allow(clippy::needless_range_loop, reason = "the sums are a tile in registers")]
    #[inline(always)]
    unsafe fn tile<L: Lanes, const HEIGHT: usize, const VECTORS: usize, const ADD: bool>(
        &self,
        row: usize,
        column: usize,
        target: &mut [f32],
        step: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let target = target.as_mut_ptr().add(row * step + column);
            let left = self.left.as_ptr().add(row * self.left_steps[0]);
            let right = self.right.as_ptr().add(column);
            let mut sums = [[L::splat(0.); VECTORS]; HEIGHT];
            for term in 0..self.n_terms {
                let mut vectors = [L::splat(0.); VECTORS];
                for j in 0..VECTORS {
                    vectors[j] = L::load(right.add(term * self.right_step + j * LANES));
                }
                for i in 0..HEIGHT {
                    let factor =
                        L::splat(*left.add(i * self.left_steps[0] + term * self.left_steps[1]));
                    for j in 0..VECTORS {
                        sums[i][j] = factor.mul_add(vectors[j], sums[i][j]);
                    }
                }
            }
            for i in 0..HEIGHT {
                for j in 0..VECTORS {
                    let target = target.add(i * step + j * LANES);
                    let sum = sums[i][j];
                    if ADD { sum.add(L::load(target)) } else { sum }.store(target);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole numbers, so that no sum is rounded: nested loops, the fastest lanes and arrays agree to the bit.
    #[test]
    fn products_are_those_of_nested_loops() {
        for (n_rows, n_terms, n_columns) in [(1, 1, 8), (7, 5, 24), (13, 40, 16), (101, 8, 104)] {
            let whole = |n: usize, by: usize| -> Vec<f32> {
                (0..n).map(|i| (i * by % 19) as f32 - 9.).collect()
            };
            let right = whole(n_terms * (n_columns + 8), 5);
            for left_steps in [[n_terms + 3, 1], [1, n_rows + 3]] {
                let left = whole((n_rows + 3) * (n_terms + 3), 7);
                let right_step = n_columns + 8;
                let product = Product {
                    left: &left,
                    left_steps,
                    right: &right,
                    right_step,
                    n_rows,
                    n_terms,
                    n_columns,
                };
                let step = n_columns + 16;
                let mut expected = whole(n_rows * step, 3);
                let [mut written, mut added, mut by_arrays] = [(); 3].map(|()| expected.clone());
                for row in 0..n_rows {
                    for column in 0..n_columns {
                        for term in 0..n_terms {
                            expected[row * step + column] += left
                                [row * left_steps[0] + term * left_steps[1]]
                                * right[term * right_step + column];
                        }
                    }
                }
                product.add_to(&mut added, step);
                assert_eq!(added, expected);
                // SAFETY: the same sizes as above.
                unsafe { product.tiles::<[f32; LANES], true>(&mut by_arrays, step) };
                assert_eq!(by_arrays, expected);
                let before = written.clone();
                product.write(&mut written, step);
                for (place, written) in written.iter().enumerate() {
                    let inside = place % step < n_columns;
                    let product = expected[place] - before[place];
                    assert_eq!(*written, if inside { product } else { before[place] });
                }
            }
        }
    }
}
