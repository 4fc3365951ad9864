//! The noise of the watched parameters over many minibatches.

use crate::coordinates::Coordinates;

/// Stochastic gradient noise `[n_draws, n_coordinates]`, stored one parameter after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseMatrix {
    batch_size: usize,
    n_draws: usize,
    coordinates: Coordinates,
    columns: Vec<f64>,
}

impl NoiseMatrix {
    /// Takes draws, each a vector over the coordinates.
    ///
    /// # Panics
    /// When a draw has another length than `coordinates`.
    pub fn from_draws(batch_size: usize, coordinates: Coordinates, draws: &[Vec<f64>]) -> Self {
        let n_coordinates = coordinates.entries().len();
        assert!(draws.iter().all(|draw| draw.len() == n_coordinates));
        let columns = (0..n_coordinates).flat_map(|idx| draws.iter().map(move |draw| draw[idx]));
        Self { batch_size, n_draws: draws.len(), columns: columns.collect(), coordinates }
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
