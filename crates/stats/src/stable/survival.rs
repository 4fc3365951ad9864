//! The standard survival function at one α, fast.

use super::exact::gaussian_sf;
use super::simd::wide;
use super::table::{Basis, N_NODES, N_PANELS, N_TERMS, Place, Polynomial, Row, Table, X_0, X_MAX};

/// `S_α(x) = P(X > x)` as a function of x at one α in [0.5, 2].
///
/// Costs 1 µs to set up and some 20 ns to evaluate.
pub(crate) struct Survival {
    alpha: f64,
    /// Polynomials in q of `(S_α(x) − S_2(x)) √(x² + x₀²) / x`.
    panels: Vec<Polynomial>,
    tail: [f64; N_TERMS],
}

impl Survival {
    /// Collapses the table to `alpha` in [0.5, 2].
    pub(crate) fn at(alpha: f64) -> Self {
        let (rows, tail, basis) = Table::get().survival.at(alpha);
        let mut panels = Vec::with_capacity(N_PANELS);
        collapse(rows, &basis, &mut panels);
        let tail: [_; 2] = std::array::from_fn(|row| tail[row].value(&basis));
        let tail = std::array::from_fn(|k| tail[k / N_NODES][k % N_NODES]);
        Self { alpha, panels, tail }
    }

    /// `S_α(x)`, with full relative accuracy for x > 0.
    pub(crate) fn sf(&self, x: f64) -> f64 {
        if x < 0.0 {
            1.0 - self.sf(-x)
        } else if x < X_MAX {
            self.body(x)
        } else {
            self.beyond(x)
        }
    }

    fn body(&self, x: f64) -> f64 {
        let Place { panel, s, .. } = Place::of(x);
        let even =
            self.panels[panel].iter().rev().fold(0.0, |sum, coefficient| sum * s + coefficient);
        gaussian_sf(x) + even * x / (x * x + X_0 * X_0).sqrt()
    }

    fn beyond(&self, x: f64) -> f64 {
        let ratio = (X_MAX / x).powf(self.alpha);
        let sum = self.tail.iter().rev().fold(0.0, |sum, term| sum * ratio + term);
        sum * ratio
    }
}

wide! {
    fn collapse(rows: &[Row], basis: &Basis, into: &mut Vec<Polynomial>) {
        for row in rows {
            into.push(row.value(basis));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stable::exact;

    /// The measured error is 2.6e-10.
    #[test]
    fn agrees_with_the_exact_survival_function() {
        let even = (0..30).map(|i| 0.5 + 0.05 * f64::from(i));
        for alpha in even.chain((1..40).map(|i| 2.0 - 10f64.powf(-0.3 * f64::from(i)))) {
            let survival = Survival::at(alpha);
            for i in 0..110 {
                let x = 10f64.powf(-2.5 + 0.0773 * f64::from(i));
                let (value, expected) = (survival.sf(x), exact::sf(alpha, x));
                let error = value / expected - 1.0;
                assert!(error.abs() < 1e-9, "alpha = {alpha}, x = {x}: {error:e}");
                assert_eq!(survival.sf(-x), 1.0 - value);
            }
        }
    }

    #[test]
    fn limits() {
        let survival = Survival::at(1.7);
        assert_eq!(survival.sf(0.0), 0.5);
        assert_eq!(survival.sf(f64::INFINITY), 0.0);
        assert_eq!(survival.sf(f64::NEG_INFINITY), 1.0);
    }
}
