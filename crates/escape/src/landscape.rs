//! What a point moves on.

use crate::error::EscapeError;

/// A loss L(w) over points w of ℝᴰ, with a minimum w* to start from.
///
/// Points are flat: coordinate `i` of a network is the one of its [`ParamSet`](train::ParamSet).
pub trait Landscape: Sync {
    /// The point w* that trials begin at, `[D]`.
    fn minimum(&self) -> &[f64];

    /// Number of samples N whose mean loss it is; `None` where it is no such mean.
    fn n_samples(&self) -> Option<usize> {
        None
    }

    /// A place to compute at, with scratch memory and state (running statistics) of its own.
    fn site(&self) -> Result<Box<dyn Site + '_>, EscapeError>;

    /// What a coordinate is called in tables.
    fn coordinate_name(&self, coordinate: usize) -> String {
        format!("w{}", coordinate + 1)
    }
}

/// A landscape at one point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Loss L(w); a number that is not finite means that the point has run away.
    pub loss: f64,
    /// Share of the training samples that are classified rightly; `None` where nothing is classified.
    pub accuracy: Option<f64>,
}

impl From<train::Evaluation> for Evaluation {
    fn from(train::Evaluation { loss, accuracy }: train::Evaluation) -> Self {
        Self { loss, accuracy: Some(accuracy) }
    }
}

/// What one trial computes of a landscape.
pub trait Site {
    /// Loss and accuracy at `w`.
    fn evaluate(&mut self, w: &[f64]) -> Result<Evaluation, EscapeError>;

    /// Writes ∇L(w).
    fn gradient(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<(), EscapeError>;

    /// Writes the product H v of the Hessian at `w` with a direction v: exact, no difference of gradients.
    ///
    /// # Errors
    /// [`EscapeError::NoHessian`] where the loss has no second derivatives.
    fn hessian_product(
        &mut self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), EscapeError>;

    /// Writes the mean gradient of the losses of `samples`, in which one may stand more than once.
    ///
    /// # Errors
    /// Where the loss is no mean over samples.
    fn minibatch_gradient(
        &mut self,
        _w: &[f64],
        _samples: &[u32],
        _gradient: &mut [f64],
    ) -> Result<(), EscapeError> {
        Err(NO_SAMPLES)
    }

    /// Writes `(1/N) Σ_i weights_i ∇ℓ_i(w)`.
    ///
    /// # Errors
    /// Where the loss is no mean over samples.
    fn weighted_gradient(
        &mut self,
        _w: &[f64],
        _weights: &[f64],
        _gradient: &mut [f64],
    ) -> Result<(), EscapeError> {
        Err(NO_SAMPLES)
    }
}

/// What a landscape without samples says.
pub(crate) const NO_SAMPLES: EscapeError = EscapeError::Unsupported {
    asked: "the gradient of a minibatch",
    reason: "the loss of this landscape is no mean over samples",
};
