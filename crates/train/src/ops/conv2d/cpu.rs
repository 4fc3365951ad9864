//! The kernels of the convolution.
//!
//! In `[H, W, C]` the window of an output pixel is `K_h` runs of `K_w · C` neighbouring numbers. With the weights packed
//! as `[C_out / LANES][K_h][K_w · C][LANES]`, a tile of some pixels by `LANES` output channels is a sum of products of one
//! broadcast number by one vector, held in registers throughout: no matrix of windows is ever written.

use std::ops::Range;

use super::geometry::Geometry;
use crate::ops::parallel::for_chunks;
use crate::ops::simd::{Real, mul_add, multiversion};

/// The least number of pixels that share one visit to the weights.
const PIXELS: usize = 64;

/// Maps with zeros around them.
#[derive(Clone, Copy)]
struct Frame {
    height: usize,
    width: usize,
    channels: usize,
    /// From one pixel to the next: the channels, and a gap.
    pixel_len: usize,
    top: usize,
    left: usize,
    framed_height: usize,
    framed_width: usize,
}

impl Frame {
    fn symmetric(height: usize, width: usize, channels: usize, padding: usize) -> Self {
        let framed_height = height + 2 * padding;
        let framed_width = width + 2 * padding;
        let (top, left, pixel_len) = (padding, padding, channels);
        Self { height, width, channels, pixel_len, top, left, framed_height, framed_width }
    }

    /// With a cache line between pixels that would otherwise all fall into the same few sets of the cache.
    fn spread<T: Real>(mut self) -> Self {
        if self.channels.is_multiple_of(8 * T::LANES) {
            self.pixel_len = self.channels + T::LANES;
        }
        self
    }

    /// Where the runs of neighbouring numbers in a window begin, and how long they are.
    fn runs(&self, kernel_height: usize, kernel_width: usize) -> (Vec<usize>, usize) {
        let rows = (0..kernel_height).map(|row| row * self.row_len());
        if self.pixel_len == self.channels {
            return (rows.collect(), kernel_width * self.channels);
        }
        let pixels = |row| (0..kernel_width).map(move |column| row + column * self.pixel_len);
        (rows.flat_map(pixels).collect(), self.channels)
    }

    /// Where the windows of the output pixels of so many maps begin.
    fn starts(&self, n_maps: usize, (height, width): (usize, usize), stride: usize) -> Vec<usize> {
        let pixels = (0..height).flat_map(|i| (0..width).map(move |j| (i * stride, j * stride)));
        let of_map = pixels.map(|(i, j)| i * self.row_len() + j * self.pixel_len);
        let of_map: Vec<usize> = of_map.collect();
        let map = |map| of_map.iter().map(move |start| map * self.framed_len() + start);
        (0..n_maps).flat_map(map).collect()
    }

    fn map_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn framed_len(&self) -> usize {
        self.framed_height * self.row_len()
    }

    fn row_len(&self) -> usize {
        self.framed_width * self.pixel_len
    }

    /// Whether a map and its frame are the same.
    fn is_empty(&self) -> bool {
        self.framed_len() == self.map_len()
    }

    /// Copies maps into `framed`, of which only the zeros are kept.
    fn fill<T: Real>(&self, maps: &[T], framed: &mut Vec<T>) {
        let n_maps = maps.len() / self.map_len();
        if framed.len() < n_maps * self.framed_len() {
            framed.clear();
            framed.resize(n_maps * self.framed_len(), T::zero());
        }
        let row_len = self.width * self.channels;
        for (map, framed) in
            maps.chunks_exact(self.map_len()).zip(framed.chunks_exact_mut(self.framed_len()))
        {
            let rows = framed.chunks_exact_mut(self.row_len()).skip(self.top);
            for (row, framed) in map.chunks_exact(row_len).zip(rows) {
                let framed = &mut framed[self.left * self.pixel_len..];
                if self.pixel_len == self.channels {
                    framed[..row_len].copy_from_slice(row);
                } else {
                    let pixels = row.chunks_exact(self.channels);
                    for (pixel, framed) in pixels.zip(framed.chunks_mut(self.pixel_len)) {
                        framed[..self.channels].copy_from_slice(pixel);
                    }
                }
            }
        }
    }
}

