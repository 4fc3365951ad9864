//! What else the draws say: layer by layer, of sums, in three views, of the whole gradient, and during training.

use anyhow::Result;
use stats::LEAST_ALPHA;
use train::Table;

use super::ReportInput;
use super::markup::{Cell, Column, Definition, details, table};
use crate::plot::groups;
use crate::plot::number::{chosen, count, fixed, significant};
use crate::tables::interval;
use crate::verdicts::{AtBounds, labels_and_columns};

/// More layers than this are shown when asked for.
const MANY_LAYERS: usize = 40;
/// Eigenvalues that are shown.
const EIGENVALUES: [&str; 5] =
    ["λ₁ (share)", "λ₂ (share)", "λ₃ (share)", "λ₄ (share)", "λ₅ (share)"];

/// A part of the chapter, with the terms that it introduces.
pub(super) struct Part {
    pub title: &'static str,
    pub body: String,
    pub terms: Vec<Definition>,
}

const LAYERS: Definition = (
    "Layers",
    "Tensors of parameters from input to output, numbered from 0, with those of biases and \
     normalisations. α̂ over the watched parameters that are not degenerate.",
);
const SUMS: Definition = (
    "Sums of draws",
    "Sums of independent stable variables are stable with the same α; sums of variables with \
     finite variance approach the Gaussian, α = 2 (Gnedenko and Kolmogorov 1954). Up to its scale, \
     the sum of m draws at batch size B is a draw at batch size mB, with replacement.",
);
const COMMON_ALPHA: Definition = (
    "One α at all batch sizes",
    "Likelihood ratio of a stable law with an α of its own at each batch size to one with the same α \
     at all, scales and locations free; χ² with one degree of freedom less than there are sizes \
     (Wilks 1938), which is conservative at α = 2. p-values adjusted over parameters (Benjamini and \
     Hochberg 1995). Stable noise keeps its α as long as B is small beside the training set and its \
     greatest gradients do not recur in many of the minibatches.",
);
const SIMULATION: Definition = (
    "Tests by simulation",
    "p-values from samples simulated from each fitted law and fitted anew, <em>not</em> adjusted \
     for the number of parameters: where a law holds, it is still rejected in as great a share of \
     them as the level says. Sums: whether α̂ rises with the number of draws in a sum more than \
     under the fitted SαS law.",
);
const VIEWS: Definition = (
    "Views",
    "Per parameter: each parameter across minibatches, mean ± standard deviation over parameters \
     (Battash, Wolf and Lindenbaum 2023). Across parameters: the parameters of one minibatch as a \
     sample, mean over minibatches (Xie, Sato and Sugiyama 2021). Pooled: all draws of all \
     parameters as one sample (Simsekli, Sagun and Gürbüzbalaban 2019), by maximum likelihood and \
     by the block estimator of Mohammadi, Mohammadpour and Ogata (2015), which may exceed 2. \
     Pooled parameters of different scale look heavy-tailed though each is Gaussian: only the \
     first view speaks of the noise that moves a parameter.",
);
const NOISE_SCALE: Definition = (
    "Noise scale",
    "Tr Σ<sub>B</sub>: variance of the gradient of a minibatch, summed over all parameters of the \
     network. Tr Σ<sub>1</sub> = B Tr Σ<sub>B</sub>/f is that of a single sample, with \
     f = (N − B)/(N − 1) without replacement (Cochran 1977, theorem 2.2) and 1 with. \
     B<sub>simple</sub> = Tr Σ<sub>1</sub>/‖∇L‖² (McCandlish et al. 2018, arXiv:1812.06162, \
     equation 2.9) is the batch size at which noise and signal are equally strong; towards a \
     minimum, where ∇L vanishes, it grows without limit. ∇L is that of the training set, exact but \
     where batch normalisation uses the statistics of minibatches: then it is a mean over chunks of \
     the training set, and the trace holds the square of the distance between the two means. The \
     interval comes from the standard error of the trace and takes the mean of ‖u‖² for Gaussian, \
     which needs many draws where B is near 1 or N.",
);
const COVARIANCE: Definition = (
    "Covariance",
    "Of the watched parameters, about the full-batch gradient. Share: of the trace. Participation, \
     (Σλ)²/Σλ²: so many equal eigenvalues would be as spread out. Of n draws no more than n \
     eigenvalues differ from 0.",
);

