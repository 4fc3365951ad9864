//! Which law predicts samples that it has not seen?

use super::law::Law;
use crate::{Location, Moments, StatsError};

/// How much better one law predicts than another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOut {
    /// Mean over all samples of the difference in log density, in nats per
    /// sample; positive where the first law is the better.
    pub mean_difference: f64,
    /// Its standard error, `s/√N` with the standard deviation s of the
    /// differences.
    pub standard_error: f64,
}

/// Mean difference of the log score per sample, `law` minus `against`, by
/// k-fold cross-validation.
///
/// # Formula
///
/// The samples are cut into `n_folds` contiguous folds. For each fold both laws
/// are fitted to all others, and `ln f_law(x) − ln f_against(x)` is taken at its
/// samples. The log score is proper: in the mean the true law has the greatest;
/// Gneiting and Raftery (2007), doi:10.1198/016214506000001437.
///
/// # Why contiguous folds?
///
/// Minibatches of one epoch are drawn without replacement, which makes the
/// draws of one epoch dependent. With k epochs and k folds of equal size no
/// epoch is both in the training and in the test set. For independent draws any
/// cut is as good.
///
/// # How far to trust the standard error
///
/// It takes the differences as independent. Training sets overlap, for which no
/// unbiased correction exists (Bengio and Grandvalet 2004, JMLR 5, 1089–1105),
/// but with two or three parameters and hundreds of samples this is little.
/// More weighs that the Gaussian's log density at the outliers of a stable law
/// has no mean: the difference then grows with the number of samples, and its
/// standard error with it. A difference of two laws with tails by a power is
/// free of this. The simulated size is in
/// [the documentation of the tests](crate#sizes).
///
/// Costs `n_folds` fits of both laws. NaN for degenerate series.
///
/// # Errors
///
/// No fold, fewer than 50 samples outside of a fold, a NaN or infinite sample, a
/// fixed location that is not finite.
pub fn held_out_difference(
    samples: &[f64],
    location: Location,
    n_folds: usize,
    law: Law,
    against: Law,
) -> Result<HeldOut, StatsError> {
    if n_folds == 0 {
        return Err(StatsError::ZeroCount { name: "n_folds" });
    }
    let mut differences = Moments::default();
    for fold in 0..n_folds {
        let edge = |fold: usize| fold * samples.len() / n_folds;
        let (begin, end) = (edge(fold), edge(fold + 1));
        let training = [&samples[..begin], &samples[end..]].concat();
        let test = &samples[begin..end];
        let scores = law.ln_densities(&training, location, test)?;
        let others = against.ln_densities(&training, location, test)?;
        for (score, other) in scores.into_iter().zip(others) {
            differences.push(score - other);
        }
    }
    Ok(HeldOut {
        mean_difference: differences.mean(),
        standard_error: (differences.variance() / samples.len() as f64).sqrt(),
    })
}

#[cfg(test)]
mod tests {
    use rand::distr::Distribution;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;
    use statrs::distribution::Continuous;

    use super::*;
    use crate::{Gaussian, SymmetricStable, fit_gaussian, fit_symmetric_stable};

    fn draws(law: impl Distribution<f64>, n_samples: usize, seed: u64) -> Vec<f64> {
        law.sample_iter(ChaCha8Rng::seed_from_u64(seed)).take(n_samples).collect()
    }

    fn stable(samples: &[f64], n_folds: usize) -> HeldOut {
        let (law, against) = (Law::SymmetricStable, Law::Gaussian);
        held_out_difference(samples, Location::Free, n_folds, law, against).unwrap()
    }

    /// Fold by fold, with the exact density.
    #[test]
    fn agrees_with_the_definition() {
        let samples = draws(SymmetricStable::new(1.7, 1.0, 0.0).unwrap(), 200, 1);
        let mut differences = Vec::new();
        for fold in 0..4 {
            let is_test = |i: &usize| i / 50 == fold;
            let training: Vec<f64> = (0..200).filter(|i| !is_test(i)).map(|i| samples[i]).collect();
            let stable = fit_symmetric_stable(&training, Location::Free).unwrap().law;
            let gaussian = fit_gaussian(&training, Location::Free).unwrap().law;
            for i in (0..200).filter(is_test) {
                differences.push(stable.ln_pdf(samples[i]) - gaussian.ln_pdf(samples[i]));
            }
        }
        let mean = differences.iter().sum::<f64>() / 200.0;
        let variance = differences.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 199.0;
        let held_out = stable(&samples, 4);
        assert!((held_out.mean_difference - mean).abs() < 1e-7);
        assert!((held_out.standard_error - (variance / 200.0).sqrt()).abs() < 1e-7);
    }

    /// On Gaussian samples the stable law wins nothing, in the mean; on heavy
    /// ones it does.
    #[test]
    fn prefers_the_truth() {
        let mean: f64 = (0..20)
            .map(|seed| {
                stable(&draws(Gaussian::new(0.0, 1.0).unwrap(), 300, seed), 5).mean_difference
            })
            .sum();
        assert!(mean <= 0.0, "{mean}");
        let heavy = stable(&draws(SymmetricStable::new(1.6, 1.0, 0.0).unwrap(), 1000, 2), 10);
        assert!(heavy.mean_difference > 0.1, "{heavy:?}");
    }

    #[test]
    fn errors() {
        let message = |n_samples, n_folds| {
            let samples = draws(Gaussian::new(0.0, 1.0).unwrap(), n_samples, 1);
            held_out_difference(&samples, Location::Free, n_folds, Law::Laplace, Law::Gaussian)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(message(100, 0), "n_folds = 0, at least 1 is needed");
        assert_eq!(message(60, 2), "series of length 30, at least 50 samples are needed");
    }
}
