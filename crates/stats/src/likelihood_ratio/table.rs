//! The null of the likelihood ratio as a table.
//!
//! # Format
//!
//! A row of `null_table.csv` holds the kind of location, the number of samples
//! N, the number R of simulated series, the share of positive ratios, and for
//! k = 1, 2, … the ratio that a share of `10^{−k/10}` of the positive ones
//! exceeds, as far as four of them do.
//!
//! # Interpolation
//!
//! The share is interpolated linearly in ln N, and so are the square roots of
//! the ratios; between two k the square root is linear in k. It is 0 at k = 0
//! and nearly straight, since the positive ratios are close to a χ² law.
//! The result is written as the ratios of R series at equal steps of
//! probability, R being as great as the last column allows. The null of a table
//! is then of the same kind as a simulated one.

use super::LikelihoodRatioNull;
use crate::Location;

const TABLE: &str = include_str!("null_table.csv");

/// The law at one N.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    n_samples: f64,
    share_positive: f64,
    /// Square roots of the ratios, from k = 0.
    roots: Vec<f64>,
}

/// The null for `n_samples`, which is taken as 50 below and as 100,000 above.
pub(super) fn null(n_samples: usize, location: Location) -> LikelihoodRatioNull {
    let rows = rows(location);
    let n_samples = n_samples as f64;
    let next = rows.partition_point(|row| row.n_samples < n_samples).clamp(1, rows.len() - 1);
    rows[next - 1].towards(&rows[next], n_samples).null()
}

/// The rows of one kind of location, N ascending.
fn rows(location: Location) -> Vec<Row> {
    let kind = match location {
        Location::Free => "free",
        Location::Fixed(_) => "fixed",
    };
    TABLE.lines().filter_map(|line| line.strip_prefix(kind)).map(Row::parse).collect()
}

impl Row {
    /// Reads what follows the kind of location.
    fn parse(cells: &str) -> Self {
        let mut numbers = cells
            .split(',')
            .filter(|cell| !cell.is_empty())
            .map(|cell| cell.parse::<f64>().expect("the table holds numbers"));
        let mut next = || numbers.next().expect("a row has four cells and more");
        let (n_samples, _n_replicates, share_positive) = (next(), next(), next());
        let roots = [0.0].into_iter().chain(numbers.map(f64::sqrt)).collect();
        Self { n_samples, share_positive, roots }
    }

    /// The law at `n_samples` between this row and `next`.
    fn towards(&self, next: &Self, n_samples: f64) -> Self {
        let n_samples = n_samples.clamp(self.n_samples, next.n_samples);
        let weight = (n_samples / self.n_samples).ln() / (next.n_samples / self.n_samples).ln();
        let between = |here: f64, there: f64| here + weight * (there - here);
        let roots = self.roots.iter().zip(&next.roots);
        Self {
            n_samples,
            share_positive: between(self.share_positive, next.share_positive),
            roots: roots.map(|(&here, &there)| between(here, there)).collect(),
        }
    }

    /// As many series as the last column allows, at equal steps of probability.
    fn null(&self) -> LikelihoodRatioNull {
        let n_positive = 10f64.powf(0.1 * (self.roots.len() - 1) as f64) as usize;
        let n_replicates = (n_positive as f64 / self.share_positive).round() as usize;
        let positive = (1..=n_positive)
            .rev()
            .map(|rank| self.ratio(rank as f64 / n_positive as f64))
            .collect();
        LikelihoodRatioNull { n_replicates, positive }
    }

    /// The ratio that a share `tail` of the positive ones exceeds.
    fn ratio(&self, tail: f64) -> f64 {
        let position = -10.0 * tail.log10();
        let k = (position as usize).min(self.roots.len() - 2);
        let root = self.roots[k] + (position - k as f64) * (self.roots[k + 1] - self.roots[k]);
        root * root
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn rows_are_sound() {
        for location in [Location::Free, Location::Fixed(7.0)] {
            let rows = rows(location);
            assert_eq!((rows[0].n_samples, rows[rows.len() - 1].n_samples), (50.0, 100_000.0));
            for row in &rows {
                assert!((0.09..0.17).contains(&row.share_positive), "{row:?}");
                assert!(row.roots.len() > 20 && row.roots.is_sorted());
            }
            assert!(rows.is_sorted_by(|a, b| a.n_samples < b.n_samples));
        }
    }

    /// By hand: `e⁴` is half of the way from `e³` to `e⁵`; tails of 1, 10^{−0.1}
    /// and 10^{−0.2} leave one positive ratio.
    #[test]
    fn between_two_rows() {
        let row = |n_samples: f64, share_positive, roots: [f64; 3]| Row {
            n_samples: n_samples.exp(),
            share_positive,
            roots: roots.to_vec(),
        };
        let between =
            row(3.0, 0.2, [0.0, 0.4, 0.6]).towards(&row(5.0, 0.1, [0.0, 0.2, 0.4]), 4f64.exp());
        assert!((between.share_positive - 0.15).abs() < 1e-12);
        assert!((between.ratio(10f64.powf(-0.1)) - 0.09).abs() < 1e-12);
        assert!((between.ratio(10f64.powf(-0.15)) - 0.16).abs() < 1e-12);
        assert_eq!(between.ratio(1.0), 0.0);
    }

    /// Against 4000 simulated series at an N that has no row: p-values from
    /// all over the range within four standard errors.
    #[test]
    fn agrees_with_a_simulation() {
        const N_REPLICATES: usize = 4000;
        for location in [Location::Free, Location::Fixed(0.0)] {
            let rng_of = ChaCha8Rng::seed_from_u64;
            let simulated =
                LikelihoodRatioNull::simulate(400, location, N_REPLICATES, rng_of).unwrap();
            let tabulated = LikelihoodRatioNull::tabulated(400, location);
            assert!(tabulated.n_replicates() > 40_000);
            for ratio in [1e-9, 0.02, 0.1, 0.3, 0.6, 1.0, 2.0, 3.0, 5.0] {
                let (p, expected) = (simulated.p_value(ratio), tabulated.p_value(ratio));
                let error = (expected * (1.0 - expected) / N_REPLICATES as f64).sqrt();
                assert!((p - expected).abs() < 4.0 * error + 1e-3, "{ratio}: {p}, {expected}");
            }
        }
    }

    /// Beyond either end the end, and never a p-value of 0.
    #[test]
    fn at_the_ends() {
        let null = |n_samples| LikelihoodRatioNull::tabulated(n_samples, Location::Free);
        assert_eq!(null(10), null(50));
        assert_eq!(null(2_000_000), null(100_000));
        let p = null(1000).p_value(1e6);
        assert!(0.0 < p && p < 5e-5, "{p}");
    }
}
