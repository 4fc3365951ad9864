//! `fit`.

use probe::quantities::{Series, SeriesFit, fit_series, fits_table};
use probe::{FitSpec, FittedLocation};
use serde_json::{Map, Number, Value};
use train::{Streams, Table, write_atomic};

use crate::args::{FitArgs, Format, LocationArg};
use crate::columns;
use crate::failure::Failure;
use crate::interrupt;
use crate::plot::number::significant;
use crate::progress::Task;
use crate::terminal::{aligned, print};

/// Fits the columns of a file.
pub fn run(args: &FitArgs) -> Result<(), Failure> {
    let columns = columns::read(&args.file, &args.column)?;
    let series: Vec<Series<'_>> = columns
        .iter()
        .map(|column| Series { name: column.name.clone(), samples: &column.values })
        .collect();
    let location = match args.location {
        LocationArg::Free => FittedLocation::Free,
        LocationArg::Zero => FittedLocation::Zero,
    };
    let spec = FitSpec { location, ..FitSpec::default() };
    let task = Task::begin("fit", Some(series.len() as u64));
    let go_on = || {
        task.advance();
        interrupt::flow()
    };
    let fits = fit_series(&series, &spec, &Streams::new(args.seed), &go_on)
        .map_err(|error| Failure::from(error).context(args.file.display()))?;
    drop(task);
    let table = fits_table(&fits, "column");
    if let Some(out) = &args.out {
        write_atomic(out, &table.to_parquet())?;
    }
    print(&match args.format {
        Format::Table => overview(&fits),
        Format::Csv => table.to_csv(),
        Format::Json => json(&table),
    })
}

fn overview(fits: &[SeriesFit]) -> String {
    let header = [
        "column",
        "n",
        "α",
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
        let figures = [
            stable.alpha(),
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
