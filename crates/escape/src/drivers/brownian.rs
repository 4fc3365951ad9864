//! Gaussian gradient noise: isotropic, diagonal, or of any covariance.

use nalgebra::{DMatrix, SymmetricEigen};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::{Deserialize, Serialize};
use train::Streams;

use super::{columns_of_root, descend};
use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Landscape, NO_SAMPLES, Site};

/// Gradient noise `ξ ~ N(0, Σ)`: the Langevin dynamics of Zhu et al. (2019), table 1.
pub struct Brownian {
    root: Root,
}

/// The covariance of Gaussian gradient noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Covariance {
    /// σ² I.
    Isotropic(f64),
    /// One variance for each coordinate.
    Diagonal(Vec<f64>),
    /// A symmetric matrix without negative eigenvalues, row by row.
    Full(Vec<Vec<f64>>),
    /// That of minibatches of `batch_size` samples drawn with replacement, at the minimum.
    Minibatch(MinibatchNoise),
}

/// How much of the covariance of minibatches is kept. All three have the same trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinibatchNoise {
    /// (Tr Σ/D) I: GLD dynamic of Zhu et al. (2019), at the minimum.
    Isotropic,
    /// diag Σ: GLD diag.
    Diagonal,
    /// Σ itself.
    Full,
}

/// A square root of a covariance, as it is applied to standard normal numbers.
enum Root {
    /// √Σ_ii.
    Diagonal(Vec<f64>),
    /// Columns r_j with Σ = Σ_j r_j r_jᵀ.
    Columns(Vec<Vec<f64>>),
}

struct Langevin<'a> {
    root: &'a Root,
    rng: ChaCha8Rng,
    gradient: Vec<f64>,
}

impl Brownian {
    /// Noise of this covariance on one landscape; `batch_size` B is that of [`Covariance::Minibatch`].
    ///
    /// # Errors
    /// When minibatches are asked for on a landscape without samples.
    pub fn new(
        covariance: &Covariance,
        landscape: &dyn Landscape,
        batch_size: usize,
    ) -> Result<Self, EscapeError> {
        let dim = landscape.minimum().len();
        let root = match covariance {
            Covariance::Isotropic(variance) => Root::Diagonal(vec![variance.sqrt(); dim]),
            Covariance::Diagonal(variances) => {
                Root::Diagonal(variances.iter().map(|variance| variance.sqrt()).collect())
            }
            Covariance::Full(rows) => {
                let matrix = DMatrix::from_fn(dim, dim, |i, j| rows[i][j]);
                let eigen = SymmetricEigen::new(matrix);
                Root::Columns(columns_of_root(&eigen))
            }
            Covariance::Minibatch(shape) => of_minibatches(*shape, landscape, batch_size)?,
        };
        Ok(Self { root })
    }
}

/// The root of the covariance at the minimum from the gradients of all samples, `[N, D]` in memory.
fn of_minibatches(
    shape: MinibatchNoise,
    landscape: &dyn Landscape,
    batch_size: usize,
) -> Result<Root, EscapeError> {
    let n_samples = landscape.n_samples().ok_or(NO_SAMPLES)?;
    let (minimum, mut site) = (landscape.minimum(), landscape.site()?);
    let dim = minimum.len();
    let mut columns = vec![vec![0.; dim]; n_samples];
    let mut mean = vec![0.; dim];
    for (sample, gradient) in columns.iter_mut().enumerate() {
        site.minibatch_gradient(minimum, &[sample as u32], gradient)?;
        mean.iter_mut().zip(&*gradient).for_each(|(mean, g)| *mean += g / n_samples as f64);
    }
    let scale = 1. / ((n_samples * batch_size) as f64).sqrt();
    let mut variances = vec![0.; dim];
    for column in &mut columns {
        for ((g, mean), variance) in column.iter_mut().zip(&mean).zip(&mut variances) {
            *g = (*g - mean) * scale;
            *variance += *g * *g;
        }
    }
    let trace: f64 = variances.iter().sum();
    Ok(match shape {
        MinibatchNoise::Isotropic => Root::Diagonal(vec![(trace / dim as f64).sqrt(); dim]),
        MinibatchNoise::Diagonal => Root::Diagonal(variances.iter().map(|v| v.sqrt()).collect()),
        MinibatchNoise::Full => Root::Columns(columns),
    })
}

impl Driver for Brownian {
    fn begin<'a>(
        &'a self,
        landscape: &'a dyn Landscape,
        streams: &Streams,
    ) -> Result<Box<dyn Rule + 'a>, EscapeError> {
        let gradient = vec![0.; landscape.minimum().len()];
        Ok(Box::new(Langevin { root: &self.root, rng: streams.rng(0), gradient }))
    }
}

impl Rule for Langevin<'_> {
    fn step(
        &mut self,
        site: &mut dyn Site,
        w: &mut [f64],
        learning_rate: f64,
    ) -> Result<(), EscapeError> {
        let Self { root, rng, gradient } = self;
        site.gradient(w, gradient)?;
        match root {
            Root::Diagonal(deviations) => {
                for (g, deviation) in gradient.iter_mut().zip(deviations) {
                    *g += deviation * rng.sample::<f64, _>(StandardNormal);
                }
            }
            Root::Columns(columns) => {
                for column in columns {
                    let z: f64 = rng.sample(StandardNormal);
                    gradient.iter_mut().zip(column).for_each(|(g, root)| *g += root * z);
                }
            }
        }
        descend(w, gradient, learning_rate);
        Ok(())
    }
}
