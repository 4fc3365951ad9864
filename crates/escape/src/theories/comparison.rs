//! All theories on the same cells.

use super::fit::{Saturated, TheoryFit, fit};
use super::pair::Pair;
use super::{Cell, Theories, TheoryError, Unavailable};

/// Fewer cells cannot be predicted from each other.
pub const MIN_CELLS: usize = 3;

/// What the cells say about each theory and each pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The theories that could be fitted.
    pub fits: Vec<TheoryFit>,
    /// The others, with the reason.
    pub unavailable: Vec<Unavailable>,
    /// The ceiling.
    pub saturated: Saturated,
    /// Each theory against each that follows it.
    pub pairs: Vec<Pair>,
}

/// Fits all theories by maximum likelihood, scores each on held-out cells and compares all pairs.
///
/// # Formula
/// Exit times are taken as exponential with the mean k of the theory: a trial seen inside at iteration u and outside at
/// the next check t contributes `e^{−u/k} − e^{−t/k}` to the likelihood, one censored at t `e^{−t/k}`. The logarithm is
/// concave in the two parameters of every theory, so that the maximum is the only one.
///
/// A theory is scored on each cell with parameters from all other cells: out of sample over settings, not over trials.
///
/// # Errors
/// Fewer than three cells, a number of a cell out of range, no exit in any cell, or none after the first check. A theory
/// that cannot be fitted is no error but [`unavailable`](Comparison::unavailable).
pub fn compare(cells: &[Cell], theories: &Theories) -> Result<Comparison, TheoryError> {
    if cells.len() < MIN_CELLS {
        return Err(TheoryError::TooFewCells { n_cells: cells.len() });
    }
    let read = |(index, cell): (usize, &Cell)| cell.read(index);
    let times = cells.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    if times.iter().all(|times| times.exits.is_empty()) {
        return Err(TheoryError::NoExit);
    }
    if times.iter().all(|times| times.stayed == 0.) {
        return Err(TheoryError::TooCoarse);
    }
    let saturated = Saturated::fit(&times);
    let (mut fits, mut unavailable) = (Vec::new(), theories.unavailable.clone());
    for theory in &theories.available {
        match fit(theory.as_ref(), cells, &times, &saturated) {
            Ok(fit) => fits.push(fit),
            Err(reason) => unavailable.push(Unavailable { theory: theory.name(), reason }),
        }
    }
    let pair = |(index, first): (usize, &TheoryFit)| {
        let others = fits[index + 1..].iter();
        others.map(|second| Pair::of(first, second, &times)).collect::<Vec<_>>()
    };
    let pairs = fits.iter().enumerate().flat_map(pair).collect();
    Ok(Comparison { fits, unavailable, saturated, pairs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit_time::ExitTime;
    use crate::theories::{Constants, HeldOut, Hu, Mori, Relation, Theory, WayOut, Xie, theories};
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    const HORIZON: u64 = 20_000;
    const CHECK_EVERY: u64 = 5;
    const CONSTANTS: Constants = Constants {
        effective_dimension: Some(6.),
        curvature: None,
        noise_slope: Some(1.5),
        noise_growth: None,
        alpha: Some(1.4),
    };
    const XIE: Xie = Xie { effective_dimension: Some(6.) };
    /// Parameters with mean times from some tens of iterations to beyond the horizon.
    const TRUTHS: [[f64; 2]; 7] =
        [[1., 0.6], [4., 0.05], [0.5, 0.05], [0.5, 0.08], [-0.2, 0.08], [-0.3, 1.3], [1e-3, 0.5]];

    fn sweep(rates: &[f64], batches: &[f64], barriers: &[f64]) -> Vec<Cell> {
        let cell = |learning_rate, batch_size, barrier| Cell {
            learning_rate,
            batch_size,
            loss: 0.2,
            barrier,
            way_out: WayOut::Saddle,
            times: vec![],
            check_every: CHECK_EVERY,
        };
        let mut cells = Vec::new();
        for &rate in rates {
            for &batch in batches {
                cells.extend(barriers.iter().map(|&barrier| cell(rate, batch, barrier)));
            }
        }
        cells
    }

    fn full_sweep() -> Vec<Cell> {
        sweep(&[0.1, 0.2, 0.4], &[4., 8., 16.], &[0.3, 0.6, 1.2])
    }

    fn simulate(
        mut cells: Vec<Cell>,
        theory: &dyn Theory,
        truth: [f64; 2],
        n_trials: usize,
        seed: u64,
    ) -> Vec<Cell> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        for cell in &mut cells {
            let mean = theory.ln_mean_iterations(cell, truth).exp();
            let mut trial = || {
                let time = -mean * (1. - rng.random::<f64>()).ln();
                match (time.max(0.5).ceil() as u64).next_multiple_of(CHECK_EVERY) {
                    check if check <= HORIZON => ExitTime::Exited(check),
                    _ => ExitTime::Censored(HORIZON),
                }
            };
            cell.times = (0..n_trials).map(|_| trial()).collect();
        }
        cells
    }

    fn of<'a>(comparison: &'a Comparison, theory: &str) -> &'a TheoryFit {
        comparison.fits.iter().find(|fit| fit.theory == theory).unwrap()
    }

    fn relation(comparison: &Comparison, a: &str, b: &str) -> Relation {
        let both = |pair: &&Pair| {
            (pair.first, pair.second) == (a, b) || (pair.first, pair.second) == (b, a)
        };
        comparison.pairs.iter().find(both).unwrap().relation
    }

    fn score(held_out: &Option<HeldOut>) -> f64 {
        held_out.as_ref().unwrap().per_trial
    }

    /// All seven differ where η, B and the barrier are swept. 27 cells of 60 trials, some of them all censored.
    #[test]
    fn the_truth_wins_where_everything_is_swept() {
        let theories = theories(&CONSTANTS);
        for (truth, parameters) in theories.available.iter().zip(TRUTHS) {
            let cells = simulate(full_sweep(), truth.as_ref(), parameters, 60, 1);
            let comparison = compare(&cells, &theories).unwrap();
            let name = truth.name();
            let best = of(&comparison, name);
            assert!(best.deviance.p_value > 0.01, "{name} {:?}", best.deviance);
            assert!(best.held_out.as_ref().unwrap().rms_error < 0.5);
            for other in comparison.fits.iter().filter(|fit| fit.theory != name) {
                assert!(score(&best.held_out) > score(&other.held_out), "{name} {}", other.theory);
                assert!(other.deviance.p_value < 1e-3 && other.aic() > best.aic());
                let relation = relation(&comparison, name, other.theory);
                assert_eq!(relation, Relation::Separated { better: name }, "{}", other.theory);
            }
        }
    }

    /// Intervals of both parameters over 300 samples; the standard error of a share is 1.3 %.
    #[test]
    fn intervals_cover_the_truth_and_the_deviance_has_its_size() {
        let theories = theories(&CONSTANTS);
        let cells = sweep(&[0.15, 0.3], &[4., 8.], &[0.3, 0.6]);
        for (index, (truth, parameters)) in theories.available.iter().zip(TRUTHS).enumerate() {
            let mut shares = [0.; 3];
            for seed in 0..300 {
                let cells = simulate(cells.clone(), truth.as_ref(), parameters, 40, seed);
                let times: Vec<_> = cells.iter().map(|cell| cell.read(0).unwrap()).collect();
                let fit = fit(truth.as_ref(), &cells, &times, &Saturated::fit(&times)).unwrap();
                for i in 0..2 {
                    let estimate = fit.parameters[i].estimate;
                    let covered = estimate.low <= parameters[i] && parameters[i] <= estimate.high;
                    shares[i] += f64::from(covered) / 300.;
                }
                shares[2] += f64::from(fit.deviance.p_value < 0.05) / 300.;
            }
            let name = truth.name();
            // c₀ is close to its bound 0, where the interval is cut.
            let least = if index == 6 { 0.85 } else { 0.915 };
            assert!((least..0.985).contains(&shares[0]), "{name} {shares:?}");
            assert!((0.915..0.985).contains(&shares[1]), "{name} {shares:?}");
            assert!((0.02..0.1).contains(&shares[2]), "{name} {shares:?}");
        }
    }

    /// At one batch size and one barrier Xie's, Mori's and Meng's are `ln k = a − ln η + b/η`, and Kramers' too. Hu's
    /// lacks the ln η, which a slope in 1/η takes up.
    #[test]
    fn a_sweep_of_the_learning_rate_does_not_tell_the_exponential_theories_apart() {
        let theories = theories(&CONSTANTS);
        let cells = simulate(
            sweep(&[0.15, 0.2, 0.25, 0.3], &[8.], &[0.6]),
            &Mori { effective_dimension: 6., curvature: None },
            [1., 0.08],
            100,
            5,
        );
        let comparison = compare(&cells, &theories).unwrap();
        let same = ["Kramers", "Xie et al.", "Mori et al.", "Meng et al."];
        for (index, a) in same.iter().enumerate() {
            for b in &same[index + 1..] {
                assert_eq!(relation(&comparison, a, b), Relation::SameForm, "{a} {b}");
            }
            assert_eq!(relation(&comparison, a, "Hu et al."), Relation::NotSeparated, "{a}");
        }
    }

    /// On a narrow sweep Hu's and Xie's are close: neither may be named better by mistake in much more than 2.5 % of the
    /// samples. Standard error 0.7 %.
    #[test]
    fn the_wrong_theory_is_rarely_named_better() {
        let theories = theories(&CONSTANTS);
        for (truth, parameters) in [(&Hu as &dyn Theory, [4., 0.05]), (&XIE, [0.5, 0.05])] {
            let wrong = |&seed: &u64| {
                let cells = sweep(&[0.2, 0.25, 0.3, 0.35], &[16.], &[0.6]);
                let cells = simulate(cells, truth, parameters, 50, seed);
                let relation =
                    relation(&compare(&cells, &theories).unwrap(), "Hu et al.", "Xie et al.");
                matches!(relation, Relation::Separated { better } if better != truth.name())
            };
            let share = (0..500).filter(wrong).count() as f64 / 500.;
            assert!(share < 0.055, "{} {share}", truth.name());
        }
    }

    /// A sweep of the batch size alone is one setting to Kramers: one parameter, and the mean over all cells.
    #[test]
    fn a_regressor_that_is_not_swept_leaves_one_parameter() {
        let theories = theories(&CONSTANTS);
        let cells = simulate(sweep(&[0.2], &[4., 8., 16.], &[0.6]), &XIE, [0.5, 0.05], 60, 2);
        let comparison = compare(&cells, &theories).unwrap();
        let kramers = of(&comparison, "Kramers");
        assert_eq!((kramers.n_parameters, kramers.deviance.degrees), (1, 2));
        assert!(kramers.parameters[1].estimate.value.is_nan());
        assert!(
            kramers.ln_means.iter().all(|ln_mean| (ln_mean - kramers.ln_means[0]).abs() < 1e-12)
        );
        let xie = Relation::Separated { better: "Xie et al." };
        assert_eq!(relation(&comparison, "Kramers", "Xie et al."), xie);
        let expansion = of(&comparison, "Battash et al., expansion");
        assert!((expansion.ln_likelihood - kramers.ln_likelihood).abs() < 1e-9);
    }

    /// Times of a cell move the prediction of all cells but itself.
    #[test]
    fn a_cell_is_predicted_without_its_own_times() {
        let theories = theories(&CONSTANTS);
        let mut cells = simulate(full_sweep(), &XIE, [0.5, 0.05], 20, 2);
        let predict = |cells: &[Cell]| {
            let comparison = compare(cells, &theories).unwrap();
            let held_out = of(&comparison, "Xie et al.").held_out.clone().unwrap();
            held_out.cells.iter().map(|cell| cell.ln_mean).collect::<Vec<_>>()
        };
        let before = predict(&cells);
        cells[3].times = vec![ExitTime::Exited(HORIZON); 20];
        for (index, (before, after)) in before.iter().zip(predict(&cells)).enumerate() {
            assert_eq!((before - after).abs() < 1e-9, index == 3, "{index}");
        }
    }

    /// Without the cell at 0.3 Kramers' regressor is one, and says nothing of 0.3.
    #[test]
    fn a_cell_that_the_others_say_nothing_of_is_not_predicted() {
        let mut cells = sweep(&[0.2], &[4., 8.], &[0.6]);
        cells.extend(sweep(&[0.3], &[4.], &[0.6]));
        let cells = simulate(cells, &XIE, [0.5, 0.05], 20, 2);
        let comparison = compare(&cells, &theories(&CONSTANTS)).unwrap();
        assert_eq!(of(&comparison, "Kramers").held_out, None);
        assert!(of(&comparison, "Xie et al.").held_out.is_some());
    }

    #[test]
    fn a_cell_without_exits_is_used_and_none_with_is_an_error() {
        let theories = theories(&CONSTANTS);
        let censored = |cell: &mut Cell| cell.times = vec![ExitTime::Censored(HORIZON); 20];
        let mut cells =
            simulate(sweep(&[0.1, 0.2, 0.3, 0.4], &[8.], &[0.6]), &XIE, [0.5, 0.1], 20, 2);
        censored(&mut cells[0]);
        let comparison = compare(&cells, &theories).unwrap();
        assert_eq!(comparison.saturated.ln_means[0], f64::INFINITY);
        let xie = of(&comparison, "Xie et al.");
        assert!(xie.ln_likelihood < comparison.saturated.ln_likelihood);
        let held_out = xie.held_out.as_ref().unwrap();
        assert!(held_out.rms_error.is_finite() && held_out.cells[0].ln_mean.is_finite());

        // Exits at one setting only: the slope has no end, unless it is bounded as α is.
        cells[1..3].iter_mut().for_each(censored);
        let comparison = compare(&cells, &theories).unwrap();
        let xie = comparison.unavailable.iter().find(|one| one.theory == "Xie et al.").unwrap();
        assert_eq!(xie.reason, TheoryError::UnboundedSlope);
        let intensity = of(&comparison, "Battash et al., intensity");
        assert!((intensity.parameters[1].estimate.value - 2.).abs() < 1e-12);
        assert_eq!(intensity.held_out, None);

        censored(&mut cells[3]);
        assert_eq!(compare(&cells, &theories), Err(TheoryError::NoExit));
        cells.iter_mut().for_each(|cell| cell.times = vec![ExitTime::Exited(5); 9]);
        assert_eq!(compare(&cells, &theories), Err(TheoryError::TooCoarse));
        assert_eq!(compare(&cells[..2], &theories), Err(TheoryError::TooFewCells { n_cells: 2 }));
    }

    #[test]
    fn mori_is_not_defined_without_a_loss() {
        let mut cells = simulate(full_sweep(), &XIE, [0.5, 0.05], 20, 2);
        cells[4].loss = 0.;
        let comparison = compare(&cells, &theories(&CONSTANTS)).unwrap();
        let reason = TheoryError::Undefined { cell: 4 };
        assert_eq!(comparison.unavailable, [Unavailable { theory: "Mori et al.", reason }]);
        assert_eq!(comparison.fits.len(), 6);
    }

    /// The definition, trial by trial, on a grid of both parameters that is refined around its best point.
    #[test]
    fn agrees_with_a_brute_force_search() {
        let theories = theories(&CONSTANTS);
        let grid = sweep(&[0.15, 0.3], &[4., 8.], &[0.3, 0.6]);
        for (truth, parameters) in theories.available.iter().zip(TRUTHS) {
            let cells = simulate(grid.clone(), truth.as_ref(), parameters, 15, 7);
            let slow = |parameters: [f64; 2]| -> f64 {
                let cell = |cell: &Cell| {
                    let mean = truth.ln_mean_iterations(cell, parameters).exp();
                    let survival = |t: u64| (-(t as f64) / mean).exp();
                    let term = |time: &ExitTime| match *time {
                        ExitTime::Censored(t) => survival(t).ln(),
                        ExitTime::Exited(t) => (survival(t - CHECK_EVERY) - survival(t)).ln(),
                    };
                    cell.times.iter().map(term).sum::<f64>()
                };
                cells.iter().map(cell).sum()
            };
            let (mut best, mut width) = (parameters, parameters.map(f64::abs));
            while width[1] > 1e-5 * parameters[1] {
                let centre = best;
                for i in -3..=3 {
                    for j in -3..=3 {
                        let steps = [i, j].map(f64::from);
                        let there = [0, 1].map(|k| centre[k] + width[k] * steps[k] / 3.);
                        if there[1] >= 0. && slow(there) > slow(best) {
                            best = there;
                        }
                    }
                }
                if best == centre {
                    width = width.map(|width| width * 0.5);
                }
            }
            let comparison = compare(&cells, &theories).unwrap();
            let fit = of(&comparison, truth.name());
            let (name, value) = (truth.name(), fit.parameters.map(|one| one.estimate.value));
            assert!((slow(value) - fit.ln_likelihood).abs() < 1e-6, "{name}");
            assert!((slow(best) - fit.ln_likelihood).abs() < 1e-6, "{name} {best:?} {value:?}");
        }
    }
}
