//! Verdicts as tables have them, and how many estimates are at an end of the range of the fit.

use std::path::Path;

use probe::quantities::verdict_column;
use stats::{LEAST_ALPHA, Verdict};
use train::{Table, TableError};

use crate::plot::number::count;

/// The label and the column of every verdict, in their order.
pub fn labels_and_columns() -> impl Iterator<Item = (&'static str, String)> {
    Verdict::ALL.into_iter().map(|verdict| (verdict.label(), verdict_column(verdict)))
}

/// The verdict on each row of a table.
///
/// # Errors
/// When there is no such column, or it holds words that no verdict has.
pub fn of_rows(table: &Table) -> Result<Vec<Verdict>, TableError> {
    let unknown = |label: &String| TableError::Unreadable {
        path: "verdict".to_owned(),
        reason: format!("`{label}` is no verdict of this version"),
    };
    table.texts("verdict")?.iter().map(|label| label.parse().map_err(|_| unknown(label))).collect()
}

/// Holds the verdicts of a file to those that there are.
///
/// # Errors
/// Names the file and the words that no verdict has.
pub fn check(path: &Path, table: &Table) -> Result<(), TableError> {
    let known = of_rows(table).map(|_| ());
    known.map_err(|error| match error {
        TableError::Unreadable { reason, .. } => TableError::Unreadable {
            path: path.display().to_string(),
            reason: format!("{reason}; run the experiment anew"),
        },
        missing => missing,
    })
}

/// How many of the estimates in a mean of α̂ are ends of the range of the fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtBounds {
    /// At the least α that is fitted.
    pub least: i64,
    /// At exactly 2.
    pub two: i64,
}

impl AtBounds {
    /// Of a row that has both counts.
    pub fn of_row(table: &Table, row: usize) -> Result<Self, TableError> {
        Ok(Self {
            least: table.integers("n_lower_bound")?[row],
            two: table.integers("n_boundary")?[row],
        })
    }

    /// Of estimates by themselves.
    pub fn among(alphas: &[f64]) -> Self {
        let count = |holds: fn(f64) -> bool| alphas.iter().filter(|alpha| holds(**alpha)).count();
        Self {
            least: count(|alpha| alpha <= LEAST_ALPHA) as i64,
            two: count(|alpha| alpha >= 2.) as i64,
        }
    }

    /// What is to be said beside the mean; nothing where there are none.
    pub fn note(self) -> String {
        let at = |n: i64, end: f64| (n > 0).then(|| format!("{} at {end}", count(n)));
        let both: Vec<String> =
            [at(self.least, LEAST_ALPHA), at(self.two, 2.)].into_iter().flatten().collect();
        if both.is_empty() { String::new() } else { format!(" ({})", both.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_name_the_file() {
        let table = |label: &str| Table::new().with_texts("verdict", ["degenerate", label]);
        let path = Path::new("runs/a/noise.parquet");
        assert!(check(path, &table("heavy, SαS")).is_ok());
        assert_eq!(
            check(path, &table("heavy, SαS adequate")).unwrap_err().to_string(),
            "runs/a/noise.parquet: not a readable table: `heavy, SαS adequate` is no verdict of this \
             version; run the experiment anew"
        );
        assert!(check(path, &Table::new()).unwrap_err().to_string().contains("`verdict`"));
    }

    #[test]
    fn labels_are_those_of_the_enum() {
        let labels: Vec<&str> = labels_and_columns().map(|(label, _)| label).collect();
        assert_eq!(labels, Verdict::ALL.map(Verdict::label));
        let columns: std::collections::BTreeSet<String> =
            labels_and_columns().map(|(_, column)| column).collect();
        assert_eq!(columns.len(), Verdict::ALL.len());
        assert!(columns.contains("n_heavy_sas_or_finite_variance"), "{columns:?}");
    }

    #[test]
    fn notes() {
        assert_eq!(
            AtBounds::among(&[LEAST_ALPHA, 1.2, 2., 2., f64::NAN]).note(),
            " (1 at 0.1, 2 at 2)"
        );
        assert_eq!(AtBounds { least: 57, two: 0 }.note(), " (57 at 0.1)");
        assert_eq!(AtBounds::among(&[0.2, 1.9]).note(), "");
    }
}
