//! Sums of powers of distances, the only thing that fitting a generalised
//! Gaussian computes.

use crate::stable::elementary::{exp, ln};
use crate::stable::simd::wide;

/// Samples taken at a time.
const BLOCK: usize = 32;

/// Terms of the expansion in [`LocalSums`], and how much farther the samples that
/// it stands for are than the points it is taken at: the remainder is below
/// `2^−7 / 50` of the nearest of them.
const N_TERMS: usize = 7;
const FAR: f64 = 2.0;

/// `ln r` of a distance whose powers are 0.
const NOTHING: f64 = -1e4;

/// The shapes of [`grid_sums`]: 0.1 and two chains of doublings.
pub(super) const GRID: [f64; 16] = [
    0.1, 0.15625, 0.21875, 0.3125, 0.4375, 0.625, 0.875, 1.25, 1.75, 2.5, 3.5, 5.0, 7.0, 10.0,
    14.0, 20.0,
];

/// `β ln r` as an argument of [`exp`]: what is below is 0 beside the greatest.
#[inline(always)]
fn power(beta: f64, ln: f64) -> f64 {
    let exponent = beta * ln;
    exp(if exponent > -700.0 { exponent } else { -700.0 })
}

#[inline(always)]
fn ln_distance(distance: f64) -> f64 {
    let distance = distance.abs();
    ln(if distance > f64::MIN_POSITIVE { distance } else { f64::MIN_POSITIVE })
}

