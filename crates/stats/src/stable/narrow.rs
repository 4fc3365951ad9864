//! The logarithm of the density as a table for α from 0.1 to 0.5.
//!
//! # Why another table?
//!
//! Below ½ the peak of the density becomes so narrow, 3e-13 of γ at α = 0.1, and the
//! density so far from the Gaussian, that neither the places nor the difference of
//! [`super::table`] fit. Here the table holds
//!
//! ```text
//! ln f_α(x) + ln w    over    y = ½ ln(1 + (x/w)²),    ln w = (ln α + 1 − (3/2) ln 3)/α + ½ ln 2 + ¼ ln 3 − 10
//! ```
//!
//! where `w` is e^−10 times the radius of curvature `√(2 Γ(1/α)/Γ(3/α))` of the peak, by
//! Stirling's formula: in these units peak and slope are at the same place for every
//! α. The factor is there because the Taylor series of the peak diverges; below `w` it
//! is flat. Panels are
//! equal in y and, as in the other table, in ln α. Beyond x = 30 the table holds the
//! terms of the [tail series](super::tail_series) likewise.
//!
//! The values are those of [`super::small_alpha`]. It takes 0.1 s once per process,
//! when a fit first goes below ½. Relative error of the density: 1e-8.

use std::sync::OnceLock;

use super::small_alpha;
use super::table::{
    ALPHA_MIN, ALPHA_SPLIT, Basis, N_ALPHAS, N_NODES, N_PANELS, N_TERMS, Row, Surface, X_MAX,
    alpha_of, chebyshev_node, node,
};
use super::tail_series::{self, Tail};

const RANGE: (f64, f64) = (ALPHA_MIN, ALPHA_SPLIT);

/// Where the panels end: beyond x = 30 for every α of the table.
const Y_MAX: f64 = 43.0;
const PANEL: f64 = Y_MAX / N_PANELS as f64;

/// Rows of the panels, those of the tail, and what collapses them to one α.
pub(super) fn at(alpha: f64) -> (&'static [Row], &'static [Row], Basis) {
    static TABLE: OnceLock<Surface> = OnceLock::new();
    TABLE.get_or_init(compute).with(Basis::plain(RANGE, alpha))
}

fn compute() -> Surface {
    let y: Vec<f64> = (0..N_PANELS * N_NODES)
        .map(|j| {
            let s = chebyshev_node(j % N_NODES, N_NODES);
            PANEL * ((j / N_NODES) as f64 + 0.5 * (1.0 + s))
        })
        .collect();
    let values: Vec<Vec<f64>> = (0..N_ALPHAS)
        .map(|i| {
            let alpha = alpha_of(RANGE, node(i));
            let width = Width::at(alpha);
            let body = y.iter().map(|y| {
                let x = (width.ln + 0.5 * (2.0 * y).exp_m1().ln()).exp();
                small_alpha::ln_pdf(alpha, x) + width.ln
            });
            let terms =
                (1..=N_TERMS as u32).map(|k| tail_series::term(Tail::Density, alpha, X_MAX, k));
            body.chain(terms).collect()
        })
        .collect();
    Surface::compute(&values.iter().collect::<Vec<_>>(), RANGE, |_, _| {})
}

/// The unit of x, and its derivatives by α.
#[derive(Clone, Copy)]
pub(super) struct Width {
    pub(super) ln: f64,
    pub(super) by_alpha: f64,
    pub(super) by_alpha_alpha: f64,
}

impl Width {
    pub(super) fn at(alpha: f64) -> Self {
        let shifted = alpha.ln() + 1.0 - 1.5 * 3f64.ln();
        Self {
            ln: shifted / alpha + 0.5 * 2f64.ln() + 0.25 * 3f64.ln() - 10.0,
            by_alpha: (1.0 - shifted) / (alpha * alpha),
            by_alpha_alpha: (2.0 * shifted - 3.0) / alpha.powi(3),
        }
    }
}

/// A place in the table.
pub(super) struct Place {
    pub(super) panel: usize,
    /// −1 ≤ s ≤ 1.
    pub(super) s: f64,
    /// `r dy/dr` and `r² d²y/dr²` of `r = x/w`, times that of s by y.
    pub(super) slope: f64,
    pub(super) bend: f64,
    /// Derivative of s by y.
    pub(super) by_y: f64,
}

impl Place {
    /// Of `r = x/w ≥ 0`, for `x < 30`.
    pub(super) fn of(r: f64) -> Self {
        let square = r * r;
        let q = 1.0 + square;
        let place = 0.5 * square.ln_1p() / PANEL;
        let panel = (place as usize).min(N_PANELS - 1);
        Self {
            panel,
            s: 2.0 * (place - panel as f64) - 1.0,
            slope: square / q,
            bend: square / q * ((1.0 - square) / q),
            by_y: 2.0 / PANEL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::density::Density;

    const GOLDEN: &str = include_str!("../../../../tests/golden/stable/small_alpha.csv");

    /// Against values on which two other methods agree to 15 digits
    /// (`tests/golden/stable/make_golden.py`), and off the nodes against those of the
    /// integral, which is held to the same.
    #[test]
    fn agrees_with_the_golden_values() {
        let mut n_checked = 0;
        for line in GOLDEN.lines().skip(1) {
            let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
            let [alpha, x, pdf, _] = fields[..] else { panic!("{line}") };
            if (ALPHA_MIN..ALPHA_SPLIT).contains(&alpha) && pdf.is_normal() {
                let l = Density::at(alpha).ln_pdf(x);
                let error = l.f.ln() + l.ln_scale - pdf.ln();
                assert!(error.abs() < 1e-8, "{alpha}, {x}: {error:e}");
                n_checked += 1;
            }
        }
        assert!(n_checked >= 20, "{n_checked}");
        for alpha in [0.1, 0.1001, 0.137, 0.22, 0.31, 0.449, 0.4999] {
            let density = Density::at(alpha);
            for power in -90..=60 {
                let x = 10f64.powf(0.25 * f64::from(power) + 0.013);
                let l = density.ln_pdf(x);
                let error = l.f.ln() + l.ln_scale - small_alpha::ln_pdf(alpha, x);
                assert!(error.abs() < 1e-8, "{alpha}, {x:e}: {error:e}");
            }
        }
    }

    /// Where both tables are, they agree.
    #[test]
    fn joins_the_other_table() {
        let (below, above) = (Density::at(ALPHA_SPLIT - 1e-12), Density::at(ALPHA_SPLIT));
        for x in [0.0, 0.001, 0.1, 0.7, 5.0, 29.9, 30.1, 1e6] {
            let [a, b] = [&below, &above].map(|density| density.ln_pdf(x));
            let close = |a: f64, b: f64| (a - b).abs() < 1e-5 * b.abs().max(1.0);
            assert!(close(a.f.ln() + a.ln_scale, b.f.ln() + b.ln_scale), "{x}");
            assert!(close(a.by_x, b.by_x) && close(a.by_alpha, b.by_alpha), "{x}: {a:?} {b:?}");
            assert!(
                (a.by_x_x - b.by_x_x).abs() < 3e-3 * b.by_x_x.abs().max(1.0),
                "{x}: {a:?} {b:?}"
            );
            assert!((a.by_alpha_x - b.by_alpha_x).abs() < 1e-3 * b.by_alpha_x.abs().max(1.0));
            assert!(
                (a.by_alpha_alpha - b.by_alpha_alpha).abs()
                    < 1e-3 * b.by_alpha_alpha.abs().max(1.0)
            );
        }
    }
}
