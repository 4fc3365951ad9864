//! The standard density at one α, fast, with its derivatives.

use super::elementary;
use super::exact::gaussian_pdf;
use super::narrow::{self, Width};
use super::simd::wide;
use super::table::{ALPHA_SPLIT, Basis, N_NODES, N_PANELS, N_TERMS, Place, Row, Table, X_MAX};

/// `ln f_α(x)` as a function of x at one α in [0.1, 2].
///
/// Costs some 2 µs to set up and 20 ns to evaluate, or 5 ns a sample in
/// [`Density::sums`]; below α = ½ some 40 ns in either.
pub(crate) struct Density {
    alpha: f64,
    panels: Vec<Panel>,
    tail: [Jet; N_TERMS],
    /// The terms of the tail series that count.
    n_terms: usize,
    /// Below α = ½, where the panels are those of [`narrow`].
    width: Option<Width>,
}

/// Polynomials of `f_α(x) − f_2(x)`, its derivative by s, and its first two
/// derivatives by α: by power the four coefficients.
#[repr(align(32))]
struct Panel([[f64; 4]; N_NODES]);

/// A term of the tail series at the end of the table, and its derivatives by α.
struct Jet {
    value: f64,
    first: f64,
    second: f64,
}

/// The density and the derivatives of its logarithm by x and α up to the second
/// order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LnDensity {
    /// The density is `f · exp(ln_scale)`. The second factor is 1 but for far
    /// outliers, where the density may underflow.
    pub(crate) f: f64,
    pub(crate) ln_scale: f64,
    pub(crate) by_x: f64,
    pub(crate) by_x_x: f64,
    pub(crate) by_alpha: f64,
    pub(crate) by_alpha_x: f64,
    pub(crate) by_alpha_alpha: f64,
}

/// Sums over samples of `ln f_α(x)` and of its derivatives, those by x also
/// times x, which is the derivative by `ln x`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) ln_f: f64,
    pub(crate) by_x: f64,
    /// `Σ x ∂ ln f / ∂x`, and so on.
    pub(crate) by_x_times_x: f64,
    pub(crate) by_alpha: f64,
    pub(crate) by_x_x: f64,
    pub(crate) by_x_x_times_x: f64,
    pub(crate) by_x_x_times_x_x: f64,
    pub(crate) by_alpha_x: f64,
    pub(crate) by_alpha_x_times_x: f64,
    pub(crate) by_alpha_alpha: f64,
}

/// `f` and its derivatives, all divided by `exp(ln_scale)`.
#[derive(Clone, Copy, Default)]
struct Scaled {
    ln_scale: f64,
    f: f64,
    by_x: f64,
    by_x_x: f64,
    by_alpha: f64,
    by_alpha_x: f64,
    by_alpha_alpha: f64,
}

impl Density {
    /// Collapses the table to `alpha` in [0.1, 2].
    pub(crate) fn at(alpha: f64) -> Self {
        let width = (alpha < ALPHA_SPLIT).then(|| Width::at(alpha));
        let (rows, tail, basis) = match width {
            Some(_) => narrow::at(alpha),
            None => Table::get().density.at(alpha),
        };
        let mut panels = Vec::with_capacity(N_PANELS);
        collapse(rows, &basis, &mut panels);
        let tail: [_; 2] = std::array::from_fn(|row| tail[row].jets(&basis));
        let tail: [_; N_TERMS] = std::array::from_fn(|k| {
            let [value, first, second] = tail[k / N_NODES].map(|jet| jet[k % N_NODES]);
            Jet { value, first, second }
        });
        let small = 1e-15 * (tail[0].value.abs() + tail[0].first.abs());
        let counts = |jet: &Jet| jet.value.abs() + jet.first.abs() > small;
        let n_terms = N_TERMS - tail.iter().rev().take_while(|jet| !counts(jet)).count();
        Self { alpha, panels, tail, n_terms, width }
    }

    /// `f_α(x)`.
    pub(crate) fn pdf(&self, x: f64) -> f64 {
        if self.width.is_some() {
            let LnDensity { f, ln_scale, .. } = self.ln_pdf(x);
            return f * ln_scale.exp();
        }
        let scaled = self.scaled(x.abs());
        scaled.f * scaled.ln_scale.exp()
    }

