//! Both functions of the standard law as a table, smooth in x and in α.
//!
//! # Formula
//!
//! For α in [0.5, 2] and `0 ≤ x < 30` the table holds
//!
//! ```text
//! D_α(x)    and    E_α(x) √(x² + x₀²) / x
//! ```
//!
//! with the differences `D`, `E` of [`super`] and `x₀ = 0.05`: even, smooth
//! functions. In x they are polynomials in `q = 1 + (x / x₀)²` on panels that
//! divide each octave of q into four: the bits of q name the panel and the place
//! in it, and no logarithm is needed. In α they are Chebyshev series in ln α on
//! panels equal in ln α. Beyond x = 30 the table holds the terms of the
//! [tail series](super::tail_series) at x = 30 as functions of α in the same
//! form.
//!
//! Fixing α collapses every series to a number and leaves one polynomial in q
//! per panel, which [`Density`](super::density::Density) and
//! [`Survival`](super::survival::Survival) evaluate. The relative error is below
//! 2e-9 for the density and below 3e-10 for the survival function.
//!
//! # Why is it computed at run time?
//!
//! It takes some 80 ms once per process; the numbers would take a megabyte of
//! source that nobody could review. It is computed on one thread: a worker of
//! rayon that waits inside of the initialisation could pick up another task that
//! waits for the table.
//!
//! The [`contour`] is integrated at few values of α only, the nodes of one
//! series over all of [0.5, 2]. That one converges quickly for the functions
//! times `(q^½)^{1+α}` and `(q^½)^α`, which are of order one for every α and x;
//! the panels in α, which make the collapse cheap, are made from it.

use std::f64::consts::PI;
use std::sync::OnceLock;

use super::contour;
use super::tail_series::{self, Tail};

/// The least α of the fits, and of [`narrow`](super::narrow).
pub(crate) const ALPHA_MIN: f64 = 0.1;

/// Where the table of this module begins.
pub(crate) const ALPHA_SPLIT: f64 = 0.5;

/// The α of a table.
pub(super) type Range = (f64, f64);
const RANGE: Range = (ALPHA_SPLIT, 2.0);

/// Where the tail series takes over.
pub(crate) const X_MAX: f64 = 30.0;

/// Scale of the variable q: the width of the central peak at α = 0.5.
pub(crate) const X_0: f64 = 0.05;

/// Panels in q, four per octave up to `X_MAX`, and nodes in each.
pub(crate) const N_PANELS: usize = 74;
pub(crate) const N_NODES: usize = 8;

/// Terms of the tail series.
pub(crate) const N_TERMS: usize = 12;

/// A polynomial on one panel, lowest power first, in −1 ≤ s ≤ 1.
pub(crate) type Polynomial = [f64; N_NODES];

/// Polynomials of the panels, and two more rows for the terms of the tail.
const N_ROWS: usize = N_PANELS + N_TERMS.div_ceil(N_NODES);

/// Nodes in ln α at which the functions are computed.
pub(super) const N_ALPHAS: usize = 31;

/// Panels in ln α, and coefficients of the Chebyshev series in each.
const N_ALPHA_PANELS: usize = 16;
const N_COEFFICIENTS: usize = 10;

/// The table of one function: for each panel in ln α the rows.
pub(crate) struct Surface(Vec<Row>);

/// Both tables.
pub(crate) struct Table {
    pub(crate) density: Surface,
    pub(crate) survival: Surface,
    /// What the value at each node adds to the polynomial of its panel.
    pub(crate) interpolation: [Polynomial; N_NODES],
}

impl Table {
    /// The table, computed when it is first asked for.
    pub(crate) fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Self::compute)
    }

    fn compute() -> Self {
        let x: Vec<f64> = x_nodes().collect();
        // By node in ln α: the values of both functions at all nodes in x, then
        // the terms of the tail.
        let values: Vec<[Vec<f64>; 2]> =
            (0..N_ALPHAS).map(|i| values_at(alpha_of(RANGE, node(i)), &x)).collect();
        let ln_root_q: Vec<f64> = x.iter().map(|&x| 0.5 * q_of(x).ln()).collect();
        let surface = |which: usize| {
            let values: Vec<&Vec<f64>> = values.iter().map(|pair| &pair[which]).collect();
            // The values are times `q^{(α + power) / 2}`.
            let power = [1.0, 0.0][which];
            Surface::compute(&values, RANGE, |alpha, points| {
                for (value, ln_root_q) in points.iter_mut().zip(&ln_root_q) {
                    *value *= (-(alpha + power) * ln_root_q).exp();
                }
            })
        };
        Self { density: surface(0), survival: surface(1), interpolation: interpolation() }
    }
}

