//! A sharp and a flat basin in the plane.

use std::f64::consts::FRAC_1_SQRT_2;

use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

use super::formula::Formula;

/// `ℓ_i = min(10 a² + 100 b², |w − x_i + (1, 1)|²)`, a and b being the parts of `w − x_i − (1, 1)` across and along the
/// diagonal: a sharp basin at (1, 1), a flat one at (−1, −1), both of depth 0 before the samples x_i shift them (the
/// authors' published code for Zhu et al. 2019, section 5.1).
///
/// The samples are normal with deviations 0.01 along the diagonal and 0.01 √10 across it.
pub(super) struct ZhuToy {
    samples: Vec<[f64; 2]>,
}

/// A point relative to a sample, and the heights of both basins there.
struct Parts {
    x: f64,
    y: f64,
    across: f64,
    along: f64,
    sharp: f64,
    flat: f64,
}

impl ZhuToy {
    pub fn draw(n_samples: usize, rng: &mut impl Rng) -> Self {
        let mut normal = || rng.sample::<f64, _>(StandardNormal);
        let sample = |_| {
            let (across, along) = (0.01 * 10f64.sqrt() * normal(), 0.01 * normal());
            [FRAC_1_SQRT_2 * (across + along), FRAC_1_SQRT_2 * (along - across)]
        };
        Self { samples: (0..n_samples).map(sample).collect() }
    }

    /// Whether a sample's loss is that of the sharp basin.
    fn is_sharp(&self, w: &[f64], sample: usize) -> bool {
        let parts = self.parts(w, sample);
        parts.sharp < parts.flat
    }

    fn parts(&self, w: &[f64], sample: usize) -> Parts {
        let [x, y] = [w[0] - self.samples[sample][0], w[1] - self.samples[sample][1]];
        let across = FRAC_1_SQRT_2 * (x - y);
        let along = FRAC_1_SQRT_2 * (x + y - 2.);
        let sharp = 10. * across * across + 100. * along * along;
        let flat = (x + 1.) * (x + 1.) + (y + 1.) * (y + 1.);
        Parts { x, y, across, along, sharp, flat }
    }

    /// The loss of one sample and its gradient.
    fn of_sample(&self, w: &[f64], sample: usize) -> (f64, [f64; 2]) {
        let Parts { x, y, across, along, sharp, flat } = self.parts(w, sample);
        if sharp < flat {
            let (a, b) = (20. * FRAC_1_SQRT_2 * across, 200. * FRAC_1_SQRT_2 * along);
            (sharp, [a + b, b - a])
        } else {
            (flat, [2. * (x + 1.), 2. * (y + 1.)])
        }
    }
}

impl Formula for ZhuToy {
    /// The middle of the samples above (1, 1): the minimum of the sharp basin where all are in it.
    fn minimum(&self) -> Vec<f64> {
        let n_samples = self.samples.len() as f64;
        let mean = |i: usize| self.samples.iter().map(|x| x[i]).sum::<f64>() / n_samples;
        vec![1. + mean(0), 1. + mean(1)]
    }

    fn loss(&self, w: &[f64]) -> f64 {
        let all = 0..self.samples.len();
        all.map(|sample| self.of_sample(w, sample).0).sum::<f64>() / self.samples.len() as f64
    }

    fn n_samples(&self) -> Option<usize> {
        Some(self.samples.len())
    }

    fn add_sample_gradient(&self, w: &[f64], sample: usize, weight: f64, gradient: &mut [f64]) {
        let (_, of_sample) = self.of_sample(w, sample);
        gradient.iter_mut().zip(of_sample).for_each(|(g, own)| *g += weight * own);
    }

    /// That of the lower of the two parabolas of each sample.
    fn hessian_product(
        &self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str> {
        let all = 0..self.samples.len();
        let n_sharp = all.filter(|&sample| self.is_sharp(w, sample)).count() as f64;
        let sharp = n_sharp / self.samples.len() as f64;
        let (sum, difference) = (direction[0] + direction[1], direction[0] - direction[1]);
        product[0] = sharp * (100. * sum + 10. * difference) + (1. - sharp) * 2. * direction[0];
        product[1] = sharp * (100. * sum - 10. * difference) + (1. - sharp) * 2. * direction[1];
        Ok(())
    }
}
