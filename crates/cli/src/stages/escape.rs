//! Escapes from the minimum: one ensemble for each of the conditions, all trials handed out together.

use std::collections::HashSet;

use escape::theories::{Constants, MIN_CELLS, compare, theories};
use escape::{
    Curvature, DriverSpec, Engines, Ensemble, EscapeSpec, Exit, ExitPoints, Journal, Landscape,
    NetworkLandscape, Trial, constants, curvature, ensemble, most_products, tables,
};
use train::{RunDir, Table, TrainError};

use super::load_trained;
use crate::experiment::Experiment;
use crate::failure::Failure;
use crate::interrupt;
use crate::plot::number::significant;
use crate::progress::Task;
use crate::tables::no_noise;

/// Runs the trials that an earlier start has not finished.
pub fn run(experiment: &Experiment, run: &RunDir) -> Result<(), Failure> {
    let Some(spec) = &experiment.file.escape else { return Ok(()) };
    let streams = experiment.streams.named("escape");
    let landscape = match spec.landscape.build(&streams.named("landscape")) {
        Some(landscape) => landscape,
        None => {
            if experiment.checkpoint.is_none() {
                load_trained(experiment, run)?;
            }
            Box::new(NetworkLandscape::new(experiment.objective().fork()?)?)
        }
    };
    let landscape = &*landscape;

    if let Some(n_samples) = landscape.n_samples().filter(|n| spec.has_full_batch(*n)) {
        let table = tables::full_batch(n_samples);
        eprintln!("   escape {}", no_noise(&table)?);
        run.write_table("escape_full_batch", &table)?;
    }

    let conditions = spec.conditions();
    let network = spec.landscape.is_network().then(|| experiment.objective());
    let engines = Engines::new(spec, landscape, network)?;
    let ensembles = engines.ensembles(&streams)?;
    let certified = match spec.hessian_eigenvalues {
        0 => None,
        n => Some(certify(experiment, landscape, n)?),
    };
    if let Some(found) = &certified {
        run.write_table("escape_minimum", &tables::minimum(ensembles[0].minimum_loss, found))?;
        run.write_table("escape_hessian", &tables::eigenvalues(found))?;
    }

    let (exits, kept) = exits_of_all(&ensembles, spec.seeds, run)?;
    let minimum_loss = ensembles[0].minimum_loss;
    let (mut trials, mut summary) = (Vec::new(), Vec::new());
    let (mut survival, mut axes, mut slopes) = (Vec::new(), Vec::new(), Vec::new());
    for ((conditions, exits), ensemble) in conditions.iter().zip(&exits).zip(&ensembles) {
        slopes.extend(
            certified
                .as_ref()
                .and_then(|found| tables::mori_slope(conditions, &spec.basins, exits, found)),
        );
        for (basin_idx, basin) in spec.basins.iter().enumerate() {
            let exits: Vec<Exit> = exits.iter().map(|exits| exits[basin_idx]).collect();
            trials.push(tables::trials(conditions, basin, &exits, landscape));
            let streams = ensemble.streams.named("goodness of fit").named(&basin.to_string());
            summary.push(tables::summary(conditions, basin, &ensemble.watch, &exits, &streams));
            survival.push(tables::survival(conditions, basin, &exits));
            axes.push(tables::axes(conditions, basin, &exits, landscape));
        }
    }
    run.write_table("escape_trials", &Table::concat(trials))?;
    run.write_table("escape_summary", &Table::concat(summary))?;
    run.write_table("escape_survival", &Table::concat(survival))?;
    run.write_table("escape_axes", &Table::concat(axes))?;
    if !slopes.is_empty() {
        run.write_table("escape_slopes", &Table::concat(slopes))?;
    }
    if let Some(found) = &certified {
        tell_stability(spec, found);
    }
    tell_checks(spec);
    let all = tables::settings(&conditions, &spec.basins, &exits, minimum_loss, spec.check_every);
    // One or two settings say nothing of how means depend on them.
    let enough = all.len() >= MIN_CELLS;
    if enough && !spec.is_uniform() {
        eprintln!("   escape theories are of one step size and one kind of noise: none is fitted");
    } else if enough {
        let (certified, go_on) = (certified.as_ref(), &interrupt::flow);
        let probed = probed_alpha(spec, run)?;
        let mut constants = constants(spec, landscape, &ensembles, &exits, kept, certified, go_on)?;
        constants.alpha = constants.alpha.or(probed.as_ref().map(|(alpha, _)| *alpha));
        let source = match (spec.noise_alpha, spec.driver.common_alpha(), probed) {
            (Some(_), ..) => "escape.noise_alpha".to_owned(),
            (_, Some(_), _) => "escape.driver.alpha".to_owned(),
            (.., Some((_, source))) => source,
            _ => String::new(),
        };
        if let Some(alpha) = constants.alpha {
            eprintln!("   escape noise_alpha = {}, {source}", significant(alpha, 3));
        }
        run.write_table("escape_constants", &tables::constants(&constants, &source))?;
        hold_to_account(&all, &constants, run)?;
    }
    run.remove("partial")?;
    Ok(())
}

