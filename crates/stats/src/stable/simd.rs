//! Hot loops compiled twice: for any processor, and for one with AVX2.

/// Defines functions whose bodies are compiled a second time with AVX2 enabled;
/// at run time the processor decides which is taken.
///
/// Nothing but the width of the instructions differs, fused multiplications are
/// not enabled, so both give the same bits.
macro_rules! wide {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident(
        $($argument:ident: $type:ty),* $(,)?
    ) $(-> $output:ty)? $body:block) => {
        $(#[$attribute])*
        $visibility fn $name($($argument: $type),*) $(-> $output)? {
            #[inline(always)]
            fn portable($($argument: $type),*) $(-> $output)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2($($argument: $type),*) $(-> $output)? {
                portable($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                return unsafe { avx2($($argument),*) };
            }
            portable($($argument),*)
        }
    };
}

pub(crate) use wide;