    /// `ln f_α(x)` and its derivatives.
    pub(crate) fn ln_pdf(&self, x: f64) -> LnDensity {
        let sign = x.signum();
        if let Some(width) = self.width.filter(|_| x.abs() < X_MAX) {
            return self.narrow(x, width);
        }
        let scaled = self.scaled(x.abs());
        let inverse = 1.0 / scaled.f;
        let (by_x, by_alpha) = (scaled.by_x * inverse, scaled.by_alpha * inverse);
        LnDensity {
            f: scaled.f,
            ln_scale: scaled.ln_scale,
            by_x: sign * by_x,
            by_x_x: scaled.by_x_x * inverse - by_x * by_x,
            by_alpha,
            by_alpha_x: sign * (scaled.by_alpha_x * inverse - by_alpha * by_x),
            by_alpha_alpha: scaled.by_alpha_alpha * inverse - by_alpha * by_alpha,
        }
    }

    /// The sums over `x = (z − delta) / gamma`, each sample times its weight;
    /// without weights all are 1.
    pub(crate) fn sums(&self, z: &[f64], weights: Option<&[f64]>, gamma: f64, delta: f64) -> Sums {
        self.sums_by(add_block, z, weights, gamma, delta)
    }

    /// The same without second derivatives, which stay 0, and in half the time.
    pub(crate) fn first_sums(&self, z: &[f64], gamma: f64, delta: f64) -> Sums {
        self.sums_by(add_first_block, z, None, gamma, delta)
    }

    #[inline(always)]
    fn sums_by(
        &self,
        add_block: impl Fn(&[Panel], &mut Block, &mut Sums),
        z: &[f64],
        weights: Option<&[f64]>,
        gamma: f64,
        delta: f64,
    ) -> Sums {
        let mut sums = Sums::default();
        if self.width.is_some() {
            for (i, z) in z.iter().enumerate() {
                let x = (z - delta) * (1.0 / gamma);
                sums.add(x, weights.map_or(1.0, |weights| weights[i]), &self.ln_pdf(x));
            }
            return sums;
        }
        let mut block = Block::EMPTY;
        let mut add = |z: &[f64], weights: &[f64]| {
            let n_beyond = block.place(z, weights, 1.0 / gamma, delta);
            add_block(&self.panels, &mut block, &mut sums);
            if n_beyond > 0 {
                for (z, weight) in z.iter().zip(weights) {
                    let x = (z - delta) * (1.0 / gamma);
                    if is_beyond(x) {
                        sums.add(x, *weight, &self.ln_pdf(x));
                    }
                }
            }
        };
        match weights {
            Some(weights) => {
                z.chunks(BLOCK).zip(weights.chunks(BLOCK)).for_each(|(z, w)| add(z, w));
            }
            None => z.chunks(BLOCK).for_each(|z| add(z, &[1.0; BLOCK][..z.len()])),
        }
        sums
    }

    /// From the table of [`narrow`]: `ln f` is `M(α, y) − ln w`, where y moves with w,
    /// too, as α does.
    fn narrow(&self, x: f64, width: Width) -> LnDensity {
        let inverse = (-width.ln).exp();
        let r = x.abs() * inverse;
        let narrow::Place { panel, s, slope, bend, by_y } = narrow::Place::of(r);
        let [value, by_s] = self.panels[panel].at(s);
        let (m_y, m_yy) = (value[1] * by_y, by_s[1] * by_y * by_y);
        let (m_alpha, m_alpha_y, m_alpha_alpha) = (value[2], by_s[2] * by_y, value[3]);
        // By ln r, once and twice.
        let (g, gg) = (m_y * slope, m_yy * slope * slope + m_y * (bend + slope));
        let (by_alpha, bend_alpha) = (width.by_alpha, width.by_alpha_alpha);
        // 1/x is left out at 0, where all of these are 0 but the second derivative.
        let inverse_x = if x == 0.0 { 0.0 } else { 1.0 / x };
        let by_x_x =
            if r < 1e-8 { m_y * inverse * inverse } else { (gg - g) * inverse_x * inverse_x };
        LnDensity {
            f: 1.0,
            ln_scale: value[0] - width.ln,
            by_x: g * inverse_x,
            by_x_x,
            by_alpha: m_alpha - by_alpha * (g + 1.0),
            by_alpha_x: (m_alpha_y * slope - by_alpha * gg) * inverse_x,
            by_alpha_alpha: m_alpha_alpha
                - 2.0 * by_alpha * m_alpha_y * slope
                - bend_alpha * (g + 1.0)
                + by_alpha * by_alpha * gg,
        }
    }

