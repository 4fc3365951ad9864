//! The two parameters of greatest likelihood.

use super::cell::CellTimes;
use super::fit::FittedParameter;
use super::{Form, Parameter, Theory, TheoryError};
use crate::ascent::{Evaluation, inverse, maximise};
use crate::exit_laws::{Estimate, Z};

/// Regressors that differ by less than this share are one.
const SAME_REGRESSOR: f64 = 1e-9;

/// A cell as a theory sees it.
pub(super) struct Point<'a> {
    pub(super) times: &'a CellTimes,
    pub(super) offset: f64,
    pub(super) regressor: f64,
}

/// A fitted `p₀ + p₁ · regressor`.
pub(super) struct Line {
    form: Form,
    scaling: Scaling,
    q: [f64; 2],
    information: [[f64; 2]; 2],
    pub(super) n_parameters: usize,
    pub(super) ln_likelihood: f64,
}

impl Line {
    /// Where all points have one regressor, p₁ is held at 0.
    pub(super) fn fit(theory: &dyn Theory, points: &[&Point]) -> Result<Self, TheoryError> {
        let form = theory.form();
        let rate = overall_rate(points)?;
        let has_slope = !have_one_regressor(points);
        let scaling = match form {
            Form::LnMean => Scaling::of_ln_mean(points, rate),
            Form::Rate => Scaling::of_rate(points, rate),
        };
        let [first, second] = theory.parameters();
        if has_slope && form == Form::LnMean && second.high.is_infinite() && never_turns(points) {
            return Err(TheoryError::UnboundedSlope);
        }
        // A first parameter that is mixed with the second has no bounds.
        let mut low = [first.low / scaling.to_p[0][0], second.low / scaling.to_p[1][1]];
        let mut high = [first.high / scaling.to_p[0][0], second.high / scaling.to_p[1][1]];
        if !has_slope {
            (low[1], high[1]) = (0., 0.);
        }
        let likelihood = |q| ln_likelihood(form, &scaling, points, q);
        let maximum = maximise(scaling.start, low, high, likelihood);
        if !maximum.converged {
            return Err(TheoryError::NotConverged);
        }
        Ok(Self {
            form,
            scaling,
            q: maximum.point,
            information: maximum.information,
            n_parameters: 1 + usize::from(has_slope),
            ln_likelihood: maximum.value,
        })
    }

    /// Predicted ln k.
    pub(super) fn ln_mean(&self, point: &Point) -> f64 {
        Prediction::at(self.form, &self.scaling, point, self.q).ln_mean
    }

    /// The parameters in the units of the theory.
    pub(super) fn parameters(&self, parameters: [Parameter; 2]) -> [FittedParameter; 2] {
        let covariance = inverse(&self.information).filter(|_| self.n_parameters == 2);
        let nan = f64::NAN;
        [0, 1].map(|i| {
            let (Parameter { name, low, high }, [u, v]) = (parameters[i], self.scaling.to_p[i]);
            let mut estimate = Estimate { value: nan, low: nan, high: nan };
            if let Some([[aa, ab], [_, bb]]) = covariance {
                let value = u * self.q[0] + v * self.q[1];
                let half = Z * (u * u * aa + 2. * u * v * ab + v * v * bb).sqrt();
                estimate = Estimate {
                    value,
                    low: (value - half).max(low),
                    high: (value + half).min(high),
                };
            }
            FittedParameter { name, estimate }
        })
    }
}

/// Coordinates q of order one: `p = to_p · q`.
struct Scaling {
    to_p: [[f64; 2]; 2],
    start: [f64; 2],
}

impl Scaling {
    /// A standardised regressor; from one mean for all.
    fn of_ln_mean(points: &[&Point], rate: f64) -> Self {
        let n = points.len() as f64;
        let mean = points.iter().map(|point| point.regressor).sum::<f64>() / n;
        let squares = points.iter().map(|point| (point.regressor - mean).powi(2));
        let spread = match (squares.sum::<f64>() / n).sqrt() {
            0. => 1.,
            spread => spread,
        };
        let offset = points.iter().map(|point| point.offset).sum::<f64>() / n;
        Self { to_p: [[1., -mean / spread], [0., 1. / spread]], start: [-rate.ln() - offset, 0.] }
    }

