//! The standard symmetric stable law (γ = 1, δ = 0) in numbers.
//!
//! # Why not one of the known formulas for everything?
//!
//! Each breaks somewhere, and all of them break for α in (1.98, 2), where
//! gradient noise lives: the tail there is the small difference of two Gaussian
//! numbers. So the difference to the Gaussian is computed by itself, divided by
//! `2 − α`, and stays of order one all the way to α = 2:
//!
//! ```text
//! f_α(x) = f_2(x) + (2 − α) D_α(x),    S_α(x) = S_2(x) + (2 − α) E_α(x)
//! ```
//!
//! with density `f`, survival function `S` and the Gaussian N(0, 2) at α = 2.
//!
//! - [`tail_series`] sums the expansion at infinity wherever it reaches full
//!   precision;
//! - [`contour`] integrates for `D` and `E` everywhere else;
//! - [`small_alpha`] has integrals of its own for α < 1/2, down to α = 0;
//! - [`exact`] chooses between the three: slow (about 20 µs), correct to 13
//!   digits;
//! - [`table`] interpolates both functions for α in [0.5, 2], for fits, and
//!   [`narrow`] the density for α in [0.1, 0.5]; [`density`] and [`survival`] are
//!   their two readers;
//! - [`erfc`](mod@erfc) and [`elementary`] are what the Gaussian part needs,
//!   [`simd`] makes the loops over samples fast.

pub(crate) mod contour;
pub(crate) mod density;
pub(crate) mod elementary;
pub(crate) mod erfc;
pub(crate) mod exact;
mod narrow;
pub(crate) mod simd;
mod small_alpha;
pub(crate) mod survival;
pub(crate) mod table;
pub(crate) mod tail_series;
