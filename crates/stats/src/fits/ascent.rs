//! Newton's ascent of the stable likelihood.

use crate::stable::density::Density;
use crate::stable::table::ALPHA_MIN;

/// Enough: five to eight steps are usual.
const MAX_STEPS: usize = 100;

/// A Newton step that promises less than this is the last one. The next would
/// promise its square, so the likelihood after it needs no evaluation.
const LAST_GAIN: f64 = 1e-6;

/// Parameters of a stable law on standardised samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    pub(super) alpha: f64,
    pub(super) gamma: f64,
    pub(super) delta: f64,
}

/// Where the ascent ended.
pub(super) struct Maximum {
    pub(super) point: Point,
    pub(super) ln_likelihood: f64,
}

/// Climbs from `start` to the maximum of the likelihood of `z`.
pub(super) fn maximise(z: &[f64], start: Point, delta_is_free: bool) -> Maximum {
    let mut best = Evaluation::at(z, start);
    for _ in 0..MAX_STEPS {
        let free = best.free(delta_is_free);
        let newton = solve(&best.information, &best.score, free);
        let next = match newton {
            Some(step) if best.gain(&step) < LAST_GAIN => {
                return Maximum {
                    point: best.point.moved(&step, 1.0),
                    ln_likelihood: best.ln_likelihood + best.gain(&step),
                };
            }
            Some(step) => best.climb(z, &step),
            None => best.climb(z, &best.uphill(free)),
        };
        match next {
            Some(next) => best = next,
            None => break,
        }
    }
    Maximum { point: best.point, ln_likelihood: best.ln_likelihood }
}

/// The likelihood at a point and its derivatives by
/// `(ln(2 − α), ln γ, δ / γ)`.
///
/// In these coordinates the likelihood is close to a parabola on the scale of
/// its standard errors, also for α near 2, and a step changes no unit.
struct Evaluation {
    point: Point,
    ln_likelihood: f64,
    score: Vector,
    /// Minus the second derivatives; the upper triangle.
    information: Matrix,
}

type Vector = [f64; 3];
type Matrix = [[f64; 3]; 3];

impl Evaluation {
    /// One pass over the samples.
    fn at(z: &[f64], point: Point) -> Self {
        let Point { alpha, gamma, delta } = point;
        let epsilon = 2.0 - alpha;
        let density = Density::at(alpha);
        let mut ln_likelihood = -(z.len() as f64) * gamma.ln();
        let inverse_gamma = 1.0 / gamma;
        let mut product = 1.0;
        let mut score = [0.0; 3];
        let mut information = [[0.0; 3]; 3];
        for z in z {
            let x = (z - delta) * inverse_gamma;
            let l = density.ln_pdf(x);
            let by_alpha_x = -epsilon * l.by_alpha_x;
            let gradient = [-epsilon * l.by_alpha, -l.by_x * x - 1.0, -l.by_x];
            let second = [
                [epsilon * (epsilon * l.by_alpha_alpha - l.by_alpha), -by_alpha_x * x, -by_alpha_x],
                [0.0, (l.by_x_x * x + l.by_x) * x, l.by_x_x * x + l.by_x],
                [0.0, 0.0, l.by_x_x],
            ];
            ln_likelihood += l.ln_scale;
            // One logarithm for many samples.
            product *= l.f;
            if product < 1e-150 {
                ln_likelihood += product.ln();
                product = 1.0;
            }
            for i in 0..3 {
                score[i] += gradient[i];
                for j in i..3 {
                    information[i][j] -= second[i][j];
                }
            }
        }
        ln_likelihood += product.ln();
        Self { point, ln_likelihood, score, information }
    }

    /// The coordinates that may move: at the lower bound alpha only upwards,
    /// which is towards a smaller 2 − α.
    fn free(&self, delta_is_free: bool) -> [bool; 3] {
        [self.point.alpha > ALPHA_MIN || self.score[0] < 0.0, true, delta_is_free]
    }

    /// What a Newton step is expected to add to the likelihood.
    fn gain(&self, step: &Vector) -> f64 {
        step.iter().zip(&self.score).map(|(step, score)| 0.5 * step * score).sum()
    }

    /// A step uphill where the likelihood is not concave: each coordinate by
    /// itself, over the size of its second derivative.
    fn uphill(&self, free: [bool; 3]) -> Vector {
        std::array::from_fn(|i| {
            if free[i] { self.score[i] / self.information[i][i].abs() } else { 0.0 }
        })
    }

