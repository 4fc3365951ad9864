//! Linear regression on noise, where the covariance of the gradient is known.

use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::formula::Formula;

/// `ℓ_i = ½ (w·x_i − y_i)²`, x_i ~ N(0, I), y_i ~ N(0, 1) (Mori et al. 2022, section 4.1).
///
/// Near the minimum `H ≈ I` and `Σ(w) ≈ 2 L(w) H/B`; along w itself the variance is `(2|w|² + 1)/B` where that has
/// `(|w|² + 1)/B`.
pub(super) struct LinearRegression {
    dimension: usize,
    inputs: Vec<f64>,
    targets: Vec<f64>,
    /// `L = L* + ½ (w − w*)ᵀ H (w − w*)`: no sum over samples.
    hessian: Vec<f64>,
    minimum: Vec<f64>,
    minimum_loss: f64,
}

impl LinearRegression {
    pub fn draw(n_samples: usize, dimension: usize, rng: &mut impl Rng) -> Self {
        let mut normal =
            |n: usize| -> Vec<f64> { (0..n).map(|_| rng.sample(StandardNormal)).collect() };
        let (inputs, targets) = (normal(n_samples * dimension), normal(n_samples));
        let x = DMatrix::from_row_slice(n_samples, dimension, &inputs);
        let y = DVector::from_column_slice(&targets);
        let hessian = x.tr_mul(&x) / n_samples as f64;
        let moment = x.tr_mul(&y) / n_samples as f64;
        let cholesky = hessian.clone().cholesky().expect("more normal inputs than dimensions");
        let minimum = cholesky.solve(&moment);
        let residual = y - x * &minimum;
        Self {
            dimension,
            minimum_loss: residual.norm_squared() / (2 * n_samples) as f64,
            inputs,
            targets,
            hessian: hessian.as_slice().to_vec(),
            minimum: minimum.as_slice().to_vec(),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Formula for LinearRegression {
    fn minimum(&self) -> Vec<f64> {
        self.minimum.clone()
    }

    fn loss(&self, w: &[f64]) -> f64 {
        let mut gradient = vec![0.; self.dimension];
        self.gradient(w, &mut gradient);
        let rise: f64 =
            gradient.iter().zip(w).zip(&self.minimum).map(|((g, w), at)| g * (w - at)).sum();
        self.minimum_loss + rise / 2.
    }

    fn gradient(&self, w: &[f64], gradient: &mut [f64]) {
        for (g, row) in gradient.iter_mut().zip(self.hessian.chunks_exact(self.dimension)) {
            *g = row.iter().zip(w).zip(&self.minimum).map(|((h, w), at)| h * (w - at)).sum();
        }
    }

    fn n_samples(&self) -> Option<usize> {
        Some(self.targets.len())
    }

    fn add_sample_gradient(&self, w: &[f64], sample: usize, weight: f64, gradient: &mut [f64]) {
        let input = &self.inputs[sample * self.dimension..][..self.dimension];
        let residual = weight * (dot(w, input) - self.targets[sample]);
        gradient.iter_mut().zip(input).for_each(|(g, x)| *g += residual * x);
    }

    fn hessian_product(
        &self,
        _w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str> {
        for (p, row) in product.iter_mut().zip(self.hessian.chunks_exact(self.dimension)) {
            *p = dot(row, direction);
        }
        Ok(())
    }
}
