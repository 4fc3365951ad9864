//! One theory, fitted to cells and scored on each that it has not seen.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::cell::CellTimes;
use super::line::{Line, Point, have_one_regressor};
use super::{Cell, Theory, TheoryError};
use crate::exit_laws::Estimate;

/// A theory fitted to all cells by maximum likelihood.
#[derive(Debug, Clone, PartialEq)]
pub struct TheoryFit {
    /// Its name.
    pub theory: &'static str,
    /// Author, year and equation.
    pub source: &'static str,
    /// p₀ and p₁ with 95 % intervals: Wald's, from the information at the maximum, cut at the range of the parameter.
    /// NaN where all cells have one regressor, and only one combination of the two is known.
    pub parameters: [FittedParameter; 2],
    /// Number of parameters that the cells identify: 2, or 1 where all have one regressor.
    pub n_parameters: usize,
    /// Logarithm of the probability of all trials.
    pub ln_likelihood: f64,
    /// ln k of each cell.
    pub ln_means: Vec<f64>,
    /// Against a mean of its own for each cell.
    pub deviance: Deviance,
    /// Each cell as predicted from all others; `None` where some others leave the prediction open.
    pub held_out: Option<HeldOut>,
}

impl TheoryFit {
    /// Akaike's criterion, `2p − 2 ln L`.
    pub fn aic(&self) -> f64 {
        2. * (self.n_parameters as f64 - self.ln_likelihood)
    }
}

/// A parameter with its estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FittedParameter {
    /// As the theory calls it.
    pub name: &'static str,
    /// The value of greatest likelihood.
    pub estimate: Estimate,
}

/// How much worse a theory fits than a mean of its own for each cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Deviance {
    /// `2(ln L_saturated − ln L) ≥ 0`.
    pub statistic: f64,
    /// Cells minus parameters.
    pub degrees: usize,
    /// By χ². Small: the theory is wrong, or exits do not come at a constant rate, which both likelihoods assume. A cell
    /// with few or no exits adds less than its degree of freedom, so that with many of these p is too great.
    pub p_value: f64,
}

/// Cells predicted from all others.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOut {
    /// In the order of the cells.
    pub cells: Vec<HeldOutCell>,
    /// Log-likelihood per trial over all cells.
    pub per_trial: f64,
    /// Root of the mean square of predicted less observed ln k over the cells where some trials left, and not all at
    /// the first check. The sampling error of the observed, 1/√exits, is in it.
    pub rms_error: f64,
}

/// A cell predicted from all others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOutCell {
    /// Predicted ln k.
    pub ln_mean: f64,
    /// Log-likelihood of its trials.
    pub ln_likelihood: f64,
}

/// The model with a mean of its own for each cell: what no theory can surpass.
#[derive(Debug, Clone, PartialEq)]
pub struct Saturated {
    /// ln k of each cell; infinite where no trial left, minus infinity where all left at the first check.
    pub ln_means: Vec<f64>,
    /// Logarithm of the probability of all trials.
    pub ln_likelihood: f64,
}

impl Saturated {
    pub(super) fn fit(times: &[CellTimes]) -> Self {
        let ln_means: Vec<f64> = times.iter().map(CellTimes::ln_mean).collect();
        let at = |(times, &ln_mean): (&CellTimes, &f64)| match ln_mean {
            // All that was seen was certain.
            f64::INFINITY | f64::NEG_INFINITY => 0.,
            _ => times.ln_likelihood(ln_mean).0,
        };
        let ln_likelihood = times.iter().zip(&ln_means).map(at).sum();
        Self { ln_means, ln_likelihood }
    }
}

/// Fits a theory to all cells, and to all but each.
pub(super) fn fit(
    theory: &dyn Theory,
    cells: &[Cell],
    times: &[CellTimes],
    saturated: &Saturated,
) -> Result<TheoryFit, TheoryError> {
    let point = |(index, (cell, times))| {
        let (offset, regressor): (f64, f64) = (theory.offset(cell), theory.regressor(cell));
        if !(offset.is_finite() && regressor.is_finite()) {
            return Err(TheoryError::Undefined { cell: index });
        }
        Ok(Point { times, offset, regressor })
    };
    let points = cells.iter().zip(times).enumerate().map(point).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<&Point> = points.iter().collect();
    let line = Line::fit(theory, &all)?;

    let statistic = (2. * (saturated.ln_likelihood - line.ln_likelihood)).max(0.);
    let degrees = cells.len() - line.n_parameters;
    let law = ChiSquared::new(degrees as f64).expect("more cells than parameters");
    let deviance = Deviance { statistic, degrees, p_value: law.sf(statistic) };

    Ok(TheoryFit {
        theory: theory.name(),
        source: theory.source(),
        parameters: line.parameters(theory.parameters()),
        n_parameters: line.n_parameters,
        ln_likelihood: line.ln_likelihood,
        ln_means: points.iter().map(|point| line.ln_mean(point)).collect(),
        deviance,
        held_out: held_out(theory, &points, &saturated.ln_means),
    })
}

fn held_out(theory: &dyn Theory, points: &[Point], saturated: &[f64]) -> Option<HeldOut> {
    let predict = |left_out: usize| {
        let others = (0..points.len()).filter(|&index| index != left_out);
        let others: Vec<&Point> = others.map(|index| &points[index]).collect();
        let line = Line::fit(theory, &others).ok()?;
        let here = &points[left_out];
        if line.n_parameters == 1 && !have_one_regressor(&[others[0], here]) {
            return None;
        }
        let ln_mean = line.ln_mean(here);
        Some(HeldOutCell { ln_mean, ln_likelihood: here.times.ln_likelihood(ln_mean).0 })
    };
    let cells: Vec<HeldOutCell> = (0..points.len()).map(predict).collect::<Option<_>>()?;
    let n_trials: usize = points.iter().map(|point| point.times.trials.len()).sum();
    let ln_likelihood: f64 = cells.iter().map(|cell| cell.ln_likelihood).sum();
    let errors: Vec<f64> = cells
        .iter()
        .zip(saturated)
        .filter(|(_, saturated)| saturated.is_finite())
        .map(|(cell, saturated)| (cell.ln_mean - saturated).powi(2))
        .collect();
    let rms_error = (errors.iter().sum::<f64>() / errors.len() as f64).sqrt();
    Some(HeldOut { cells, per_trial: ln_likelihood / n_trials as f64, rms_error })
}
