//! Noise at the trained weights, fitted and judged.

use probe::quantities::{self, Series, SeriesFit, fit_series, noise_table};
use probe::{
    Coordinates, Frozen, Method, NoiseMatrix, ProbeError, ProbeSpec, Reference, draw_minibatches,
    draw_per_sample, n_chunks,
};
use safetensors::tensor::{Dtype, TensorView};
use train::{Flow, RunDir, Streams, Table};

use super::load_trained;
use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Task;

/// Probes every batch size of the experiment.
pub fn run(experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
    let Some(spec) = &experiment.file.probe else { return Ok(()) };
    load_trained(experiment, run)?;
    let objective = &experiment.objective;
    let streams = experiment.streams.named("probe");
    let coordinates = Coordinates::uniform(objective.params(), spec.parameters, &streams);
    let frozen = Frozen::new(objective, spec.statistics)?;

    let n_sizes = spec.batch_sizes.len();
    let n_passes = match spec.method {
        Method::Minibatch => n_sizes * spec.draws,
        Method::PerSample => n_chunks(&frozen, &coordinates, n_sizes * spec.draws),
    };
    let task = Task::begin("probe", Some((n_passes + n_sizes * spec.parameters) as u64));
    let go_on = || {
        task.advance();
        interrupt::flow()
    };
    let matrices = draw(spec, &frozen, &coordinates, &streams, &go_on)?;
    let mut noise = Vec::new();
    for matrix in matrices {
        if spec.save_draws {
            save_draws(run, &matrix)?;
        }
        let entries = coordinates.entries().iter().enumerate();
        let series: Vec<Series<'_>> = entries
            .map(|(idx, entry)| Series { name: entry.name.clone(), samples: matrix.column(idx) })
            .collect();
        let fits = fit_series(&series, &experiment.file.fit, &go_on)?;
        noise.push((matrix, fits));
    }
    let rows = noise.iter().map(|(matrix, fits)| noise_table(matrix, fits, &experiment.file.fit));
    run.write_table("noise", &Table::concat(rows))?;
    let level = experiment.file.fit.level;
    let summary =
        |(matrix, fits): &(NoiseMatrix, Vec<SeriesFit>)| quantities::summary(matrix, fits, level);
    run.write_table("noise_summary", &Table::concat(noise.iter().map(summary)))?;
    if let Some(example) = quantities::example(&noise) {
        run.write_table("noise_example", &example)?;
    }
    let sizes: Vec<String> = spec.batch_sizes.iter().map(usize::to_string).collect();
    task.finish(&format!(
        "{} parameters, {} minibatches at B = {}",
        spec.parameters,
        spec.draws,
        sizes.join(", ")
    ));
    Ok(())
}

/// The noise at every batch size.
fn draw(
    spec: &ProbeSpec,
    frozen: &Frozen,
    coordinates: &Coordinates,
    streams: &Streams,
    go_on: &(dyn Fn() -> Flow + Sync),
) -> Result<Vec<NoiseMatrix>, ProbeError> {
    if spec.method == Method::PerSample {
        return draw_per_sample(frozen, coordinates, &spec.batch_sizes, spec.draws, streams, go_on);
    }
    let reference = Reference::full_batch(frozen)?;
    let of_size = |&batch_size| {
        draw_minibatches(frozen, coordinates, &reference, batch_size, spec.draws, streams, go_on)
    };
    spec.batch_sizes.iter().map(of_size).collect()
}

/// One tensor `[n_draws]` per parameter, under its name.
fn save_draws(run: &RunDir, matrix: &NoiseMatrix) -> Result<(), Failure> {
    let columns = matrix.coordinates().entries().iter().enumerate().map(|(idx, entry)| {
        let bytes = matrix.column(idx).iter().flat_map(|value| value.to_le_bytes());
        (entry.name.as_str(), bytes.collect::<Vec<u8>>())
    });
    let columns: Vec<(&str, Vec<u8>)> = columns.collect();
    let views = columns.iter().map(|(name, bytes)| {
        let view = TensorView::new(Dtype::F64, vec![matrix.n_draws()], bytes);
        (*name, view.expect("eight bytes per draw"))
    });
    let bytes = safetensors::serialize(views, None).expect("names are unique");
    Ok(run.write(&format!("draws/noise-b{}.safetensors", matrix.batch_size()), &bytes)?)
}
