//! Theories of the mean exit time, held against trials at many settings.
//!
//! A [`Cell`] is one setting with its exit times. Each [`Theory`] predicts the mean exit time of a cell in iterations
//! with two free parameters; [`theories`] lists those that the measured [`Constants`] permit. [`compare`] fits them
//! all, scores each on cells that it has not seen, and says which pairs the data tell apart.
//!
//! Time is counted in iterations k and in τ = ηk, where η is the learning rate. B is the batch size, L* the loss at the
//! minimum and ΔL the height above it of the edge or saddle through which trials leave: which of them it is decides on
//! powers of the prefactor ([`WayOut`]).
//!
//! ```
//! use escape::ExitTime;
//! use escape::theories::{Cell, Constants, WayOut, compare, theories};
//!
//! // Mean times of e^{1/η} iterations, and trials that leave at the quantiles of an exponential law.
//! let cell = |learning_rate: f64| {
//!     let mean = (1. / learning_rate).exp();
//!     let time = |i: u32| (-mean * (1. - (f64::from(i) + 0.5) / 50.).ln()).ceil() as u64;
//!     let times = (0..50).map(|i| ExitTime::Exited(time(i))).collect();
//!     let way_out = WayOut::Edge;
//!     Cell { learning_rate, batch_size: 1., loss: 0.1, barrier: 0.3, way_out, times, check_every: 1 }
//! };
//! let cells = [0.15, 0.2, 0.25, 0.3].map(cell);
//! let constants = Constants { effective_dimension: Some(2.), ..Constants::default() };
//! let comparison = compare(&cells, &theories(&constants))?;
//! let hu = comparison.fits.iter().find(|fit| fit.theory == "Hu et al.").unwrap();
//! assert!((hu.parameters[1].estimate.value - 1.).abs() < 0.05);
//! assert!(comparison.unavailable.iter().any(|theory| theory.theory == "Meng et al."));
//! # Ok::<(), escape::theories::TheoryError>(())
//! ```

mod battash_expansion;
mod battash_intensity;
mod cell;
mod comparison;
pub(crate) mod edge;
mod error;
mod fit;
mod hu;
mod kramers;
mod line;
mod meng;
mod mori;
mod pair;
mod xie;

pub use battash_expansion::BattashExpansion;
pub use battash_intensity::BattashIntensity;
pub use cell::Cell;
pub use comparison::{Comparison, MIN_CELLS, compare};
pub use edge::WayOut;
pub use error::TheoryError;
pub use fit::{Deviance, FittedParameter, HeldOut, HeldOutCell, Saturated, TheoryFit};
pub use hu::Hu;
pub use kramers::Kramers;
pub use meng::Meng;
pub use mori::Mori;
pub use pair::{Pair, Relation};
pub use xie::Xie;

/// A prediction of the mean exit time with two free parameters p₀ and p₁.
pub trait Theory: Sync {
    /// Its name in tables.
    fn name(&self) -> &'static str;

    /// Author, year and equation.
    fn source(&self) -> &'static str;

    /// What p₀ and p₁ are, and where they may lie.
    fn parameters(&self) -> [Parameter; 2];

    /// How the parameters enter.
    fn form(&self) -> Form {
        Form::LnMean
    }

    /// The part of ln k without a parameter.
    fn offset(&self, cell: &Cell) -> f64;

    /// What p₁ is multiplied with.
    fn regressor(&self, cell: &Cell) -> f64;

    /// The natural logarithm of the mean exit time in iterations.
    fn ln_mean_iterations(&self, cell: &Cell, parameters: [f64; 2]) -> f64 {
        let line = parameters[0] + parameters[1] * self.regressor(cell);
        self.offset(cell)
            + match self.form() {
                Form::LnMean => line,
                Form::Rate => -line.ln(),
            }
    }
}

/// How the parameters of a [`Theory`] enter its prediction. Either makes the likelihood concave in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `ln k = offset + p₀ + p₁ · regressor`.
    LnMean,
    /// `1/k = e^{−offset} (p₀ + p₁ · regressor)` with a positive regressor and `p ≥ 0`.
    Rate,
}

