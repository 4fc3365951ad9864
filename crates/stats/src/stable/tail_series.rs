//! The expansion of a stable law at infinity.
//!
//! # Formula
//!
//! ```text
//! f_α(x) ~ (1/π) Σ_{k≥1} Γ(αk + 1) / k! · sin(kπ(2 − α)/2) x^{−αk−1}
//! ```
//!
//! Bergström (1952), Arkiv för Matematik 2, 375–378; the usual `(−1)^{k+1} sin(kπα/2)`
//! is written with `2 − α` to keep its digits near α = 2. It converges for
//! α < 1 and is asymptotic for α > 1. Integrating gives the survival function,
//! each term times `x / (αk)`.

use std::f64::consts::{FRAC_PI_2, PI};

use statrs::function::gamma::gamma;

/// Enough for every argument at which the terms fall at once; more would
/// overflow Γ.
const MAX_TERMS: u32 = 80;

/// Terms are summed until they are this small against the sum.
const PRECISION: f64 = 1e-16;

/// A tail function divided by its leading power of x.
#[derive(Clone, Copy)]
pub(crate) enum Tail {
    /// `f(x) x^{1+α}`.
    Density,
    /// `S(x) x^α`.
    Survival,
}

/// Sum of the series at `x > 0`, or `None` where it does not reach full
/// precision: the terms begin to grow too early.
pub(crate) fn sum(tail: Tail, alpha: f64, x: f64) -> Option<f64> {
    let power = x.powf(-alpha);
    let mut sum = 0.0;
    let mut magnitude = 1.0;
    let mut previous = f64::INFINITY;
    for k in 1..=MAX_TERMS {
        let magnitude_of_gamma = magnitude * gamma(alpha * f64::from(k) + 1.0);
        if magnitude_of_gamma >= previous {
            return None;
        }
        sum += magnitude_of_gamma * signed_factor(tail, alpha, k);
        // Without the sine: near α = 2 it is small in every term, but what an
        // asymptotic series leaves out is not.
        if magnitude_of_gamma <= PRECISION * sum.abs() {
            return Some(sum / PI);
        }
        previous = magnitude_of_gamma;
        magnitude *= power / f64::from(k + 1);
    }
    None
}

/// Term k of the series at `x`, including the power of x and 1/π.
pub(crate) fn term(tail: Tail, alpha: f64, x: f64, k: u32) -> f64 {
    let factorial = gamma(f64::from(k) + 1.0);
    let leading = match tail {
        Tail::Density => 1.0 / x,
        Tail::Survival => 1.0,
    };
    let magnitude = gamma(alpha * f64::from(k) + 1.0) / factorial * x.powf(-alpha * f64::from(k));
    magnitude * signed_factor(tail, alpha, k) * leading / PI
}

fn signed_factor(tail: Tail, alpha: f64, k: u32) -> f64 {
    let k = f64::from(k);
    let sine = (k * FRAC_PI_2 * (2.0 - alpha)).sin();
    match tail {
        Tail::Density => sine,
        Tail::Survival => sine / (alpha * k),
    }
}
