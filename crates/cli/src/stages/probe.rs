//! Noise at the trained weights, or at those of a checkpoint, fitted and judged.

use npyz::WriterBuilder;
use probe::quantities::LowRank;
use probe::{DrawFormat, Extent, NoiseMatrix, Probe, ProbeError, ProbeSpec};
use safetensors::tensor::{Dtype, TensorView};
use train::{RunDir, TrainError};

use super::load_trained;
use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Task;

/// Probes every batch size of the experiment.
pub fn run(experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
    let file = &experiment.file;
    let Some(spec) = &file.probe else { return Ok(()) };
    if spec.checkpoint.is_none() {
        load_trained(experiment, run)?;
    }
    let streams = experiment.streams.named("probe");
    let probe = Probe::new(experiment.objective(), spec, &file.fit, &streams)?;
    let task = Task::begin("probe", Some(probe.n_pieces() as u64));
    let go_on = || {
        task.advance();
        interrupt::flow()
    };
    let mut keep = |noise: &NoiseMatrix, block_idx: usize| match spec.save_draws {
        Some(format) => Ok(save_draws(run, noise, block_idx, format)?),
        None => Ok::<(), ProbeError>(()),
    };
    let measured = probe.measure(Extent::Full, &go_on, &mut keep);
    let measured = measured.map_err(|error| of_run(spec, error))?;
    for (name, table) in &measured.tables {
        run.write_table(name, table)?;
    }
    for covariance in &measured.covariances {
        let file = format!("draws/covariance-b{}.safetensors", covariance.batch_size());
        run.write(&file, &covariance_as_safetensors(covariance))?;
    }
    let sizes: Vec<String> = spec.batch_sizes.iter().map(usize::to_string).collect();
    task.finish(&format!(
        "{} parameters, {} minibatches at B = {}",
        probe.coordinates().entries().len(),
        spec.draws,
        sizes.join(", ")
    ));
    Ok(())
}

/// Noise that is not finite: the fault of a checkpoint that was given, or of a training.
pub fn of_run(spec: &ProbeSpec, error: ProbeError) -> Failure {
    match error {
        ProbeError::Series { .. } if spec.checkpoint.is_none() => Failure::Run(error.to_string()),
        error => error.into(),
    }
}

/// Writes `draws/noise-b<B>`, a file for every block of parameters.
fn save_draws(
    run: &RunDir,
    noise: &NoiseMatrix,
    block_idx: usize,
    format: DrawFormat,
) -> Result<(), TrainError> {
    let (bytes, extension) = match format {
        DrawFormat::Safetensors => (as_safetensors(noise), "safetensors"),
        DrawFormat::Npy => (as_npy(noise), "npy"),
    };
    let block = if block_idx == 0 { String::new() } else { format!("-block{}", block_idx + 1) };
    run.write(&format!("draws/noise-b{}{block}.{extension}", noise.batch_size()), &bytes)
}

/// One tensor `[n_draws]` per parameter, under its name.
fn as_safetensors(noise: &NoiseMatrix) -> Vec<u8> {
    let columns = noise
        .coordinates()
        .entries()
        .iter()
        .enumerate()
        .map(|(idx, entry)| (entry.name.as_str(), vec![noise.n_draws()], noise.column(idx)));
    safetensors_of(columns)
}

/// `eigenvalues [k]`, `eigenvectors [k, n_parameters]`, `diagonal [n_parameters]`.
fn covariance_as_safetensors(covariance: &LowRank) -> Vec<u8> {
    let (values, diagonal) = (covariance.eigenvalues(), covariance.diagonal());
    let (n, n_parameters) = (values.len(), diagonal.len());
    safetensors_of([
        ("eigenvalues", vec![n], values),
        ("eigenvectors", vec![n, n_parameters], covariance.eigenvectors()),
        ("diagonal", vec![n_parameters], diagonal),
    ])
}

/// Tensors by name, shape and values.
fn safetensors_of<'a>(
    tensors: impl IntoIterator<Item = (&'a str, Vec<usize>, &'a [f64])>,
) -> Vec<u8> {
    let bytes = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let tensors: Vec<(&str, Vec<usize>, Vec<u8>)> =
        tensors.into_iter().map(|(name, shape, values)| (name, shape, bytes(values))).collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F64, shape.clone(), bytes);
        (*name, view.expect("eight bytes per value"))
    });
    safetensors::serialize(views, None).expect("names are unique")
}

/// `[n_draws, n_parameters]`; since a series is contiguous, in Fortran's order.
fn as_npy(noise: &NoiseMatrix) -> Vec<u8> {
    let mut bytes = Vec::new();
    let shape = [noise.n_draws() as u64, noise.n_coordinates() as u64];
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    let writer = options.order(npyz::Order::Fortran).writer(&mut bytes).begin_nd();
    let written = writer.and_then(|mut writer| {
        writer.extend(noise.columns().iter().copied())?;
        writer.finish()
    });
    written.expect("writing to memory");
    bytes
}
