//! What a run shows, in sentences computed from its tables and no stronger than they are.

use anyhow::Result;
use train::Table;

use super::markup::list;
use crate::plot::RunTables;
use crate::plot::canvas::escape;
use crate::plot::number::{chosen, count, mean_and_deviation, significant};

/// The key figures and the conclusions.
pub(super) fn block(tables: &RunTables) -> Result<String> {
    let mut findings = Findings::default();
    if let Some(table) = filled(&tables.certificate) {
        findings.certificate(table)?;
    }
    if let Some(table) = filled(&tables.noise_summary) {
        findings.noise(table)?;
    }
    if let Some(table) = filled(&tables.escape_summary) {
        findings.escape(table)?;
    }
    if let Some(table) = filled(&tables.ablation_summary) {
        findings.ablation(table)?;
    }
    if findings.sentences.is_empty() {
        return Ok("<p class=\"lead\">This run has no results to conclude from.</p>\n".to_owned());
    }
    let tiles: String = findings
        .tiles
        .iter()
        .map(|(name, value, note)| {
            format!(
                "<div><dt>{}</dt><dd><strong>{}</strong> <span>{}</span></dd></div>\n",
                escape(name),
                escape(value),
                escape(note)
            )
        })
        .collect();
    Ok(format!(
        "<section aria-labelledby=\"summary-heading\" class=\"summary\">\n\
         <h2 id=\"summary-heading\">Summary</h2>\n<dl class=\"tiles\">\n{tiles}</dl>\n{}</section>\n",
        list(&findings.sentences)
    ))
}

fn filled(table: &Option<Table>) -> Option<&Table> {
    table.as_ref().filter(|table| table.n_rows() > 0)
}

#[derive(Default)]
struct Findings {
    /// Name, value and remark of each key figure.
    tiles: Vec<(String, String, String)>,
    sentences: Vec<String>,
}

impl Findings {
    fn tile(&mut self, name: &str, value: String, note: String) {
        self.tiles.push((name.to_owned(), value, note));
    }

    fn certificate(&mut self, table: &Table) -> Result<()> {
        let loss = significant(table.reals("loss")?[0], 3);
        let norm = significant(table.reals("gradient_norm")?[0], 3);
        self.sentences.push(format!(
            "Training stopped at step {} (epoch {}) with full-batch loss {loss} and gradient norm \
             {norm}; criterion: {}.",
            count(table.integers("step")?[0]),
            count(table.integers("epoch")?[0]),
            table.texts("criterion")?[0],
        ));
        self.tile("Loss at the minimum", loss, format!("gradient norm {norm}"));
        Ok(())
    }

