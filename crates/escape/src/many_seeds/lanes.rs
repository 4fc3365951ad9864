//! Eight numbers that are worked on at once.
//!
//! *Why not plain arrays for every processor?* Left to itself, the compiler cuts a tile of sums into vectors of odd
//! sizes and keeps part of it in memory, which makes a product two to three times slower.

/// How many there are.
pub const LANES: usize = 8;

/// A vector of [`LANES`] numbers.
///
/// # Safety
/// To call any function the processor must have the instructions of the type; pointers must lead to [`LANES`] numbers,
/// which need not be aligned.
pub trait Lanes: Copy {
    /// The numbers behind a pointer.
    unsafe fn load(from: *const f32) -> Self;

    /// Writes them.
    unsafe fn store(self, to: *mut f32);

    /// The same number in every lane.
    unsafe fn splat(value: f32) -> Self;

    /// `self + other`.
    unsafe fn add(self, other: Self) -> Self;

    /// `self · factor + sum`, rounded once where the processor can.
    unsafe fn mul_add(self, factor: Self, sum: Self) -> Self;

    /// The columns of a square matrix, given its rows.
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES];
}

/// On aarch64 every processor rounds once, as AVX2 with FMA does; elsewhere that would be a call for each number.
impl Lanes for [f32; LANES] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; LANES]
    }

    #[inline(always)]
    unsafe fn add(mut self, other: Self) -> Self {
        for lane in 0..LANES {
            self[lane] += other[lane];
        }
        self
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, mut sum: Self) -> Self {
        for lane in 0..LANES {
            sum[lane] = match cfg!(target_arch = "aarch64") {
                true => self[lane].mul_add(factor[lane], sum[lane]),
                false => self[lane] * factor[lane] + sum[lane],
            };
        }
        sum
    }

    #[inline(always)]
    unsafe fn transpose(rows: [Self; LANES]) -> [Self; LANES] {
        std::array::from_fn(|column| rows.map(|row| row[column]))
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_permute2f128_ps,
        _mm256_set1_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
        _mm256_unpacklo_ps,
    };

    use super::{LANES, Lanes};

    // SAFETY of all: the caller's promise, that the processor has AVX2 and FMA and that pointers lead to eight numbers.
    impl Lanes for __m256 {
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm256_storeu_ps(to, self) }
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe { _mm256_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn mul_add(self, factor: Self, sum: Self) -> Self {
            unsafe { _mm256_fmadd_ps(self, factor, sum) }
        }

        #[inline(always)]
        unsafe fn transpose([a, b, c, d, e, f, g, h]: [Self; LANES]) -> [Self; LANES] {
            // Four rows at a time: the columns of both halves of their lanes.
            #[inline(always)]
            unsafe fn of_four(a: __m256, b: __m256, c: __m256, d: __m256) -> [__m256; 4] {
                unsafe {
                    let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
                    let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
                    [
                        _mm256_shuffle_ps::<0x44>(ab, cd),
                        _mm256_shuffle_ps::<0xee>(ab, cd),
                        _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                        _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
                    ]
                }
            }
            unsafe {
                let [a, b, c, d] = of_four(a, b, c, d);
                let [e, f, g, h] = of_four(e, f, g, h);
                [
                    _mm256_permute2f128_ps::<0x20>(a, e),
                    _mm256_permute2f128_ps::<0x20>(b, f),
                    _mm256_permute2f128_ps::<0x20>(c, g),
                    _mm256_permute2f128_ps::<0x20>(d, h),
                    _mm256_permute2f128_ps::<0x31>(a, e),
                    _mm256_permute2f128_ps::<0x31>(b, f),
                    _mm256_permute2f128_ps::<0x31>(c, g),
                    _mm256_permute2f128_ps::<0x31>(d, h),
                ]
            }
        }
    }
}