/// The parts that the run has tables or figures for.
pub(super) fn parts(input: &ReportInput) -> Result<Vec<Part>> {
    let tables = input.tables;
    let level = match filled(&tables.noise_summary) {
        Some(summary) => summary.reals("level")?[0],
        None => 0.05,
    };
    let mut parts = Vec::new();
    let mut part = |title: &'static str, body: &[String], terms: &[Option<Definition>]| {
        let body = body.concat();
        if !body.is_empty() {
            parts.push(Part { title, body, terms: terms.iter().copied().flatten().collect() });
        }
    };
    let made = |table: &Option<Table>, make: &dyn Fn(&Table) -> Result<String>| {
        filled(table).map_or_else(|| Ok(String::new()), make)
    };
    let term = |of: &Option<Table>, term: Definition| filled(of).map(|_| term);

    let layers_body = [input.figure("alpha_layers.svg"), made(&tables.noise_layers, &layers)?];
    part("Layers", &layers_body, &[term(&tables.noise_layers, LAYERS)]);
    let sums = [
        input.figure("aggregation.svg"),
        made(&tables.noise_tests, &|tests| simulation(tests, level))?,
    ];
    let terms = [
        term(&tables.noise_aggregation, SUMS),
        term(&tables.noise_common_alpha, COMMON_ALPHA),
        term(&tables.noise_tests, SIMULATION),
    ];
    part("Sums of draws", &sums, &terms);
    let body = made(&tables.noise_views, &views)?;
    part("Three views of the same draws", &[body], &[term(&tables.noise_views, VIEWS)]);
    let whole =
        [made(&tables.noise_scale, &noise_scale)?, made(&tables.noise_spectrum, &spectrum)?];
    let terms = [term(&tables.noise_scale, NOISE_SCALE), term(&tables.noise_spectrum, COVARIANCE)];
    part("Noise and signal of the whole gradient", &whole, &terms);

    let folded = |text: &str, table: String| match table.is_empty() {
        true => table,
        false => details(text, &table),
    };
    let during = [
        input.figure("alpha_during.svg"),
        folded("The three views during training", made(&tables.noise_during_views, &views)?),
        folded("The noise scale during training", made(&tables.noise_during_scale, &noise_scale)?),
    ];
    // A run that has both explains them once.
    let terms = [
        term(&tables.noise_during_views, VIEWS).filter(|_| filled(&tables.noise_views).is_none()),
        term(&tables.noise_during_scale, NOISE_SCALE)
            .filter(|_| filled(&tables.noise_scale).is_none()),
    ];
    part("During training", &during, &terms);
    Ok(parts)
}

fn filled(table: &Option<Table>) -> Option<&Table> {
    table.as_ref().filter(|table| table.n_rows() > 0)
}

/// A table for each batch size, a row for each layer.
fn layers(layers: &Table) -> Result<String> {
    let (depth, names) = (layers.integers("depth")?, layers.texts("layer")?);
    let (mean, deviation) = (layers.reals("alpha_mean")?, layers.reals("alpha_std")?);
    let mut columns =
        vec![Column::Text("No."), Column::Text("Layer"), Column::Spread("α̂".to_owned())];
    let mut heads = vec![
        ("Parameters".to_owned(), "n_parameters".to_owned()),
        ("α̂ = 2".to_owned(), "n_boundary".to_owned()),
        (format!("α̂ ≤ {LEAST_ALPHA}"), "n_lower_bound".to_owned()),
    ];
    heads.extend(labels_and_columns().map(|(label, column)| (label.to_owned(), column)));
    let mut counts = Vec::new();
    for (name, column) in heads {
        columns.push(Column::Number(name));
        counts.push(layers.integers(&column)?);
    }
    let mut html = String::new();
    for (batch_size, rows) in groups::ascending(layers.integers("batch_size")?) {
        let row = |row: &usize| {
            let mut cells = vec![
                Cell::Plain(count(depth[*row])),
                Cell::Plain(names[*row].clone()),
                Cell::spread(mean[*row], deviation[*row]),
            ];
            cells.extend(counts.iter().map(|counts| Cell::Plain(count(counts[*row]))));
            cells
        };
        let cells: Vec<Vec<Cell>> = rows.iter().map(row).collect();
        let caption = format!("Layers at B = {batch_size}");
        let of_size = table(&caption, &columns, &cells);
        html += &if rows.len() > MANY_LAYERS { details(&caption, &of_size) } else { of_size };
    }
    Ok(html)
}