    /// Goes along `step`, shortened until the likelihood does not fall.
    fn climb(&self, z: &[f64], step: &Vector) -> Option<Self> {
        const LONGEST: Vector = [1.5, 0.7, 0.7];
        let mut share = 1.0_f64;
        for (step, longest) in step.iter().zip(LONGEST) {
            share = share.min(longest / step.abs());
        }
        for _ in 0..30 {
            let next = Self::at(z, self.point.moved(step, share));
            if next.ln_likelihood >= self.ln_likelihood {
                return Some(next);
            }
            share *= 0.4;
        }
        None
    }
}

impl Point {
    fn moved(self, step: &Vector, share: f64) -> Self {
        let epsilon = (2.0 - self.alpha) * (share * step[0]).exp();
        Self {
            alpha: (2.0 - epsilon).max(ALPHA_MIN),
            gamma: self.gamma * (share * step[1]).exp(),
            delta: self.delta + self.gamma * share * step[2],
        }
    }
}

/// Solves `matrix · x = vector` in the free coordinates by Cholesky's method,
/// from the upper triangle; `None` where the matrix is not positive definite.
fn solve(matrix: &Matrix, vector: &Vector, free: [bool; 3]) -> Option<Vector> {
    let mut lower = [[0.0; 3]; 3];
    for i in (0..3).filter(|&i| free[i]) {
        for j in (0..=i).filter(|&j| free[j]) {
            let rest = matrix[j][i] - (0..j).map(|k| lower[i][k] * lower[j][k]).sum::<f64>();
            if i > j {
                lower[i][j] = rest / lower[j][j];
            } else if rest > 1e-12 * matrix[i][i] {
                lower[i][i] = rest.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut solution = [0.0; 3];
    for i in (0..3).filter(|&i| free[i]) {
        let rest = vector[i] - (0..i).map(|k| lower[i][k] * solution[k]).sum::<f64>();
        solution[i] = rest / lower[i][i];
    }
    for i in (0..3).rev().filter(|&i| free[i]) {
        let rest = solution[i] - (i + 1..3).map(|k| lower[k][i] * solution[k]).sum::<f64>();
        solution[i] = rest / lower[i][i];
    }
    Some(solution)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Central differences of the likelihood and of the score, far from the
    /// maximum, where no term vanishes.
    #[test]
    fn score_and_information() {
        const STEP: f64 = 1e-4;
        let z: Vec<f64> = (0..60).map(|i| (f64::from(i) - 25.0).powi(3) / 2e3).collect();
        for alpha in [0.8, 1.3, 1.9, 1.99] {
            let point = Point { alpha, gamma: 0.7, delta: 0.3 };
            let here = Evaluation::at(&z, point);
            for i in 0..3 {
                let at = |share: f64| {
                    let mut step = [0.0; 3];
                    step[i] = STEP;
                    Evaluation::at(&z, point.moved(&step, share))
                };
                let (left, right) = (at(-1.0), at(1.0));
                let check = |value: f64, difference: f64| {
                    let slope = difference / (2.0 * STEP);
                    let error = (value - slope).abs() / value.abs().max(1.0);
                    assert!(error < 1e-3, "alpha = {alpha}, {i}: {value}, {slope}");
                };
                check(here.score[i], right.ln_likelihood - left.ln_likelihood);
                for j in i..3 {
                    // The score by δ / γ is in units of the moved γ.
                    let unit = |there: &Evaluation| {
                        if j == 2 { point.gamma / there.point.gamma } else { 1.0 }
                    };
                    let difference = left.score[j] * unit(&left) - right.score[j] * unit(&right);
                    check(here.information[i][j], difference);
                }
            }
        }
    }

    /// By hand: `[[4, 2], [2, 3]] (1, 1) = (6, 5)`.
    #[test]
    fn cholesky() {
        let matrix = [[4.0, 9.0, 2.0], [0.0, -1.0, 9.0], [0.0, 0.0, 3.0]];
        let solution = solve(&matrix, &[6.0, 7.0, 5.0], [true, false, true]).unwrap();
        for (value, expected) in solution.into_iter().zip([1.0, 0.0, 1.0]) {
            assert!((value - expected).abs() < 1e-15);
        }
        assert!(solve(&matrix, &[6.0, 7.0, 5.0], [true; 3]).is_none());
    }
}
