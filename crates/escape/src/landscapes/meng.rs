//! A sharp and a flat basin along each of two axes.

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::formula::Formula;

/// `ℓ_i = 15 Σ_j |u_j − 1|^{2.5} |u_j + 1|³`, `u = w − x_i`, x_i ~ N(0, 0.01 I): sharp at 1, flat at −1 (Meng et al. 2020,
/// the two-dimensional experiment; the formula is recalled, the published text at hand does not hold it).
pub(super) struct MengToy {
    samples: Vec<[f64; 2]>,
    minimum: Vec<f64>,
}

impl MengToy {
    pub fn draw(n_samples: usize, rng: &mut impl Rng) -> Self {
        let mut normal = || 0.1 * rng.sample::<f64, _>(StandardNormal);
        let samples = (0..n_samples).map(|_| [normal(), normal()]).collect();
        let mut toy = Self { samples, minimum: vec![] };
        // Samples smear the basin out, and shift its floor: the floor is looked for near 1.
        toy.minimum = (0..2).map(|axis| toy.floor(axis)).collect();
        toy
    }

    /// The point between 0.5 and 1.5 along an axis where the slope changes its sign, by bisection.
    fn floor(&self, axis: usize) -> f64 {
        let slope = |w: f64| self.samples.iter().map(|x| slope(w - x[axis])).sum::<f64>();
        let (mut low, mut high) = (0.5, 1.5);
        while high - low > 1e-14 {
            let middle = (low + high) / 2.;
            if slope(middle) < 0. { low = middle } else { high = middle }
        }
        (low + high) / 2.
    }
}

/// 15 |u − 1|^{2.5} |u + 1|³.
fn height(u: f64) -> f64 {
    15. * (u - 1.).abs().powf(2.5) * (u + 1.).abs().powi(3)
}

/// Its derivative.
fn slope(u: f64) -> f64 {
    let (near, far) = ((u - 1.).abs(), (u + 1.).abs());
    let of_near = 2.5 * near.powf(1.5) * (u - 1.).signum() * far.powi(3);
    let of_far = 3. * far * far * (u + 1.).signum() * near.powf(2.5);
    15. * (of_near + of_far)
}

/// Its second derivative.
fn curvature(u: f64) -> f64 {
    let (near, far) = ((u - 1.).abs(), (u + 1.).abs());
    let both = (u - 1.).signum() * (u + 1.).signum();
    let of_near = 3.75 * near.sqrt() * far.powi(3);
    let of_far = 6. * far * near.powf(2.5);
    15. * (of_near + 15. * near.powf(1.5) * far * far * both + of_far)
}

impl Formula for MengToy {
    fn minimum(&self) -> Vec<f64> {
        self.minimum.clone()
    }

    fn loss(&self, w: &[f64]) -> f64 {
        let of_sample = |x: &[f64; 2]| height(w[0] - x[0]) + height(w[1] - x[1]);
        self.samples.iter().map(of_sample).sum::<f64>() / self.samples.len() as f64
    }

    fn n_samples(&self) -> Option<usize> {
        Some(self.samples.len())
    }

    fn add_sample_gradient(&self, w: &[f64], sample: usize, weight: f64, gradient: &mut [f64]) {
        for (axis, g) in gradient.iter_mut().enumerate() {
            *g += weight * slope(w[axis] - self.samples[sample][axis]);
        }
    }

    fn hessian_product(
        &self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str> {
        for (axis, (p, v)) in product.iter_mut().zip(direction).enumerate() {
            let of_samples = self.samples.iter().map(|x| curvature(w[axis] - x[axis]));
            *p = of_samples.sum::<f64>() / self.samples.len() as f64 * v;
        }
        Ok(())
    }
}