/// The mean α̂ of the noise that this run has probed at the batch size nearest to those of the escapes, where these are moved
/// by minibatches of the network; and where it is from, in words.
fn probed_alpha(spec: &EscapeSpec, run: &RunDir) -> Result<Option<(f64, String)>, Failure> {
    let moved_by_minibatches = matches!(spec.driver, DriverSpec::MinibatchSgd { .. });
    if !(spec.landscape.is_network() && moved_by_minibatches) {
        return Ok(None);
    }
    let Some(probed) = run.table("noise_summary")? else { return Ok(None) };
    let (sizes, alphas) = (probed.integers("batch_size")?, probed.reals("alpha_mean")?);
    let distance = |row: &usize| -> f64 {
        let ratio = |size: &usize| (sizes[*row] as f64 / *size as f64).ln().abs();
        spec.batch_sizes.iter().map(ratio).sum()
    };
    let rows = (0..probed.n_rows()).filter(|row| alphas[*row].is_finite());
    let Some(row) = rows.min_by(|a, b| distance(a).total_cmp(&distance(b))) else {
        return Ok(None);
    };
    let (n_clamped, n_all) = (probed.integers("n_lower_bound")?, probed.integers("n_parameters")?);
    let mut source = format!("the mean α̂ of the probe at B = {}", sizes[row]);
    if n_clamped[row] > 0 {
        source += &format!(
            "; at {} of {} parameters α̂ is at the lower end of its range, and the mean too high",
            n_clamped[row], n_all[row]
        );
    }
    Ok(Some((alphas[row], source)))
}

/// Says at which step sizes the minimum is left without any noise.
fn tell_stability(spec: &EscapeSpec, found: &Curvature) {
    let momentum = match spec.driver {
        DriverSpec::MinibatchSgd { momentum, .. } => momentum,
        _ => 0.,
    };
    // Of gradient descent with momentum on a parabola (Polyak 1964).
    let Some(largest) = found.eigenvalues.first() else { return };
    let limit = 2. * (1. + momentum) / largest;
    let beyond = spec.learning_rates.iter().filter(|eta| **eta > limit).count();
    if limit > 0. && beyond > 0 {
        eprintln!(
            "   escape {beyond} of the step sizes are above {limit:.3}, where descent is unstable without any noise"
        );
    }
}

/// Says what checks that are far apart do not see.
fn tell_checks(spec: &EscapeSpec) {
    if spec.check_every > 1 {
        let n = spec.check_every;
        eprintln!(
            "   escape exits are those seen at checks {n} iterations apart; excursions between are not"
        );
    }
}

/// Fits all theories to all settings.
fn hold_to_account(
    settings: &[tables::Setting],
    constants: &Constants,
    run: &RunDir,
) -> Result<(), Failure> {
    let cells: Vec<_> = settings.iter().map(|setting| setting.cell.clone()).collect();
    let theories = theories(constants);
    match compare(&cells, &theories) {
        Ok(comparison) => {
            run.write_table("escape_theories", &tables::theories(&comparison, &theories))?;
            run.write_table("escape_theory_pairs", &tables::theory_pairs(&comparison))?;
            let means = tables::theory_means(&comparison, settings);
            run.write_table("escape_theory_means", &means)?;
        }
        // Too few exits is a result, and no fault of the run.
        Err(reason) => eprintln!("   escape no theory can be fitted: {reason}"),
    }
    Ok(())
}

