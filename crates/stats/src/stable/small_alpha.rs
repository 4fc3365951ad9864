//! The standard law for α < 1/2, where all moments of `ln |X|` are of the order
//! of 1/α and powers of x leave the range of f64.
//!
//! # Formula
//!
//! For α < 1 the Fourier integrals may be turned to `t = i e^y`, where only the
//! power oscillates, and below 1/2 hardly so. With `a + ib = e^{iπα/2}`
//!
//! ```text
//! f_α(x)       = (1/π) ∫ e^{y − x e^y}         e^{−a e^{αy}} sin(b e^{αy}) dy
//! 1/2 − S_α(x) = (1/π) ∫ (1 − e^{−x e^y})      e^{−a e^{αy}} sin(b e^{αy}) dy
//! ```
//!
//! over all y. The factor without the sine is log-concave, so that the
//! trapezoidal rule is summed outwards from near its peak; it is analytic in
//! |Im y| < π/2, and the rule with step h is wrong by `e^{−π²/h}`. Logarithms are
//! kept throughout.
//!
//! Where `u = x^{−α}` is below 3 the survival function is the convergent series
//!
//! ```text
//! S_α(x) = ½ Σ_{k≥1} (−1)^{k+1} Γ(kα + 1) / k! · sin(z) / z · u^k,   z = kπα/2
//! ```
//!
//! (Bergström 1952), which for α → 0 is `(1 − e^{−u})/2`: `|X|^{−α}` is
//! exponential in the limit.

use std::f64::consts::{FRAC_PI_2, PI};

use statrs::function::gamma::{gamma, ln_gamma};

/// Below this α the functions of this module are used.
pub(super) const ALPHA_MAX: f64 = 0.5;

/// Step of the trapezoidal rule in y.
const STEP: f64 = 0.2;

/// Terms are summed until they are this small against the greatest.
const PRECISION: f64 = 1e-18;

/// The series is summed below this `x^{−α}`; the terms of alternating sign grow
/// as `e^u`.
const SERIES_END: f64 = 3.0;

/// `ln f_α(x)` for `x ≥ 0`.
pub(super) fn ln_pdf(alpha: f64, x: f64) -> f64 {
    if x == 0.0 {
        // Γ(1 + 1/α) leaves the range of its own logarithm, too.
        let inverse = alpha.recip();
        if inverse < 1e305 { ln_gamma(1.0 + inverse) - PI.ln() } else { f64::INFINITY }
    } else if x == f64::INFINITY {
        f64::NEG_INFINITY
    } else {
        ln_pdf_at_ln(alpha, x.ln())
    }
}

/// `ln f_α(e^{ln_x})`, also where x is outside the range of f64.
pub(super) fn ln_pdf_at_ln(alpha: f64, ln_x: f64) -> f64 {
    ln_integral(alpha, ln_x, |y| y - (y + ln_x).exp())
}

/// `S_α(e^{ln_x})`.
pub(super) fn sf_at_ln(alpha: f64, ln_x: f64) -> f64 {
    let power = (-alpha * ln_x).exp();
    if power < SERIES_END { series(alpha, power) } else { 0.5 - central_at_ln(alpha, ln_x) }
}

/// `1/2 − S_α(e^{ln_x})`, with full relative accuracy where it is small.
pub(super) fn central_at_ln(alpha: f64, ln_x: f64) -> f64 {
    let power = (-alpha * ln_x).exp();
    if power < SERIES_END {
        return 0.5 - series(alpha, power);
    }
    let exponent = |y: f64| {
        let ln_z = y + ln_x;
        // 1 − e^{−z} is z long before z underflows.
        if ln_z < -40.0 { ln_z } else { (-(-ln_z.exp()).exp_m1()).ln() }
    };
    ln_integral(alpha, ln_x, exponent).exp()
}

fn series(alpha: f64, power: f64) -> f64 {
    let (mut sum, mut factor) = (0.0, 1.0);
    for k in 1..100 {
        let k = f64::from(k);
        factor *= -power / k;
        let term = factor * gamma(k * alpha + 1.0);
        sum -= term * sinc(k * alpha * FRAC_PI_2);
        if term.abs() <= PRECISION * sum.abs() {
            break;
        }
    }
    0.5 * sum
}

/// Logarithm of `(1/π) ∫ e^{exponent(y)} e^{−a e^{αy}} sin(b e^{αy}) dy`.
fn ln_integral(alpha: f64, ln_x: f64, exponent: impl Fn(f64) -> f64) -> f64 {
    let (b, a) = (alpha * FRAC_PI_2).sin_cos();
    let start = peak(alpha, a, ln_x);
    let total_exponent = |y: f64, power: f64| exponent(y) - a * power;
    let reference = total_exponent(start, (alpha * start).exp());

    let mut sum = 0.0;
    for (first, step) in [(0, STEP), (1, -STEP)] {
        let (mut modulus, mut greatest, mut i) = (1.0, 1.0, first);
        // A NaN ends it, too.
        while modulus > PRECISION * greatest {
            let y = start + f64::from(i) * step;
            let power = (alpha * y).exp();
            modulus = (total_exponent(y, power) - reference).exp();
            sum += modulus * power * sinc(b * power);
            greatest = f64::max(greatest, modulus);
            i += 1;
        }
    }
    // b/π, by α itself so that nothing is lost where α is subnormal.
    let constant = 0.5 * sinc(alpha * FRAC_PI_2) * STEP;
    reference + alpha.ln() + (constant * sum).ln()
}

/// Where `y − x e^y − a e^{αy}` is greatest: Newton's method for its slope, a
/// concave function, from the right.
fn peak(alpha: f64, a: f64, ln_x: f64) -> f64 {
    let mut y = f64::min(-ln_x, -(alpha * a).ln() / alpha);
    for _ in 0..50 {
        let (wave, power) = ((y + ln_x).exp(), alpha * a * (alpha * y).exp());
        let step = (wave + power - 1.0) / (wave + alpha * power);
        y -= step;
        if step < 0.1 {
            break;
        }
    }
    y
}

fn sinc(z: f64) -> f64 {
    if z == 0.0 { 1.0 } else { z.sin() / z }
}
