//! What a point moves on.

use train::Objective;

use crate::error::EscapeError;

/// A loss over points, with a minimum to start from.
pub trait Landscape: Sync {
    /// A position, with whatever is needed to move it.
    type Point;

    /// A new point at the minimum w*.
    fn minimum(&self) -> Result<Self::Point, EscapeError>;

    /// Loss at the minimum, L(w*).
    fn minimum_loss(&self) -> f64;

    /// Loss L(w) at a point; a number that is not finite means that the point has run away.
    fn loss(&self, point: &Self::Point) -> Result<f64, EscapeError>;

    /// Euclidean distance ‖w − w*‖.
    fn distance(&self, point: &Self::Point) -> Result<f64, EscapeError>;
}

/// The full-batch loss of a trained network over its parameters.
pub struct NetworkLandscape {
    minimum: Objective,
    minimum_loss: f64,
}

impl NetworkLandscape {
    /// The landscape around the present weights of `objective`.
    pub fn new(objective: Objective) -> Result<Self, EscapeError> {
        let minimum_loss = objective.evaluate_train()?.loss;
        Ok(Self { minimum: objective, minimum_loss })
    }
}

impl Landscape for NetworkLandscape {
    type Point = Objective;

    fn minimum(&self) -> Result<Objective, EscapeError> {
        Ok(self.minimum.fork()?)
    }

    fn minimum_loss(&self) -> f64 {
        self.minimum_loss
    }

    fn loss(&self, point: &Objective) -> Result<f64, EscapeError> {
        Ok(point.evaluate_train()?.loss)
    }

    fn distance(&self, point: &Objective) -> Result<f64, EscapeError> {
        Ok(point.params().distance(self.minimum.params())?)
    }
}
