//! The noise of the watched parameters over many minibatches.

use crate::coordinates::Coordinates;
use crate::frozen::Statistics;
use crate::minibatches::Sampling;
use crate::spec::Method;

/// How noise was found: the gradients of minibatches, the statistics of batch normalisation if there is any, the samples.
pub type Way = (Method, Option<Statistics>, Sampling);

/// Stochastic gradient noise `[n_draws, n_coordinates]`, stored one parameter after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseMatrix {
    way: Way,
    batch_size: usize,
    n_draws: usize,
    coordinates: Coordinates,
    columns: Vec<f64>,
    square_norms: Option<Vec<f64>>,
}

impl NoiseMatrix {
    /// Takes series, one parameter after the other, with the way in which they were found.
    ///
    /// # Panics
    /// When they are not `n_draws` for each of `coordinates`.
    pub fn from_columns(
        way: Way,
        batch_size: usize,
        n_draws: usize,
        coordinates: Coordinates,
        columns: Vec<f64>,
    ) -> Self {
        assert_eq!(columns.len(), n_draws * coordinates.entries().len());
        Self { way, batch_size, n_draws, coordinates, columns, square_norms: None }
    }

    /// With ‖u‖² of each draw over *all* parameters of the network, `[n_draws]`.
    ///
    /// # Panics
    /// When they are not one for each draw.
    pub fn with_square_norms(self, square_norms: Vec<f64>) -> Self {
        assert_eq!(square_norms.len(), self.n_draws);
        Self { square_norms: Some(square_norms), ..self }
    }

    /// How the gradients of minibatches were found.
    pub fn method(&self) -> Method {
        self.way.0
    }

    /// By which statistics batch normalisation normalised, if there is any.
    pub fn statistics(&self) -> Option<Statistics> {
        self.way.1
    }

    /// How the samples of a minibatch were drawn.
    pub fn sampling(&self) -> Sampling {
        self.way.2
    }

    /// ‖u‖² of each draw over *all* parameters of the network, where the way to the noise gives it.
    pub fn square_norms(&self) -> Option<&[f64]> {
        self.square_norms.as_deref()
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

    /// The same draws at some of the places of its coordinates, which increase.
    pub(crate) fn at(&self, places: &[usize]) -> Self {
        let columns = places.iter().flat_map(|&place| self.column(place)).copied().collect();
        let coordinates = self.coordinates.at(places);
        Self { coordinates, columns, ..self.without_columns() }
    }

    /// Puts the coordinates of another matrix of the same draws behind its own.
    pub(crate) fn append(&mut self, other: Self) {
        assert_eq!((self.batch_size, self.n_draws), (other.batch_size, other.n_draws));
        self.coordinates.append(other.coordinates);
        self.columns.extend(other.columns);
    }

    fn without_columns(&self) -> Self {
        let coordinates = self.coordinates.at(&[]);
        let square_norms = self.square_norms.clone();
        Self { coordinates, columns: Vec::new(), square_norms, ..*self }
    }
}