    fn scaled(&self, x: f64) -> Scaled {
        if x < X_MAX { self.body(x) } else { self.tail(x) }
    }

    fn body(&self, x: f64) -> Scaled {
        let place = Place::of(x);
        let [value, by_s] = self.panels[place.panel].at(place.s);
        let slope = place.curvature * x;
        let gaussian = gaussian_pdf(x);
        Scaled {
            ln_scale: 0.0,
            f: gaussian + value[0],
            by_x: -0.5 * x * gaussian + value[1] * slope,
            by_x_x: (0.25 * x * x - 0.5) * gaussian
                + by_s[1] * slope * slope
                + value[1] * place.curvature,
            by_alpha: value[2],
            by_alpha_x: by_s[2] * slope,
            by_alpha_alpha: value[3],
        }
    }

    /// Terms `b_k (X / x)^{αk + 1}`, with `(X / x)^{α + 1}` as the scale so that
    /// nothing underflows for a far outlier.
    fn tail(&self, x: f64) -> Scaled {
        let ln_ratio = (X_MAX / x).ln();
        let ratio = (self.alpha * ln_ratio).exp();
        let inverse = 1.0 / x;
        let mut sum = Scaled { ln_scale: (self.alpha + 1.0) * ln_ratio, ..Scaled::default() };
        let mut power = 1.0;
        for (k, jet) in (1..).zip(&self.tail[..self.n_terms]) {
            let k = f64::from(k);
            let (exponent, growth) = (self.alpha * k + 1.0, k * ln_ratio);
            let value = power * jet.value;
            let first = power * jet.first + growth * value;
            let second = power * (jet.second + growth * jet.first) + growth * first;
            sum.f += value;
            sum.by_x -= exponent * value;
            sum.by_x_x += exponent * (exponent + 1.0) * value;
            sum.by_alpha += first;
            sum.by_alpha_x -= exponent * first + k * value;
            sum.by_alpha_alpha += second;
            power *= ratio;
        }
        sum.by_x *= inverse;
        sum.by_x_x *= inverse * inverse;
        sum.by_alpha_x *= inverse;
        sum
    }
}

impl Panel {
    /// The four polynomials.
    #[inline(always)]
    fn value_at(&self, s: f64) -> [f64; 4] {
        let mut value = self.0[N_NODES - 1];
        for coefficients in self.0[..N_NODES - 1].iter().rev() {
            for lane in 0..4 {
                value[lane] = value[lane] * s + coefficients[lane];
            }
        }
        value
    }

    /// The four polynomials and their derivatives by s.
    #[inline(always)]
    fn at(&self, s: f64) -> [[f64; 4]; 2] {
        let (mut value, mut by_s) = (self.0[N_NODES - 1], [0.0; 4]);
        for coefficients in self.0[..N_NODES - 1].iter().rev() {
            for lane in 0..4 {
                by_s[lane] = by_s[lane] * s + value[lane];
                value[lane] = value[lane] * s + coefficients[lane];
            }
        }
        [value, by_s]
    }
}

wide! {
    fn collapse(rows: &[Row], basis: &Basis, into: &mut Vec<Panel>) {
        for row in rows {
            let [value, first, second] = row.jets(basis);
            let mut panel = [[0.0; 4]; N_NODES];
            for power in 0..N_NODES - 1 {
                let slope = (power + 1) as f64 * value[power + 1];
                panel[power] = [value[power], slope, first[power], second[power]];
            }
            let last = N_NODES - 1;
            panel[last] = [value[last], 0.0, first[last], second[last]];
            into.push(Panel(panel));
        }
    }
}

