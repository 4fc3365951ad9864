//! `fit`.

use std::io::IsTerminal;
use std::path::Path;

use probe::quantities::{Series, SeriesFit, fit_series, fits_table};
use probe::{FitSpec, FittedLocation};
use serde_json::{Map, Number, Value};
use stats::{Estimator, Location, StatsError};
use train::{Table, write_atomic};

use crate::args::{EstimatorArg, FitArgs, Format, LocationArg};
use crate::columns::{self, Column};
use crate::failure::Failure;
use crate::interrupt;
use crate::plot;
use crate::plot::fit::Profile;
use crate::plot::number::significant;
use crate::progress::Task;
use crate::terminal::{self, aligned, print_bytes};

/// Fits the columns of a file.
pub fn run(args: &FitArgs) -> Result<(), Failure> {
    let (columns, left_out) = columns::read(&args.file, &args.column)?;
    if !left_out.is_empty() {
        eprintln!("left out, since they are not numbers: {}", left_out.join(", "));
    }
    let location = match args.location {
        LocationArg::Free => FittedLocation::Free,
        LocationArg::Zero => FittedLocation::Zero,
    };
    let (table, overview) = if args.estimator.is_empty() {
        let fits = fits(args, &columns, location)?;
        (fits_table(&fits, "name"), overview(&fits))
    } else {
        let table = estimates(args, &columns, location.into())?;
        let overview = terminal::table(&table);
        (table, overview)
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

/// Both laws by maximum likelihood, with tests and verdicts.
fn fits(
    args: &FitArgs,
    columns: &[Column],
    location: FittedLocation,
) -> Result<Vec<SeriesFit>, Failure> {
    let series: Vec<Series<'_>> = columns
        .iter()
        .map(|column| Series { name: column.name.clone(), samples: &column.values })
        .collect();
    let spec = FitSpec { location, ..FitSpec::default() };
    let task = Task::begin("fit", Some(series.len() as u64));
    let go_on = || {
        task.advance();
        interrupt::flow()
    };
    let fits = fit_series(&series, &spec, &go_on)
        .map_err(|error| Failure::from(error).context(args.file.display()))?;
    drop(task);
    if let Some(directory) = &args.plots {
        for (idx, (fit, column)) in fits.iter().zip(columns).enumerate() {
            if fits[..idx].iter().any(|other| folder(&other.name) == folder(&fit.name)) {
                let reason =
                    format!("--plots: two columns would be drawn to `{}`", folder(&fit.name));
                return Err(Failure::BadInput(reason));
            }
            draw(directory, fit, &column.values, location.into())?;
        }
    }
    Ok(fits)
}

/// The figures of one series, in a folder of its name.
fn draw(
    directory: &Path,
    fit: &SeriesFit,
    samples: &[f64],
    location: Location,
) -> Result<(), Failure> {
    let profile = profile(fit, samples, location)
        .map_err(|error| Failure::BadInput(format!("{}: {error}", fit.name)))?;
    for figure in plot::fit::figures(&fit.name, samples, &fit.comparison, profile.as_ref()) {
        let path = directory.join(folder(&fit.name)).join(figure.file);
        write_atomic(&path, figure.svg.as_bytes())?;
    }
    Ok(())
}

/// A column's name as that of a folder.
fn folder(name: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || "._-[],".contains(c);
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    name.trim_start_matches('.').to_owned()
}

/// The profile likelihood around its 95 % interval; `None` where there is no fit.
fn profile(
    fit: &SeriesFit,
    samples: &[f64],
    location: Location,
) -> Result<Option<Profile>, StatsError> {
    let interval = fit.alpha_interval;
    if interval.low.is_nan() {
        return Ok(None);
    }
    let margin = 0.6 * (interval.high - interval.low).max(0.02);
    let (low, high) = ((interval.low - margin).max(0.5), (interval.high + margin).min(2.));
    let alphas: Vec<f64> = (0..=60).map(|i| low + (high - low) * f64::from(i) / 60.).collect();
    let curve = stats::profile_likelihood(samples, location, &alphas)?;
    let curve = alphas.into_iter().zip(curve).collect();
    Ok(Some(Profile { curve, interval: (interval.low, interval.high) }))
}

/// α by each estimator that was asked for.
fn estimates(args: &FitArgs, columns: &[Column], location: Location) -> Result<Table, Failure> {
    let mut estimators: Vec<Estimator> =
        args.estimator.iter().flat_map(|arg| named(*arg)).collect();
    estimators.dedup();
    let (mut names, mut ns, mut methods) = (Vec::new(), Vec::new(), Vec::new());
    let (mut alphas, mut gammas, mut deltas) = (Vec::new(), Vec::new(), Vec::new());
    for column in columns {
        for &estimator in &estimators {
            let estimate =
                stats::estimate(&column.values, estimator, location).map_err(|error| {
                    let file = args.file.display();
                    Failure::BadInput(format!("{file}: {}: {error}", column.name))
                })?;
            names.push(column.name.as_str());
            ns.push(column.values.len() as i64);
            methods.push(estimator.name());
            alphas.push(estimate.alpha);
            gammas.push(estimate.gamma);
            deltas.push(estimate.delta);
        }
    }
    Ok(Table::new()
        .with_texts("name", names)
        .with_integers("n", ns)
        .with_texts("estimator", methods)
        .with_reals("alpha", alphas)
        .with_reals("gamma", gammas)
        .with_reals("delta", deltas))
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

fn overview(fits: &[SeriesFit]) -> String {
    let header = [
        "name",
        "n",
        "α",
        "95 % interval",
        "γ",
        "δ",
        "Gauss μ",
        "Gauss σ",
        "SSE SαS",
        "SSE Gauss",
        "χ² SαS",
        "χ² Gauss",
        "LR",
        "p (FDR)",
        "verdict",
    ];
    let rows = fits.iter().map(|fit| {
        let c = &fit.comparison;
        let (stable, gaussian) = (&c.stable.law, &c.gaussian.law);
        let interval = fit.alpha_interval;
        let ends = [interval.low, interval.high].map(|end| significant(end, 4));
        let figures = [
            stable.gamma(),
            stable.delta(),
            gaussian.mean(),
            gaussian.std(),
            c.stable_fit.sse,
            c.gaussian_fit.sse,
            c.stable_fit.chi2,
            c.gaussian_fit.chi2,
            c.likelihood_ratio,
            fit.p_adjusted,
        ];
        let mut row = vec![fit.name.clone(), c.n_samples.to_string()];
        row.push(significant(stable.alpha(), 4));
        row.push(ends.join(" … "));
        row.extend(figures.map(|figure| significant(figure, 4)));
        row.push(fit.verdict.to_string());
        row
    });
    aligned(&header, &rows.collect::<Vec<_>>())
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