impl Surface {
    /// From the values at the nodes in ln α, from which `finish` makes those of the
    /// table at one α.
    pub(super) fn compute(
        values: &[&Vec<f64>],
        range: Range,
        finish: impl Fn(f64, &mut [f64]),
    ) -> Self {
        let interpolation = interpolation();
        let mut rows = Vec::with_capacity(N_ALPHA_PANELS * N_ROWS);
        for panel in 0..N_ALPHA_PANELS {
            // By node in this panel: the rows.
            let nodes: Vec<Vec<Polynomial>> = (0..N_COEFFICIENTS)
                .map(|i| {
                    let s = panel_start(panel)
                        + (1.0 + chebyshev_node(i, N_COEFFICIENTS)) / N_ALPHA_PANELS as f64;
                    let mut points = interpolated(values, s);
                    finish(alpha_of(range, s), &mut points);
                    rows_of(&points, &interpolation)
                })
                .collect();
            let coefficient = |row: usize, k: usize| {
                std::array::from_fn(|power| {
                    let at_node = nodes.iter().map(|rows| rows[row][power]);
                    let weights =
                        (0..N_COEFFICIENTS).map(|i| chebyshev_weight(k, i, N_COEFFICIENTS));
                    at_node.zip(weights).map(|(value, weight)| value * weight).sum()
                })
            };
            rows.extend((0..N_ROWS).map(|row| Row(std::array::from_fn(|k| coefficient(row, k)))));
        }
        Self(rows)
    }

    /// The surface at one α: the rows of the panels, those of the tail, and what
    /// collapses them.
    pub(crate) fn at(&self, alpha: f64) -> (&[Row], &[Row], Basis) {
        self.with(Basis::at(alpha))
    }

    /// The same with another basis.
    pub(super) fn with(&self, basis: Basis) -> (&[Row], &[Row], Basis) {
        let (panels, tail) = self.0[basis.panel * N_ROWS..][..N_ROWS].split_at(N_PANELS);
        (panels, tail, basis)
    }
}

/// The series in α of a polynomial on a panel.
pub(crate) struct Row([Polynomial; N_COEFFICIENTS]);

impl Row {
    /// The polynomial times the factor of the basis, and its first two derivatives
    /// by α.
    #[inline(always)]
    pub(crate) fn jets(&self, basis: &Basis) -> [Polynomial; 3] {
        let mut value = [0.0; N_NODES];
        let mut first = [0.0; N_NODES];
        let mut second = [0.0; N_NODES];
        for (coefficients, basis) in self.0.iter().zip(&basis.jets) {
            for power in 0..N_NODES {
                value[power] += basis[0] * coefficients[power];
                first[power] += basis[1] * coefficients[power];
                second[power] += basis[2] * coefficients[power];
            }
        }
        [value, first, second]
    }

    /// The same without derivatives.
    #[inline(always)]
    pub(crate) fn value(&self, basis: &Basis) -> Polynomial {
        let mut value = [0.0; N_NODES];
        for (coefficients, basis) in self.0.iter().zip(&basis.jets) {
            for power in 0..N_NODES {
                value[power] += basis[0] * coefficients[power];
            }
        }
        value
    }
}

/// The variable of the panels.
#[inline(always)]
pub(crate) fn q_of(x: f64) -> f64 {
    1.0 + x * x * (1.0 / (X_0 * X_0))
}

/// A place in a panel.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) panel: usize,
    /// −1 ≤ s < 1.
    pub(crate) s: f64,
    /// `ds/dx` is this times x, and `d²s/dx²` is this.
    pub(crate) curvature: f64,
}

impl Place {
    /// The place of `|x| < X_MAX`, from the bits of q: the exponent and the
    /// first two bits of the mantissa are the number of the panel.
    #[inline(always)]
    pub(crate) fn of(x: f64) -> Self {
        const PANEL_BITS: u32 = 50;
        const ONE: u64 = 1f64.to_bits();
        const EXPONENT: u64 = f64::INFINITY.to_bits();
        let bits = q_of(x).to_bits();
        let in_panel = f64::from_bits((bits & ((1 << PANEL_BITS) - 1)) | ONE);
        let inverse_octave = f64::from_bits((2 * ONE).wrapping_sub(bits & EXPONENT));
        Self {
            panel: (bits >> PANEL_BITS).wrapping_sub(ONE >> PANEL_BITS) as usize,
            s: 8.0 * in_panel - 9.0,
            curvature: 16.0 / (X_0 * X_0) * inverse_octave,
        }
    }
}

/// The nodes in x, panel by panel.
fn x_nodes() -> impl Iterator<Item = f64> {
    (0..N_PANELS * N_NODES).map(|j| {
        let (panel, node) = (j / N_NODES, j % N_NODES);
        let octave = 2f64.powi((panel / 4) as i32);
        let s = chebyshev_node(node, N_NODES);
        let q = octave * (1.0 + (panel % 4) as f64 / 4.0 + (1.0 + s) / 8.0);
        X_0 * (q - 1.0).sqrt()
    })
}