impl Sums {
    fn add(&mut self, x: f64, weight: f64, l: &LnDensity) {
        self.ln_f += weight * (l.f.ln() + l.ln_scale);
        self.by_x += weight * l.by_x;
        self.by_x_times_x += weight * l.by_x * x;
        self.by_alpha += weight * l.by_alpha;
        self.by_x_x += weight * l.by_x_x;
        self.by_x_x_times_x += weight * l.by_x_x * x;
        // Not x² by itself, which may overflow.
        self.by_x_x_times_x_x += weight * (l.by_x_x * x) * x;
        self.by_alpha_x += weight * l.by_alpha_x;
        self.by_alpha_x_times_x += weight * l.by_alpha_x * x;
        self.by_alpha_alpha += weight * l.by_alpha_alpha;
    }
}

/// Whether x has no place in the table; so has NaN, which a scale of 0 makes of a
/// sample at the location and which must end up in the likelihood.
fn is_beyond(x: f64) -> bool {
    x.is_nan() || x.abs() >= X_MAX
}

/// Samples worked on together: enough to hide the latency of every stage, few
/// enough to stay in the first cache.
const BLOCK: usize = 32;

/// Numbers that are computed side by side in one register.
const LANES: usize = 4;

/// A block of samples, by quantity.
struct Block {
    weight: Column,
    x: Column,
    panel: [usize; BLOCK],
    s: Column,
    curvature: Column,
    gaussian: Column,
    /// What [`Panel::at`] gives: by sample, then by quantity.
    rows: [[[f64; 4]; BLOCK]; 2],
    value: [Column; 4],
    by_s: [Column; 4],
}

type Column = [f64; BLOCK];

#[inline(always)]
fn transpose(rows: &[[f64; 4]; BLOCK], columns: &mut [Column; 4]) {
    for (i, row) in rows.iter().enumerate() {
        for (column, value) in columns.iter_mut().zip(row) {
            column[i] = *value;
        }
    }
}

impl Block {
    const EMPTY: Self = Self {
        weight: [0.0; BLOCK],
        x: [0.0; BLOCK],
        panel: [0; BLOCK],
        s: [0.0; BLOCK],
        curvature: [0.0; BLOCK],
        gaussian: [0.0; BLOCK],
        rows: [[[0.0; 4]; BLOCK]; 2],
        value: [[0.0; BLOCK]; 4],
        by_s: [[0.0; BLOCK]; 4],
    };

    /// Fills in what depends on the samples alone. Those beyond the table are
    /// left out, with a weight of 0; returns how many.
    fn place(&mut self, z: &[f64], weights: &[f64], inverse_gamma: f64, delta: f64) -> usize {
        let mut n_beyond = 0;
        for i in 0..BLOCK {
            let mut x = 0.0;
            let mut weight = 0.0;
            if i < z.len() {
                (x, weight) = ((z[i] - delta) * inverse_gamma, weights[i]);
            }
            if is_beyond(x) {
                (x, weight) = (0.0, 0.0);
                n_beyond += 1;
            }
            self.x[i] = x;
            self.weight[i] = weight;
        }
        n_beyond
    }

    /// What depends on x alone.
    #[inline(always)]
    fn prepare(&mut self) {
        const NORM: f64 = 0.282_094_791_773_878_14; // (4π)^−½
        for i in 0..BLOCK {
            let x = self.x[i];
            let place = Place::of(x);
            self.panel[i] = place.panel;
            self.s[i] = place.s;
            self.curvature[i] = place.curvature;
            self.gaussian[i] = NORM * elementary::exp(-0.25 * x * x);
        }
    }
}

