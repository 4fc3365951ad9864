//! `fit`.

mod estimates;
mod figures;
mod overview;

use std::io::IsTerminal;

use probe::quantities::{
    ResampledTests, Series, SeriesFit, fit_series, fits_table, judge, resampled_table,
    resampled_tests,
};
use probe::{FitSpec, FittedLocation};
use serde_json::{Map, Number, Value};
use stats::{Location, PooledView, StatsError};
use train::{Streams, Table, write_atomic};

use self::estimates::estimates;
use self::figures::Figures;
use crate::args::{FitArgs, Format, LocationArg};
use crate::columns::Columns;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Task;
use crate::terminal::{self, print_bytes};

/// Fits the columns of a file.
pub fn run(args: &FitArgs) -> Result<(), Failure> {
    if args.seed.is_some() && args.replicates.is_none() {
        return Err(Failure::BadInput("--seed is for --replicates".into()));
    }
    let columns = Columns::open(&args.file, &args.column, args.header.into())?;
    columns.notes().iter().for_each(|note| eprintln!("{note}"));
    let location = match args.location {
        LocationArg::Free => FittedLocation::Free,
        LocationArg::Zero => FittedLocation::Zero,
    };
    let (table, overview) = if args.pooled {
        let table = pooled(args, columns, location.into())?;
        let overview = terminal::table(&table);
        (table, overview)
    } else if !args.estimator.is_empty() {
        let table = estimates(args, columns, location.into())?;
        let overview = terminal::table(&table);
        (table, overview)
    } else {
        fits(args, columns, location)?
    };
    let bytes = match args.format {
        Format::Table => overview.into_bytes(),
        Format::Csv => table.to_csv().into_bytes(),
        Format::Json => json(&table).into_bytes(),
        Format::Parquet => table.to_parquet(),
    };
    match &args.out {
        Some(out) => {
            write_atomic(out, &bytes).map_err(|error| Failure::BadInput(format!("--out {error}")))
        }
        None if matches!(args.format, Format::Parquet) && std::io::stdout().is_terminal() => {
            let reason = "Parquet is not for a terminal: give --out FILE or redirect";
            Err(Failure::BadInput(reason.into()))
        }
        None => print_bytes(&bytes),
    }
}

/// Both laws by maximum likelihood, with tests and verdicts: a table, and what is printed of it.
fn fits(
    args: &FitArgs,
    mut columns: Columns,
    location: FittedLocation,
) -> Result<(Table, String), Failure> {
    let spec = FitSpec { location, rivals: !args.no_rivals, ..FitSpec::default() };
    let streams = Streams::new(args.seed.unwrap_or(1)).named("fit");
    let in_file = |error| Failure::from(error).context(args.file.display());
    let mut figures = args.plots.as_deref().map(Figures::to);
    let (mut fits, mut tests): (Vec<SeriesFit>, Vec<ResampledTests>) = (Vec::new(), Vec::new());
    let task = Task::begin("fit", Some(columns.len() as u64));
    let go_on = || {
        task.advance();
        interrupt::flow()
    };
    while let Some(block) = columns.next_block()? {
        let series: Vec<Series<'_>> = block
            .iter()
            .map(|column| Series { name: column.name.clone(), samples: &column.values })
            .collect();
        let mut of_block = match args.replicates {
            None => fit_series(&series, &spec, &go_on),
            Some(_) => fit_series(&series, &spec, &interrupt::flow),
        }
        .map_err(in_file)?;
        if let Some(n_replicates) = args.replicates {
            let of_tests =
                resampled_tests(&series, &of_block, &spec, n_replicates, &streams, &go_on);
            let of_tests = of_tests.map_err(in_file)?;
            for (fit, tests) in of_block.iter_mut().zip(&of_tests) {
                fit.aggregation_p = Some(tests.aggregation.p);
            }
            tests.extend(of_tests);
        }
        for (fit, column) in of_block.iter().zip(&block) {
            if let Some(figures) = &mut figures {
                figures.draw(fit, column, location.into())?;
            }
        }
        fits.append(&mut of_block);
    }
    drop(task);
    judge(&mut fits, spec.level);
    let mut table = fits_table(&fits, "name", &spec);
    let mut overview = overview::of_fits(&fits);
    if args.replicates.is_some() {
        for (name, column) in resampled_table(&tests).columns() {
            table = table.with(name, column.clone());
        }
        overview += &format!("\n{}", overview::of_tests(&fits, &tests));
    }
    Ok((table, overview))
}

/// The same draws per column, pooled, and row by row: one row.
fn pooled(args: &FitArgs, columns: Columns, location: Location) -> Result<Table, Failure> {
    let columns = columns.read_all()?;
    let series: Vec<&[f64]> = columns.iter().map(|column| column.values.as_slice()).collect();
    let view = stats::pooled_view(&series, location).map_err(|error| {
        let place = match error {
            StatsError::UnequalLengths { column_idx, .. } => &columns[column_idx].name,
            _ => "--pooled",
        };
        Failure::in_file(&args.file, format!("{place}: {error}"))
    })?;
    let PooledView { n_parameters, n_draws, n_fitted, .. } = view;
    Ok(Table::new()
        .with_integers("n_parameters", [n_parameters as i64])
        .with_integers("n_draws", [n_draws as i64])
        .with_integers("n_boundary", [view.n_boundary as i64])
        .with_integers("n_lower_bound", [view.n_lower_bound as i64])
        .with_reals("per_parameter_alpha_mean", [view.per_parameter_mean])
        .with_reals("per_parameter_alpha_std", [view.per_parameter_std])
        .with_integers("n_fitted", [n_fitted as i64])
        .with_reals("per_draw_alpha_mean", [view.per_draw_mean])
        .with_reals("pooled_alpha", [view.pooled])
        .with_reals("pooled_alpha_mohammadi", [view.pooled_blocks]))
}

/// An array of objects, one per row; what is undefined is null.
fn json(table: &Table) -> String {
    let rows = (0..table.n_rows()).map(|row| {
        let cells = table.columns().iter().map(|(name, column)| {
            let value = match column {
                train::Column::Real(values) => {
                    Number::from_f64(values[row]).map_or(Value::Null, Value::Number)
                }
                train::Column::Integer(values) => values[row].into(),
                train::Column::Text(values) => values[row].clone().into(),
                train::Column::Flag(values) => values[row].into(),
            };
            (name.clone(), value)
        });
        Value::Object(cells.collect::<Map<_, _>>())
    });
    let rows = Value::Array(rows.collect());
    serde_json::to_string_pretty(&rows).expect("plain values serialise") + "\n"
}
