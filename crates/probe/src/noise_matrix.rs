//! The noise of the watched parameters over many minibatches.

use crate::coordinates::Coordinates;
use crate::frozen::Statistics;
use crate::spec::Method;

/// Stochastic gradient noise `[n_draws, n_coordinates]`, stored one parameter after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseMatrix {
    way: (Method, Option<Statistics>),
    batch_size: usize,
    n_draws: usize,
    coordinates: Coordinates,
    columns: Vec<f64>,
}

impl NoiseMatrix {
    /// Takes series, one parameter after the other, with the way in which they were found.
    ///
    /// # Panics
    /// When they are not `n_draws` for each of `coordinates`.
    pub fn from_columns(
        way: (Method, Option<Statistics>),
        batch_size: usize,
        n_draws: usize,
        coordinates: Coordinates,
        columns: Vec<f64>,
    ) -> Self {
        assert_eq!(columns.len(), n_draws * coordinates.entries().len());
        Self { way, batch_size, n_draws, coordinates, columns }
    }

    /// How the gradients of minibatches were found.
    pub fn method(&self) -> Method {
        self.way.0
    }

    /// By which statistics batch normalisation normalised, if there is any.
    pub fn statistics(&self) -> Option<Statistics> {
        self.way.1
    }

    /// Minibatch size B.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Number of minibatches.
    pub fn n_draws(&self) -> usize {
        self.n_draws
    }

    /// Number of parameters.
    pub fn n_coordinates(&self) -> usize {
        self.coordinates.entries().len()
    }

    /// The parameters.
    pub fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// The series of one parameter, `[n_draws]`.
    pub fn column(&self, coordinate_idx: usize) -> &[f64] {
        &self.columns[coordinate_idx * self.n_draws..][..self.n_draws]
    }

    /// All series, one parameter after the other: `[n_coordinates, n_draws]` in row-major order.
    pub fn columns(&self) -> &[f64] {
        &self.columns
    }
}
