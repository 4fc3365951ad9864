//! α by estimators of all names, to be compared.

use rayon::prelude::*;
use stats::{Estimate, Estimator, Location};
use train::{Flow, Table};

use crate::args::{EstimatorArg, FitArgs};
use crate::columns::{Column, Columns};
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Task;

/// One row per column and estimator.
pub fn estimates(
    args: &FitArgs,
    mut columns: Columns,
    location: Location,
) -> Result<Table, Failure> {
    let asked: Vec<Estimator> = args.estimator.iter().flat_map(|&arg| named(arg)).collect();
    let estimators: Vec<Estimator> =
        Estimator::ALL.into_iter().filter(|estimator| asked.contains(estimator)).collect();
    let estimate = |column: &Column, estimator: Estimator| -> Result<Estimate, Failure> {
        stats::estimate(&column.values, estimator, location)
            .map_err(|error| Failure::in_file(&args.file, format!("{}: {error}", column.name)))
    };
    let task = Task::begin("fit", Some(columns.len() as u64));
    let all_of = |column: Column| -> Result<(String, usize, Vec<Estimate>), Failure> {
        if interrupt::flow() == Flow::Stop {
            return Err(Failure::Interrupted("interrupted".into()));
        }
        let estimates = estimators.iter().map(|&estimator| estimate(&column, estimator));
        let estimates = estimates.collect::<Result<_, _>>()?;
        task.advance();
        Ok((column.name, column.values.len(), estimates))
    };
    let mut rows = Vec::new();
    while let Some(block) = columns.next_block()? {
        rows.extend(block.into_par_iter().map(all_of).collect::<Result<Vec<_>, _>>()?);
    }
    let of_rows = || {
        let with_method = |row| estimators.iter().map(move |estimator| (row, estimator));
        rows.iter().flat_map(with_method)
    };
    let estimates = || rows.iter().flat_map(|(.., estimates)| estimates);
    Ok(Table::new()
        .with_texts("name", of_rows().map(|((name, ..), _)| name.as_str()))
        .with_integers("n", of_rows().map(|((_, n, _), _)| *n as i64))
        .with_texts("estimator", of_rows().map(|(_, estimator)| estimator.name()))
        .with_reals("alpha", estimates().map(|estimate| estimate.alpha))
        .with_reals("gamma", estimates().map(|estimate| estimate.gamma))
        .with_reals("delta", estimates().map(|estimate| estimate.delta)))
}

fn named(arg: EstimatorArg) -> Vec<Estimator> {
    match arg {
        EstimatorArg::All => Estimator::ALL.to_vec(),
        EstimatorArg::MaximumLikelihood => vec![Estimator::MaximumLikelihood],
        EstimatorArg::Koutrouvelis => vec![Estimator::Koutrouvelis],
        EstimatorArg::Mcculloch => vec![Estimator::McCulloch],
        EstimatorArg::LogMoments => vec![Estimator::LogMoments],
        EstimatorArg::Mohammadi => vec![Estimator::Mohammadi],
    }
}
