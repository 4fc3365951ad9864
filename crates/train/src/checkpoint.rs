//! Checkpoints: parameters and buffers, what the optimizer remembers, and training state in one safetensors file.
//!
//! *Why one file?* Two files cannot be replaced together: killed between them, a run would resume new weights with an
//! old step. The state is the file's metadata, so any safetensors reader still sees the parameters.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest, Sha256};

use crate::data::hex;
use crate::error::TrainError;
use crate::optimizer::{Optimizer, STATE_PREFIX};
use crate::params::ParamSet;
use crate::run_dir::write_atomic;
use crate::trainer::TrainingState;

const STATE: &str = "noisescope.training_state";

/// Saves a training; the file is either the old one or the new one, never half of it.
pub fn save(
    path: &Path,
    params: &ParamSet,
    optimizer: &Optimizer,
    state: &TrainingState,
) -> Result<(), TrainError> {
    let mut buffers = Vec::new();
    for (name, var) in vars(params).chain(optimizer.named_vars(params)) {
        let tensor = var.as_tensor();
        let flat = tensor.flatten_all()?;
        let (dtype, bytes): (Dtype, Vec<u8>) = match tensor.dtype() {
            // PyTorch's counters.
            DType::I64 => {
                let values = flat.to_vec1::<i64>()?;
                (Dtype::I64, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            _ => {
                let values = flat.to_dtype(DType::F32)?.to_vec1::<f32>()?;
                (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
        };
        buffers.push((name, dtype, tensor.dims().to_vec(), bytes));
    }
    let views = buffers.iter().map(|(name, dtype, shape, bytes)| {
        let view = TensorView::new(*dtype, shape.clone(), bytes).expect("bytes match the shape");
        (name.as_str(), view)
    });
    let state = serde_json::to_string(state).expect("plain numbers serialise");
    let metadata = HashMap::from([(STATE.to_owned(), state)]);
    let bytes = safetensors::serialize(views, Some(metadata)).expect("names are unique");
    write_atomic(path, &bytes)
}

/// Loads the parameters and buffers alone into `params`: from a checkpoint of ours, or from a state dict of PyTorch that was
/// saved as safetensors. Returns the SHA-256 of the file, in hexadecimal.
///
/// # Errors
/// When the file is damaged, or its tensors are not those of `params` by name and shape. `params` is then untouched.
pub fn load(path: &Path, params: &ParamSet) -> Result<String, TrainError> {
    let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
    let of_the_network = |name: &str| !name.starts_with(STATE_PREFIX);
    restore(path, &bytes, vars(params).collect(), of_the_network, false)?;
    Ok(hex(&Sha256::digest(bytes)))
}

/// Loads the parameters into `params` and what is remembered of them into `optimizer`, and returns the state.
///
/// # Errors
/// When the file is damaged, or its tensors are not those of `params` and `optimizer` by name and shape. Both are then
/// untouched.
pub fn resume(
    path: &Path,
    params: &ParamSet,
    optimizer: &Optimizer,
) -> Result<TrainingState, TrainError> {
    let bytes = std::fs::read(path).map_err(TrainError::io(path))?;
    let all = vars(params).chain(optimizer.named_vars(params)).collect();
    let state = restore(path, &bytes, all, |_name| true, true)?;
    Ok(state.expect("asked for"))
}

/// Parameters and buffers.
fn vars(params: &ParamSet) -> impl Iterator<Item = (String, &Var)> {
    let trained = params.named_tensors().zip(params.vars()).map(|((name, _), var)| (name, var));
    let buffers = params.named_buffers().map(|(name, _)| {
        (name, params.buffer(name).expect("a buffer has the name that it is listed under"))
    });
    trained.chain(buffers).map(|(name, var)| (name.to_owned(), var))
}

/// Sets `vars`, which have to be all tensors of the file whose names are `wanted`; the state is there if it is needed.
fn restore(
    path: &Path,
    bytes: &[u8],
    vars: Vec<(String, &Var)>,
    wanted: impl Fn(&str) -> bool,
    needs_state: bool,
) -> Result<Option<TrainingState>, TrainError> {
    let foreign = |reason: String| TrainError::Checkpoint { path: path.to_owned(), reason };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| foreign(e.to_string()))?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| foreign(e.to_string()))?;
    let state = header.metadata().as_ref().and_then(|metadata| metadata.get(STATE));
    let state = state.map(|state| serde_json::from_str(state)).transpose();
    let state: Option<TrainingState> = state.map_err(|e| foreign(e.to_string()))?;
    if needs_state && state.is_none() {
        return Err(foreign("it holds no training state".into()));
    }
    let got = tensors.names().into_iter().filter(|name| wanted(name)).count();
    if got != vars.len() {
        return Err(foreign(format!("{got} tensors, the experiment has {}", vars.len())));
    }
    let mut values = Vec::new();
    for (name, current) in &vars {
        let view = tensors.tensor(name).map_err(|e| foreign(e.to_string()))?;
        let (stored, dtype) = match current.dtype() {
            DType::I64 => (Dtype::I64, DType::I64),
            _ => (Dtype::F32, DType::F32),
        };
        if view.shape() != current.dims() || view.dtype() != stored {
            let got = format!("{:?} of {}", view.shape(), view.dtype());
            let expected = format!("{:?} of {stored}", current.dims());
            return Err(foreign(format!("`{name}` is {got}, the network's is {expected}")));
        }
        let value = Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)?;
        values.push(value.to_dtype(current.dtype())?);
    }
    for ((_, var), value) in vars.into_iter().zip(values) {
        var.set(&value.to_device(var.device())?)?;
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::{OptimizerSpec, Sgd};
    use crate::sampler::SamplerPosition;

    fn params(n: usize) -> ParamSet {
        let weight = Tensor::arange(0f32, n as f32, &Device::Cpu).unwrap();
        let mean = Tensor::full(0.25f32, 2, &Device::Cpu).unwrap();
        let params = ParamSet::new(vec![("fc1.weight".into(), weight)]).unwrap();
        params.with_buffers(vec![("bn1.running_mean".into(), mean)]).unwrap()
    }

    fn momentum() -> OptimizerSpec {
        OptimizerSpec::Sgd(Sgd { momentum: 0.9, ..Sgd::default() })
    }

    /// A state with numbers that a careless parser rounds.
    fn state() -> TrainingState {
        TrainingState {
            step: 5,
            position: SamplerPosition { epoch: 1, offset: 3 },
            best_step: 4,
            best_loss: Some(0.307_849_232_175_612_34),
            plateau: None,
        }
    }

    fn tensors_in(path: &Path) -> Vec<String> {
        let bytes = std::fs::read(path).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let mut names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
        names.sort();
        names
    }

    #[test]
    fn weights_optimizer_and_state_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let trained = params(3);
        let mut optimizer = Optimizer::new(&momentum(), &trained).unwrap();
        let gradient = Tensor::new(&[1f32, -2., 0.5], &Device::Cpu).unwrap();
        optimizer.step(&trained, &[gradient], 0.1, 1).unwrap();
        let mean = trained.buffer("bn1.running_mean").unwrap();
        mean.set(&Tensor::new(&[3f32, 4.], &Device::Cpu).unwrap()).unwrap();
        save(&path, &trained, &optimizer, &state()).unwrap();
        let expected = ["bn1.running_mean", "fc1.weight", "optimizer.velocity.fc1.weight"];
        assert_eq!(tensors_in(&path), expected);

        let (other, restored) = (params(3), Optimizer::new(&momentum(), &trained).unwrap());
        assert_eq!(resume(&path, &other, &restored).unwrap(), state());
        assert_eq!(other.flatten().unwrap(), trained.flatten().unwrap());
        let (_, velocity) = restored.named_vars(&other).next().unwrap();
        assert_eq!(velocity.to_vec1::<f32>().unwrap(), [1., -2., 0.5]);
        let mean = other.buffer("bn1.running_mean").unwrap();
        assert_eq!(mean.to_vec1::<f32>().unwrap(), [3., 4.]);

        let weights_alone = params(3);
        load(&path, &weights_alone).unwrap();
        assert_eq!(weights_alone.flatten().unwrap(), trained.flatten().unwrap());
    }

    #[test]
    fn the_state_survives_to_the_last_bit() {
        let mut loss = 0.7f64;
        for _ in 0..2000 {
            loss = (loss * 1.3 + 0.123).fract();
            let written = TrainingState { best_loss: Some(loss), ..state() };
            let text = serde_json::to_string(&written).unwrap();
            assert_eq!(serde_json::from_str::<TrainingState>(&text).unwrap(), written);
        }
    }

    #[test]
    fn plain_sgd_adds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let trained = params(3);
        let plain = Optimizer::new(&OptimizerSpec::default(), &trained).unwrap();
        save(&path, &trained, &plain, &state()).unwrap();
        assert_eq!(tensors_in(&path), ["bn1.running_mean", "fc1.weight"]);
        let bytes = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("plateau"));
    }

    #[test]
    fn a_checkpoint_of_another_optimizer_or_network_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.safetensors");
        let trained = params(3);
        let plain = Optimizer::new(&OptimizerSpec::default(), &trained).unwrap();
        save(&path, &trained, &plain, &state()).unwrap();
        let with_momentum = Optimizer::new(&momentum(), &trained).unwrap();
        let line = resume(&path, &trained, &with_momentum).unwrap_err().to_string();
        assert!(line.ends_with("2 tensors, the experiment has 3"), "{line}");
        let line = load(&path, &params(4)).unwrap_err().to_string();
        assert!(
            line.ends_with("`fc1.weight` is [3] of F32, the network's is [4] of F32"),
            "{line}"
        );
    }
}