#[inline(always)]
fn sum(terms: &[f64; BLOCK]) -> f64 {
    let mut sums = [0.0; 4];
    for chunk in terms.as_chunks::<4>().0 {
        for lane in 0..4 {
            sums[lane] += chunk[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}

/// Copies up to a block and fills it up.
#[inline(always)]
fn block_of(values: &[f64], padding: f64) -> [f64; BLOCK] {
    let mut block = [padding; BLOCK];
    block[..values.len()].copy_from_slice(values);
    block
}

wide! {
    /// Writes `ln |z − mu| · inverse`, for `z = mu` that of the least number.
    pub(super) fn ln_distances(z: &[f64], mu: f64, inverse: f64, ln_distances: &mut [f64]) {
        for (ln, z) in ln_distances.iter_mut().zip(z) {
            *ln = ln_distance((z - mu) * inverse);
        }
    }
}

wide! {
    /// `Σ r^β` and its first two derivatives by β, for given `ln r`.
    pub(super) fn power_sums(ln_distances: &[f64], beta: f64) -> [f64; 3] {
        let mut sums = [0.0; 3];
        for ln_distances in ln_distances.chunks(BLOCK) {
            let ln_distances = block_of(ln_distances, NOTHING);
            let mut terms = [0.0; BLOCK];
            for i in 0..BLOCK {
                terms[i] = power(beta, ln_distances[i]);
            }
            for total in &mut sums {
                *total += sum(&terms);
                for i in 0..BLOCK {
                    terms[i] *= ln_distances[i];
                }
            }
        }
        sums
    }
}

wide! {
    /// `Σ w r^β` for the shapes of [`GRID`], for three exponentials.
    pub(super) fn grid_sums(ln_distances: &[f64], weights: &[f64]) -> [f64; GRID.len()] {
        let mut sums = [0.0; GRID.len()];
        for (ln_distances, weights) in ln_distances.chunks(BLOCK).zip(weights.chunks(BLOCK)) {
            let ln_distances = block_of(ln_distances, NOTHING);
            let weights = block_of(weights, 0.0);
            let mut powers = [[0.0; BLOCK]; 3];
            for (powers, beta) in powers.iter_mut().zip(GRID) {
                for i in 0..BLOCK {
                    powers[i] = power(beta, ln_distances[i]);
                }
            }
            for (k, total) in sums.iter_mut().enumerate() {
                let powers = &mut powers[if k == 0 { 0 } else { 2 - k % 2 }];
                let mut terms = [0.0; BLOCK];
                for i in 0..BLOCK {
                    terms[i] = weights[i] * powers[i];
                    powers[i] *= powers[i];
                }
                *total += sum(&terms);
            }
        }
        sums
    }
}

wide! {
    /// `Σ |z − mu|^β`, times `inverse^β`.
    fn near_sum(z: &[f64], mu: f64, inverse: f64, beta: f64) -> f64 {
        let mut total = 0.0;
        for z in z.chunks(BLOCK) {
            let z = block_of(z, mu);
            let mut terms = [0.0; BLOCK];
            for i in 0..BLOCK {
                terms[i] = power(beta, ln_distance((z[i] - mu) * inverse));
            }
            total += sum(&terms);
        }
        total
    }
}

wide! {
    /// `Σ sgn(z − mu) |z − mu|^{β − 1}`, times `inverse^{β − 1}`.
    fn near_slope(z: &[f64], mu: f64, inverse: f64, beta: f64) -> f64 {
        let mut total = 0.0;
        for z in z.chunks(BLOCK) {
            let z = block_of(z, mu);
            let mut terms = [0.0; BLOCK];
            for i in 0..BLOCK {
                let distance = (z[i] - mu) * inverse;
                let power = power(beta - 1.0, ln_distance(distance));
                terms[i] = if distance == 0.0 { 0.0 } else { power.copysign(distance) };
            }
            total += sum(&terms);
        }
        total
    }
}

wide! {
    /// `Σ r^β (reach/(z − centre))^k` for k = 0, 1, …, with
    /// `r = |z − centre| · inverse`, none of which is 0.
    fn far_sums(z: &[f64], centre: f64, inverse: f64, beta: f64, reach: f64) -> [f64; N_TERMS] {
        let mut sums = [0.0; N_TERMS];
        for z in z.chunks(BLOCK) {
            let mut weights = [0.0; BLOCK];
            weights[..z.len()].fill(1.0);
            let z = block_of(z, centre + 1.0);
            let (mut terms, mut ratios) = ([0.0; BLOCK], [0.0; BLOCK]);
            for i in 0..BLOCK {
                let distance = z[i] - centre;
                terms[i] = weights[i] * power(beta, ln_distance(distance * inverse));
                ratios[i] = reach / distance;
            }
            for total in &mut sums {
                *total += sum(&terms);
                for i in 0..BLOCK {
                    terms[i] *= ratios[i];
                }
            }
        }
        sums
    }
}

/// The sum `Σ |z − μ|^β` for many μ that are close together.
///
/// # Formula
///
/// Samples nearby are summed one by one, for there the power is not smooth. Of
/// the others, twice as far from the centre c as any μ,
///
/// ```text
/// |z − μ|^β = |z − c|^β Σ_k (β choose k) ((c − μ)/(z − c))^k
/// ```
///
/// so that one pass over them serves for all μ.
pub(super) struct LocalSums<'a> {
    near: &'a [f64],
    /// Coefficients of the powers of `(μ − centre)/reach`.
    far: [f64; N_TERMS],
    pub(super) centre: f64,
    pub(super) reach: f64,
    beta: f64,
    inverse: f64,
}

impl<'a> LocalSums<'a> {
    /// For `μ` in `centre ± reach`; distances are multiplied by `inverse`.
    pub(super) fn new(
        sorted: &'a [f64],
        inverse: f64,
        beta: f64,
        (centre, reach): (f64, f64),
    ) -> Self {
        let begin = sorted.partition_point(|&z| z < centre - FAR * reach);
        let end = begin + sorted[begin..].partition_point(|&z| z <= centre + FAR * reach);
        let below = far_sums(&sorted[..begin], centre, inverse, beta, reach);
        let above = far_sums(&sorted[end..], centre, inverse, beta, reach);
        let mut binomial = 1.0;
        let far = std::array::from_fn(|k| {
            let coefficient = binomial * (below[k] + above[k]);
            binomial *= (k as f64 - beta) / (k + 1) as f64;
            coefficient
        });
        Self { near: &sorted[begin..end], far, centre, reach, beta, inverse }
    }

    /// `Σ |z − μ|^β`.
    pub(super) fn sum(&self, mu: f64) -> f64 {
        let t = if self.reach > 0.0 { (mu - self.centre) / self.reach } else { 0.0 };
        let far = self.far.iter().rev().fold(0.0, |sum, coefficient| sum * t + coefficient);
        near_sum(self.near, mu, self.inverse, self.beta) + far
    }

    /// `Σ sgn(z − μ) |z − μ|^{β − 1}`, where `reach > 0`.
    pub(super) fn slope(&self, mu: f64) -> f64 {
        let t = (mu - self.centre) / self.reach;
        let far = (1..N_TERMS).rev().fold(0.0, |sum, k| sum * t + k as f64 * self.far[k]);
        near_slope(self.near, mu, self.inverse, self.beta)
            - far / (self.beta * self.reach * self.inverse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cubes of the integers from −40 to 60, and their third root among them.
    fn samples() -> Vec<f64> {
        (-40..=60).map(|i| (f64::from(i) / 20.0).powi(3)).collect()
    }

    fn plain_sum(mu: f64, beta: f64) -> f64 {
        samples().iter().map(|z| (z - mu).abs().powf(beta)).sum()
    }

    #[test]
    fn powers() {
        let z = samples();
        let mut ln = vec![0.0; z.len()];
        ln_distances(&z, 0.125, 0.5, &mut ln);
        let grid = grid_sums(&ln, &vec![2.0; z.len()]);
        for (beta, grid) in GRID.into_iter().zip(grid) {
            let expected = plain_sum(0.125, beta) * 0.5f64.powf(beta);
            let [sum, by_beta, by_beta_beta] = power_sums(&ln, beta);
            assert!((sum / expected - 1.0).abs() < 1e-12, "{beta}: {sum}, {expected}");
            assert!((grid / expected - 2.0).abs() < 1e-12, "{beta}: {grid}, {expected}");
            let (left, right) = (power_sums(&ln, beta - 1e-5), power_sums(&ln, beta + 1e-5));
            for (value, i) in [(by_beta, 0), (by_beta_beta, 1)] {
                let slope = (right[i] - left[i]) / 2e-5;
                assert!((value - slope).abs() < 1e-7 * expected.max(1.0), "{value}, {slope}");
            }
        }
    }

    /// At the ends of the reach too.
    #[test]
    fn local_sums() {
        for beta in [0.3, 0.8, 1.0, 1.3, 2.0, 7.5, 20.0] {
            for (centre, reach) in [(0.1, 0.05), (0.3, 0.1), (1.0, 0.4)] {
                let sums = LocalSums::new(&samples(), 0.1, beta, (centre, reach)).far;
                assert!(sums.iter().all(|sum| sum.is_finite()));
                let z = samples();
                let local = LocalSums::new(&z, 0.1, beta, (centre, reach));
                for mu in [centre - reach, centre, centre + 0.5 * reach, centre + reach] {
                    let expected = plain_sum(mu, beta) * 0.1f64.powf(beta);
                    let sum = local.sum(mu);
                    assert!((sum / expected - 1.0).abs() < 1e-3, "{beta}: {sum}, {expected}");
                    let slope: f64 = z
                        .iter()
                        .map(|z| ((z - mu) * 0.1).abs().powf(beta - 1.0).copysign(z - mu))
                        .sum();
                    if beta > 1.0 {
                        let error = local.slope(mu) - slope;
                        assert!(error.abs() < 1e-2 * slope.abs().max(1.0), "{beta}: {error}");
                    }
                }
            }
        }
    }
}
