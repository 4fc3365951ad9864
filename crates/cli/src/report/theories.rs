//! Which theory of the escape time the trials speak for.

use anyhow::Result;
use train::Table;

use super::ReportInput;
use super::markup::{Cell, Column, definitions, details, list, table};
use crate::plot::canvas::escape;
use crate::plot::number::significant;
use crate::theory_verdicts;

const DEFINITIONS: [(&str, &str); 4] = [
    (
        "Theories",
        "Mean exit times in time τ = ηk at learning rate η, batch size B and height ΔL of the edge above \
         the loss L* of the minimum, each with two free parameters (a, b or α; c₀, c₁). Kramers, white \
         noise: ln τ = a + b ΔL/η − (n/2) ln(ΔL/η), n outliers of the Hessian. Hu et al. (2017): ln k = a + \
         b B/η. Xie et al. (2021): ln τ = a + b BΔL/η − (n/2) ln(BΔL/η) (not checked against the text of the paper). \
         Mori et al. (2022): ln τ = a + (b B/η + 1) ln R − (n/2) ln(R − 1), R = 1 + ΔL/L*. Meng et al. (2020): the \
         same with R = 1 + sΔL, s the growth of the noise with the loss. Battash et al. (2023), Corollary 4.2: \
         ln τ = a + (α − 1) ln(B/η) + (α/2) ln ΔL; the power of η is the paper's, those of B and ΔL follow for \
         sums of stable noise in a quadratic basin. Eq. 17: τ = 1/(c₀ + c₁ η^{2 − 1/α}), α given.",
    ),
    (
        "Edge and saddle",
        "The papers have exits over a saddle; trials here leave through an edge of the loss, for which the \
         formulas are as above: terms with n/2, and ln R in place of (1 − n/2) ln R (Mori) and ½ ln R (Meng, in \
         Itô's calculus; the paper's −½ belongs to another calculus). Discrete steps pass the edge later than a \
         continuous path, as if it were 0.5826 standard deviations of a step further out; where that size is known, R \
         is the one further out. Without n, the formulas of Kramers, Xie and Meng are those of a saddle.",
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
    text += &list(&theory_verdicts::sentences(theories, pairs)?);
    text += &of_theories(theories)?;
    if let Some(constants) = &tables.escape_constants {
        text += &of_constants(constants)?;
    }
    text += &details("What the theories say", &definitions(DEFINITIONS));
    Ok(text)
}

/// What was taken as measured.
fn of_constants(constants: &Table) -> Result<String> {
    let mut told = Vec::new();
    for (column, name) in [
        ("effective_dimension", "n"),
        ("curvature", "h"),
        ("noise_slope", "s"),
        ("noise_growth", "σ_H"),
        ("noise_alpha", "α"),
    ] {
        let value = constants.reals(column)?[0];
        if value.is_finite() {
            let source = match column {
                "noise_alpha" => format!(" ({})", constants.texts("noise_alpha_source")?[0]),
                _ => String::new(),
            };
            told.push(format!("{name} = {}{source}", significant(value, 3)));
        }
    }
    let told = if told.is_empty() { "nothing".to_owned() } else { told.join(", ") };
    Ok(format!("<p>Taken as measured: {}.</p>\n", escape(&told)))
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
