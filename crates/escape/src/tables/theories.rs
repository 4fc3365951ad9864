//! What theories say of the exit times, as tables.

use train::Table;

use crate::basin::Basin;
use crate::exit_sample::{ExitSample, MeanExitTime};
use crate::exit_time::Exit;
use crate::spec::Conditions;
use crate::theories::{
    Cell, Comparison, Constants, HeldOut, Relation, Theories, TheoryFit, WayOut,
};

/// One setting that theories are held against: the conditions, the basin, and its cell.
pub struct Setting<'a> {
    /// Conditions of the ensemble.
    pub conditions: &'a Conditions,
    /// The basin.
    pub basin: &'a Basin,
    /// What theories see of it.
    pub cell: Cell,
}

/// The settings of all ensembles and of all basins with an edge of the loss; `exits[ensemble][trial][basin]`.
///
/// Where several basins are timed in the same trials, each gets trials of its own, every so many of them, since the exits
/// of one trial depend on each other. A driver without minibatches counts as B = 1.
pub fn settings<'a>(
    conditions: &'a [Conditions],
    basins: &'a [Basin],
    exits: &[Vec<Vec<Exit>>],
    minimum_loss: f64,
    check_every: u64,
) -> Vec<Setting<'a>> {
    let edges: Vec<(usize, f64)> = (0..basins.len())
        .filter_map(|idx| Some((idx, basins[idx].barrier(minimum_loss)?)))
        .collect();
    let mut settings = Vec::new();
    for (conditions, exits) in conditions.iter().zip(exits) {
        for (place, &(basin_idx, barrier)) in edges.iter().enumerate() {
            let own = exits.iter().skip(place).step_by(edges.len());
            let cell = Cell {
                learning_rate: conditions.learning_rate,
                batch_size: conditions.batch_size.unwrap_or(1) as f64,
                loss: minimum_loss,
                barrier,
                way_out: WayOut::Edge,
                times: own.map(|exits| exits[basin_idx].time).collect(),
                check_every,
            };
            settings.push(Setting { conditions, basin: &basins[basin_idx], cell });
        }
    }
    settings
}

/// One row per theory: parameters, fit and prediction of cells that were left out; a theory without a prediction has a
/// reason instead.
pub fn theories(comparison: &Comparison, theories: &Theories) -> Table {
    let fits = &comparison.fits;
    let n_cells = comparison.saturated.ln_means.len() as i64;
    let reals = |of: &dyn Fn(&TheoryFit) -> f64| -> Vec<f64> {
        let missing = comparison.unavailable.iter().map(|_| f64::NAN);
        fits.iter().map(of).chain(missing).collect()
    };
    let texts = |of: &dyn Fn(&TheoryFit) -> &'static str| -> Vec<&'static str> {
        fits.iter().map(of).chain(comparison.unavailable.iter().map(|_| "")).collect()
    };
    let names = fits.iter().map(|fit| fit.theory);
    let names: Vec<_> = names.chain(comparison.unavailable.iter().map(|own| own.theory)).collect();
    let reasons = fits.iter().map(|_| String::new());
    let reasons: Vec<String> =
        reasons.chain(comparison.unavailable.iter().map(|own| own.reason.to_string())).collect();
    let n_rows = names.len();
    let source = |name: &&str| {
        let known = theories.available.iter().find(|theory| theory.name() == *name);
        known.map_or("", |theory| theory.source())
    };
    let sources: Vec<&str> = names.iter().map(source).collect();
    let mut table = Table::new()
        .with_texts("theory", names)
        .with_texts("source", sources)
        .with_integers("n_cells", vec![n_cells; n_rows]);
    for (idx, p) in ["p0", "p1"].into_iter().enumerate() {
        table = table
            .with_texts(&format!("{p}_name"), texts(&|fit| fit.parameters[idx].name))
            .with_reals(p, reals(&|fit| fit.parameters[idx].estimate.value))
            .with_reals(&format!("{p}_low"), reals(&|fit| fit.parameters[idx].estimate.low))
            .with_reals(&format!("{p}_high"), reals(&|fit| fit.parameters[idx].estimate.high));
    }
    let held_out =
        |of: &dyn Fn(&HeldOut) -> f64| reals(&|fit| fit.held_out.as_ref().map_or(f64::NAN, of));
    table
        .with_reals("ln_likelihood", reals(&|fit| fit.ln_likelihood))
        .with_reals("aic", reals(&TheoryFit::aic))
        .with_reals("held_out_per_trial", held_out(&|held_out| held_out.per_trial))
        .with_reals("held_out_rms_error", held_out(&|held_out| held_out.rms_error))
        .with_reals("deviance", reals(&|fit| fit.deviance.statistic))
        .with_reals("deviance_p", reals(&|fit| fit.deviance.p_value))
        .with_texts("unavailable", reasons)
}

