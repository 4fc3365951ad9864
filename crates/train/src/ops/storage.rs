//! Between candle's tensors and plain slices.

use candle_core::{CpuStorage, Layout, Result, WithDType, bail};

use super::simd::Real;

/// The elements of a contiguous tensor.
pub fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice::<T>()?[start..end]),
        None => bail!("the tensor is not contiguous"),
    }
}

/// Evaluates an expression with `$T` as the scalar type of a storage.
macro_rules! for_real {
    ($storage:expr, $name:expr, $T:ident => $body:expr) => {
        match candle_core::backend::BackendStorage::dtype($storage) {
            candle_core::DType::F32 => {
                type $T = f32;
                $body
            }
            candle_core::DType::F64 => {
                type $T = f64;
                $body
            }
            other => candle_core::bail!("{} of {other:?}: F32 and F64 are known", $name),
        }
    };
}
pub(crate) use for_real;

/// The elements of a contiguous tensor, to be changed.
pub fn slice_mut<'a, T: Real>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&mut T::values_mut(storage)?[start..end]),
        None => bail!("the tensor is not contiguous"),
    }
}

/// That two tensors of an operation have the same shape.
pub fn same_shape(operation: &str, a: &Layout, b: &Layout) -> Result<()> {
    if a.shape() == b.shape() {
        Ok(())
    } else {
        bail!("{operation}: shapes {:?} and {:?} differ", a.shape(), b.shape())
    }
}
