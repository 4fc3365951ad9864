//! Devices by name.

use candle_core::Device;

use crate::error::{SpecError, TrainError};

/// Opens `cpu` or `cuda:N`.
///
/// # Errors
/// When the name is neither, this build has no CUDA, or the GPU cannot be opened.
pub fn open(name: &str) -> Result<Device, TrainError> {
    let refuse =
        |permitted: String| SpecError { key: "device".into(), value: name.into(), permitted };
    if name == "cpu" {
        return Ok(Device::Cpu);
    }
    let ordinal = name.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok());
    let ordinal = ordinal.ok_or_else(|| refuse("cpu or cuda:N".into()))?;
    if !cfg!(feature = "cuda") {
        let permitted = "cpu (this build has no CUDA: build with `--features cuda`)";
        return Err(refuse(permitted.into()).into());
    }
    let device = Device::new_cuda(ordinal);
    Ok(device.map_err(|error| refuse(format!("a GPU that can be opened ({error})")))?)
}