fn simulation(tests: &Table, level: f64) -> Result<String> {
    let names = [
        ("gaussian_anderson_darling_p", "Gaussian rejected (Anderson–Darling)"),
        ("anderson_darling_p", "SαS rejected (Anderson–Darling)"),
        ("aggregation_p", "SαS rejected (sums)"),
    ];
    let replicates = tests.integers("n_replicates")?;
    let mut columns = vec![Column::Text("Batch size B")];
    let counts = ["Parameters", "Replicates"].into_iter().chain(names.map(|(_, name)| name));
    columns.extend(counts.map(|name| Column::Number(name.to_owned())));
    let mut cells = Vec::new();
    for (batch_size, rows) in groups::ascending(tests.integers("batch_size")?) {
        let mut of_size =
            vec![count(batch_size), count(rows.len() as i64), count(replicates[rows[0]])];
        for (column, _) in names {
            let p = tests.reals(column)?;
            of_size.push(count(rows.iter().filter(|row| p[**row] <= level).count() as i64));
        }
        cells.push(of_size.into_iter().map(Cell::Plain).collect());
    }
    let caption = format!("Tests by simulation at a level of {} %", chosen(100.0 * level));
    Ok(table(&caption, &columns, &cells))
}

fn views(views: &Table) -> Result<String> {
    let (mut columns, mut cells) = leading(views)?;
    columns.extend([
        Column::Number("Parameters fitted".to_owned()),
        Column::Spread("Per parameter".to_owned()),
    ]);
    let (n_fitted, n_all) = (views.integers("n_fitted")?, views.integers("n_parameters")?);
    let mean = views.reals("alpha_per_parameter_mean")?;
    let deviation = views.reals("alpha_per_parameter_std")?;
    for (row, cells) in cells.iter_mut().enumerate() {
        let note = AtBounds::of_row(views, row)?.note();
        let fitted = format!("{} of {}{note}", count(n_fitted[row]), count(n_all[row]));
        cells.extend([Cell::Plain(fitted), Cell::spread(mean[row], deviation[row])]);
    }
    let single = [
        ("alpha_across_parameters_mean", "Across parameters"),
        ("alpha_pooled", "Pooled"),
        ("alpha_pooled_mohammadi", "Pooled, Mohammadi"),
    ];
    for (column, name) in single {
        columns.push(Column::Number(name.to_owned()));
        for (cells, alpha) in cells.iter_mut().zip(views.reals(column)?) {
            cells.push(Cell::Plain(significant(*alpha, 3)));
        }
    }
    Ok(table("α̂ in three views", &columns, &cells))
}

fn noise_scale(scale: &Table) -> Result<String> {
    let (mut columns, mut cells) = leading(scale)?;
    columns.extend([
        Column::Number("From".to_owned()),
        Column::Number("‖∇L‖".to_owned()),
        Column::Spread("Tr Σ_B ± standard error".to_owned()),
        Column::Number("Tr Σ₁".to_owned()),
        Column::Number("B_simple".to_owned()),
        Column::Number("95 % interval".to_owned()),
    ]);
    let (traced, n_traced) = (scale.texts("traced")?, scale.integers("n_traced")?);
    let (trace, error) = (scale.reals("trace")?, scale.reals("trace_standard_error")?);
    let (low, high) = (scale.reals("noise_scale_low")?, scale.reals("noise_scale_high")?);
    let (norm, single) = (scale.reals("gradient_norm")?, scale.reals("trace_of_sample")?);
    let noise_scale = scale.reals("noise_scale")?;
    for (row, cells) in cells.iter_mut().enumerate() {
        let from = format!("{} {}", count(n_traced[row]), traced[row]);
        cells.extend([
            Cell::Plain(from),
            Cell::Plain(significant(norm[row], 3)),
            Cell::spread(trace[row], error[row]),
            Cell::Plain(significant(single[row], 3)),
            Cell::Plain(significant(noise_scale[row], 3)),
            Cell::Plain(interval(low[row], high[row])),
        ]);
    }
    Ok(table("Noise scale over the whole network", &columns, &cells))
}

