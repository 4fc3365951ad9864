//! `L = b (w² − 1)²`: curvature 8b in the wells at ±1, −4b on the barrier at 0.

use super::formula::Formula;

/// Two wells in one dimension, b deep.
pub(super) struct DoubleWell {
    pub barrier: f64,
}

impl Formula for DoubleWell {
    fn minimum(&self) -> Vec<f64> {
        vec![-1.]
    }

    fn loss(&self, w: &[f64]) -> f64 {
        let depth = w[0] * w[0] - 1.;
        self.barrier * depth * depth
    }

    fn gradient(&self, w: &[f64], gradient: &mut [f64]) {
        gradient[0] = 4. * self.barrier * w[0] * (w[0] * w[0] - 1.);
    }

    fn hessian_product(
        &self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str> {
        product[0] = 4. * self.barrier * (3. * w[0] * w[0] - 1.) * direction[0];
        Ok(())
    }
}