    fn noise(&mut self, table: &Table) -> Result<()> {
        let batch_sizes = table.integers("batch_size")?;
        let not_rejected = table.integers("n_gaussian_not_rejected")?;
        let adequate = table.integers("n_heavy_adequate")?;
        let inadequate = table.integers("n_heavy_inadequate")?;
        let degenerate = table.integers("n_degenerate")?;
        let level = table.reals("level")?;
        for row in 0..table.n_rows() {
            let batch_size = batch_sizes[row];
            let n_heavy = adequate[row] + inadequate[row];
            let n_tested = n_heavy + not_rejected[row];
            let mut sentence =
                noise_sentence(batch_size, n_tested, n_heavy, adequate[row], level[row]);
            if degenerate[row] > 0 {
                sentence += &format!(
                    " {} more could not be tested, their noise being degenerate.",
                    count(degenerate[row])
                );
            }
            self.sentences.push(sentence);
            self.tile(
                &format!("Reject the Gaussian, B = {batch_size}"),
                format!("{} of {}", count(n_heavy), count(n_tested)),
                format!("SαS adequate for {}", count(adequate[row])),
            );
        }
        if inadequate.iter().any(|n| *n > 0) {
            self.sentences.push(
                "Where neither law is adequate, the noise is not Gaussian in a way that a stable \
                 law does not describe; its α̂ is no tail index."
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn escape(&mut self, table: &Table) -> Result<()> {
        let eta = table.reals("learning_rate")?;
        let (trials, exits) = (table.integers("n_trials")?, table.integers("n_exited")?);
        let mean = table.reals("mean_iterations")?;
        let low = table.reals("mean_iterations_low")?;
        let high = table.reals("mean_iterations_high")?;
        let horizon = table.integers("horizon")?;
        let (all, left) = (trials.iter().sum(), exits.iter().sum());
        let censored: i64 = all - left;

        let mut rows: Vec<usize> = (0..table.n_rows()).collect();
        rows.sort_by(|a, b| eta[*b].total_cmp(&eta[*a]));
        let mut sentence = format!("{} of {} trials left the basin", count(left), count(all));
        sentence += &match censored {
            0 => ".".to_owned(),
            n => format!("; {} were cut off at the horizon and count as censored.", count(n)),
        };
        let (with_exits, without): (Vec<usize>, Vec<usize>) =
            rows.into_iter().partition(|row| exits[*row] > 0);
        // The two ends of the learning rates at which anything left.
        let ends = match with_exits[..] {
            [] => vec![],
            [only] => vec![only],
            [first, .., last] => vec![first, last],
        };
        for row in ends {
            sentence += &format!(
                " At η = {} the mean exit time is {} iterations (95 % interval {} to {}; {} of {} left).",
                chosen(eta[row]),
                significant(mean[row], 3),
                significant(low[row], 3),
                significant(high[row], 3),
                count(exits[row]),
                count(trials[row]),
            );
        }
        for row in without {
            sentence += &format!(
                " At η = {} none of {} left within {} iterations: the mean is above {} \
                 (lower end of the 95 % interval).",
                chosen(eta[row]),
                count(trials[row]),
                count(horizon[row]),
                significant(low[row], 3),
            );
        }
        self.sentences.push(sentence);
        let note = format!("{} learning rates", table.n_rows());
        self.tile("Trials that escaped", format!("{} of {}", count(left), count(all)), note);
        Ok(())
    }

    fn ablation(&mut self, table: &Table) -> Result<()> {
        let arms = table.texts("arm")?;
        let (n_seeds, updates) = (table.integers("n_seeds")?, table.integers("updates")?);
        let epochs = table.integers("epochs")?;
        let has_test = table.reals("test_accuracy_mean")?.iter().any(|a| a.is_finite());
        let measured = if has_test { "test accuracy" } else { "accuracy" };
        let column = measured.replace(' ', "_");
        let mean = table.reals(&format!("{column}_mean"))?;
        let deviation = table.reals(&format!("{column}_std"))?;
        let arm = |row: usize| {
            let (mean, deviation) = mean_and_deviation(mean[row], deviation[row]);
            format!("{} {mean} ± {deviation} ({} updates)", arms[row], count(updates[row]))
        };
        let all: Vec<String> = (0..table.n_rows()).map(arm).collect();
        let mut sentence = format!(
            "After {} epochs the {} is: {} (mean ± standard deviation over {} seeds).",
            count(epochs[0]),
            if has_test { measured } else { "training accuracy" },
            all.join(", "),
            count(n_seeds[0]),
        );
        let find = |name: &str| arms.iter().position(|arm| arm == name);
        if let (Some(decay), Some(growth)) = (find("learning-rate decay"), find("batch growth")) {
            let difference = mean[decay] - mean[growth];
            let pooled = ((deviation[decay].powi(2) + deviation[growth].powi(2)) / 2.0).sqrt();
            let ratio = difference.abs() / pooled;
            if ratio.is_finite() {
                sentence += &format!(
                    " Decay and growth differ by {}, {} times the standard deviation between seeds.",
                    significant(difference.abs(), 2),
                    significant(ratio, 2),
                );
            }
            self.tile(
                &format!("Decay less growth, {measured}"),
                significant(difference, 2),
                format!("at {} and {} updates", count(updates[decay]), count(updates[growth])),
            );
        }
        self.sentences.push(sentence);
        Ok(())
    }
}

fn noise_sentence(
    batch_size: i64,
    n_tested: i64,
    n_heavy: i64,
    n_adequate: i64,
    level: f64,
) -> String {
    let (tested, level) = (count(n_tested), chosen(100.0 * level));
    match n_heavy {
        _ if n_tested == 0 => format!("No parameter at B = {batch_size} could be tested."),
        0 => format!(
            "Of {tested} parameters at B = {batch_size}, none rejects the Gaussian at a \
             false-discovery rate of {level} %."
        ),
        _ => format!(
            "Of {tested} parameters at B = {batch_size}, {} reject the Gaussian at a \
             false-discovery rate of {level} %; SαS is adequate for {} of these.",
            count(n_heavy),
            if n_adequate == 0 { "none".to_owned() } else { count(n_adequate) },
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_described_no_stronger_than_it_was_tested() {
        assert_eq!(
            noise_sentence(8, 100, 37, 12, 0.05),
            "Of 100 parameters at B = 8, 37 reject the Gaussian at a false-discovery rate of 5 %; \
             SαS is adequate for 12 of these."
        );
        assert!(noise_sentence(8, 100, 0, 0, 0.05).contains("none rejects"));
        assert!(noise_sentence(8, 100, 3, 0, 0.05).contains("adequate for none of these"));
        assert!(noise_sentence(8, 0, 0, 0, 0.05).contains("No parameter"));
    }
}
