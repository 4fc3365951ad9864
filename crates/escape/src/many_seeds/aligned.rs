//! Numbers that begin where a cache line does.

use std::ops::{Deref, DerefMut};

use super::lanes::LANES;

/// Bytes of a cache line.
const LINE: usize = 64;

/// Zeros at first; the first of them lies at the beginning of a cache line.
pub struct Aligned {
    numbers: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// So many zeros.
    pub fn zeros(len: usize) -> Self {
        let numbers = vec![0.; len + LINE / size_of::<f32>()];
        let start = numbers.as_ptr().align_offset(LINE);
        Self { numbers, start, len }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[self.start..][..self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..][..self.len]
    }
}

/// The next multiple of [`LANES`].
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(LANES)
}

/// From row to row of a matrix with `n` columns: an odd number of vectors, since rows a power of two apart would drive
/// each other out of the cache.
pub fn row_step(n: usize) -> usize {
    (n.div_ceil(LANES) | 1) * LANES
}
