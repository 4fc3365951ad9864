//! Estimation by regression on the characteristic function.

use std::f64::consts::{LN_2, PI};

use super::{Estimate, mcculloch};
use crate::stable::table::ALPHA_SPLIT;

/// Enough for α of 1 and more; below, the last digits may still move.
const MAX_STEPS: usize = 50;

/// A step that changes the parameters by less than this is the last one.
const LAST_CHANGE: f64 = 1e-7;

/// What is added to the variances in proportion to them. Near α = 2 their matrix
/// is singular but for rounding, since the characteristic function is analytic.
const RIDGE: f64 = 1e-3;

/// Distance of the points.
const STEP: f64 = PI / 25.0;

/// Points for the location: beyond them the phase says little.
const N_PHASES: usize = 10;

/// The stable law whose characteristic function is nearest to that of `z`.
///
/// # Formula
///
/// With the empirical characteristic function `φ̂` of `(z − δ)/γ`, at the points
/// `t_k = πk/25, k = 1 … K`,
///
/// ```text
/// ln(−ln |φ̂(t_k)|²) = ln(2 c^α) + α ln t_k + error,    arg φ̂(t_k) = d t_k + error
/// ```
///
/// where `c` and `d` are what γ and δ are still wrong by; regression, new
/// standardisation, and so on until nothing changes. With the centre known to be
/// 0 the law is one with a real `φ`, and `Re φ̂` takes the place of `φ̂`.
///
/// Koutrouvelis (1980), doi:10.1080/01621459.1980.10477573, with his K by α and N
/// (Table 1); Koutrouvelis (1981), doi:10.1080/03610918108812189, who weights by
/// the covariances of the errors. They are those of cosine sums (his eq. 2.5),
///
/// ```text
/// {[φ(s − t) + φ(s + t)] / (2 φ(s) φ(t)) − 1} / (s t)^α
/// ```
///
/// Changed from the papers: the start is McCulloch's estimate, which also
/// chooses K once for all steps (K that follows α may never settle); a
/// thousandth is added to the variances; the phases are those of the first ten
/// points, weighted by their variances only; the papers know no fixed location,
/// though the covariances are exactly those of `Re φ̂`. α stays in [0.5, 2].
///
/// # When to use it
///
/// It assumes a stable law; consistent, bias of at most 0.001 with 1000 samples.
/// The error is 1.32, 1.26, 1.15, 1.09, 1.03, 1.01 and 1.02 times the bound at α of
/// 0.7, 0.8, 1, 1.2, 1.5, 1.8 and 1.9: at small α the points are too far apart.
/// Needs some 200 samples. A sample counts by its cosine, so that no outlier moves
/// the estimate. Off the model it is close to maximum likelihood: Laplace noise
/// gives 1.61. Costs K complex products per sample and step.
pub(super) fn estimate(z: &[f64], centre_is_free: bool) -> Option<Estimate> {
    let mut law = mcculloch::estimate(z, centre_is_free)?;
    let n_points = n_points(law.alpha, z.len());
    for _ in 0..MAX_STEPS {
        let next = step(z, law, n_points, centre_is_free)?;
        let change = (next.alpha - law.alpha)
            .abs()
            .max((next.gamma / law.gamma - 1.0).abs())
            .max((next.delta - law.delta).abs() / law.gamma);
        law = next;
        if change < LAST_CHANGE {
            break;
        }
    }
    Some(law)
}

/// One regression on the samples as standardised by `law`.
fn step(z: &[f64], law: Estimate, n_points: usize, centre_is_free: bool) -> Option<Estimate> {
    let mut points = characteristic_function(z, law, n_points);
    if !centre_is_free {
        // What is odd in z contradicts the known centre and is noise.
        points.iter_mut().for_each(|point| point.im = 0.0);
    }
    let (alpha, ln_scale) = slope_and_intercept(&points, law.alpha)?;
    let gamma = law.gamma * ((ln_scale - LN_2) / alpha).exp();
    let shift = if centre_is_free { phase_slope(&points, law.alpha) } else { 0.0 };
    let delta = law.delta + law.gamma * shift;
    (gamma > 0.0 && delta.is_finite()).then_some(Estimate { alpha, gamma, delta })
}