/// The curvature at the minimum, of a network in `f64`.
fn certify(
    experiment: &Experiment,
    landscape: &dyn Landscape,
    n_eigenvalues: usize,
) -> Result<Curvature, Failure> {
    let n_products = most_products(landscape.minimum().len(), n_eigenvalues);
    let task = Task::begin("minimum", Some(n_products as u64));
    let go_on = || {
        task.advance();
        interrupt::flow()
    };
    let streams = experiment.streams.named("curvature");
    let is_network =
        experiment.file.escape.as_ref().is_some_and(|spec| spec.landscape.is_network());
    let found = if is_network {
        let network = NetworkLandscape::new(experiment.objective().in_f64()?)?;
        curvature(&network, n_eigenvalues, &streams, &go_on)?
    } else {
        curvature(landscape, n_eigenvalues, &streams, &go_on)?
    };
    let hessian = match (&found.no_hessian, found.eigenvalues.first()) {
        (None, Some(largest)) => format!(
            "largest Hessian eigenvalue {largest:.4}, outliers: {}",
            found.n_outliers().map_or("no gap".to_owned(), |n| n.to_string())
        ),
        (reason, _) => format!("no Hessian: {}", reason.as_deref().unwrap_or_default()),
    };
    task.finish(&format!("gradient norm {:.2e}, {hessian}", found.gradient_norm));
    Ok(found)
}

/// The exits of every trial, `[ensemble][seed][basin]`, and the points that [`ensemble`] keeps.
type Found = (Vec<Vec<Vec<Exit>>>, ExitPoints);

/// What all trials find; from the journal where it is there.
fn exits_of_all(ensembles: &[Ensemble], seeds: u64, run: &RunDir) -> Result<Found, Failure> {
    let path = run.file("partial/escape.jsonl");
    let io = |error: std::io::Error| TrainError::Io { path: path.clone(), source: error };
    std::fs::create_dir_all(run.file("partial")).map_err(io)?;
    let (journal, done) = Journal::open(&path).map_err(io)?;
    let finished: HashSet<(usize, u64)> =
        done.iter().map(|trial| (trial.ensemble, trial.seed)).collect();
    let all = (0..ensembles.len()).flat_map(|idx| (0..seeds).map(move |seed| (idx, seed)));
    let left: Vec<(usize, u64)> = all.filter(|trial| !finished.contains(trial)).collect();

    let task = Task::begin("escape", Some(ensembles.len() as u64 * seeds));
    (0..finished.len()).for_each(|_| task.advance());
    let add = |ensemble, seed, exits| -> Result<(), Failure> {
        journal.add(&Trial { ensemble, seed, exits }).map_err(io)?;
        task.advance();
        Ok(())
    };
    let kept = ensemble(ensembles, &left, &interrupt::flow, &add)?;
    drop(journal);

    let (_, mut trials) = Journal::open(&path).map_err(io)?;
    trials.sort_by_key(|trial| (trial.ensemble, trial.seed));
    let n_left = |exits: &[Exit]| exits.iter().filter(|exit| exit.time.exited()).count();
    let n_exits: usize = trials.iter().map(|trial| n_left(&trial.exits)).sum();
    let n_diverged =
        trials.iter().flat_map(|trial| &trial.exits).filter(|exit| exit.diverged).count();
    let n_all: usize = trials.iter().map(|trial| trial.exits.len()).sum();
    let diverged = match n_diverged {
        0 => String::new(),
        n => format!(", {n} by running away to what is no number"),
    };
    task.finish(&format!("{n_exits} of {n_all} exits seen{diverged}"));
    let of_ensemble = |trials: &[Trial]| trials.iter().map(|trial| trial.exits.clone()).collect();
    Ok((trials.chunk_by(|a, b| a.ensemble == b.ensemble).map(of_ensemble).collect(), kept))
}
