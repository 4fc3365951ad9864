//! Whether the arms of the ablation differ: the same sentences for report and terminal.

use statrs::distribution::{ContinuousCDF, StudentsT};
use train::{Table, TableError};

use crate::plot::number::{mean_and_deviation, significant};

/// The two arms that are twins, as tables name them.
pub const TWINS: [&str; 2] = ["learning-rate decay", "batch growth"];

/// Above this p-value a difference is not told from none.
const LEVEL: f64 = 0.05;

/// The difference of two arms in one quantity, over repetitions that share weights and minibatches.
pub struct Difference {
    /// First arm less second.
    pub mean: f64,
    /// Standard error; NaN of a single repetition.
    pub standard_error: f64,
    n_seeds: i64,
}

impl Difference {
    /// Reads it off `ablation_differences`; `None` where one of the arms was not run.
    pub fn read(
        table: &Table,
        [first, second]: [&str; 2],
        quantity: &str,
    ) -> Result<Option<Self>, TableError> {
        let names = [("first", first), ("second", second), ("quantity", quantity)];
        let mut rows: Vec<usize> = (0..table.n_rows()).collect();
        for (column, name) in names {
            let of_rows = table.texts(column)?;
            rows.retain(|row| of_rows[*row] == name);
        }
        let Some(&row) = rows.first() else { return Ok(None) };
        let mean = table.reals("difference")?[row];
        let standard_error = table.reals("standard_error")?[row];
        let n_seeds = table.integers("n_seeds")?[row];
        Ok(mean.is_finite().then_some(Self { mean, standard_error, n_seeds }))
    }

    /// Whether every repetition has the same value in both arms, but for rounding.
    fn is_none(&self) -> bool {
        self.mean.abs() < 1e-12 && (self.n_seeds < 2 || self.standard_error < 1e-12)
    }

    /// With its standard error: `0.012 ± 0.004`.
    pub fn figure(&self) -> String {
        if self.is_none() {
            return "0".to_owned();
        }
        // A mean that is small against its error is no number of its own.
        let is_nothing = self.mean.abs() < 0.005 * self.standard_error;
        let mean = if is_nothing { 0.0 } else { self.mean };
        if self.n_seeds < 2 {
            return significant(mean, 2);
        }
        let (mean, error) = mean_and_deviation(mean, self.standard_error);
        format!("{mean} ± {error}")
    }

    /// Says whether there is one.
    pub fn sentence(&self, [first, second]: [&str; 2], measured: &str) -> String {
        if self.is_none() {
            return format!("{first} and {second} end with the same {measured}.");
        }
        let figure = self.figure();
        if self.n_seeds < 2 {
            return format!(
                "{first} less {second} is {figure} in {measured}, of one repetition, which says nothing of its error."
            );
        }
        let p = self.p_value();
        let of = format!(
            "{first} less {second} is {figure} in {measured} (standard error over {} pairs of repetitions; paired t-test, p = {})",
            self.n_seeds,
            significant(p, 2)
        );
        match p < LEVEL {
            true => format!("{of}."),
            false => format!("{of}: no difference beyond the noise between repetitions."),
        }
    }

    /// Two-sided, Student's.
    fn p_value(&self) -> f64 {
        let t = (self.mean / self.standard_error).abs();
        let law = StudentsT::new(0.0, 1.0, (self.n_seeds - 1) as f64).expect("two or more seeds");
        2.0 * law.sf(t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(mean: f64, standard_error: f64, n_seeds: i64) -> String {
        let table = Table::new()
            .with_texts("first", ["a", "a"])
            .with_texts("second", ["c", "b"])
            .with_texts("quantity", ["loss", "loss"])
            .with_integers("n_seeds", [1, n_seeds])
            .with_reals("difference", [7.0, mean])
            .with_reals("standard_error", [7.0, standard_error]);
        let found = Difference::read(&table, ["a", "b"], "loss").unwrap().unwrap();
        assert!(Difference::read(&table, ["b", "c"], "loss").unwrap().is_none());
        found.sentence(["A", "B"], "loss")
    }

    /// p-values of `scipy.stats.t.sf`.
    #[test]
    fn differences_are_told_with_their_errors() {
        assert_eq!(sentence(1.1e-16, 0.0, 5), "A and B end with the same loss.");
        assert_eq!(sentence(0.0, f64::NAN, 1), "A and B end with the same loss.");
        assert_eq!(
            sentence(0.0123, 0.004, 5),
            "A less B is 0.0123 ± 0.0040 in loss (standard error over 5 pairs of repetitions; paired t-test, p = 0.037)."
        );
        // Equal but for the order in which seeds are added.
        assert_eq!(
            sentence(-1.1e-16, 0.0004, 3),
            "A less B is 0 ± 0.00040 in loss (standard error over 3 pairs of repetitions; paired t-test, p = 1.0): no \
             difference beyond the noise between repetitions."
        );
        assert!(sentence(0.02, f64::NAN, 1).contains("is 0.020 in loss, of one repetition"));
    }
}