/// Sums of windows of a framed map times packed weights.
struct Windows<'a, T> {
    /// Where the window of each pixel begins.
    starts: &'a [usize],
    /// Where the channels of each pixel go.
    targets: &'a [usize],
    /// Where in a window each of its runs begins.
    runs: &'a [usize],
    /// Neighbouring numbers in a run.
    run_len: usize,
    /// `[n_channels / LANES][runs][run_len][LANES]`.
    weights: &'a [T],
    /// Channels of a pixel in the target.
    n_channels: usize,
}

/// So many numbers of a window are worked off for all pixels before the next: their weights stay in the first cache.
const TAPS: usize = 256;

/// `ROWS` windows times one block of weights, in registers.
///
/// # Safety
/// Every window lies in `source`.
#[allow(clippy::needless_range_loop, reason = "with iterators the sums leave the registers")]
#[inline(always)]
unsafe fn tile<T: Real, const LANES: usize, const FMA: bool, const ROWS: usize>(
    source: &[T],
    starts: &[usize; ROWS],
    runs: &[usize],
    run_len: usize,
    weights: &[T],
) -> [[T; LANES]; ROWS] {
    let mut sums = [[T::zero(); LANES]; ROWS];
    for (run, weights) in runs.iter().zip(weights.chunks_exact(run_len * LANES)) {
        for (tap, weights) in weights.as_chunks::<LANES>().0.iter().enumerate() {
            for i in 0..ROWS {
                let value = unsafe { *source.get_unchecked(starts[i] + run + tap) };
                for j in 0..LANES {
                    sums[i][j] = mul_add::<FMA, T>(value, weights[j], sums[i][j]);
                }
            }
        }
    }
    sums
}

