//! Gradient noise of symmetric α-stable laws, one for each coordinate.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use stats::SymmetricStable;
use train::Streams;

use super::descend;
use crate::driver::{Driver, Rule};
use crate::error::EscapeError;
use crate::landscape::{Landscape, Site};

/// Gradient noise `ξ_i ~ SαS(α_i, γ_i)`, independent (Battash, Wolf and Lindenbaum 2023, eq. 4).
///
/// As a scheme with steps of η its noise is that of `dw_i = −∂_iL dt + η^{(α_i−1)/α_i} γ_i dL^{α_i}`; with a schedule
/// `η s_t` also the factor `s_t^{(α_i−1)/α_i}` is that of the paper.
#[derive(Debug, Clone, PartialEq)]
pub struct StableNoise {
    /// The law of each coordinate.
    pub laws: Vec<SymmetricStable>,
}

struct Jumps<'a> {
    laws: &'a [SymmetricStable],
    rng: ChaCha8Rng,
    gradient: Vec<f64>,
}

impl Driver for StableNoise {
    fn begin<'a>(
        &'a self,
        landscape: &'a dyn Landscape,
        streams: &Streams,
    ) -> Result<Box<dyn Rule + 'a>, EscapeError> {
        let gradient = vec![0.; landscape.minimum().len()];
        Ok(Box::new(Jumps { laws: &self.laws, rng: streams.rng(0), gradient }))
    }
}

impl Rule for Jumps<'_> {
    fn step(
        &mut self,
        site: &mut dyn Site,
        w: &mut [f64],
        learning_rate: f64,
    ) -> Result<(), EscapeError> {
        site.gradient(w, &mut self.gradient)?;
        for (g, law) in self.gradient.iter_mut().zip(self.laws) {
            *g += self.rng.sample(law);
        }
        descend(w, &self.gradient, learning_rate);
        Ok(())
    }
}
