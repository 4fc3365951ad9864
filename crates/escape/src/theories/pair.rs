//! Do the data tell two theories apart?

use stats::Vuong;

use super::TheoryFit;
use super::cell::{CellTimes, trial_ln_likelihood};
use crate::exit_laws::Z;

/// Theories whose fitted ln k differ by less in every cell are one on this sweep.
const SAME_FORM: f64 = 1e-6;

/// Two theories side by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The name of one.
    pub first: &'static str,
    /// The name of the other.
    pub second: &'static str,
    /// The greatest difference of fitted ln k over all cells.
    pub largest_difference: f64,
    /// Log-likelihood of all trials, the first theory less the second, less the difference in their number of
    /// parameters, in nats.
    pub difference: f64,
    /// Its standard error, see [`Relation::Separated`].
    pub standard_error: f64,
    /// Held-out log-likelihood of all trials, the first less the second; `None` where one of them has none.
    pub held_out_difference: Option<f64>,
    /// In how many cells the first predicts the held-out trials better; 0 where one of them has no prediction.
    pub n_cells_won: usize,
    /// What follows.
    pub relation: Relation,
}

/// Whether two theories can be told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The fitted ln k agree within 1e-6 in every cell: on this sweep the two are one formula, and no number of trials
    /// tells them apart.
    SameForm,
    /// `better` has the greater likelihood by more than 1.96 standard errors, a two-sided test at 5 % of each pair by
    /// itself, and also predicts the held-out cells better.
    ///
    /// # Formula
    /// With `d_i` the difference in log-likelihood of a trial, both theories fitted to all trials, the difference is
    /// `Σ d_i`, less that in the number of parameters, and its standard error `√N` times the standard deviation of `d_i`
    /// over all N trials: [`stats::vuong`].
    ///
    /// # Why not the held-out difference by itself?
    /// The errors of its parameters, which each cell takes from the others, are not in `d_i`: on narrow sweeps a test of
    /// it names the wrong theory in a fifth of all samples. At the maximum of the likelihood they are of second order.
    Separated {
        /// The better one.
        better: &'static str,
    },
    /// The formulas differ, but not by more than the trials vary, or not on held-out cells.
    NotSeparated,
}

impl Pair {
    pub(super) fn of(first: &TheoryFit, second: &TheoryFit, times: &[CellTimes]) -> Self {
        let (mut of_first, mut of_second, mut largest_difference) = (Vec::new(), Vec::new(), 0f64);
        for ((&a, &b), times) in first.ln_means.iter().zip(&second.ln_means).zip(times) {
            largest_difference = largest_difference.max((a - b).abs());
            for trial in &times.trials {
                of_first.push(trial_ln_likelihood(trial, a));
                of_second.push(trial_ln_likelihood(trial, b));
            }
        }
        let Vuong { z, difference, standard_error, .. } =
            stats::vuong(&of_first, &of_second, first.n_parameters, second.n_parameters);

        let cells = first.held_out.iter().zip(&second.held_out);
        let cells = cells.flat_map(|(first, second)| first.cells.iter().zip(&second.cells));
        let scores: Vec<f64> = cells.map(|(a, b)| a.ln_likelihood - b.ln_likelihood).collect();
        let held_out_difference = (!scores.is_empty()).then(|| scores.iter().sum());

        let agrees = |sign: f64| held_out_difference.is_some_and(|score: f64| score * sign > 0.);
        let relation = if largest_difference < SAME_FORM {
            Relation::SameForm
        } else if z > Z && agrees(1.) {
            Relation::Separated { better: first.theory }
        } else if z < -Z && agrees(-1.) {
            Relation::Separated { better: second.theory }
        } else {
            Relation::NotSeparated
        };
        Self {
            first: first.theory,
            second: second.theory,
            largest_difference,
            difference,
            standard_error,
            held_out_difference,
            n_cells_won: scores.iter().filter(|&&score| score > 0.).count(),
            relation,
        }
    }
}