/// One row per pair of theories: the difference in log-likelihood, and whether the data tell them apart.
pub fn theory_pairs(comparison: &Comparison) -> Table {
    let pairs = &comparison.pairs;
    let relation = |relation: &Relation| match relation {
        Relation::SameForm => "same form on this sweep".to_owned(),
        Relation::Separated { better } => format!("separated: {better}"),
        Relation::NotSeparated => "not separated".to_owned(),
    };
    Table::new()
        .with_texts("first", pairs.iter().map(|pair| pair.first))
        .with_texts("second", pairs.iter().map(|pair| pair.second))
        .with_reals("largest_difference", pairs.iter().map(|pair| pair.largest_difference))
        .with_reals("difference", pairs.iter().map(|pair| pair.difference))
        .with_reals("standard_error", pairs.iter().map(|pair| pair.standard_error))
        .with_reals(
            "held_out_difference",
            pairs.iter().map(|pair| pair.held_out_difference.unwrap_or(f64::NAN)),
        )
        .with_integers("n_cells_won", pairs.iter().map(|pair| pair.n_cells_won as i64))
        .with_texts("relation", pairs.iter().map(|pair| relation(&pair.relation)))
}

/// One row per theory and setting: the mean exit time that the fitted theory gives, in iterations, the one predicted from
/// all other settings, and that of the trials with its 95 % interval: NaN above its lower end where they permit only a bound
/// ([`ExitSample::mean`]).
pub fn theory_means(comparison: &Comparison, settings: &[Setting]) -> Table {
    let mean =
        |cell: &Cell| ExitSample::new(cell.times.clone()).checked_every(cell.check_every).mean();
    let observed: Vec<MeanExitTime> = settings.iter().map(|own| mean(&own.cell)).collect();
    let of_fit = |fit: &TheoryFit| {
        let held_out = |idx: usize| {
            fit.held_out.as_ref().map_or(f64::NAN, |held_out| held_out.cells[idx].ln_mean.exp())
        };
        let n = settings.len();
        let conditions = || settings.iter().map(|setting| setting.conditions);
        Table::new()
            .with_texts("theory", vec![fit.theory; n])
            .with_reals("learning_rate", conditions().map(|own| own.learning_rate))
            .with_integers("batch_size", conditions().map(|own| own.batch_size.unwrap_or(0) as i64))
            .with_texts("basin", settings.iter().map(|setting| setting.basin.to_string()))
            .with_reals("barrier", settings.iter().map(|setting| setting.cell.barrier))
            .with_reals("mean_iterations", fit.ln_means.iter().map(|ln_mean| ln_mean.exp()))
            .with_reals("held_out_mean_iterations", (0..n).map(held_out))
            .with_reals("observed_mean_iterations", observed.iter().map(|own| own.mean))
            .with_reals("observed_mean_low", observed.iter().map(|own| own.low))
            .with_reals("observed_mean_high", observed.iter().map(|own| own.high))
    };
    Table::concat(comparison.fits.iter().map(of_fit))
}

/// What theories took as measured, one row; NaN for what is not known. `noise_alpha_source` says where the stability index is
/// from, if it is.
pub fn constants(constants: &Constants, noise_alpha_source: &str) -> Table {
    let real = |value: Option<f64>| [value.unwrap_or(f64::NAN)];
    Table::new()
        .with_reals("effective_dimension", real(constants.effective_dimension))
        .with_reals("curvature", real(constants.curvature))
        .with_reals("noise_slope", real(constants.noise_slope))
        .with_reals("noise_growth", real(constants.noise_growth))
        .with_reals("noise_alpha", real(constants.alpha))
        .with_texts("noise_alpha_source", [noise_alpha_source])
}