/// A point of the empirical characteristic function.
struct Point {
    t: f64,
    re: f64,
    im: f64,
}

fn characteristic_function(z: &[f64], law: Estimate, n_points: usize) -> Vec<Point> {
    let mut sums = vec![(0.0, 0.0); n_points];
    for z in z {
        let (sin, cos) = (STEP * (z - law.delta) / law.gamma).sin_cos();
        let (mut re, mut im) = (1.0, 0.0);
        for sum in &mut sums {
            (re, im) = (re * cos - im * sin, re * sin + im * cos);
            sum.0 += re;
            sum.1 += im;
        }
    }
    let n = z.len() as f64;
    (1..)
        .zip(sums)
        .map(|(k, (re, im))| Point { t: STEP * f64::from(k), re: re / n, im: im / n })
        .collect()
}

/// α and `ln(2 c^α)` by generalised least squares, with the covariances of the
/// stable law of `alpha`; `None` where a modulus is 0 or 1.
fn slope_and_intercept(points: &[Point], alpha: f64) -> Option<(f64, f64)> {
    // φ and t^α at the points and at their differences and sums.
    let powers: Vec<f64> = (0..=2 * points.len()).map(|k| (k as f64 * STEP).powf(alpha)).collect();
    let phi: Vec<f64> = powers.iter().map(|power| (-power).exp()).collect();
    // The columns: constant, ln t, and what they are to explain. Cholesky's
    // method makes their errors independent, row by row.
    let mut lower: Vec<Vec<f64>> = Vec::with_capacity(points.len());
    let mut rows: Vec<[f64; 3]> = Vec::with_capacity(points.len());
    for (i, &Point { t, re, im }) in points.iter().enumerate() {
        let mut factors: Vec<f64> = Vec::with_capacity(i + 1);
        for j in 0..=i {
            let product = phi[i + 1] * phi[j + 1];
            let moments = 0.5 * (phi[i - j] + phi[i + j + 2]) / product - 1.0;
            let covariance = moments / (powers[i + 1] * powers[j + 1]);
            if j < i {
                factors.push((covariance - dot(&factors, &lower[j])) / lower[j][j]);
            } else {
                let variance = (1.0 + RIDGE) * covariance;
                factors.push((variance - dot(&factors, &factors)).sqrt());
            }
        }
        let mut row = [1.0, t.ln(), (-(re * re + im * im).ln()).ln()];
        for (column, value) in row.iter_mut().enumerate() {
            let explained: f64 = factors.iter().zip(&rows).map(|(f, row)| f * row[column]).sum();
            *value = (*value - explained) / factors[i];
        }
        lower.push(factors);
        rows.push(row);
    }

    let product = |a: usize, b: usize| rows.iter().map(|row| row[a] * row[b]).sum::<f64>();
    let determinant = product(0, 0) * product(1, 1) - product(0, 1).powi(2);
    let slope = (product(0, 0) * product(1, 2) - product(0, 1) * product(0, 2)) / determinant;
    let slope = slope.clamp(ALPHA_SPLIT, 2.0);
    let intercept = (product(0, 2) - slope * product(0, 1)) / product(0, 0);
    intercept.is_finite().then_some((slope, intercept))
}

/// Product of two series up to the end of the shorter.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `d` by weighted least squares through the origin.
fn phase_slope(points: &[Point], alpha: f64) -> f64 {
    let (mut numerator, mut denominator) = (0.0, 0.0);
    for &Point { t, re, im } in points.iter().take(N_PHASES) {
        // Of the imaginary part over φ: (1 − φ(2t)) / (2 φ(t)²).
        let power = t.powf(alpha);
        let variance = -0.5 * (-(2.0 * t).powf(alpha)).exp_m1() * (2.0 * power).exp();
        numerator += t / variance * im.atan2(re);
        denominator += t / variance * t;
    }
    numerator / denominator
}

