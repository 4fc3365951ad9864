//! Ackley's function (Ackley 1987), with its usual constants 20, 0.2 and 2π.

use std::f64::consts::{E, TAU};

use super::formula::Formula;

/// `L = −20 exp(−0.2 √(Σ w_i²/D)) − exp(Σ cos(2πw_i)/D) + 20 + e`: a funnel with a cusp, in a lattice of small wells.
pub(super) struct Ackley {
    pub dimension: usize,
}

impl Ackley {
    /// √(Σ w_i²/D), exp(−0.2 √…), exp(Σ cos(2πw_i)/D).
    fn parts(&self, w: &[f64]) -> (f64, f64, f64) {
        let dim = self.dimension as f64;
        let radius = (w.iter().map(|w| w * w).sum::<f64>() / dim).sqrt();
        let waves = w.iter().map(|w| (TAU * w).cos()).sum::<f64>() / dim;
        (radius, (-0.2 * radius).exp(), waves.exp())
    }
}

impl Formula for Ackley {
    fn minimum(&self) -> Vec<f64> {
        vec![0.; self.dimension]
    }

    fn loss(&self, w: &[f64]) -> f64 {
        let (_, funnel, waves) = self.parts(w);
        20. - 20. * funnel + E - waves
    }

    fn gradient(&self, w: &[f64], gradient: &mut [f64]) {
        let (radius, funnel, waves) = self.parts(w);
        let dim = self.dimension as f64;
        // On the cusp every direction goes up: 0 is a subgradient.
        let slope = if radius > 0. { 4. * funnel / (dim * radius) } else { 0. };
        for (g, w) in gradient.iter_mut().zip(w) {
            *g = slope * w + TAU * (TAU * w).sin() * waves / dim;
        }
    }

    fn hessian_product(
        &self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str> {
        let (radius, funnel, waves) = self.parts(w);
        if radius == 0. {
            return Err("Ackley's function has a cusp at its minimum");
        }
        let dim = self.dimension as f64;
        // Directional derivatives: of the radius, of the slope towards the middle, of the waves.
        let outward = w.iter().zip(direction).map(|(w, v)| w * v).sum::<f64>() / (dim * radius);
        let slope = 4. * funnel / (dim * radius);
        let slope_along = -slope * outward * (0.2 + 1. / radius);
        let sines = w.iter().zip(direction).map(|(w, v)| (TAU * w).sin() * v).sum::<f64>();
        let waves_along = -TAU * waves * sines / dim;
        for ((p, w), v) in product.iter_mut().zip(w).zip(direction) {
            let (sin, cos) = (TAU * w).sin_cos();
            let of_waves = TAU * (TAU * cos * v * waves + sin * waves_along) / dim;
            *p = slope * v + slope_along * w + of_waves;
        }
        Ok(())
    }
}