wide! {
    /// Adds the samples of a block whose `x` and `weight` are filled in.
    // A range, for the loop over the columns to be vectorised.
    #[allow(clippy::needless_range_loop)]
    fn add_block(panels: &[Panel], block: &mut Block, sums: &mut Sums) {
        block.prepare();
        for i in 0..BLOCK {
            [block.rows[0][i], block.rows[1][i]] = panels[block.panel[i]].at(block.s[i]);
        }
        transpose(&block.rows[0], &mut block.value);
        transpose(&block.rows[1], &mut block.by_s);
        let mut terms = [[0.0; BLOCK]; 10];
        for i in 0..BLOCK {
            let (x, gaussian, curvature) = (block.x[i], block.gaussian[i], block.curvature[i]);
            let slope = curvature * x;
            let f = gaussian + block.value[0][i];
            let inverse = 1.0 / f;
            let by_x = (block.value[1][i] * slope - 0.5 * x * gaussian) * inverse;
            let f_x_x = (0.25 * x * x - 0.5) * gaussian
                + block.by_s[1][i] * slope * slope
                + block.value[1][i] * curvature;
            let by_x_x = f_x_x * inverse - by_x * by_x;
            let by_alpha = block.value[2][i] * inverse;
            let by_alpha_x = block.by_s[2][i] * slope * inverse - by_alpha * by_x;
            terms[0][i] = elementary::ln(f);
            terms[1][i] = by_x;
            terms[2][i] = by_x * x;
            terms[3][i] = by_alpha;
            terms[4][i] = by_x_x;
            terms[5][i] = by_x_x * x;
            terms[6][i] = by_x_x * x * x;
            terms[7][i] = by_alpha_x;
            terms[8][i] = by_alpha_x * x;
            terms[9][i] = block.value[3][i] * inverse - by_alpha * by_alpha;
        }
        let [
            ln_f,
            by_x,
            by_x_times_x,
            by_alpha,
            by_x_x,
            by_x_x_times_x,
            by_x_x_times_x_x,
            by_alpha_x,
            by_alpha_x_times_x,
            by_alpha_alpha,
        ] = terms.map(|terms| dot(&block.weight, &terms));
        sums.ln_f += ln_f;
        sums.by_x += by_x;
        sums.by_x_times_x += by_x_times_x;
        sums.by_alpha += by_alpha;
        sums.by_x_x += by_x_x;
        sums.by_x_x_times_x += by_x_x_times_x;
        sums.by_x_x_times_x_x += by_x_x_times_x_x;
        sums.by_alpha_x += by_alpha_x;
        sums.by_alpha_x_times_x += by_alpha_x_times_x;
        sums.by_alpha_alpha += by_alpha_alpha;
    }
}

wide! {
    /// The same without second derivatives.
    #[allow(clippy::needless_range_loop)]
    fn add_first_block(panels: &[Panel], block: &mut Block, sums: &mut Sums) {
        block.prepare();
        for i in 0..BLOCK {
            block.rows[0][i] = panels[block.panel[i]].value_at(block.s[i]);
        }
        transpose(&block.rows[0], &mut block.value);
        let mut terms = [[0.0; BLOCK]; 4];
        for i in 0..BLOCK {
            let (x, gaussian) = (block.x[i], block.gaussian[i]);
            let slope = block.curvature[i] * x;
            let f = gaussian + block.value[0][i];
            let inverse = 1.0 / f;
            let by_x = (block.value[1][i] * slope - 0.5 * x * gaussian) * inverse;
            terms[0][i] = elementary::ln(f);
            terms[1][i] = by_x;
            terms[2][i] = by_x * x;
            terms[3][i] = block.value[2][i] * inverse;
        }
        let [ln_f, by_x, by_x_times_x, by_alpha] = terms.map(|terms| dot(&block.weight, &terms));
        sums.ln_f += ln_f;
        sums.by_x += by_x;
        sums.by_x_times_x += by_x_times_x;
        sums.by_alpha += by_alpha;
    }
}