    /// Rates in units of the overall one; from half of it by each term.
    fn of_rate(points: &[&Point], rate: f64) -> Self {
        let greatest = points.iter().map(|point| point.regressor).fold(0., f64::max);
        let offset = points.iter().map(|point| point.offset).sum::<f64>() / points.len() as f64;
        let unit = rate * offset.exp();
        let start = match have_one_regressor(points) {
            true => [1., 0.],
            false => [0.5, 0.5],
        };
        Self { to_p: [[unit, 0.], [0., unit / greatest]], start }
    }
}

/// ln k of a point, and what its derivatives by q are made of.
struct Prediction {
    ln_mean: f64,
    /// The gradient of `p₀ + p₁ · regressor`.
    weights: [f64; 2],
    /// The first and second derivative of ln k by it.
    first: f64,
    second: f64,
}

impl Prediction {
    fn at(form: Form, scaling: &Scaling, point: &Point, q: [f64; 2]) -> Self {
        let [[a, b], [c, d]] = scaling.to_p;
        let weights = [a + c * point.regressor, b + d * point.regressor];
        let line = weights[0] * q[0] + weights[1] * q[1];
        let (ln_mean, first, second) = match form {
            Form::LnMean => (line, 1., 0.),
            Form::Rate => (-line.ln(), -1. / line, 1. / (line * line)),
        };
        Self { ln_mean: point.offset + ln_mean, weights, first, second }
    }
}

fn ln_likelihood(form: Form, scaling: &Scaling, points: &[&Point], q: [f64; 2]) -> Evaluation {
    let mut sum = Evaluation::default();
    for point in points {
        let Prediction { ln_mean, weights, first, second } =
            Prediction::at(form, scaling, point, q);
        let (value, slope, information) = point.times.ln_likelihood(ln_mean);
        sum.value += value;
        for i in 0..2 {
            sum.gradient[i] += slope * first * weights[i];
            for j in 0..2 {
                let curvature = information * first * first - slope * second;
                sum.information[i][j] += curvature * weights[i] * weights[j];
            }
        }
    }
    sum
}

/// Exits per iteration stayed.
fn overall_rate(points: &[&Point]) -> Result<f64, TheoryError> {
    let stayed: f64 = points.iter().map(|point| point.times.stayed).sum();
    let exits = points.iter().flat_map(|point| &point.times.exits);
    let n_exits: f64 = exits.map(|(_, count)| count).sum();
    match (n_exits, stayed) {
        (0., _) => Err(TheoryError::NoExit),
        (_, 0.) => Err(TheoryError::TooCoarse),
        _ => Ok(n_exits / stayed),
    }
}

pub(super) fn have_one_regressor(points: &[&Point]) -> bool {
    let first = points[0].regressor;
    points.iter().all(|point| (point.regressor - first).abs() <= SAME_REGRESSOR * first.abs())
}

/// Whether the likelihood of ln-linear means does not fall as the slope grows without end, around some regressor: every
/// exit is seen at or below it, and every trial that stayed at or above it.
fn never_turns(points: &[&Point]) -> bool {
    let regressors = |of: &dyn Fn(&CellTimes) -> bool| {
        points
            .iter()
            .filter(|point| of(point.times))
            .map(|point| point.regressor)
            .collect::<Vec<_>>()
    };
    let last_exit = regressors(&|times| !times.exits.is_empty());
    let first_stay = regressors(&|times| times.stayed > 0.);
    last_exit.into_iter().fold(f64::NEG_INFINITY, f64::max)
        <= first_stay.into_iter().fold(f64::INFINITY, f64::min)
}
