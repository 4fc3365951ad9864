//! Which theories of the exit time the data tell apart: the same sentences for report and terminal.

use train::{Table, TableError};

/// What the data tell apart, in sentences.
pub fn sentences(theories: &Table, pairs: &Table) -> Result<Vec<String>, TableError> {
    let (names, held_out) = (theories.texts("theory")?, theories.reals("held_out_per_trial")?);
    let mut sentences = Vec::new();
    let parameters = [theories.reals("p0")?, theories.reals("p1")?];
    let is_fitted = |row: &usize| parameters.iter().all(|of_rows| of_rows[*row].is_finite());
    let scored = (0..names.len()).filter(|row| held_out[*row].is_finite()).filter(is_fitted);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One whose parameters ran to the edge has none, however well it predicts.
    #[test]
    fn the_best_theory_has_parameters() {
        let best_of = |p1: [f64; 2]| {
            let theories = Table::new()
                .with_texts("theory", ["Kramers", "Mori et al."])
                .with_reals("p0", [1.0, 2.0])
                .with_reals("p1", p1)
                .with_reals("held_out_per_trial", [-7.0, -7.5])
                .with_reals("deviance_p", [0.5, 0.5]);
            let pairs = Table::new()
                .with_texts("first", ["Kramers"])
                .with_texts("second", ["Mori et al."])
                .with_texts("relation", ["not separated"]);
            sentences(&theories, &pairs).unwrap().remove(0)
        };
        assert!(best_of([0.1, 0.2]).starts_with("Kramers predicts"));
        assert!(best_of([f64::NAN, 0.2]).starts_with("Mori et al. predicts"));
        assert!(best_of([f64::NAN; 2]).starts_with("No theory predicts"));
    }
}
