//! Both functions of the standard law as a table, smooth in x and in α.
//!
//! # Formula
//!
//! For α in [0.5, 2] and `0 ≤ x < 30` the table holds
//!
//! ```text
//! D_α(x) e^{(1+α)w}    and    E_α(x) e^{αw} √(x² + x₀²) / x,    w = ½ ln(1 + (x / x₀)²)
//! ```
//!
//! with the differences `D`, `E` of [`super`] and `x₀ = 0.05`: even, smooth
//! functions of order one. In w there are equal panels with Chebyshev nodes; at
//! each node stands the Chebyshev series in ln α. Beyond x = 30 the table holds
//! the terms of the [tail series](super::tail_series) at x = 30 as functions of
//! α in the same form.
//!
//! Fixing α collapses every series to a number and leaves one polynomial in w
//! per panel, which [`Density`](super::density::Density) and
//! [`Survival`](super::survival::Survival) evaluate. The relative error is below
//! 2e-9 for the density and below 2e-10 for the survival function.
//!
//! # Why is it computed at run time?
//!
//! It takes some 60 ms once per process; the numbers would take half a megabyte
//! of source that nobody could review. It is computed on one thread: a worker of
//! rayon that waits inside of the initialisation could pick up another task that
//! waits for the table.

use std::f64::consts::PI;
use std::sync::OnceLock;

use super::contour;
use super::tail_series::{self, Tail};

/// The range of α in the table, also the range of the fits.
pub(crate) const ALPHA_MIN: f64 = 0.5;
const ALPHA_MAX: f64 = 2.0;

/// Where the tail series takes over.
pub(crate) const X_MAX: f64 = 30.0;

/// Scale of the variable w: the width of the central peak at α = 0.5.
pub(crate) const X_0: f64 = 0.05;

/// Panels in w, and nodes in each.
pub(crate) const N_PANELS: usize = 48;
pub(crate) const N_NODES: usize = 8;

/// Terms of the tail series.
pub(crate) const N_TERMS: usize = 12;

/// Coefficients of the Chebyshev series in ln α.
const N_COEFFICIENTS: usize = 31;

/// A polynomial on one panel, lowest power first, in −1 ≤ s ≤ 1.
pub(crate) type Polynomial = [f64; N_NODES];

/// One number for each coefficient of a Chebyshev series in ln α.
type Series = [f64; N_COEFFICIENTS];

/// One number for each point of a surface: the nodes panel by panel, then the
/// terms of the tail.
type Points = Vec<f64>;

/// The number of nodes; the rest of the points is the tail.
pub(crate) const N_BODY: usize = N_PANELS * N_NODES;

/// The table of one function: for each coefficient the points.
pub(crate) struct Surface(Vec<Points>);

/// Both tables.
pub(crate) struct Table {
    pub(crate) density: Surface,
    pub(crate) survival: Surface,
    /// The values of w at the nodes, panel by panel.
    pub(crate) w: Vec<f64>,
    /// Panels per unit of w.
    pub(crate) panels_per_w: f64,
    /// What the value at each node adds to the polynomial of its panel.
    interpolation: [Polynomial; N_NODES],
}

/// A surface at one α, times `2 − α`, and its first two derivatives by α.
pub(crate) struct Jets {
    pub(crate) value: Points,
    pub(crate) first: Points,
    pub(crate) second: Points,
}

impl Table {
    /// The table, computed when it is first asked for.
    pub(crate) fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Self::compute)
    }

    fn compute() -> Self {
        // By node in ln α: the points of both surfaces.
        let columns: Vec<[Points; 2]> = (0..N_COEFFICIENTS)
            .map(|i| points_at(alpha_of(chebyshev_node(i, N_COEFFICIENTS))))
            .collect();
        let surface = |which: usize| {
            let coefficient =
                |k: usize| weighted_sum(columns.iter().map(|pair| &pair[which]), &chebyshev_row(k));
            Surface((0..N_COEFFICIENTS).map(coefficient).collect())
        };
        Self {
            density: surface(0),
            survival: surface(1),
            w: w_nodes().collect(),
            panels_per_w: panels_per_w(),
            interpolation: interpolation(),
        }
    }

    /// The coefficients of the polynomials through the values at all nodes.
    pub(crate) fn polynomials(&self, values: &[f64]) -> impl Iterator<Item = Polynomial> {
        values.chunks_exact(N_NODES).map(|panel| {
            let mut polynomial = [0.0; N_NODES];
            for (value, node) in panel.iter().zip(&self.interpolation) {
                for (sum, weight) in polynomial.iter_mut().zip(node) {
                    *sum += weight * value;
                }
            }
            polynomial
        })
    }
}

impl Surface {
    /// The table collapsed to one α.
    pub(crate) fn at(&self, alpha: f64) -> Jets {
        let Basis { value, first, second } = Basis::at(alpha);
        Jets {
            value: weighted_sum(&self.0, &value),
            first: weighted_sum(&self.0, &first),
            second: weighted_sum(&self.0, &second),
        }
    }
}

fn weighted_sum<'a>(rows: impl IntoIterator<Item = &'a Points>, weights: &Series) -> Points {
    let mut sums = vec![0.0; N_BODY + N_TERMS];
    for (row, weight) in rows.into_iter().zip(weights) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += weight * value;
        }
    }
    sums
}

