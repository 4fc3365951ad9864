//! What the verdict says of series from known laws, with fixed seeds.

use rand::distr::Distribution;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use stats::{
    Binning, Gaussian, GaussianMixture, Laplace, LikelihoodRatioNull, Location, StudentT,
    SymmetricStable, Verdict, compare, continuous_part,
};

const N_SERIES: usize = 40;

fn series(law: impl Distribution<f64> + Copy, n_samples: usize) -> Vec<Vec<f64>> {
    let mut rng = ChaCha8Rng::seed_from_u64(20);
    (0..N_SERIES).map(|_| law.sample_iter(&mut rng).take(n_samples).collect()).collect()
}

fn verdict(samples: &[f64]) -> Verdict {
    let (samples, _) = continuous_part(samples);
    let comparison = compare(&samples, Location::Free, Binning::default()).unwrap();
    let null = LikelihoodRatioNull::tabulated(samples.len(), Location::Free);
    let p = null.p_value(comparison.likelihood_ratio);
    Verdict::of(&comparison, p, comparison.gaussian_fit.chi2_p_upper, None, 0.05)
}

/// In how many of the series the verdict is that.
fn count(series: &[Vec<f64>], of: Verdict) -> usize {
    series.iter().filter(|samples| verdict(samples) == of).count()
}

fn stable(alpha: f64) -> SymmetricStable {
    SymmetricStable::new(alpha, 1.0, 0.0).unwrap()
}

/// At N = 1000 χ² does not reject the stable law for most of these series.
#[test]
fn finite_variance_is_not_called_stable() {
    let mixture = |share, wide| series(GaussianMixture::new(share, 0.0, 1.0, wide).unwrap(), 1000);
    let student = |nu| series(StudentT::new(nu, 0.0, 1.0).unwrap(), 1000);
    for series in
        [mixture(0.1, 3.0), mixture(0.01, 10.0), student(3.0), student(5.0), student(10.0)]
    {
        assert!(count(&series, Verdict::HeavyStable) <= 1);
        assert!(count(&series, Verdict::HeavyInfiniteVariance) <= 1);
    }
    let laplace = series(Laplace::new(0.0, 1.0).unwrap(), 1000);
    assert!(count(&laplace, Verdict::HeavyFiniteVariance) >= 36);
}

#[test]
fn a_stable_law_is_called_stable() {
    assert!(count(&series(stable(1.2), 1000), Verdict::HeavyStable) >= 34);
    assert!(count(&series(stable(1.8), 5000), Verdict::HeavyStable) >= 34);
    for alpha in [1.2, 1.5, 1.8] {
        assert!(count(&series(stable(alpha), 1000), Verdict::HeavyFiniteVariance) <= 5, "{alpha}");
    }
}

/// Exact zeros among draws do not change what is said of the others.
#[test]
fn zeros_are_judged_apart() {
    let with_zeros = |series: &[Vec<f64>], percent: usize| -> Vec<Vec<f64>> {
        let zeroed = |samples: &Vec<f64>| {
            let is_zero = |i: usize| i * percent % 100 + percent >= 100;
            let zeroed = samples.iter().enumerate();
            zeroed.map(|(i, x)| if is_zero(i) { 0.0 } else { *x }).collect::<Vec<f64>>()
        };
        let inflated: Vec<Vec<f64>> = series.iter().map(zeroed).collect();
        let n_zeros = inflated[0].iter().filter(|x| **x == 0.0).count();
        assert_eq!(n_zeros, inflated[0].len() * percent / 100);
        inflated
    };
    let gaussian = series(Gaussian::new(0.0, 1.0).unwrap(), 1000);
    let heavy = series(stable(1.5), 1000);
    for share in [0, 1, 5, 20, 30, 60] {
        let zeroed = with_zeros(&gaussian, share);
        assert!(count(&zeroed, Verdict::GaussianNotRejected) >= 33, "{share}");
        let zeroed = with_zeros(&heavy, share);
        let n_heavy = zeroed.iter().filter(|samples| verdict(samples).is_heavy()).count();
        assert_eq!(n_heavy, N_SERIES, "{share}");
        assert!(count(&zeroed, Verdict::HeavyNoneAdequate) <= 6, "{share}");
        let alphas = zeroed.iter().map(|samples| {
            let (rest, _) = continuous_part(samples);
            stats::fit_symmetric_stable(&rest, Location::Free).unwrap().law.alpha()
        });
        let mean = alphas.sum::<f64>() / N_SERIES as f64;
        assert!((mean - 1.5).abs() < 0.05, "{share}: {mean}");
    }
}