/// A weighted sum, by lane first.
#[inline(always)]
fn dot(weights: &Column, terms: &Column) -> f64 {
    let mut sums = [0.0; LANES];
    for (weights, terms) in weights.as_chunks::<LANES>().0.iter().zip(terms.as_chunks::<LANES>().0)
    {
        for lane in 0..LANES {
            sums[lane] += weights[lane] * terms[lane];
        }
    }
    let [a, b, c, d] = sums;
    (a + b) + (c + d)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::exact;

    /// A step of an ascent may try a scale of 0; its likelihood must be refused, not
    /// crash.
    #[test]
    fn a_scale_of_zero_gives_nan() {
        let density = Density::at(0.6);
        assert!(density.first_sums(&[0.0, 1.0], 0.0, 0.0).ln_f.is_nan());
    }

    /// Far from the nodes of the table, α dense near 2.
    fn alphas() -> impl Iterator<Item = f64> {
        let even = (0..=30).map(|i| 0.5 + 0.05 * f64::from(i));
        even.chain((1..40).map(|i| 2.0 - 10f64.powf(-0.3 * f64::from(i))))
    }

    fn arguments() -> impl Iterator<Item = f64> {
        [0.0, 0.003, X_MAX, X_MAX.next_down()]
            .into_iter()
            .chain((0..90).map(|i| 10f64.powf(-2.0 + 0.0773 * f64::from(i))))
    }

    fn ln_f(l: LnDensity) -> f64 {
        l.f.ln() + l.ln_scale
    }

    /// The measured error is 1.9e-9, at alpha = 0.5.
    #[test]
    fn agrees_with_the_exact_density() {
        for alpha in alphas() {
            let density = Density::at(alpha);
            for x in arguments() {
                let expected = exact::ln_pdf(alpha, x);
                if alpha == 2.0 && x > 10.0 {
                    continue; // Beyond the table, where the law is exactly Gaussian.
                }
                let error = ln_f(density.ln_pdf(-x)) - expected;
                assert!(error.abs() < 3e-9, "alpha = {alpha}, x = {x}: {error:e}");
            }
        }
    }

    /// Central differences of `ln f` by x and by α.
    #[test]
    fn derivatives() {
        const STEP: f64 = 1e-4;
        for alpha in [0.6, 1.0, 1.5, 1.9, 1.99] {
            let at = |shift: f64, x: f64| Density::at(alpha + shift).ln_pdf(x);
            for x in [-40.0f64, -3.0, -0.4, 0.02, 1.1, 5.0, 9.0, 29.0, 31.0, 1e3, 1e8] {
                let h = STEP * f64::max(1.0, x.abs());
                let (left, here, right) = (at(0.0, x - h), at(0.0, x), at(0.0, x + h));
                let (less, more) = (at(-STEP, x), at(STEP, x));
                let check = |name: &str, value: f64, difference: f64| {
                    let scale = value.abs().max(1e-3);
                    let error = (value - difference).abs() / scale;
                    assert!(
                        error < 1e-2,
                        "alpha = {alpha}, x = {x}, {name}: {value}, {difference}"
                    );
                };
                // In units of the step, so that 1e8 is like 1.
                let (by_x, by_x_x) = (here.by_x * h / STEP, here.by_x_x * (h / STEP).powi(2));
                check("by_x", by_x, (ln_f(right) - ln_f(left)) / (2.0 * STEP));
                check("by_x_x", by_x_x, (right.by_x - left.by_x) * h / STEP / (2.0 * STEP));
                check("by_alpha", here.by_alpha, (ln_f(more) - ln_f(less)) / (2.0 * STEP));
                check(
                    "by_alpha_x",
                    here.by_alpha_x * h / STEP,
                    (more.by_x - less.by_x) * h / STEP / (2.0 * STEP),
                );
                check(
                    "by_alpha_alpha",
                    here.by_alpha_alpha,
                    (more.by_alpha - less.by_alpha) / (2.0 * STEP),
                );
            }
        }
    }

    #[test]
    fn a_far_outlier_does_not_underflow() {
        let l = Density::at(1.8).ln_pdf(1e250);
        assert!((ln_f(l) - exact::ln_pdf(1.8, 1e250)).abs() < 1e-8 * ln_f(l).abs());
        assert!(l.by_alpha.is_finite() && l.by_alpha_alpha.is_finite());
        assert!((l.by_x * 1e250 + 2.8).abs() < 1e-12);
    }
}
