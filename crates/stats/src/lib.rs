//! Is it heavy-tailed, or merely not Gaussian?
//!
//! This crate compares two laws on one series of numbers and says how sure one
//! can be. It never sees a tensor, a file, a clock, nor a seed of its own:
//! samples come as slices, randomness is handed in.
//!
//! # A tour of the nouns
//!
//! - The laws: [`SymmetricStable`], SαS(α, γ, δ) with characteristic function
//!   `exp(iδt − |γt|^α)`, and its member at α = 2, the [`Gaussian`]. Their
//!   rivals are [`StudentT`], [`Laplace`], [`GeneralisedGaussian`] and
//!   [`GaussianMixture`]. All implement the traits of statrs and of rand. A
//!   [`StabilityIndex`] is an α in (0, 2].
//! - A [`Fit`] is a law of greatest likelihood with its [`FitStatus`];
//!   [`Location`] says whether the centre is estimated or known.
//! - An [`Estimator`] is one of five methods by name, of which maximum
//!   likelihood is the default; it makes an [`Estimate`].
//! - A [`Comparison`] is everything about one series: both fits, the
//!   [`GoodnessOfFit`] of both, and the likelihood ratio.
//! - [`Rivals`] are the heavy-tailed laws that are not stable, scored beside the
//!   two; a [`Law`] names one of all six. [`vuong`], [`held_out_difference`]
//!   and [`information_criteria`] compare any two.
//! - A [`LikelihoodRatioNull`] is the law of that ratio for Gaussian noise, and
//!   makes p-values of it; [`benjamini_hochberg`] and [`benjamini_yekutieli`]
//!   adjust them for the number of series.
//! - A [`TailIndex`] is what the outermost samples alone say of the tail.
//! - [`continuous_part`] leaves out a value that many samples share; the
//!   [`TiedValue`] says which.
//! - A [`Verdict`] is the conclusion in words.
//! - An [`AlphaInterval`] says how well alpha is known, by its profile
//!   likelihood ([`profile_interval`]) or by the bootstrap.
//! - An [`EdfTest`] measures Kolmogorov–Smirnov, Cramér–von Mises and
//!   Anderson–Darling, with p-values; an [`AggregationTest`] asks whether sums
//!   of draws keep their alpha, [`common_alpha`] whether several series have the
//!   same one; a [`PooledView`] shows what pooling does.
//! - [`Moments`] accumulates mean and variance; [`quantile()`] is that of a sorted
//!   sample.
//! - A [`StatsError`] tells in one line what was wrong.
//!
//! # Example
//!
//! ```
//! use rand::SeedableRng;
//! use rand::distr::Distribution;
//! use rand_chacha::ChaCha8Rng;
//! use stats::{Binning, LikelihoodRatioNull, Location, SymmetricStable, Verdict};
//!
//! let law = SymmetricStable::new(1.5, 1e-3, 0.0)?;
//! let noise: Vec<f64> = law.sample_iter(ChaCha8Rng::seed_from_u64(1)).take(2000).collect();
//!
//! let comparison = stats::compare(&noise, Location::Free, Binning::default())?;
//! assert!((comparison.stable.law.alpha() - 1.5).abs() < 0.1);
//! assert!(comparison.stable_fit.sse < comparison.gaussian_fit.sse);
//!
//! let null = LikelihoodRatioNull::tabulated(2000, Location::Free);
//! let p_value = null.p_value(comparison.likelihood_ratio);
//! let chi2_p = comparison.gaussian_fit.chi2_p_upper;
//! assert_eq!(Verdict::of(&comparison, p_value, chi2_p, None, 0.05), Verdict::HeavyStable);
//! # Ok::<(), stats::StatsError>(())
//! ```
#![doc = include_str!("inference/sizes.md")]

mod comparison;
mod error;
mod estimators;
mod fits;
mod goodness_of_fit;
mod inference;
mod laws;
mod likelihood_ratio;
mod moments;
mod multiple_testing;
mod quantile;
mod stable;
mod standardise;
mod ties;
mod verdict;

pub use comparison::{Comparison, compare, compare_without_rivals};
pub use error::StatsError;
pub use estimators::{Estimate, Estimator, estimate};
pub use fits::{
    Fit, FitStatus, LEAST_ALPHA, Location, fit_gaussian, fit_gaussian_mixture,
    fit_generalised_gaussian, fit_laplace, fit_student_t, fit_symmetric_stable,
};
pub use goodness_of_fit::{Binning, GoodnessOfFit};
pub use inference::{
    Aggregation, AggregationTest, AlphaInterval, CommonAlpha, EdfStatistics, EdfTest, HeldOut,
    InformationCriteria, Law, LawScore, PooledView, Rivals, TailIndex, Vuong, aggregation,
    aggregation_test, bootstrap_interval, common_alpha, edf_statistics, edf_test_gaussian,
    edf_test_stable, held_out_difference, information_criteria, pooled_view, profile_interval,
    profile_likelihood, rivals, tail_index, vuong,
};
pub use laws::{
    Gaussian, GaussianMixture, GeneralisedGaussian, Laplace, StabilityIndex, StudentT,
    SymmetricStable,
};
pub use likelihood_ratio::LikelihoodRatioNull;
pub use moments::Moments;
pub use multiple_testing::{benjamini_hochberg, benjamini_yekutieli};
pub use quantile::quantile;
pub use standardise::MIN_SAMPLES;
pub use ties::{TiedValue, continuous_part};
pub use verdict::Verdict;