fn spectrum(spectrum: &Table) -> Result<String> {
    let mut columns = vec![Column::Text("Batch size B")];
    let names = ["Parameters", "Draws", "Trace", "Participation"];
    let names = names.into_iter().chain(EIGENVALUES);
    columns.extend(names.map(|name| Column::Number(name.to_owned())));
    let (n_parameters, n_draws) =
        (spectrum.integers("n_parameters")?, spectrum.integers("n_draws")?);
    let (trace, participation) = (spectrum.reals("trace")?, spectrum.reals("participation")?);
    let (eigenvalue, share) = (spectrum.reals("eigenvalue")?, spectrum.reals("share")?);
    let rank = spectrum.integers("rank")?;
    let of_size = |(batch_size, rows): (i64, Vec<usize>)| {
        let first = rows[0];
        let mut cells = vec![
            count(batch_size),
            count(n_parameters[first]),
            count(n_draws[first]),
            significant(trace[first], 3),
            significant(participation[first], 3),
        ];
        for wanted in 1..=EIGENVALUES.len() as i64 {
            let row = rows.iter().find(|row| rank[**row] == wanted);
            cells.push(row.map_or_else(String::new, |&row| {
                let (value, share) = (significant(eigenvalue[row], 2), 100.0 * share[row]);
                format!(
                    "{value} ({} %)",
                    if share < 1e3 { fixed(share, 0) } else { "–".to_owned() }
                )
            }));
        }
        cells.into_iter().map(Cell::Plain).collect()
    };
    let sizes = groups::ascending(spectrum.integers("batch_size")?);
    let cells: Vec<Vec<Cell>> = sizes.into_iter().map(of_size).collect();
    Ok(table("Greatest eigenvalues of the covariance of the watched parameters", &columns, &cells))
}

/// The first columns, and of each row the cells: when in a training, if in one, and the batch size.
fn leading(of: &Table) -> Result<(Vec<Column>, Vec<Vec<Cell>>)> {
    let batch_sizes = of.integers("batch_size")?.iter().map(|size| Cell::Plain(count(*size)));
    if of.column("step").is_none() {
        return Ok((
            vec![Column::Text("Batch size B")],
            batch_sizes.map(|cell| vec![cell]).collect(),
        ));
    }
    let (step, epochs) = (of.integers("step")?, of.reals("epochs")?);
    let rates = of.reals("learning_rate")?;
    let columns = vec![
        Column::Text("Step"),
        Column::Number("Epochs".to_owned()),
        Column::Number("η".to_owned()),
        Column::Number("B".to_owned()),
    ];
    let row = |(row, batch_size): (usize, Cell)| {
        let when = [count(step[row]), significant(epochs[row], 3), significant(rates[row], 3)];
        when.map(Cell::Plain).into_iter().chain([batch_size]).collect()
    };
    Ok((columns, batch_sizes.enumerate().map(row).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::{RunTables, test_tables};

    fn titles(tables: &RunTables) -> Vec<&'static str> {
        let (manifest, figures) = (serde_json::Value::Null, crate::plot::figures(tables).unwrap());
        let input = ReportInput {
            name: "",
            manifest: &manifest,
            experiment_toml: "",
            tables,
            figures: &figures,
        };
        parts(&input).unwrap().into_iter().map(|part| part.title).collect()
    }

    #[test]
    fn a_part_needs_a_table() {
        assert_eq!(titles(&test_tables::full()).len(), 5);
        let full = test_tables::full();
        let noise_during_summary = full.noise_during_summary;
        let training = RunTables { noise_during_summary, ..RunTables::default() };
        assert_eq!(titles(&training), ["During training"]);
        assert!(titles(&RunTables::default()).is_empty());
    }

    #[test]
    fn many_layers_are_folded() {
        let full = test_tables::full().noise_layers.unwrap();
        assert!(!layers(&full).unwrap().contains("<details>"));
        let many = layers(&Table::concat(vec![full; 11])).unwrap();
        assert_eq!(many.matches("<details>").count(), 2);
    }

    #[test]
    fn measurements_during_training_say_when() {
        let full = test_tables::full();
        let html = views(&full.noise_during_views.unwrap()).unwrap();
        assert!(html.contains("<th scope=\"row\">5980</th>"), "{html}");
        assert!(!views(&full.noise_views.unwrap()).unwrap().contains("Step"));
    }

    #[test]
    fn tests_by_simulation_are_counted() {
        let table = Table::new()
            .with_integers("batch_size", [8, 8, 8])
            .with_integers("n_replicates", [99; 3])
            .with_reals("gaussian_anderson_darling_p", [0.01, 0.02, 0.01])
            .with_reals("anderson_darling_p", [0.01, 0.5, f64::NAN])
            .with_reals("aggregation_p", [0.5, 0.5, 0.5]);
        let html = simulation(&table, 0.05).unwrap();
        let row = [3, 99, 3, 1, 0].map(|n| format!("<td class=\"number\">{n}</td>")).concat();
        assert!(html.contains(&row), "{html}");
    }
}