/// Table 1 of Koutrouvelis (1980): α, and K for 200, 800 and 1600 samples.
const N_POINTS: [(f64, [f64; 3]); 8] = [
    (0.3, [134.0, 124.0, 118.0]),
    (0.5, [86.0, 68.0, 56.0]),
    (0.7, [30.0, 24.0, 20.0]),
    (0.9, [28.0, 22.0, 18.0]),
    (1.1, [24.0, 18.0, 15.0]),
    (1.3, [22.0, 16.0, 14.0]),
    (1.5, [11.0, 11.0, 11.0]),
    (1.9, [9.0, 9.0, 9.0]),
];

/// K, linear between the entries of the table and constant outside.
fn n_points(alpha: f64, n_samples: usize) -> usize {
    let n = n_samples as f64;
    let at_n = |row: [f64; 3]| {
        if n < 800.0 {
            row[0] + (row[1] - row[0]) * ((n - 200.0) / 600.0).max(0.0)
        } else {
            row[1] + (row[2] - row[1]) * ((n - 800.0) / 800.0).min(1.0)
        }
    };
    let next = N_POINTS.partition_point(|row| row.0 < alpha).clamp(1, N_POINTS.len() - 1);
    let (before, after) = (N_POINTS[next - 1], N_POINTS[next]);
    let share = ((alpha - before.0) / (after.0 - before.0)).clamp(0.0, 1.0);
    (at_n(before.1) + share * (at_n(after.1) - at_n(before.1))).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::exact;

    fn perfect_samples(alpha: f64) -> Vec<f64> {
        (0..500)
            .map(|i| 3.0 * exact::inverse_sf(alpha, (f64::from(i) + 0.5) / 1000.0))
            .flat_map(|x| [1.0 + x, 1.0 - x])
            .collect()
    }

    /// Below 1 the cosine of the farthest samples turns many times while the steps
    /// settle, and the last digits of the samples decide where they do.
    #[test]
    fn law_of_perfect_samples() {
        for (alpha, tolerance) in [(0.7, 0.03), (1.0, 0.01), (1.6, 0.01), (1.95, 0.01)] {
            let estimate = estimate(&perfect_samples(alpha), true).unwrap();
            assert!((estimate.alpha - alpha).abs() < tolerance, "{alpha}: {estimate:?}");
            assert!((estimate.gamma / 3.0 - 1.0).abs() < tolerance, "{alpha}: {estimate:?}");
            assert!((estimate.delta - 1.0).abs() < 1e-6, "{alpha}: {estimate:?}");
        }
    }

    /// A fixed point: a further regression changes nothing, from either side.
    #[test]
    fn settles() {
        let z = perfect_samples(1.3);
        let law = estimate(&z, true).unwrap();
        let k = n_points(mcculloch::estimate(&z, true).unwrap().alpha, z.len());
        let again = step(&z, law, k, true).unwrap();
        assert!((again.alpha - law.alpha).abs() < LAST_CHANGE);
        assert!((again.gamma / law.gamma - 1.0).abs() < LAST_CHANGE);
    }

    /// Points of a characteristic function itself lie on the line.
    #[test]
    fn exact_points() {
        let law = crate::SymmetricStable::new(1.4, 1.1, 0.2).unwrap();
        let points: Vec<Point> = (1..=11)
            .map(|k| {
                let t = STEP * f64::from(k);
                let (re, im) = law.characteristic_function(t);
                Point { t, re, im }
            })
            .collect();
        let (slope, intercept) = slope_and_intercept(&points, 1.7).unwrap();
        assert!((slope - 1.4).abs() < 1e-9, "{slope}");
        assert!((intercept - LN_2 - 1.4 * 1.1f64.ln()).abs() < 1e-9, "{intercept}");
        assert!((phase_slope(&points, 1.7) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn number_of_points() {
        assert_eq!((n_points(0.5, 200), n_points(0.5, 800), n_points(0.5, 1600)), (86, 68, 56));
        assert_eq!((n_points(2.0, 50), n_points(0.1, 1_000_000)), (9, 118));
        // By hand: 22 to 16 at half the way, and 24 to 18; between them 20.
        assert_eq!(n_points(1.2, 500), 20);
    }
}
