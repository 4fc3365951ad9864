//! Where the ascent begins: a stable law by two quantiles.
//!
//! McCulloch (1986), doi:10.1080/03610918608812563, with the quantiles 50 % and
//! 90 % of |z − δ|, which for a symmetric law are his 75 % and 95 %. Good to a
//! few standard errors, which is all that the ascent needs.

use super::ascent::Point;

/// Rows of alpha, the ratio of the 90 % to the 50 % quantile of |x|, and the
/// 50 % quantile itself at γ = 1.
const QUANTILES: [(f64, f64, f64); 15] = [
    (0.1, 1.548_489_4e8, 22.255_189),
    (0.15, 292_150.7, 6.615_3),
    (0.2, 12_709.234, 3.624_114),
    (0.3, 553.006_17, 2.006_053),
    (0.4, 115.036_6, 1.508_958),
    (0.5, 44.6351, 1.2838),
    (0.6, 23.6122, 1.1621),
    (0.7, 14.8938, 1.0901),
    (0.8, 10.4791, 1.0455),
    (1.0, 6.3138, 1.0000),
    (1.2, 4.4509, 0.9815),
    (1.4, 3.4656, 0.9724),
    (1.6, 2.9140, 0.9658),
    (1.8, 2.6099, 0.9598),
    (1.95, 2.4733, 0.9553),
];

/// A stable law around `delta` with about the quantiles of `sorted`, of which
/// fewer than half may equal `delta`.
pub(super) fn first_guess(sorted: &[f64], delta: f64) -> Point {
    let n = sorted.len();
    let upper = deviation(sorted, delta, n * 9 / 10);
    let median = deviation(sorted, delta, n / 2);
    let ratio = upper / median;
    // The rows with a greater and a smaller ratio, or the last two at either end.
    let next = QUANTILES.partition_point(|row| row.1 > ratio).clamp(1, QUANTILES.len() - 1);
    let (before, after) = (QUANTILES[next - 1], QUANTILES[next]);
    let share = ((ratio / before.1).ln() / (after.1 / before.1).ln()).clamp(0.0, 1.0);
    let between = |before: f64, after: f64| before + share * (after - before);
    Point { alpha: between(before.0, after.0), gamma: median / between(before.2, after.2), delta }
}

/// The |z − delta| that `rank` others do not exceed.
///
/// The samples that do not exceed it are neighbours: it is the greater distance
/// to the ends of the run of `rank + 1` samples whose ends are the closest.
fn deviation(sorted: &[f64], delta: f64, rank: usize) -> f64 {
    let (mut begin, mut end) = (0, sorted.len() - 1 - rank);
    // The first run whose upper end is at least as far as its lower one.
    while begin < end {
        let middle = (begin + end) / 2;
        if delta - sorted[middle] <= sorted[middle + rank] - delta {
            end = middle;
        } else {
            begin = middle + 1;
        }
    }
    let farther = |begin: usize| (delta - sorted[begin]).max(sorted[begin + rank] - delta);
    if begin > 0 { farther(begin).min(farther(begin - 1)) } else { farther(begin) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::exact;

    #[test]
    fn quantiles() {
        for (alpha, ratio, median) in QUANTILES {
            let exact_median = exact::inverse_sf(alpha, 0.25);
            assert!((median / exact_median - 1.0).abs() < 1e-4, "{alpha}");
            let exact_ratio = exact::inverse_sf(alpha, 0.05) / exact_median;
            assert!((ratio / exact_ratio - 1.0).abs() < 1e-4, "{alpha}");
        }
    }

    /// Of a sample that consists of the quantiles of a law the guess is that
    /// law, up to interpolation.
    #[test]
    fn guesses_the_law_of_perfect_samples() {
        for alpha in [0.2, 0.5, 0.9, 1.3, 1.7] {
            let mut z: Vec<f64> = (0..1000)
                .map(|i| 3.0 * exact::inverse_sf(alpha, (f64::from(i) + 0.5) / 2000.0))
                .flat_map(|x| [1.0 + x, 1.0 - x])
                .collect();
            z.sort_unstable_by(f64::total_cmp);
            let guess = first_guess(&z, 1.0);
            assert!((guess.alpha - alpha).abs() < 0.02, "{alpha}: {guess:?}");
            assert!((guess.gamma / 3.0 - 1.0).abs() < 0.02, "{alpha}: {guess:?}");
        }
    }

    #[test]
    fn deviations() {
        let sorted: Vec<f64> = [-9.0, -2.0, -1.5, 0.0, 0.5, 1.0, 1.0, 3.0, 8.0].to_vec();
        for delta in [-20.0, -1.5, 0.1, 0.75, 2.0, 30.0] {
            let mut expected: Vec<f64> = sorted.iter().map(|z| f64::abs(z - delta)).collect();
            expected.sort_unstable_by(f64::total_cmp);
            for (rank, expected) in expected.into_iter().enumerate() {
                assert_eq!(deviation(&sorted, delta, rank), expected, "{delta}, {rank}");
            }
        }
    }

    #[test]
    fn stays_in_the_range() {
        let uniform: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(first_guess(&uniform, 49.5).alpha, 1.95);
        let monstrous: Vec<f64> = (0..100).map(|i| 1e3f64.powi(i)).collect();
        assert_eq!(first_guess(&monstrous, 0.0).alpha, 0.1);
    }
}
