//! Newton's ascent of a concave likelihood of two parameters in a box.

/// Enough: five to fifteen steps are usual.
const MAX_STEPS: usize = 200;
/// A step that promises less is the last one. The next would promise its square.
const LAST_GAIN: f64 = 1e-10;

/// A log-likelihood and its derivatives at a point.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Evaluation {
    pub(crate) value: f64,
    pub(crate) gradient: [f64; 2],
    /// Minus the second derivatives.
    pub(crate) information: [[f64; 2]; 2],
}

/// Where the ascent ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Maximum {
    pub(crate) point: [f64; 2],
    pub(crate) value: f64,
    pub(crate) information: [[f64; 2]; 2],
    /// Whether no step was left to take.
    pub(crate) converged: bool,
}

/// Climbs from `start` to the maximum in the box between `low` and `high`.
///
/// The function must be concave: then a point from which no step inside the box goes up is the only maximum, and one
/// start is enough. Where it is not defined, it is NaN. A parameter with equal bounds is held fixed.
pub(crate) fn maximise(
    start: [f64; 2],
    low: [f64; 2],
    high: [f64; 2],
    evaluate: impl Fn([f64; 2]) -> Evaluation,
) -> Maximum {
    let mut point = start;
    let mut here = evaluate(point);
    let end = |point, here: Evaluation, converged| Maximum {
        point,
        value: here.value,
        information: here.information,
        converged,
    };
    for _ in 0..MAX_STEPS {
        let outward = |i: usize, by: f64| {
            (point[i] <= low[i] && by <= 0.) || (point[i] >= high[i] && by >= 0.)
        };
        let mut free = [0, 1].map(|i| !outward(i, here.gradient[i]));
        let Some(mut step) = solve(&here.information, &here.gradient, free) else {
            return end(point, here, false);
        };
        // A parameter at its bound may be pushed out by its correlation with the other.
        if let Some(i) = (0..2).find(|&i| free[i] && outward(i, step[i])) {
            free[i] = false;
            step = solve(&here.information, &here.gradient, free).expect("one number");
        }
        let gain = 0.5 * (step[0] * here.gradient[0] + step[1] * here.gradient[1]);
        let mut share = (0..2).fold(1f64, |share, i| {
            let bound = if step[i] < 0. { low[i] } else { high[i] };
            if step[i] == 0. { share } else { share.min((bound - point[i]) / step[i]) }
        });
        let moved =
            |share: f64| [0, 1].map(|i| (point[i] + share * step[i]).clamp(low[i], high[i]));
        if gain < LAST_GAIN {
            point = moved(share);
            return end(point, evaluate(point), true);
        }
        let next = loop {
            let there = moved(share);
            let evaluation = evaluate(there);
            if evaluation.value >= here.value + 1e-4 * share * gain {
                break Some((there, evaluation));
            }
            share *= 0.5;
            if share < 1e-18 {
                break None;
            }
        };
        match next {
            Some(next) => (point, here) = next,
            None => break,
        }
    }
    end(point, here, false)
}

/// Solves `matrix · x = vector` in the free coordinates; `None` where the matrix is not positive definite.
fn solve(matrix: &[[f64; 2]; 2], vector: &[f64; 2], free: [bool; 2]) -> Option<[f64; 2]> {
    let [[a, b], [_, d]] = *matrix;
    match free {
        [true, true] => inverse(matrix)
            .map(|[[p, q], [_, r]]| [p * vector[0] + q * vector[1], q * vector[0] + r * vector[1]]),
        [true, false] => (a > 0.).then(|| [vector[0] / a, 0.]),
        [false, true] => (d > 0.).then(|| [0., vector[1] / d]),
        [false, false] => Some([0., 0.]),
    }
    .filter(|_| !b.is_nan())
}

/// The inverse of a symmetric matrix; `None` where it is not positive definite.
pub(crate) fn inverse(matrix: &[[f64; 2]; 2]) -> Option<[[f64; 2]; 2]> {
    let [[a, b], [_, d]] = *matrix;
    let determinant = a * d - b * b;
    (a > 0. && determinant > 1e-13 * a * d)
        .then(|| [[d / determinant, -b / determinant], [-b / determinant, a / determinant]])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// −½ (p − m)ᵀ A (p − m).
    fn parabola(centre: [f64; 2], matrix: [[f64; 2]; 2]) -> impl Fn([f64; 2]) -> Evaluation {
        move |point| {
            let d = [point[0] - centre[0], point[1] - centre[1]];
            let gradient = [0, 1].map(|i| -(matrix[i][0] * d[0] + matrix[i][1] * d[1]));
            let value = 0.5 * (gradient[0] * d[0] + gradient[1] * d[1]);
            Evaluation { value, gradient, information: matrix }
        }
    }

    const MATRIX: [[f64; 2]; 2] = [[2., -1.5], [-1.5, 2.]];
    const WIDE: [f64; 2] = [f64::INFINITY; 2];

    #[test]
    fn inside_the_box() {
        let maximum = maximise([5., 5.], [-10.; 2], WIDE, parabola([1., 2.], MATRIX));
        assert!(maximum.converged && maximum.value.abs() < 1e-12);
        assert!((maximum.point[0] - 1.).abs() < 1e-12 && (maximum.point[1] - 2.).abs() < 1e-12);
    }

    /// Centre (1, −4) outside of p ≥ 0. By hand: on the edge p₁ = 0 the maximum is at p₀ = 1 − 1.5·4/2 = −2, outside
    /// too, so that (0, 0) is left. Starts on an edge and in the corner end there as well.
    #[test]
    fn at_the_bounds() {
        const MATRIX: [[f64; 2]; 2] = [[2., 1.5], [1.5, 2.]];
        for start in [[3., 3.], [0., 7.], [7., 0.], [0., 0.]] {
            let maximum = maximise(start, [0.; 2], WIDE, parabola([1., -4.], MATRIX));
            assert!(maximum.converged);
            assert_eq!(maximum.point, [0., 0.], "{start:?}");
            let maximum = maximise(start, [-5., 0.], WIDE, parabola([1., -4.], MATRIX));
            assert!((maximum.point[0] + 2.).abs() < 1e-12 && maximum.point[1] == 0.);
        }
        let fixed = maximise([0., 1.], [-5., 1.], [5., 1.], parabola([1., 2.], MATRIX));
        assert!((fixed.point[0] - 1.75).abs() < 1e-12 && fixed.converged);
    }

    /// ln x + ln y − x − 4y, from a start where Newton's step overshoots into x < 0.
    #[test]
    fn where_the_function_ends() {
        let logarithm = |[x, y]: [f64; 2]| Evaluation {
            value: x.ln() + y.ln() - x - 4. * y,
            gradient: [1. / x - 1., 1. / y - 4.],
            information: [[1. / (x * x), 0.], [0., 1. / (y * y)]],
        };
        let maximum = maximise([50., 1e-3], [-1.; 2], WIDE, logarithm);
        assert!(maximum.converged);
        assert!((maximum.point[0] - 1.).abs() < 1e-9 && (maximum.point[1] - 0.25).abs() < 1e-9);
    }

    #[test]
    fn a_plateau_is_no_maximum() {
        let flat = |_: [f64; 2]| Evaluation { gradient: [1., 1.], ..Default::default() };
        assert!(!maximise([0.; 2], [-1.; 2], WIDE, flat).converged);
    }
}
