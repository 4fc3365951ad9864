//! Newton's ascent of the stable likelihood.

use super::cholesky::solve;
use crate::stable::density::Density;

/// Enough: five to eight steps are usual.
const MAX_STEPS: usize = 100;

/// A Newton step that promises less than this is the last one. The next would
/// promise its square, so the likelihood after it needs no evaluation.
const LAST_GAIN: f64 = 1e-6;

/// Parameters of a stable law on standardised samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) alpha: f64,
    pub(crate) gamma: f64,
    pub(crate) delta: f64,
}

/// The parameters that may move beside the scale.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Free {
    pub(crate) alpha: bool,
    pub(crate) delta: bool,
    /// The least alpha.
    pub(crate) alpha_min: f64,
}

/// Samples in any order, or points that stand for samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples<'a> {
    pub(crate) z: &'a [f64],
    /// How many samples each of `z` stands for; without weights, one.
    pub(crate) weights: Option<&'a [f64]>,
}

/// Where the ascent ended.
pub(crate) struct Maximum {
    pub(crate) point: Point,
    pub(crate) ln_likelihood: f64,
    /// Minus the second derivatives, less than a step away.
    information: Matrix,
}

/// Climbs from `start` to the maximum of the likelihood of `samples`.
pub(crate) fn maximise(samples: Samples<'_>, start: Point, free: Free) -> Maximum {
    let alpha_min = free.alpha_min;
    let mut best = Evaluation::at(samples, start);
    for _ in 0..MAX_STEPS {
        let free = best.free(free);
        let newton = solve(&best.information, &best.score, free);
        let next = match newton {
            Some(step) if best.gain(&step) < LAST_GAIN => {
                return Maximum {
                    point: best.point.moved(&step, 1.0, alpha_min),
                    ln_likelihood: best.ln_likelihood + best.gain(&step),
                    information: best.information,
                };
            }
            Some(step) => best.climb(samples, &step, alpha_min),
            None => best.climb(samples, &best.uphill(free), alpha_min),
        };
        match next {
            Some(next) => best = next,
            None => break,
        }
    }
    let Evaluation { point, ln_likelihood, information, .. } = best;
    Maximum { point, ln_likelihood, information }
}

/// Climbs to the maximum of the likelihood of `z` from one of a likelihood that
/// is very nearly the same.
///
/// One Newton step is enough as a rule, and the second derivatives are known.
pub(super) fn maximise_near(z: &[f64], near: &Maximum, free: Free) -> Maximum {
    let here = Evaluation::first_order(z, near.point, near.information);
    match solve(&here.information, &here.score, here.free(free)) {
        Some(step) if here.gain(&step) < LAST_GAIN => Maximum {
            point: here.point.moved(&step, 1.0, free.alpha_min),
            ln_likelihood: here.ln_likelihood + here.gain(&step),
            information: here.information,
        },
        _ => maximise(Samples::all(z), near.point, free),
    }
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
    fn at(samples: Samples<'_>, point: Point) -> Self {
        let Point { alpha, gamma, delta } = point;
        let epsilon = 2.0 - alpha;
        let sums = Density::at(alpha).sums(samples.z, samples.weights, gamma, delta);
        let n = samples.n();
        let score = [-epsilon * sums.by_alpha, -sums.by_x_times_x - n, -sums.by_x];
        let information = [
            [
                -epsilon * (epsilon * sums.by_alpha_alpha - sums.by_alpha),
                -epsilon * sums.by_alpha_x_times_x,
                -epsilon * sums.by_alpha_x,
            ],
            [0.0, -sums.by_x_x_times_x_x - sums.by_x_times_x, -sums.by_x_x_times_x - sums.by_x],
            [0.0, 0.0, -sums.by_x_x],
        ];
        Self { point, ln_likelihood: sums.ln_f - n * gamma.ln(), score, information }
    }

    /// One pass over the samples for the likelihood and the score.
    fn first_order(z: &[f64], point: Point, information: Matrix) -> Self {
        let Point { alpha, gamma, delta } = point;
        let sums = Density::at(alpha).first_sums(z, gamma, delta);
        let n = z.len() as f64;
        Self {
            point,
            ln_likelihood: sums.ln_f - n * gamma.ln(),
            score: [-(2.0 - alpha) * sums.by_alpha, -sums.by_x_times_x - n, -sums.by_x],
            information,
        }
    }

    /// The coordinates that may move: at the lower bound alpha only upwards,
    /// which is towards a smaller 2 − α.
    fn free(&self, free: Free) -> [bool; 3] {
        let alpha = free.alpha && (self.point.alpha > free.alpha_min || self.score[0] < 0.0);
        [alpha, true, free.delta]
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
    fn climb(&self, samples: Samples<'_>, step: &Vector, alpha_min: f64) -> Option<Self> {
        const LONGEST: Vector = [1.5, 0.7, 0.7];
        let mut share = 1.0_f64;
        for (step, longest) in step.iter().zip(LONGEST) {
            share = share.min(longest / step.abs());
        }
        for _ in 0..30 {
            let next = Self::at(samples, self.point.moved(step, share, alpha_min));
            if next.ln_likelihood >= self.ln_likelihood {
                return Some(next);
            }
            share *= 0.4;
        }
        None
    }
}

impl<'a> Samples<'a> {
    /// Samples by themselves.
    pub(crate) fn all(z: &'a [f64]) -> Self {
        Self { z, weights: None }
    }

    /// The number of samples.
    fn n(self) -> f64 {
        self.weights.map_or(self.z.len() as f64, |weights| weights.iter().sum())
    }
}

impl Point {
    fn moved(self, step: &Vector, share: f64, alpha_min: f64) -> Self {
        let epsilon = (2.0 - self.alpha) * (share * step[0]).exp();
        // Rounding of 2 − (2 − α) must not look like an interior.
        let alpha = 2.0 - epsilon;
        Self {
            alpha: if alpha < alpha_min + 1e-14 { alpha_min } else { alpha },
            gamma: self.gamma * (share * step[1]).exp(),
            delta: self.delta + self.gamma * share * step[2],
        }
    }
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
        for alpha in [0.15, 0.3, 0.45, 0.8, 1.3, 1.9, 1.99] {
            let point = Point { alpha, gamma: 0.7, delta: 0.3 };
            let here = Evaluation::at(Samples::all(&z), point);
            for i in 0..3 {
                let at = |share: f64| {
                    let mut step = [0.0; 3];
                    step[i] = STEP;
                    Evaluation::at(Samples::all(&z), point.moved(&step, share, 0.1))
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
}
