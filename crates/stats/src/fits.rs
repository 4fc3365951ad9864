//! Maximum-likelihood fits of the laws.

pub(crate) mod ascent;
mod cholesky;
mod condensed;
mod first_guess;
mod gaussian;
mod gaussian_mixture;
mod generalised_gaussian;
mod laplace;
mod rival;
mod rival_powers;
mod root;
mod student_t;
mod symmetric_stable;

pub use gaussian::fit_gaussian;
pub(crate) use gaussian::fit_gaussian_to;
pub use gaussian_mixture::fit_gaussian_mixture;
pub(crate) use gaussian_mixture::fit_gaussian_mixture_to;
pub use generalised_gaussian::fit_generalised_gaussian;
pub(crate) use generalised_gaussian::fit_generalised_gaussian_to;
pub use laplace::fit_laplace;
pub(crate) use laplace::fit_laplace_to;
pub(crate) use rival::least_shape;
use std::fmt;
pub use student_t::fit_student_t;
pub(crate) use student_t::{fit_student_t_to, ln_likelihood_of_student_t};
pub use symmetric_stable::fit_symmetric_stable;
pub(crate) use symmetric_stable::fit_symmetric_stable_to;

use crate::StatsError;
use crate::stable::table::ALPHA_MIN;

/// The least alpha of a stable law that is fitted.
pub const LEAST_ALPHA: f64 = ALPHA_MIN;

/// Whether a fit estimates the location or is told it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Location {
    /// Estimated together with the other parameters.
    Free,
    /// Known, usually 0: gradient noise has mean zero by construction.
    Fixed(f64),
}

impl Location {
    /// Rejects a fixed location that is not finite.
    pub(crate) fn check(self) -> Result<(), StatsError> {
        match self {
            Self::Fixed(value) if !value.is_finite() => Err(StatsError::Location { value }),
            _ => Ok(()),
        }
    }
}

/// How a fit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FitStatus {
    /// The likelihood has its maximum inside the range of the parameters.
    Interior,
    /// `alpha = 2` is the maximum: the fitted law is exactly the Gaussian. Of a
    /// rival, the end of its range where the tails are lightest.
    Boundary,
    /// The lower end of the range, `alpha = 0.1` or with ties somewhat more, is
    /// the maximum. Of a rival, the end of its range where the tails are heaviest.
    LowerBound,
    /// So many samples are equal that the likelihood has no maximum: it grows
    /// without bound as `gamma → 0`.
    ZeroInflated,
    /// All samples are equal.
    Constant,
    /// No maximum was found: samples lie so far apart that powers of their
    /// distances leave the range of numbers.
    NotFound,
}

impl FitStatus {
    /// Whether there is no law and no likelihood.
    pub fn is_degenerate(self) -> bool {
        match self {
            Self::Interior | Self::Boundary | Self::LowerBound => false,
            Self::ZeroInflated | Self::Constant | Self::NotFound => true,
        }
    }

    /// Whether it is an end of the range of the shape where the tails are heaviest
    /// or, for a rival, lightest.
    pub fn is_at_bound(self) -> bool {
        matches!(self, Self::Boundary | Self::LowerBound)
    }
}

impl fmt::Display for FitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Interior => "interior",
            Self::Boundary => "boundary",
            Self::LowerBound => "lower_bound",
            Self::ZeroInflated => "zero_inflated",
            Self::Constant => "constant",
            Self::NotFound => "not_found",
        })
    }
}

/// A law fitted to a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit<L> {
    /// The law of greatest likelihood.
    pub law: L,
    /// Natural logarithm of the likelihood of all samples; NaN where it has no
    /// maximum.
    pub ln_likelihood: f64,
    /// Number of samples.
    pub n_samples: usize,
    /// How the fit ended.
    pub status: FitStatus,
}
