//! Noise in proportion to loss and Hessian.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use train::Streams;

use super::{columns_of_root, descend};
use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Landscape, Site};

/// Gradient noise `ξ ~ N(0, (2 L(w)/B) H(w*))`: what Mori et al. (2022), eq. 7, take minibatches of B samples for, by
/// their decoupling of losses from gradients. Its escapes are those of their theory to the extent that its other
/// approximations hold.
pub struct Decoupled {
    batch_size: usize,
    /// Columns r_j with H = Σ_j r_j r_jᵀ.
    root: Vec<Vec<f64>>,
}

struct Noise<'a> {
    driver: &'a Decoupled,
    rng: ChaCha8Rng,
    gradient: Vec<f64>,
}

impl Decoupled {
    /// Takes the Hessian of a landscape of few coordinates, a column for each.
    ///
    /// # Errors
    /// [`EscapeError::NoHessian`] where the landscape has none at its minimum.
    pub fn new(landscape: &dyn Landscape, batch_size: usize) -> Result<Self, EscapeError> {
        let minimum = landscape.minimum();
        let (dim, mut site) = (minimum.len(), landscape.site()?);
        let mut hessian = DMatrix::zeros(dim, dim);
        for j in 0..dim {
            let (mut axis, mut column) = (vec![0.; dim], vec![0.; dim]);
            axis[j] = 1.;
            site.hessian_product(minimum, &axis, &mut column)?;
            // Both triangles share what rounding leaves of the difference.
            for (i, h) in column.iter().enumerate() {
                hessian[(i, j)] += h / 2.;
                hessian[(j, i)] += h / 2.;
            }
        }
        let eigen = SymmetricEigen::new(hessian);
        Ok(Self { batch_size, root: columns_of_root(&eigen) })
    }
}

impl Driver for Decoupled {
    fn begin<'a>(
        &'a self,
        landscape: &'a dyn Landscape,
        streams: &Streams,
    ) -> Result<Box<dyn Rule + 'a>, EscapeError> {
        let gradient = vec![0.; landscape.minimum().len()];
        Ok(Box::new(Noise { driver: self, rng: streams.rng(0), gradient }))
    }
}

impl Rule for Noise<'_> {
    fn step(
        &mut self,
        site: &mut dyn Site,
        w: &mut [f64],
        learning_rate: f64,
    ) -> Result<(), EscapeError> {
        let Self { driver: Decoupled { batch_size, root }, rng, gradient } = self;
        site.gradient(w, gradient)?;
        let deviation = (2. * site.evaluate(w)?.loss / *batch_size as f64).sqrt();
        for column in root {
            let z = deviation * rng.sample::<f64, _>(StandardNormal);
            gradient.iter_mut().zip(column).for_each(|(g, root)| *g += root * z);
        }
        descend(w, gradient, learning_rate);
        Ok(())
    }
}