/// The variable of the panels.
pub(crate) fn w_of(x: f64) -> f64 {
    0.5 * (1.0 + x * x * (1.0 / (X_0 * X_0))).ln()
}

fn panels_per_w() -> f64 {
    N_PANELS as f64 / w_of(X_MAX)
}

fn w_nodes() -> impl Iterator<Item = f64> + Clone {
    (0..N_BODY).map(|j| {
        let (panel, node) = (j / N_NODES, j % N_NODES);
        (panel as f64 + 0.5 * (1.0 + chebyshev_node(node, N_NODES))) / panels_per_w()
    })
}

/// The points of both surfaces at one α.
fn points_at(alpha: f64) -> [Points; 2] {
    let epsilon = 2.0 - alpha;
    let x: Vec<f64> = w_nodes().map(|w| X_0 * (2.0 * w).exp_m1().sqrt()).collect();
    let differences: Vec<(f64, f64)> = x
        .chunks_exact(N_NODES)
        .flat_map(|panel| {
            let ray: Vec<_> = contour::nodes(alpha, panel[N_NODES / 2]).collect();
            panel.iter().map(move |&x| contour::sum(ray.iter().copied(), x))
        })
        .collect();
    let body = differences.iter().zip(w_nodes().zip(&x));
    let density = body.clone().map(|(pair, (w, _))| pair.0 * ((1.0 + alpha) * w).exp());
    let survival =
        body.map(|(pair, (w, x))| pair.1 * (alpha * w).exp() * (x * x + X_0 * X_0).sqrt() / x);
    let terms = |tail: Tail| {
        (1..=N_TERMS as u32).map(move |k| tail_series::term(tail, alpha, X_MAX, k) / epsilon)
    };
    [density.chain(terms(Tail::Density)).collect(), survival.chain(terms(Tail::Survival)).collect()]
}

/// `2 − α` times the Chebyshev polynomials in ln α, and derivatives by α.
struct Basis {
    value: Series,
    first: Series,
    second: Series,
}

impl Basis {
    fn at(alpha: f64) -> Self {
        let half = 0.5 * (ALPHA_MAX / ALPHA_MIN).ln();
        let s = (alpha / (ALPHA_MIN * ALPHA_MAX).sqrt()).ln() / half;
        // T, T', T'' by s.
        let mut polynomials = [[1.0, 0.0, 0.0]; N_COEFFICIENTS];
        polynomials[1] = [s, 1.0, 0.0];
        for k in 2..N_COEFFICIENTS {
            let ([a, da, dda], [b, db, ddb]) = (polynomials[k - 1], polynomials[k - 2]);
            polynomials[k] =
                [2.0 * s * a - b, 2.0 * (a + s * da) - db, 2.0 * (2.0 * da + s * dda) - ddb];
        }
        let slope = 1.0 / (half * alpha);
        let epsilon = 2.0 - alpha;
        let jets = polynomials.map(|[value, by_s, by_s_s]| {
            let first = by_s * slope;
            let second = by_s_s * slope * slope - first / alpha;
            [epsilon * value, epsilon * first - value, epsilon * second - 2.0 * first]
        });
        Self {
            value: jets.map(|jet| jet[0]),
            first: jets.map(|jet| jet[1]),
            second: jets.map(|jet| jet[2]),
        }
    }
}

/// α at −1 ≤ s ≤ 1.
fn alpha_of(s: f64) -> f64 {
    (ALPHA_MIN * ALPHA_MAX).sqrt() * (ALPHA_MAX / ALPHA_MIN).powf(0.5 * s)
}

/// Zero number `i` of the Chebyshev polynomial of degree `n`.
fn chebyshev_node(i: usize, n: usize) -> f64 {
    (PI * (i as f64 + 0.5) / n as f64).cos()
}

/// What each Chebyshev node contributes to coefficient `k` of the series.
fn chebyshev_row(k: usize) -> Series {
    std::array::from_fn(|i| chebyshev_weight(k, i, N_COEFFICIENTS))
}

/// The weight of node `i` of `n` in coefficient `k` of the Chebyshev series
/// through values at the nodes.
fn chebyshev_weight(k: usize, i: usize, n: usize) -> f64 {
    let scale = if k == 0 { 1.0 } else { 2.0 } / n as f64;
    scale * (PI * k as f64 * (i as f64 + 0.5) / n as f64).cos()
}

/// What each Chebyshev node contributes to each power of the polynomial
/// through values at the nodes.
fn interpolation() -> [Polynomial; N_NODES] {
    // The powers in each Chebyshev polynomial.
    let mut polynomials = [[0.0; N_NODES]; N_NODES];
    polynomials[0][0] = 1.0;
    polynomials[1][1] = 1.0;
    for k in 2..N_NODES {
        for power in 0..N_NODES {
            let shifted = if power == 0 { 0.0 } else { polynomials[k - 1][power - 1] };
            polynomials[k][power] = 2.0 * shifted - polynomials[k - 2][power];
        }
    }
    std::array::from_fn(|node| {
        std::array::from_fn(|power| {
            (0..N_NODES).map(|k| chebyshev_weight(k, node, N_NODES) * polynomials[k][power]).sum()
        })
    })
}