/// A free parameter of a theory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Its name in tables.
    pub name: &'static str,
    /// The least value that the theory allows.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Parameter {
    const fn free(name: &'static str) -> Self {
        Self { name, low: f64::NEG_INFINITY, high: f64::INFINITY }
    }

    const fn not_negative(name: &'static str) -> Self {
        Self { name, low: 0., high: f64::INFINITY }
    }
}

/// What some theories take as measured.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Constants {
    /// n: the number of outlier eigenvalues of the Hessian at the minimum.
    pub effective_dimension: Option<f64>,
    /// h: the largest eigenvalue of that Hessian.
    pub curvature: Option<f64>,
    /// The s of `Tr Σ(w) = Tr Σ(w*)·(1 + s·(L(w) − L*))`, in units of 1/loss.
    pub noise_slope: Option<f64>,
    /// The σ_H of variances `σ_g + σ_H (w − w*)²`, of a single sample.
    pub noise_growth: Option<f64>,
    /// The stability index of the gradient noise, such as its mean over parameters; in (½, 2].
    pub alpha: Option<f64>,
}

/// The theories to compare, and those that cannot be.
pub struct Theories {
    /// From the simplest noise to the heaviest.
    pub available: Vec<Box<dyn Theory>>,
    /// Those whose constant is missing or too small.
    pub unavailable: Vec<Unavailable>,
}

/// A theory without a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Unavailable {
    /// Its name.
    pub theory: &'static str,
    /// Why.
    pub reason: TheoryError,
}

type Known = Result<Box<dyn Theory>, TheoryError>;

/// All theories that the constants permit. Nothing is assumed for a constant that was not measured.
pub fn theories(constants: &Constants) -> Theories {
    let above = |name, value: Option<f64>, bound: f64| match value {
        None => Err(TheoryError::MissingConstant { name }),
        Some(value) if value > bound && value.is_finite() => Ok(value),
        Some(value) => Err(TheoryError::Constant { name, value, bound }),
    };
    let dimension = above("effective_dimension", constants.effective_dimension, 0.);
    let slope = above("noise_slope", constants.noise_slope, 0.);
    let alpha = above("noise_alpha", constants.alpha, 0.5);
    let (curvature, noise_growth) = (constants.curvature, constants.noise_growth);
    let known_dimension = dimension.as_ref().ok().copied();

    let known: [(&str, Known); 7] = [
        (Kramers::NAME, Ok(Box::new(Kramers { effective_dimension: known_dimension }))),
        (Hu::NAME, Ok(Box::new(Hu))),
        (Xie::NAME, Ok(Box::new(Xie { effective_dimension: known_dimension }))),
        (
            Mori::NAME,
            dimension
                .map(|effective_dimension| Box::new(Mori { effective_dimension, curvature }) as _),
        ),
        (
            Meng::NAME,
            slope.map(|noise_slope| {
                let effective_dimension = known_dimension;
                Box::new(Meng { noise_slope, noise_growth, effective_dimension }) as _
            }),
        ),
        (BattashIntensity::NAME, Ok(Box::new(BattashIntensity))),
        (BattashExpansion::NAME, alpha.map(|alpha| Box::new(BattashExpansion { alpha }) as _)),
    ];
    let (mut available, mut unavailable) = (Vec::new(), Vec::new());
    for (name, theory) in known {
        match theory {
            Ok(theory) => available.push(theory),
            Err(reason) => unavailable.push(Unavailable { theory: name, reason }),
        }
    }
    Theories { available, unavailable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_that_is_missing_or_too_small_is_told() {
        let all = Constants {
            effective_dimension: Some(3.),
            noise_slope: Some(2.),
            alpha: Some(1.5),
            ..Constants::default()
        };
        let names = |constants| {
            let theories = theories(&constants);
            let available: Vec<_> = theories.available.iter().map(|theory| theory.name()).collect();
            (available, theories.unavailable)
        };
        assert_eq!(names(all).0.len(), 7);
        let (available, unavailable) =
            names(Constants { alpha: Some(0.4), ..Constants::default() });
        let told: Vec<_> = unavailable.iter().map(|missing| missing.reason.to_string()).collect();
        assert_eq!(available.len(), 4);
        assert_eq!(told[0], "the constant effective_dimension is not known");
        assert_eq!(told[2], "the constant noise_alpha = 0.400 is not above 0.5");
    }
}
