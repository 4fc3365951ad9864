//! Which theory of the escape time the trials speak for.

use anyhow::Result;
use train::Table;

use super::ReportInput;
use super::markup::{Cell, Column, definitions, details, list, table};
use crate::plot::number::significant;

const DEFINITIONS: [(&str, &str); 3] = [
    (
        "Theories",
        "Mean exit times in time τ = ηk at learning rate η, batch size B and barrier ΔL above the \
         loss L* of the minimum, each with two free parameters (a, b or α; c₀, c₁). Kramers, white \
         noise: ln τ = a + b ΔL/η. Hu et al. (2017): ln k = a + b B/η. Xie et al. (2021): ln τ = a + \
         b BΔL/η (recalled, not held against the text). Mori et al. (2022): ln τ = a + (b B/η + 1 − n/2) ln(1 + ΔL/L*), n outliers of the \
         Hessian. Meng et al. (2020): ln τ = a + (b B/η − ½) ln(1 + sΔL), s the growth of the noise \
         with the loss, measured along trials. Battash et al. (2023), Corollary 4.2: ln τ = a + (α − 1) \
         ln(B/η) + (α/2) ln ΔL; the power of η is the paper's, those of B and ΔL follow for sums of \
         stable noise in a quadratic basin. Eq. 17: τ = 1/(c₀ + c₁ η^{2 − 1/α}), α given.",
    ),
    (
        "Held out",
        "Each setting is predicted from the fit to all others: the mean log-likelihood of its trials, \
         and the root mean square of the errors of ln k, the trials' own sampling error included.",
    ),
    (
        "Separated",
        "Vuong's test of the difference in log-likelihood at 5 %, if the better one also predicts the \
         settings better that were left out. Likelihoods are those of exits at a constant rate, with \
         censored trials and the interval between checks. Deviance, p: against a mean of its own for \
         each setting; small where the theory, or the constant rate, is wrong.",
    ),
];

/// The table of theories and what it comes to.
pub(super) fn chapter(input: &ReportInput) -> Result<String> {
    let tables = input.tables;
    let (Some(theories), Some(pairs)) = (&tables.escape_theories, &tables.escape_theory_pairs)
    else {
        return Ok(String::new());
    };
    let mut text = "<h3>Theories</h3>\n".to_owned() + &input.figure("escape_theories.svg");
    text += &list(&verdicts(theories, pairs)?);
    text += &of_theories(theories)?;
    text += &details("What the theories say", &definitions(DEFINITIONS));
    Ok(text)
}

/// What the data tell apart, in sentences.
pub fn verdicts(theories: &Table, pairs: &Table) -> Result<Vec<String>> {
    let (names, held_out) = (theories.texts("theory")?, theories.reals("held_out_per_trial")?);
    let mut sentences = Vec::new();
    let scored = (0..names.len()).filter(|row| held_out[*row].is_finite());
    let Some(best) = scored.max_by(|a, b| held_out[*a].total_cmp(&held_out[*b])) else {
        return Ok(vec!["No theory predicts settings that it has not seen.".to_owned()]);
    };
    let best = &names[best];
    let (first, second) = (pairs.texts("first")?, pairs.texts("second")?);
    let relation = pairs.texts("relation")?;
    let other = |row: usize| match (first[row] == *best, second[row] == *best) {
        (true, _) => Some(second[row].as_str()),
        (_, true) => Some(first[row].as_str()),
        _ => None,
    };
    let related = |to: &str| -> String {
        let rows = (0..pairs.n_rows()).filter(|row| relation[*row] == to);
        rows.filter_map(other).collect::<Vec<_>>().join(", ")
    };
    let or_none = |names: String| if names.is_empty() { "none".to_owned() } else { names };
    let open = or_none(related("not separated"));
    sentences.push(format!(
        "{best} predicts settings that were left out best. It is separated from: {}; not from: {}.",
        or_none(related(&format!("separated: {best}"))),
        open.trim_end_matches('.')
    ));
    let same: Vec<String> = (0..pairs.n_rows())
        .filter(|row| relation[*row] == "same form on this sweep")
        .map(|row| format!("{} and {}", first[row], second[row]))
        .collect();
    if !same.is_empty() {
        sentences.push(format!(
            "On this sweep these are one and the same formula, and no number of trials tells them \
             apart: {}.",
            same.join("; ").trim_end_matches('.')
        ));
    }
    let rejected = theories.reals("deviance_p")?.iter().filter(|p| **p < 0.01).count();
    let fitted = theories.reals("deviance_p")?.iter().filter(|p| p.is_finite()).count();
    if rejected > 0 {
        sentences.push(format!(
            "{rejected} of {fitted} theories are rejected against a mean of its own for each setting \
             (deviance, p < 0.01)."
        ));
    }
    Ok(sentences)
}

fn of_theories(theories: &Table) -> Result<String> {
    let names = [
        "First parameter",
        "Second parameter",
        "AIC",
        "Held out, per trial",
        "Error of ln k",
        "Deviance, p",
    ];
    let mut columns = vec![Column::Text("Theory")];
    columns.extend(names.map(|name| Column::Number(name.replace(' ', "\u{A0}"))));
    let parameter = |p: &str, row: usize| -> Result<String> {
        let of = |end: &str| -> Result<String> {
            Ok(significant(theories.reals(&format!("{p}{end}"))?[row], 3))
        };
        let name = &theories.texts(&format!("{p}_name"))?[row];
        Ok(format!("{name} = {} ({} to {})", of("")?, of("_low")?, of("_high")?))
    };
    let mut rows = Vec::new();
    for row in 0..theories.n_rows() {
        let name = theories.texts("theory")?[row].clone();
        let reason = &theories.texts("unavailable")?[row];
        let real = |column: &str| -> Result<Cell> {
            Ok(Cell::Plain(significant(theories.reals(column)?[row], 4)))
        };
        let mut cells = vec![Cell::Plain(name)];
        if reason.is_empty() {
            cells.extend([parameter("p0", row)?, parameter("p1", row)?].map(Cell::Plain));
            for column in ["aic", "held_out_per_trial", "held_out_rms_error", "deviance_p"] {
                cells.push(real(column)?);
            }
        } else {
            cells.push(Cell::Plain(format!("– {reason}")));
            cells.extend((0..5).map(|_| Cell::Plain("–".to_owned())));
        }
        rows.push(cells);
    }
    Ok(table("Theories of the mean exit time", &columns, &rows))
}
