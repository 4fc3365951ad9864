//! Which parameters are watched.

use rand::seq::index;
use train::{ParamSet, Streams};

/// Positions in the flattened parameters, increasing, with their names.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinates {
    entries: Vec<Coordinate>,
}

/// One scalar parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Coordinate {
    /// Position in the flattened parameters.
    pub index: usize,
    /// The tensor it lies in, `fc1.weight`.
    pub layer: String,
    /// Tensor and position, `fc1.weight[12,3]`.
    pub name: String,
}

impl Coordinates {
    /// `n` parameters, uniformly at random without replacement, from the stream `coordinates`.
    ///
    /// # Panics
    /// When there are fewer than `n`.
    pub fn uniform(params: &ParamSet, n: usize, streams: &Streams) -> Self {
        let mut rng = streams.named("coordinates").rng(0);
        let mut indices = index::sample(&mut rng, params.n_parameters(), n).into_vec();
        indices.sort_unstable();
        let entries = indices.into_iter().map(|index| {
            let (layer, position) = params.locate(index);
            let position: Vec<String> = position.iter().map(usize::to_string).collect();
            let name = format!("{layer}[{}]", position.join(","));
            Coordinate { index, layer: layer.to_owned(), name }
        });
        Self { entries: entries.collect() }
    }

    /// The parameters in increasing order of position.
    pub fn entries(&self) -> &[Coordinate] {
        &self.entries
    }

    /// The values of a flattened gradient at these positions.
    pub fn pick(&self, flat: &[f64]) -> Vec<f64> {
        self.entries.iter().map(|coordinate| flat[coordinate.index]).collect()
    }
}