/// Both functions at one α, times powers of q that make them of order one, and
/// the terms of the tail.
fn values_at(alpha: f64, x: &[f64]) -> [Vec<f64>; 2] {
    let epsilon = 2.0 - alpha;
    let differences: Vec<(f64, f64)> = x
        .chunks_exact(N_NODES)
        .flat_map(|panel| {
            let ray: Vec<_> = contour::nodes(alpha, panel[N_NODES / 2]).collect();
            panel.iter().map(move |&x| contour::sum(ray.iter().copied(), x))
        })
        .collect();
    let body = differences.iter().zip(x.iter().map(|&x| (x, q_of(x).sqrt())));
    let density = body.clone().map(|(pair, (_, root_q))| pair.0 * root_q.powf(1.0 + alpha));
    let survival = body.map(|(pair, (x, root_q))| pair.1 * root_q.powf(alpha) * root_q * X_0 / x);
    let terms = |tail: Tail| {
        (1..=N_TERMS as u32).map(move |k| tail_series::term(tail, alpha, X_MAX, k) / epsilon)
    };
    [density.chain(terms(Tail::Density)).collect(), survival.chain(terms(Tail::Survival)).collect()]
}

/// Values at all nodes, interpolated to the place `s` in ln α.
fn interpolated(values: &[&Vec<f64>], s: f64) -> Vec<f64> {
    let polynomials = chebyshev_polynomials::<N_ALPHAS>(s);
    let mut sums = vec![0.0; values[0].len()];
    for (i, values) in values.iter().enumerate() {
        let weight: f64 =
            (0..N_ALPHAS).map(|k| polynomials[k][0] * chebyshev_weight(k, i, N_ALPHAS)).sum();
        for (sum, value) in sums.iter_mut().zip(*values) {
            *sum += weight * value;
        }
    }
    sums
}

/// The polynomials through the values at the nodes, and the terms of the tail
/// as they are.
fn rows_of(points: &[f64], interpolation: &[Polynomial; N_NODES]) -> Vec<Polynomial> {
    let (body, tail) = points.split_at(N_PANELS * N_NODES);
    let polynomials = body.chunks_exact(N_NODES).map(|values| {
        let mut polynomial = [0.0; N_NODES];
        for (value, node) in values.iter().zip(interpolation) {
            for (sum, weight) in polynomial.iter_mut().zip(node) {
                *sum += weight * value;
            }
        }
        polynomial
    });
    let terms = tail.chunks(N_NODES).map(|terms| {
        let mut row = [0.0; N_NODES];
        row[..terms.len()].copy_from_slice(terms);
        row
    });
    polynomials.chain(terms).collect()
}

/// A factor times the Chebyshev polynomials of a panel in ln α, and the first two
/// derivatives by α; of [`Basis::at`] the factor is `2 − α`.
pub(crate) struct Basis {
    panel: usize,
    jets: [[f64; 3]; N_COEFFICIENTS],
}

impl Basis {
    fn at(alpha: f64) -> Self {
        let epsilon = 2.0 - alpha;
        let Self { panel, jets } = Self::plain(RANGE, alpha);
        let jets = jets.map(|[value, first, second]| {
            [epsilon * value, epsilon * first - value, epsilon * second - 2.0 * first]
        });
        Self { panel, jets }
    }

    /// The Chebyshev polynomials by themselves.
    pub(super) fn plain((low, high): Range, alpha: f64) -> Self {
        let half = 0.5 * (high / low).ln();
        let whole = (alpha / (low * high).sqrt()).ln() / half;
        let panels = N_ALPHA_PANELS as f64;
        let panel = (0.5 * (1.0 + whole) * panels).clamp(0.0, panels - 1.0) as usize;
        let polynomials = chebyshev_polynomials((whole - panel_start(panel)) * panels - 1.0);
        let slope = panels / (half * alpha);
        let jets = polynomials.map(|[value, by_s, by_s_s]| {
            let first = by_s * slope;
            [value, first, by_s_s * slope * slope - first / alpha]
        });
        Self { panel, jets }
    }
}

/// α at −1 ≤ s ≤ 1.
pub(super) fn alpha_of((low, high): Range, s: f64) -> f64 {
    (low * high).sqrt() * (high / low).powf(0.5 * s)
}

/// Node number `i` of the series over all α.
pub(super) fn node(i: usize) -> f64 {
    chebyshev_node(i, N_ALPHAS)
}

/// Where in −1 ≤ s ≤ 1 a panel in ln α begins.
fn panel_start(panel: usize) -> f64 {
    2.0 * panel as f64 / N_ALPHA_PANELS as f64 - 1.0
}

/// The Chebyshev polynomials and their first two derivatives at `s`.
fn chebyshev_polynomials<const N: usize>(s: f64) -> [[f64; 3]; N] {
    let mut polynomials = [[1.0, 0.0, 0.0]; N];
    polynomials[1] = [s, 1.0, 0.0];
    for k in 2..N {
        let ([a, da, dda], [b, db, ddb]) = (polynomials[k - 1], polynomials[k - 2]);
        polynomials[k] =
            [2.0 * s * a - b, 2.0 * (a + s * da) - db, 2.0 * (2.0 * da + s * dda) - ddb];
    }
    polynomials
}

/// Zero number `i` of the Chebyshev polynomial of degree `n`.
pub(crate) fn chebyshev_node(i: usize, n: usize) -> f64 {
    (PI * (i as f64 + 0.5) / n as f64).cos()
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
