//! The difference to the Gaussian by quadrature along a rotated ray.
//!
//! The Fourier integrals
//!
//! ```text
//! f_α(x) = (1/π) Re ∫ e^{ixt − t^α} dt,    S_α(x) = 1/2 − (1/π) Im ∫ e^{ixt − t^α} dt / t
//! ```
//!
//! over t > 0 oscillate. On the ray `t = r e^{iπ/8}` both `e^{ixt}` and
//! `e^{−t^α}` decay for every 0 < α ≤ 2, and after subtracting the same
//! integrals for α = 2 what remains vanishes at t = 0, so that the ray may be
//! turned without a residue. With `r = τ exp(v − e^{−v})`, `τ = min(1, 1/x)`,
//! the integrand decays doubly exponentially on the left and analytically in a
//! strip about the real v axis: the trapezoidal rule with step 0.05 reaches
//! rounding error with 150 to 250 points (Takahasi and Mori 1974,
//! doi:10.2977/prims/1195192451).

use std::f64::consts::{FRAC_PI_8, PI};

/// Step of the trapezoidal rule in v.
const STEP: f64 = 0.05;

/// Terms below `exp(−CUTOFF)` are left out.
const CUTOFF: f64 = 40.0;

/// A point of the ray and the integrand there, but for the factor `e^{ixt}`.
#[derive(Clone, Copy)]
pub(crate) struct Node {
    t: Complex,
    /// `(e^{−t^α} − e^{−t²}) / (2 − α) · d(ln r)`.
    weight: Complex,
}

type Complex = (f64, f64);

/// Nodes for α < 2 and arguments near `x ≥ 0` (within a factor of two).
pub(crate) fn nodes(alpha: f64, x: f64) -> impl Iterator<Item = Node> {
    let epsilon = 2.0 - alpha;
    let ln_tau = -x.max(1.0).ln();
    let (sin, _) = FRAC_PI_8.sin_cos();
    let decay = (alpha * FRAC_PI_8).cos();
    let start = -(CUTOFF / alpha).ln();
    (0..)
        .map(move |i| start + f64::from(i) * STEP)
        .map(move |v| (v, ln_tau + v - (-v).exp()))
        .take_while(move |&(v, ln_r)| {
            v < 0.0 || (alpha * ln_r).exp() * decay + 0.5 * x * ln_r.exp() * sin - ln_r < CUTOFF
        })
        .map(move |(v, ln_r)| {
            let difference = difference(epsilon, ln_r);
            let step = STEP * (1.0 + (-v).exp());
            Node {
                t: polar(ln_r.exp(), FRAC_PI_8),
                weight: (difference.0 * step, difference.1 * step),
            }
        })
}

/// `D_α(x)` and `E_α(x)` at once.
pub(crate) fn sum(nodes: impl IntoIterator<Item = Node>, x: f64) -> (f64, f64) {
    let (mut density, mut survival) = (0.0, 0.0);
    for Node { t, weight } in nodes {
        let wave = polar((-x * t.1).exp(), x * t.0);
        let term = product(wave, weight);
        density += term.0 * t.0 - term.1 * t.1;
        survival -= term.1;
    }
    (density / PI, survival / PI)
}

/// `(e^{−t^α} − e^{−t²}) / ε` with `ε = 2 − α` and `t = e^{ln_r + iπ/8}`.
fn difference(epsilon: f64, ln_r: f64) -> Complex {
    let square = polar((2.0 * ln_r).exp(), 2.0 * FRAC_PI_8);
    // t² − t^α = −t² (t^{−ε} − 1).
    let shrink = exp_m1((-epsilon * ln_r, -epsilon * FRAC_PI_8));
    let exponent = product(square, (-shrink.0, -shrink.1));
    let gaussian = polar((-square.0).exp(), -square.1);
    let (re, im) = if exponent.0.abs() + exponent.1.abs() < 0.5 {
        product(gaussian, exp_m1(exponent))
    } else {
        let alpha = 2.0 - epsilon;
        let power = polar((alpha * ln_r).exp(), alpha * FRAC_PI_8);
        let stable = polar((-power.0).exp(), -power.1);
        (stable.0 - gaussian.0, stable.1 - gaussian.1)
    };
    (re / epsilon, im / epsilon)
}

fn polar(modulus: f64, angle: f64) -> Complex {
    let (sin, cos) = angle.sin_cos();
    (modulus * cos, modulus * sin)
}

fn product(a: Complex, b: Complex) -> Complex {
    (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0)
}

/// `e^z − 1` without cancellation near `z = 0`.
fn exp_m1(z: Complex) -> Complex {
    let (sin, cos) = z.1.sin_cos();
    let half = (0.5 * z.1).sin();
    let (re, exp) = (z.0.exp_m1(), z.0.exp());
    (re * cos - 2.0 * half * half, exp * sin)
}
