//! Checkpoints: parameters and training state in one safetensors file.
//!
//! *Why one file?* Two files cannot be replaced together: killed between them, a run would resume new weights with an
//! old step. The state is the file's metadata, so any safetensors reader still sees the parameters.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::error::TrainError;
use crate::params::ParamSet;
use crate::run_dir::write_atomic;
use crate::trainer::TrainingState;

const STATE: &str = "noisescope.training_state";

/// Saves parameters and state; the file is either the old one or the new one, never half of it.
pub fn save(path: &Path, params: &ParamSet, state: &TrainingState) -> Result<(), TrainError> {
    let mut buffers = Vec::new();
    for (name, tensor) in params.named_tensors() {
        let values = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        buffers.push((name, tensor.dims().to_vec(), bytes));
    }
    let views = buffers.iter().map(|(name, shape, bytes)| {
        let view =
            TensorView::new(Dtype::F32, shape.clone(), bytes).expect("bytes match the shape");
        (*name, view)
    });
    let state = serde_json::to_string(state).expect("plain numbers serialise");
    let metadata = HashMap::from([(STATE.to_owned(), state)]);
    let bytes = safetensors::serialize(views, Some(metadata)).expect("names are unique");
    write_atomic(path, &bytes)
}

/// Loads parameters into `params` and returns the state.
///
/// # Errors
/// When the file is damaged, or its tensors are not those of `params` by name and shape. `params` is then untouched.
pub fn load(path: &Path, params: &ParamSet) -> Result<TrainingState, TrainError> {
    let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
    let foreign = |reason: String| TrainError::Checkpoint { path: path.to_owned(), reason };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| foreign(e.to_string()))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| foreign(e.to_string()))?;
    let state = header.metadata().as_ref().and_then(|metadata| metadata.get(STATE));
    let state = state.ok_or_else(|| foreign("it holds no training state".into()))?;
    let state = serde_json::from_str(state).map_err(|e| foreign(e.to_string()))?;
    if tensors.len() != params.vars().len() {
        let (expected, got) = (params.vars().len(), tensors.len());
        return Err(foreign(format!("{got} tensors, the network has {expected}")));
    }
    let mut values = Vec::new();
    for (name, current) in params.named_tensors() {
        let view = tensors.tensor(name).map_err(|e| foreign(e.to_string()))?;
        if view.shape() != current.dims() || view.dtype() != Dtype::F32 {
            let (got, expected) = (view.shape(), current.dims());
            return Err(foreign(format!("`{name}` is {got:?}, the network's is {expected:?}")));
        }
        let numbers: Vec<f32> = view
            .data()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")))
            .collect();
        values.push(Tensor::from_vec(numbers, view.shape(), &Device::Cpu)?);
    }
    for (var, value) in params.vars().zip(values) {
        var.set(&value.to_device(var.device())?)?;
    }
    Ok(state)
}
