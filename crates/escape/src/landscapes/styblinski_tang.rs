//! `L = ½ Σ (w_i⁴ − 16 w_i² + 5 w_i)` (Styblinski and Tang 1990).

use super::formula::Formula;

/// The lower root of 4w³ − 32w + 5 = 0; the other well lies at 2.7468, the barrier at 0.1567.
const WELL: f64 = -2.903_534_027_771_177;

/// Two wells along each axis, of different depths.
pub(super) struct StyblinskiTang {
    pub dimension: usize,
}

impl Formula for StyblinskiTang {
    fn minimum(&self) -> Vec<f64> {
        vec![WELL; self.dimension]
    }

    fn loss(&self, w: &[f64]) -> f64 {
        w.iter().map(|w| (w.powi(4) - 16. * w * w + 5. * w) / 2.).sum()
    }

    fn gradient(&self, w: &[f64], gradient: &mut [f64]) {
        for (g, w) in gradient.iter_mut().zip(w) {
            *g = 2. * w.powi(3) - 16. * w + 2.5;
        }
    }

    fn hessian_product(
        &self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str> {
        for ((p, w), v) in product.iter_mut().zip(w).zip(direction) {
            *p = (6. * w * w - 16.) * v;
        }
        Ok(())
    }
}
