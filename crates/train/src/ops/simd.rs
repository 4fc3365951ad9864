//! Kernels compiled once per instruction set, chosen at run time.

use candle_core::{CpuStorage, Result, WithDType, bail};
use num_traits::Float;

/// The scalars that kernels are written for: `f32`, and `f64` to hold it against.
pub trait Real: WithDType + Float {
    /// Scalars in 64 bytes: a cache line, one register of AVX-512, two of AVX2.
    const LANES: usize;

    /// The numbers of a storage, if they are of this type.
    fn values_mut(storage: &mut CpuStorage) -> Result<&mut Vec<Self>>;
}

impl Real for f32 {
    const LANES: usize = 16;

    fn values_mut(storage: &mut CpuStorage) -> Result<&mut Vec<Self>> {
        match storage {
            CpuStorage::F32(values) => Ok(values),
            _ => bail!("numbers of another type than f32"),
        }
    }
}

impl Real for f64 {
    const LANES: usize = 8;

    fn values_mut(storage: &mut CpuStorage) -> Result<&mut Vec<Self>> {
        match storage {
            CpuStorage::F64(values) => Ok(values),
            _ => bail!("numbers of another type than f64"),
        }
    }
}

/// `a · b + c`, fused where the processor has an instruction for it.
#[inline(always)]
pub fn mul_add<const FMA: bool, T: Real>(a: T, b: T, c: T) -> T {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Defines a function whose body is compiled for any processor, for AVX2 and for AVX-512.
///
/// Inside the body, `FMA` says whether multiplications may be fused and `ROWS` how many rows of accumulators, 64 bytes
/// each, fit into the registers beside the operands.
macro_rules! multiversion {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident<T: Real $(, const $constant:ident: usize)*>(
        $($argument:ident: $type:ty),* $(,)?
    ) $(-> $output:ty)? $body:block) => {
        $(#[$attribute])*
        $visibility fn $name<T: $crate::ops::simd::Real $(, const $constant: usize)*>($($argument: $type),*) $(-> $output)? {
            #[allow(clippy::too_many_arguments)]
            #[inline(always)]
            fn body<T: $crate::ops::simd::Real $(, const $constant: usize)*, const FMA: bool, const ROWS: usize>(
                $($argument: $type),*
            ) $(-> $output)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[allow(clippy::too_many_arguments)]
                #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
                fn avx512<T: $crate::ops::simd::Real $(, const $constant: usize)*>($($argument: $type),*) $(-> $output)? {
                    body::<T $(, $constant)*, true, 12>($($argument),*)
                }

                #[allow(clippy::too_many_arguments)]
                #[target_feature(enable = "avx2,fma")]
                fn avx2<T: $crate::ops::simd::Real $(, const $constant: usize)*>($($argument: $type),*) $(-> $output)? {
                    body::<T $(, $constant)*, true, 6>($($argument),*)
                }

                if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                    // SAFETY: the processor has these instructions; every one with AVX-512 has AVX2 and FMA.
                    return unsafe { avx512::<T $(, $constant)*>($($argument),*) };
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has these instructions.
                    return unsafe { avx2::<T $(, $constant)*>($($argument),*) };
                }
            }
            body::<T $(, $constant)*, false, 4>($($argument),*)
        }
    };
}

pub(crate) use multiversion;
