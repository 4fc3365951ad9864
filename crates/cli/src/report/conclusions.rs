//! What a run shows, in sentences computed from its tables and no stronger than they are.

use std::collections::BTreeMap;

use anyhow::Result;
use probe::quantities::verdict_column;
use stats::{Moments, Verdict};
use train::Table;

use super::markup::list;
use crate::arm_differences::{Difference, TWINS};
use crate::plot::canvas::escape;
use crate::plot::number::{chosen, count, mean_and_deviation, significant};
use crate::plot::{RunTables, groups};
use crate::tables::CommonAlpha;
use crate::theory_verdicts;
use crate::verdicts::AtBounds;

/// The key figures and the conclusions.
pub(super) fn block(tables: &RunTables) -> Result<String> {
    let mut findings = Findings::default();
    if let Some(table) = filled(&tables.certificate) {
        findings.certificate(table)?;
    }
    if let Some(table) = filled(&tables.noise_summary) {
        findings.noise(table)?;
        findings.sums(table, filled(&tables.noise_aggregation))?;
        if let Some(tests) = filled(&tables.noise_common_alpha) {
            findings.sentences.extend(CommonAlpha::read(tests)?.map(|tests| tests.sentence()));
        }
    }
    if let Some(table) = filled(&tables.escape_summary) {
        findings.escape(table)?;
    }
    if let (Some(theories), Some(pairs)) = (&tables.escape_theories, &tables.escape_theory_pairs) {
        findings.sentences.extend(theory_verdicts::sentences(theories, pairs)?);
    }
    if let Some(table) = filled(&tables.ablation_summary) {
        findings.ablation(table, filled(&tables.ablation_differences))?;
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

/// Settings without a mean that are told of one by one.
const MAX_TOLD: usize = 3;

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
        if table.integers("steps_since_improvement")?[0] == 0 {
            let sentence = "The loss was lowest at the last evaluation: it was still falling, as it does \
                            for ever where a network can separate its data, and another criterion \
                            would give another minimum.";
            self.sentences.push(sentence.to_owned());
        }
        self.tile("Loss at the minimum", loss, format!("gradient norm {norm}"));
        Ok(())
    }

    fn noise(&mut self, table: &Table) -> Result<()> {
        let batch_sizes = table.integers("batch_size")?;
        let level = table.reals("level")?;
        for row in 0..table.n_rows() {
            let verdicts = Verdicts::read(table, row)?;
            let batch_size = batch_sizes[row];
            self.sentences.push(verdicts.sentence(batch_size, level[row]));
            self.tile(
                &format!("Heavier than Gaussian, B = {batch_size}"),
                format!("{} of {}", count(verdicts.n_heavy()), count(verdicts.n_tested())),
                format!(
                    "SαS {}, SαS or finite variance {}",
                    count(verdicts.of(Verdict::HeavyStable)),
                    count(verdicts.of(Verdict::HeavyNotToldApart))
                ),
            );
        }
        Ok(())
    }

    /// Whether α̂ stays where batches grow or draws are summed, as numbers and without a verdict.
    fn sums(&mut self, summary: &Table, aggregation: Option<&Table>) -> Result<()> {
        let means = summary.reals("alpha_mean")?;
        let sizes = groups::ascending(summary.integers("batch_size")?);
        let mean = |(size, rows): &(i64, Vec<usize>)| -> Result<(i64, f64, String)> {
            Ok((*size, means[rows[0]], AtBounds::of_row(summary, rows[0])?.note()))
        };
        let mut seen = Vec::new();
        if let [least, .., greatest] = &sizes[..] {
            let (least, from, of_least) = mean(least)?;
            let (greatest, to, of_greatest) = mean(greatest)?;
            if from.is_finite() && to.is_finite() {
                seen.push(format!(
                    "from {}{of_least} at B = {least} to {}{of_greatest} at B = {greatest}",
                    significant(from, 3),
                    significant(to, 3)
                ));
            }
        }
        if let Some((least, block, [from, to])) = aggregation.map(of_sums).transpose()?.flatten() {
            seen.push(format!(
                "at B = {least} from {}{} for single draws to {}{} for sums of {block}",
                significant(from.0, 3),
                from.1.note(),
                significant(to.0, 3),
                to.1.note()
            ));
        }
        if !seen.is_empty() {
            self.sentences.push(format!(
                "The mean of α̂ over parameters goes {}; stable noise would keep its α, noise of \
                 finite variance goes to 2.",
                seen.join(", and ")
            ));
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
        let names = groups::ensemble_names(table, true)?;
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
            rows.into_iter().partition(|row| mean[*row].is_finite());
        // The two ends of the learning rates that have a mean.
        let ends = match with_exits[..] {
            [] => vec![],
            [only] => vec![only],
            [first, .., last] => vec![first, last],
        };
        for row in ends {
            sentence += &format!(
                " At {} the mean exit time is {} iterations (95 % interval {} to {}; {} of {} left).",
                names[row],
                significant(mean[row], 3),
                significant(low[row], 3),
                significant(high[row], 3),
                count(exits[row]),
                count(trials[row]),
            );
        }
        let n_without = without.len();
        if n_without > MAX_TOLD {
            sentence += &format!(
                " In {n_without} settings too few left, or not at a constant rate: there the mean has \
                 only a lower bound."
            );
        }
        for row in without.into_iter().filter(|_| n_without <= MAX_TOLD) {
            sentence += &format!(
                " At {} only {} of {} left within {} iterations, not at a constant rate: the mean \
                 is above {} (lower end of the 95 % interval) and otherwise unknown.",
                names[row],
                count(exits[row]),
                count(trials[row]),
                count(horizon[row]),
                significant(low[row], 3),
            );
        }
        let diverged = table.integers("n_diverged")?.iter().sum::<i64>();
        if diverged > 0 {
            sentence +=
                &format!(" {} of the exits ran away to what is no number.", count(diverged));
        }
        self.sentences.push(sentence);
        let note = format!("{} ensembles and basins", table.n_rows());
        self.tile("Trials that escaped", format!("{} of {}", count(left), count(all)), note);
        Ok(())
    }

    fn ablation(&mut self, table: &Table, differences: Option<&Table>) -> Result<()> {
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
        let difference = differences.map(|table| Difference::read(table, TWINS, &column));
        if let Some(difference) = difference.transpose()?.flatten() {
            sentence += &format!(" {}", difference.sentence(["Decay", "growth"], measured));
            let of =
                |name: &str| arms.iter().position(|arm| arm == name).map(|row| count(updates[row]));
            let [decay, growth] = TWINS.map(|name| of(name).unwrap_or_default());
            let error = if n_seeds[0] > 1 { "± standard error over seeds, " } else { "" };
            self.tile(
                &format!("Decay less growth, {measured}"),
                difference.figure(),
                format!("{error}at {decay} and {growth} updates"),
            );
        }
        self.sentences.push(sentence);
        Ok(())
    }
}

/// A mean of α̂, and how many of them are ends of the range.
type Mean = (f64, AtBounds);

/// At the least batch size: the greatest number of draws in a sum, and the means of α̂ over single draws and such
/// sums, with how many of them are ends of the range.
fn of_sums(table: &Table) -> Result<Option<(i64, i64, [Mean; 2])>> {
    let (sizes, blocks) = (table.integers("batch_size")?, table.integers("block")?);
    let (parameters, alpha) = (table.texts("parameter")?, table.reals("alpha")?);
    let Some(least) = sizes.iter().copied().min() else { return Ok(None) };
    let rows = || (0..table.n_rows()).filter(|row| sizes[*row] == least && alpha[*row].is_finite());
    let Some(greatest) = rows().map(|row| blocks[row]).max().filter(|block| *block > 1) else {
        return Ok(None);
    };
    // Of the parameters that have both: those whose sums are degenerate would shift one mean alone.
    let of_block = |block: i64| {
        let rows = rows().filter(move |row| blocks[*row] == block);
        rows.map(|row| (parameters[row].as_str(), alpha[row])).collect::<BTreeMap<_, _>>()
    };
    let (single, sums) = (of_block(1), of_block(greatest));
    let both: Vec<[f64; 2]> =
        single.iter().filter_map(|(name, &alpha)| Some([alpha, *sums.get(name)?])).collect();
    let mean = |side: usize| {
        let alphas: Vec<f64> = both.iter().map(|pair| pair[side]).collect();
        (Moments::from_slice(&alphas).mean(), AtBounds::among(&alphas))
    };
    let means = [mean(0), mean(1)];
    Ok(means.iter().all(|(mean, _)| mean.is_finite()).then_some((least, greatest, means)))
}

/// How many parameters of one batch size got which verdict, in the order of [`Verdict::ALL`].
struct Verdicts([i64; Verdict::ALL.len()]);

impl Verdicts {
    fn read(table: &Table, row: usize) -> Result<Self> {
        let mut counts = [0; Verdict::ALL.len()];
        for (count, verdict) in counts.iter_mut().zip(Verdict::ALL) {
            *count = table.integers(&verdict_column(verdict))?[row];
        }
        Ok(Self(counts))
    }

    fn all(&self) -> impl Iterator<Item = (Verdict, i64)> {
        Verdict::ALL.into_iter().zip(self.0)
    }

    fn of(&self, verdict: Verdict) -> i64 {
        self.all().filter(|(other, _)| *other == verdict).map(|(_, n)| n).sum()
    }

    fn n_heavy(&self) -> i64 {
        self.all().filter(|(verdict, _)| verdict.is_heavy()).map(|(_, n)| n).sum()
    }

    fn n_tested(&self) -> i64 {
        self.0.iter().sum::<i64>() - self.of(Verdict::Degenerate)
    }

    /// No stronger than what was tested.
    fn sentence(&self, batch_size: i64, level: f64) -> String {
        let mut text = match (self.n_tested(), self.n_heavy()) {
            (0, _) => return format!("No parameter at B = {batch_size} could be tested."),
            (tested, 0) => format!(
                "Of {} parameters at B = {batch_size}, none has noise that is heavier than Gaussian \
                 at a false-discovery rate of {} %.",
                count(tested),
                chosen(100.0 * level)
            ),
            (tested, heavy) => {
                let said = self.all().filter(|(_, n)| *n > 0);
                let said = said.filter_map(|(verdict, n)| Some((of_heavy(verdict)?, n)));
                let said: Vec<String> =
                    said.map(|(words, n)| format!("{words} for {}", count(n))).collect();
                format!(
                    "Of {} parameters at B = {batch_size}, {} have noise that is heavier than \
                     Gaussian at a false-discovery rate of {} %: {}.",
                    count(tested),
                    count(heavy),
                    chosen(100.0 * level),
                    said.join(", ")
                )
            }
        };
        let not_gaussian = self.of(Verdict::NotGaussianHeavinessOpen);
        if not_gaussian > 0 {
            let are = if not_gaussian == 1 { "is" } else { "are" };
            text += &format!(" {} {are} not heavier and still not Gaussian.", count(not_gaussian));
        }
        let degenerate = self.of(Verdict::Degenerate);
        if degenerate > 0 {
            text += &format!(
                " {} more could not be tested, their noise being degenerate.",
                count(degenerate)
            );
        }
        text
    }
}

/// What a verdict on heavy noise says of laws.
fn of_heavy(verdict: Verdict) -> Option<&'static str> {
    Some(match verdict {
        Verdict::GaussianNotRejected | Verdict::NotGaussianHeavinessOpen | Verdict::Degenerate => {
            return None;
        }
        Verdict::HeavyStable => "SαS is clearly better than every law of finite variance",
        Verdict::HeavyInfiniteVariance => {
            "a law of infinite variance is clearly better, but not clearly SαS,"
        }
        Verdict::HeavyNotToldApart => "SαS and a law of finite variance are not told apart",
        Verdict::HeavyFiniteVariance => "a law of finite variance is better",
        Verdict::HeavyNoneAdequate => "no law is adequate",
        Verdict::HeavyNotCompared => "SαS was not compared with other laws",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_described_by_their_numbers() {
        let summary = Table::new()
            .with_integers("batch_size", [8, 32, 128])
            .with_reals("alpha_mean", [0.579, 1.16, 1.96])
            .with_integers("n_lower_bound", [57, 0, 0])
            .with_integers("n_boundary", [0, 1, 96]);
        let sums = Table::new()
            .with_integers("batch_size", [8, 8, 8, 8, 8, 8, 128])
            .with_texts("parameter", ["a", "a", "b", "b", "c", "c", "a"])
            .with_integers("block", [1, 32, 1, 32, 1, 32, 64])
            .with_reals("alpha", [0.1, 1.2, 0.7, 2.0, 0.9, f64::NAN, 2.0]);
        let said = |summary: &Table, sums| {
            let mut findings = Findings::default();
            findings.sums(summary, sums).unwrap();
            findings.sentences
        };
        assert_eq!(
            said(&summary, Some(&sums)),
            [
                "The mean of α̂ over parameters goes from 0.579 (57 at 0.1) at B = 8 to 1.96 (96 at 2) at \
              B = 128, and at B = 8 from 0.400 (1 at 0.1) for single draws to 1.60 (1 at 2) for sums \
              of 32; stable noise would keep its \
              α, noise of finite variance goes to 2."
            ]
        );
        let single = Table::new()
            .with_integers("batch_size", [8])
            .with_reals("alpha_mean", [1.9])
            .with_integers("n_lower_bound", [0])
            .with_integers("n_boundary", [0]);
        assert_eq!(said(&single, None), [""; 0]);
    }

    #[test]
    fn noise_is_described_no_stronger_than_it_was_tested() {
        let verdicts = Verdicts;
        assert_eq!(
            verdicts([60, 3, 12, 0, 4, 5, 16, 0, 2]).sentence(8, 0.05),
            "Of 100 parameters at B = 8, 37 have noise that is heavier than Gaussian at a \
             false-discovery rate of 5 %: SαS is clearly better than every law of finite variance \
             for 12, SαS and a law of finite variance are not told apart for 4, a law of finite \
             variance is better for 5, no law is adequate for 16. 3 are not heavier and still \
             not Gaussian. 2 more could not be tested, their noise being degenerate."
        );
        let gaussian = verdicts([100, 0, 0, 0, 0, 0, 0, 0, 0]).sentence(8, 0.05);
        assert!(gaussian.ends_with(
            "none has noise that is heavier than Gaussian at a false-discovery rate of 5 %."
        ));
        assert!(verdicts([0, 0, 0, 0, 0, 0, 0, 0, 9]).sentence(8, 0.05).contains("No parameter"));
    }
}
