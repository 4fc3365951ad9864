//! Noise that grows with the distance from the minimum.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use train::Streams;

use super::descend;
use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Landscape, Site};

/// The power-law dynamic of Meng et al. (2020): gradient noise `ξ_i ~ N(0, σ_g + σ_H (w_i − w*_i)²)`.
///
/// In the sense of Itô. On ½ h w² its stationary law is proportional to `(1 + (σ_H/σ_g) w²)^{−κ − 1}`, `κ = h/(ησ_H)`,
/// for small η: a Student-t law.
#[derive(Debug, Clone, PartialEq)]
pub struct StateDependent {
    /// Variance at the minimum, σ_g.
    pub at_minimum: f64,
    /// Growth of the variance with the squared distance, σ_H.
    pub growth: f64,
}

struct Diffusion<'a> {
    driver: &'a StateDependent,
    minimum: &'a [f64],
    rng: ChaCha8Rng,
    gradient: Vec<f64>,
}

impl Driver for StateDependent {
    fn begin<'a>(
        &'a self,
        landscape: &'a dyn Landscape,
        streams: &Streams,
    ) -> Result<Box<dyn Rule + 'a>, EscapeError> {
        let minimum = landscape.minimum();
        let gradient = vec![0.; minimum.len()];
        Ok(Box::new(Diffusion { driver: self, minimum, rng: streams.rng(0), gradient }))
    }
}

impl Rule for Diffusion<'_> {
    fn step(
        &mut self,
        site: &mut dyn Site,
        w: &mut [f64],
        learning_rate: f64,
    ) -> Result<(), EscapeError> {
        site.gradient(w, &mut self.gradient)?;
        let StateDependent { at_minimum, growth } = self.driver;
        for ((g, w), at) in self.gradient.iter_mut().zip(&*w).zip(self.minimum) {
            let variance = at_minimum + growth * (w - at) * (w - at);
            *g += variance.sqrt() * self.rng.sample::<f64, _>(StandardNormal);
        }
        descend(w, &self.gradient, learning_rate);
        Ok(())
    }
}
