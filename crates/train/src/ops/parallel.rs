//! Work cut into pieces by its shape alone, so that the number of threads changes no bit.

use rayon::prelude::*;

/// Below so many elementary operations a second thread costs more than it saves.
pub const LEAST_WORK: usize = 1 << 17;

/// Calls `of(index, chunk, scratch)` for every chunk of `output`; `work` is the number of operations in all.
///
/// `scratch` begins empty and is handed on from chunk to chunk on each thread.
pub fn for_chunks<T: Send, S: Default + Send>(
    output: &mut [T],
    chunk_len: usize,
    work: usize,
    of: impl Fn(usize, &mut [T], &mut S) + Sync + Send,
) {
    if work < LEAST_WORK || output.len() <= chunk_len {
        let mut scratch = S::default();
        for (idx, chunk) in output.chunks_mut(chunk_len).enumerate() {
            of(idx, chunk, &mut scratch);
        }
    } else {
        output
            .par_chunks_mut(chunk_len)
            .enumerate()
            .for_each_init(S::default, |scratch, (idx, chunk)| of(idx, chunk, scratch));
    }
}
