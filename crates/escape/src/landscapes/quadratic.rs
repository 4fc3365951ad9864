//! `L = L* + ½ Σ h_i w_i²`.

use super::formula::Formula;

/// A parabola along each axis, of curvatures h_i, above a floor L*.
pub(super) struct Quadratic {
    pub curvatures: Vec<f64>,
    pub floor: f64,
}

impl Formula for Quadratic {
    fn minimum(&self) -> Vec<f64> {
        vec![0.; self.curvatures.len()]
    }

    fn loss(&self, w: &[f64]) -> f64 {
        self.floor + self.curvatures.iter().zip(w).map(|(h, w)| h * w * w / 2.).sum::<f64>()
    }

    fn gradient(&self, w: &[f64], gradient: &mut [f64]) {
        for ((g, h), w) in gradient.iter_mut().zip(&self.curvatures).zip(w) {
            *g = h * w;
        }
    }

    fn hessian_product(
        &self,
        _w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str> {
        for ((p, h), v) in product.iter_mut().zip(&self.curvatures).zip(direction) {
            *p = h * v;
        }
        Ok(())
    }
}