multiversion! {
    fn window_products<T: Real, const LANES: usize>(source: &[T], target: &mut [T], windows: &Windows<'_, T>) {
        let &Windows { starts, targets, runs, run_len, weights, n_channels } = windows;
        let greatest = |values: &[usize]| values.iter().copied().max().unwrap_or(0);
        assert!(greatest(starts) + greatest(runs) + run_len <= source.len());
        let runs_at_once = (TAPS / run_len).max(1);
        let taps_at_once = run_len.min(TAPS);
        for (block, weights) in weights.chunks_exact(runs.len() * run_len * LANES).enumerate() {
            let first = block * LANES;
            let n_lanes = LANES.min(n_channels - first);
            let runs = runs.chunks(runs_at_once).zip(weights.chunks(runs_at_once * run_len * LANES));
            for (group, (runs, weights)) in runs.enumerate() {
                for (part, weights) in weights.chunks(if runs.len() > 1 { weights.len() } else { taps_at_once * LANES }).enumerate() {
                    let tap = part * taps_at_once;
                    let run_len = weights.len() / LANES / runs.len();
                    let is_first = group == 0 && part == 0;
                    for (starts, targets) in starts.chunks(ROWS).zip(targets.chunks(ROWS)) {
                        let mut at = [starts[0] + tap; ROWS];
                        for (at, start) in at.iter_mut().zip(starts) {
                            *at = start + tap;
                        }
                        // SAFETY: checked above for the window that begins last.
                        let sums = unsafe {
                            tile::<T, LANES, FMA, ROWS>(source, &at, runs, run_len, weights)
                        };
                        for (sums, target_idx) in sums.iter().zip(targets) {
                            let target = &mut target[target_idx + first..][..n_lanes];
                            if is_first {
                                target.copy_from_slice(&sums[..n_lanes]);
                            } else {
                                for (target, sum) in target.iter_mut().zip(sums) {
                                    *target += *sum;
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The convolution, `[N, H′, W′, C_out]`.
pub fn forward<T: Real, const LANES: usize>(
    geometry: &Geometry,
    inputs: &[T],
    weights: &[T],
) -> Vec<T> {
    let &Geometry { n_samples, height, width, c_in, c_out, .. } = geometry;
    let &Geometry { kernel_height, kernel_width, stride, padding, .. } = geometry;
    let (out_height, out_width) = geometry.output_size();
    let frame = Frame::symmetric(height, width, c_in, padding);
    let packed = packed::<T, LANES>(c_out, kernel_height, kernel_width * c_in, |out, row, tap| {
        let (column, channel) = (tap / c_in, tap % c_in);
        weights[((out * c_in + channel) * kernel_height + row) * kernel_width + column]
    });
    let n_pixels = out_height * out_width;
    let n_maps = PIXELS.div_ceil(n_pixels).min(n_samples.max(1));
    let starts = frame.starts(n_maps, (out_height, out_width), stride);
    let (runs, run_len) = frame.runs(kernel_height, kernel_width);
    let targets: Vec<usize> = (0..n_maps * n_pixels).map(|pixel| pixel * c_out).collect();

    let mut outputs = vec![T::zero(); n_samples * n_pixels * c_out];
    let chunk_len = n_maps * n_pixels * c_out;
    for_chunks(&mut outputs, chunk_len, geometry.work(), |chunk, outputs, framed: &mut Vec<T>| {
        let maps = maps_of_chunk(inputs, frame.map_len(), chunk, n_maps);
        let source = if frame.is_empty() {
            maps
        } else {
            frame.fill(maps, framed);
            framed.as_slice()
        };
        let n_pixels = outputs.len() / c_out;
        let windows = Windows {
            starts: &starts[..n_pixels],
            targets: &targets[..n_pixels],
            runs: &runs,
            run_len,
            weights: &packed,
            n_channels: c_out,
        };
        window_products::<T, LANES>(source, outputs, &windows);
    });
    outputs
}

/// One residue of the input pixels modulo the stride: they see the same weights.
struct Phase<T> {
    starts: Vec<usize>,
    targets: Vec<usize>,
    runs: Vec<usize>,
    run_len: usize,
    weights: Vec<T>,
}

/// The gradient with respect to the inputs, `[N, H, W, C_in]`.
///
/// An input pixel i meets output pixel o through tap k where `i + p = s o + k`. Pixels with the same `(i + p) mod s` meet
/// the same taps, so each such phase is itself a convolution of the framed gradient.
pub fn input_gradient<T: Real, const LANES: usize>(
    geometry: &Geometry,
    gradient: &[T],
    weights: &[T],
) -> Vec<T> {
    let &Geometry { n_samples, height, width, c_in, c_out, .. } = geometry;
    let &Geometry { kernel_height, kernel_width, stride, padding, .. } = geometry;
    let (out_height, out_width) = geometry.output_size();
    // Before the first output lie as many zeros as a phase has taps but one; after the last as many as the last pixel asks.
    let before = |kernel: usize| kernel.div_ceil(stride) - 1;
    let after = |size: usize, out: usize| ((size - 1 + padding) / stride + 1).saturating_sub(out);
    let (top, left) = (before(kernel_height), before(kernel_width));
    let frame = Frame {
        height: out_height,
        width: out_width,
        channels: c_out,
        pixel_len: c_out,
        top,
        left,
        framed_height: top + out_height + after(height, out_height),
        framed_width: left + out_width + after(width, out_width),
    };
    let map_len = height * width * c_in;
    let n_maps = PIXELS.div_ceil(height * width).min(n_samples.max(1));

    let mut phases = Vec::new();
    for row_phase in 0..stride.min(kernel_height) {
        for column_phase in 0..stride.min(kernel_width) {
            let n_rows = (kernel_height - row_phase).div_ceil(stride);
            let n_columns = (kernel_width - column_phase).div_ceil(stride);
            let (mut starts, mut targets) = (Vec::new(), Vec::new());
            for map in 0..n_maps {
                for i in (0..height).filter(|i| (i + padding) % stride == row_phase) {
                    for j in (0..width).filter(|j| (j + padding) % stride == column_phase) {
                        let first_row = (i + padding) / stride + top + 1 - n_rows;
                        let first_column = (j + padding) / stride + left + 1 - n_columns;
                        let start = first_row * frame.row_len() + first_column * c_out;
                        starts.push(map * frame.framed_len() + start);
                        targets.push(map * map_len + (i * width + j) * c_in);
                    }
                }
            }
            let (runs, run_len) = frame.runs(n_rows, n_columns);
            let weights = packed::<T, LANES>(c_in, n_rows, run_len, |channel, row, tap| {
                let (column, out) = (tap / c_out, tap % c_out);
                let row = row_phase + (n_rows - 1 - row) * stride;
                let column = column_phase + (n_columns - 1 - column) * stride;
                weights[((out * c_in + channel) * kernel_height + row) * kernel_width + column]
            });
            phases.push(Phase { starts, targets, runs, run_len, weights });
        }
    }

    let mut inputs = vec![T::zero(); n_samples * map_len];
    let chunk_len = n_maps * map_len;
    for_chunks(&mut inputs, chunk_len, geometry.work(), |chunk, inputs, framed: &mut Vec<T>| {
        let maps = maps_of_chunk(gradient, frame.map_len(), chunk, n_maps);
        frame.fill(maps, framed);
        for Phase { starts, targets, runs, run_len, weights } in &phases {
            let n_pixels = starts.len() / n_maps * (inputs.len() / map_len);
            let windows = Windows {
                starts: &starts[..n_pixels],
                targets: &targets[..n_pixels],
                runs,
                run_len: *run_len,
                weights,
                n_channels: c_in,
            };
            window_products::<T, LANES>(framed, inputs, &windows);
        }
    });
    inputs
}

multiversion! {
    /// Adds, for every number of a window, its products with `LANES` channels of the gradient `[n_pixels, LANES]`, summed
    /// over pixels, to `sums`, `[runs][run_len][LANES]`.
    fn add_outer_products<T: Real, const LANES: usize>(
        source: &[T],
        gradient: &[T],
        sums: &mut [T],
        starts: &[usize],
        runs: &[usize],
        run_len: usize,
    ) {
        let greatest = |values: &[usize]| values.iter().copied().max().unwrap_or(0);
        assert!(greatest(starts) + greatest(runs) + run_len <= source.len());
        let gradient = gradient.as_chunks::<LANES>().0;
        for (run, sums) in runs.iter().zip(sums.chunks_exact_mut(run_len * LANES)) {
            let mut tiles = sums.chunks_exact_mut(ROWS * LANES);
            let mut at = *run;
            for sums in &mut tiles {
                // SAFETY: checked above for the window that begins last.
                unsafe { add_tile::<T, LANES, FMA, ROWS>(source, gradient, sums, starts, at) };
                at += ROWS;
            }
            for sums in tiles.into_remainder().chunks_exact_mut(LANES) {
                // SAFETY: as above.
                unsafe { add_tile::<T, LANES, FMA, 1>(source, gradient, sums, starts, at) };
                at += 1;
            }
        }
    }
}

/// `ROWS` numbers of every window from `at` times the gradient, summed in registers.
///
/// # Safety
/// Every window lies in `source`.
#[allow(clippy::needless_range_loop, reason = "with iterators the sums leave the registers")]
#[inline(always)]
unsafe fn add_tile<T: Real, const LANES: usize, const FMA: bool, const ROWS: usize>(
    source: &[T],
    gradient: &[[T; LANES]],
    sums: &mut [T],
    starts: &[usize],
    at: usize,
) {
    let mut tile = [[T::zero(); LANES]; ROWS];
    for (start, gradient) in starts.iter().zip(gradient) {
        for i in 0..ROWS {
            let value = unsafe { *source.get_unchecked(start + at + i) };
            for j in 0..LANES {
                tile[i][j] = mul_add::<FMA, T>(value, gradient[j], tile[i][j]);
            }
        }
    }
    for (sum, tile) in sums.iter_mut().zip(tile.as_flattened()) {
        *sum += *tile;
    }
}

/// How the sums of a weight gradient are laid out, `[C_out / LANES][K_h][K_w · C_in][LANES]`, and added up.
struct WeightSums {
    geometry: Geometry,
    frame: Frame,
    /// Maps that are framed together.
    n_maps: usize,
    starts: Vec<usize>,
    runs: Vec<usize>,
    run_len: usize,
    n_blocks: usize,
    /// Sums of `LANES` output channels.
    block_len: usize,
}

/// Framed maps, and the gradient of some channels.
type Scratch<T> = (Vec<T>, Vec<T>);

impl WeightSums {
    fn new<T: Real, const LANES: usize>(geometry: &Geometry, most_maps: usize) -> Self {
        let &Geometry { height, width, c_in, c_out, kernel_height, kernel_width, .. } = geometry;
        let frame = Frame::symmetric(height, width, c_in, geometry.padding).spread::<T>();
        let (out_height, out_width) = geometry.output_size();
        let n_maps = PIXELS.div_ceil(out_height * out_width).min(most_maps);
        let (runs, run_len) = frame.runs(kernel_height, kernel_width);
        Self {
            geometry: *geometry,
            frame,
            n_maps,
            starts: frame.starts(n_maps, (out_height, out_width), geometry.stride),
            runs,
            run_len,
            n_blocks: c_out.div_ceil(LANES),
            block_len: kernel_height * kernel_width * c_in * LANES,
        }
    }

    /// Adds the products of some samples to `sums`, whole blocks from number `first_block` on.
    fn add<T: Real, const LANES: usize>(
        &self,
        (inputs, gradient): (&[T], &[T]),
        samples: Range<usize>,
        first_block: usize,
        sums: &mut [T],
        (framed, lanes): &mut Scratch<T>,
    ) {
        let (Geometry { c_out, .. }, frame) = (self.geometry, &self.frame);
        let (out_height, out_width) = self.geometry.output_size();
        let map_len = out_height * out_width * c_out;
        for sample in samples.clone().step_by(self.n_maps) {
            let maps = sample..(sample + self.n_maps).min(samples.end);
            let source = &inputs[maps.start * frame.map_len()..maps.end * frame.map_len()];
            let source = if frame.is_empty() {
                source
            } else {
                frame.fill(source, framed);
                framed.as_slice()
            };
            let gradient = &gradient[maps.start * map_len..maps.end * map_len];
            let visits = gradient.chunks(PIXELS * c_out).zip(self.starts.chunks(PIXELS));
            for (gradient, starts) in visits {
                let starts = &starts[..gradient.len() / c_out];
                for (block, sums) in sums.chunks_exact_mut(self.block_len).enumerate() {
                    gather::<T, LANES>(gradient, c_out, (first_block + block) * LANES, lanes);
                    let (runs, run_len) = (&self.runs, self.run_len);
                    add_outer_products::<T, LANES>(source, lanes, sums, starts, runs, run_len);
                }
            }
        }
    }

    /// Where the sum of a weight is, by its position in `[C_out, C_in, K_h, K_w]`.
    fn place<const LANES: usize>(&self, position: usize) -> usize {
        let Geometry { c_in, kernel_height, kernel_width, .. } = self.geometry;
        let (column, rest) = (position % kernel_width, position / kernel_width);
        let (row, rest) = (rest % kernel_height, rest / kernel_height);
        let (channel, out) = (rest % c_in, rest / c_in);
        let tap = (row * kernel_width + column) * c_in + channel;
        out / LANES * self.block_len + tap * LANES + out % LANES
    }
}

/// Partial sums of the weight gradient take at most so many numbers in all.
const PARTIAL_LEN: usize = 1 << 20;

/// The gradient with respect to the weights, `[C_out, C_in, K_h, K_w]`.
///
/// The samples are cut into groups, the output channels into blocks; every pair has a sum of its own, and the groups are
/// added in order.
pub fn weight_gradient<T: Real, const LANES: usize>(
    geometry: &Geometry,
    inputs: &[T],
    gradient: &[T],
) -> Vec<T> {
    let &Geometry { n_samples, c_in, c_out, kernel_height, kernel_width, .. } = geometry;
    let weight_len = c_in * kernel_height * kernel_width;
    let sums_len = c_out.div_ceil(LANES) * weight_len * LANES;
    let n_groups = (PARTIAL_LEN / sums_len).clamp(1, n_samples.clamp(1, 16));
    let group_len = n_samples.div_ceil(n_groups).max(1);
    let n_groups = n_samples.div_ceil(group_len);
    let layout = WeightSums::new::<T, LANES>(geometry, group_len);
    let (n_blocks, block_len) = (layout.n_blocks, layout.block_len);

    let mut partial = vec![T::zero(); n_groups * sums_len];
    // Where there are groups enough, a thread takes all blocks of one, so that each map is framed but once.
    let blocks_at_once = if n_groups >= 8 { n_blocks } else { 1 };
    let of_chunk = |chunk: usize, sums: &mut [T], scratch: &mut Scratch<T>| {
        let first = chunk * blocks_at_once;
        let (group, first_block) = (first / n_blocks, first % n_blocks);
        let samples = group * group_len..((group + 1) * group_len).min(n_samples);
        layout.add::<T, LANES>((inputs, gradient), samples, first_block, sums, scratch);
    };
    for_chunks(&mut partial, blocks_at_once * block_len, geometry.work(), of_chunk);

    let mut weights = vec![T::zero(); c_out * weight_len];
    for_chunks(&mut weights, weight_len, partial.len(), |out, weights, _: &mut ()| {
        let places: Vec<usize> =
            (0..weight_len).map(|at| layout.place::<LANES>(out * weight_len + at)).collect();
        for sums in partial.chunks_exact(sums_len) {
            weights.iter_mut().zip(&places).for_each(|(weight, &place)| *weight += sums[place]);
        }
    });
    weights
}

/// The gradients of every sample by itself with respect to the weights at `positions`, `[N, K]`.
pub fn sample_weight_gradients<T: Real, const LANES: usize>(
    geometry: &Geometry,
    inputs: &[T],
    gradient: &[T],
    positions: &[usize],
) -> Vec<T> {
    let layout = WeightSums::new::<T, LANES>(geometry, 1);
    let places: Vec<usize> = positions.iter().map(|&at| layout.place::<LANES>(at)).collect();
    let mut rows = vec![T::zero(); geometry.n_samples * positions.len()];
    type Kept<T> = (Vec<T>, Scratch<T>);
    let of_sample = |sample: usize, row: &mut [T], (sums, scratch): &mut Kept<T>| {
        sums.clear();
        sums.resize(layout.n_blocks * layout.block_len, T::zero());
        layout.add::<T, LANES>((inputs, gradient), sample..sample + 1, 0, sums, scratch);
        row.iter_mut().zip(&places).for_each(|(value, &place)| *value = sums[place]);
    };
    for_chunks(&mut rows, positions.len(), geometry.work(), of_sample);
    rows
}

/// The `LANES` channels from `first` of every pixel, zeros where there are no more.
fn gather<T: Real, const LANES: usize>(
    pixels: &[T],
    n_channels: usize,
    first: usize,
    lanes: &mut Vec<T>,
) {
    let n_lanes = LANES.min(n_channels - first);
    lanes.clear();
    lanes.resize(pixels.len() / n_channels * LANES, T::zero());
    for (lanes, pixel) in lanes.chunks_exact_mut(LANES).zip(pixels.chunks_exact(n_channels)) {
        lanes[..n_lanes].copy_from_slice(&pixel[first..first + n_lanes]);
    }
}

/// Weights as `[n_channels / LANES][n_rows][run][LANES]`, zeros where the last block has no channel.
fn packed<T: Real, const LANES: usize>(
    n_channels: usize,
    n_rows: usize,
    run: usize,
    weight: impl Fn(usize, usize, usize) -> T + Sync + Send,
) -> Vec<T> {
    let block_len = n_rows * run * LANES;
    let mut packed = vec![T::zero(); n_channels.div_ceil(LANES) * block_len];
    let work = packed.len();
    for_chunks(&mut packed, block_len, work, |block, packed, _: &mut ()| {
        let channels = block * LANES..((block + 1) * LANES).min(n_channels);
        for (lane, channel) in channels.enumerate() {
            for row in 0..n_rows {
                for tap in 0..run {
                    packed[(row * run + tap) * LANES + lane] = weight(channel, row, tap);
                }
            }
        }
    });
    packed
}

/// The maps of chunk number `chunk`, of which the last may have fewer.
fn maps_of_chunk<T>(maps: &[T], map_len: usize, chunk: usize, n_maps: usize) -> &[T] {
    let start = chunk * n_maps * map_len;
    &maps[start..(start + n_maps * map_len).min(maps.len())]
}
