//! Devices by name.

use candle_core::Device;

use crate::error::{SpecError, TrainError};

/// Opens `cpu` or `cuda:N`; with `tf32`, products of `f32` on the GPU round their factors to 10 bits first, as NVIDIA's
/// tensor cores do.
///
/// # Errors
/// When the name is neither, this build has no CUDA, the GPU cannot be opened or does not take its kernels, or the CPU is
/// asked for TF32.
pub fn open(name: &str, tf32: bool) -> Result<Device, TrainError> {
    let refuse =
        |permitted: String| SpecError { key: "device".into(), value: name.into(), permitted };
    if name == "cpu" {
        let (key, value, permitted) = ("tf32".into(), "true".into(), "false on the CPU".into());
        return match tf32 {
            true => Err(SpecError { key, value, permitted }.into()),
            false => Ok(Device::Cpu),
        };
    }
    let ordinal = name.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok());
    let ordinal = ordinal.ok_or_else(|| refuse("cpu or cuda:N".into()))?;
    Ok(open_gpu(ordinal, tf32).map_err(refuse)?)
}

/// The GPU, or what would be permitted instead.
#[cfg(not(feature = "cuda"))]
fn open_gpu(_ordinal: usize, _tf32: bool) -> Result<Device, String> {
    Err("cpu (this build has no CUDA: build with `--features cuda`)".into())
}

/// The GPU, or what would be permitted instead.
#[cfg(feature = "cuda")]
fn open_gpu(ordinal: usize, tf32: bool) -> Result<Device, String> {
    use candle_core::cuda_backend::cudarc::driver::{CudaContext, DriverError};
    let reason = |error: DriverError| {
        let text = error.error_string().map(|text| text.to_string_lossy().into_owned());
        text.unwrap_or_else(|_| format!("error {:?}", error.0))
    };
    let n_gpus = CudaContext::device_count()
        .map_err(|error| format!("cpu (the CUDA driver finds no GPU: {})", reason(error)))?;
    if ordinal >= n_gpus as usize {
        return Err(match n_gpus {
            0 => "cpu (there is no GPU)".into(),
            1 => "cpu or cuda:0 (there is one GPU)".into(),
            n => format!("cpu or cuda:0 to cuda:{} (there are {n} GPUs)", n - 1),
        });
    }
    // One stream for all threads: with candle's own, one for each thread, what one has written another could read too soon.
    // candle's messages may go on with where they came from.
    let first_line =
        |error: candle_core::Error| error.to_string().lines().next().unwrap_or_default().to_owned();
    let device = Device::new_cuda_with_stream(ordinal)
        .map_err(|error| format!("a GPU that can be opened ({})", first_line(error)))?;
    let gpu = device.as_cuda_device().expect("it was opened as one");
    // SAFETY: events keep streams in step with each other, and there is no other.
    unsafe { gpu.disable_event_tracking() };
    keep_freed_memory(gpu);
    crate::ops::use_tf32(gpu, tf32)
        .map_err(|error| format!("a GPU with TF32 ({})", first_line(error)))?;
    crate::ops::check_gpu(gpu).map_err(|error| {
        let (major, minor) = gpu.cuda_stream().context().compute_capability().unwrap_or_default();
        format!(
            "a GPU and a driver that take this build's kernels; this one has compute capability {major}.{minor}: build \
             with CUDA_COMPUTE_CAP={major}{minor} or less, and with a toolkit no newer than the driver ({})",
            first_line(error)
        )
    })?;
    Ok(device)
}

/// Without this the driver gives freed memory back at every wait, and maps it again for the next tensor. A driver without
/// pools allocates otherwise, and has nothing to keep.
#[cfg(feature = "cuda")]
fn keep_freed_memory(gpu: &candle_core::CudaDevice) {
    use candle_core::cuda_backend::cudarc::driver::{result, sys};
    let stream = gpu.cuda_stream();
    let mut threshold = u64::MAX;
    let attribute = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
    // SAFETY: the device is open, and the value of this attribute is a `u64`.
    unsafe {
        if let Ok(pool) = result::device::get_default_mem_pool(stream.context().cu_device()) {
            let value = (&raw mut threshold).cast();
            let _ = sys::cuMemPoolSetAttribute(pool, attribute, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_device_is_refused() {
        let message = |name: &str, tf32| open(name, tf32).unwrap_err().to_string();
        for name in ["tpu", "cuda", "cuda:", "cuda:x", "CPU"] {
            assert_eq!(
                message(name, false),
                format!("device = {name}: permitted is cpu or cuda:N")
            );
        }
        assert_eq!(message("cpu", true), "tf32 = true: permitted is false on the CPU");
        assert!(open("cpu", false).is_ok());
        if !cfg!(feature = "cuda") {
            let message = message("cuda:0", false);
            assert!(message.ends_with("build with `--features cuda`)"), "{message}");
        }
    }
}
