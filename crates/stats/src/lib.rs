//! Is it heavy-tailed, or merely not Gaussian?
//!
//! This crate compares two laws on one series of numbers and says how sure one
//! can be. It never sees a tensor, a file, a clock, nor a seed of its own:
//! samples come as slices, randomness is handed in.
//!
//! # A tour of the nouns
//!
//! - The laws: [`SymmetricStable`], SαS(α, γ, δ) with characteristic function
//!   `exp(iδt − |γt|^α)`, and its member at α = 2, the [`Gaussian`]. Both
//!   implement the traits of statrs and of rand. A [`StabilityIndex`] is an α
//!   in (0, 2].
//! - A [`Fit`] is a law of greatest likelihood with its [`FitStatus`];
//!   [`Location`] says whether the centre is estimated or known.
//! - A [`Comparison`] is everything about one series: both fits, the
//!   [`GoodnessOfFit`] of both, and the likelihood ratio.
//! - A [`LikelihoodRatioNull`] is the law of that ratio for Gaussian noise, and
//!   makes p-values of it; [`benjamini_hochberg`] adjusts them for the number
//!   of series.
//! - A [`Verdict`] is the conclusion in words.
//! - [`Moments`] accumulates mean and variance.
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
//! let noise: Vec<f64> = law.sample_iter(ChaCha8Rng::seed_from_u64(1)).take(500).collect();
//!
//! let comparison = stats::compare(&noise, Location::Free, Binning::default())?;
//! assert!((comparison.stable.law.alpha() - 1.5).abs() < 0.2);
//! assert!(comparison.stable_fit.sse < comparison.gaussian_fit.sse);
//!
//! let null = LikelihoodRatioNull::simulate(500, Location::Free, 200, ChaCha8Rng::seed_from_u64)?;
//! let p_value = null.p_value(comparison.likelihood_ratio);
//! assert_eq!(Verdict::of(&comparison, p_value, 0.05), Verdict::HeavyStableAdequate);
//! # Ok::<(), stats::StatsError>(())
//! ```

mod comparison;
mod error;
mod fits;
mod goodness_of_fit;
mod laws;
mod likelihood_ratio;
mod moments;
mod multiple_testing;
mod stable;
mod standardise;
mod verdict;

pub use comparison::{Comparison, compare};
pub use error::StatsError;
pub use fits::{Fit, FitStatus, Location, fit_gaussian, fit_symmetric_stable};
pub use goodness_of_fit::{Binning, GoodnessOfFit};
pub use laws::{Gaussian, StabilityIndex, SymmetricStable};
pub use likelihood_ratio::LikelihoodRatioNull;
pub use moments::Moments;
pub use multiple_testing::benjamini_hochberg;
pub use verdict::Verdict;
