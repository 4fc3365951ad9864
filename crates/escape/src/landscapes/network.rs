//! The loss of a network over its parameters.

use train::{Mode, Objective, TrainError, flatten};

use crate::error::EscapeError;
use crate::landscape::{Evaluation, Landscape, Site};

/// The full-batch loss of a trained network.
///
/// Points are `f64`; the network computes in the type of its parameters. Running statistics begin in each trial as they
/// are at the minimum, and follow its minibatches.
pub struct NetworkLandscape {
    minimum: Objective,
    point: Vec<f64>,
}

impl NetworkLandscape {
    /// The landscape around the present weights of `objective`.
    pub fn new(objective: Objective) -> Result<Self, EscapeError> {
        let point = objective.params().flatten()?;
        Ok(Self { minimum: objective, point })
    }

    /// The same with parameters and data in `f64`.
    pub fn in_f64(&self) -> Result<Self, EscapeError> {
        Self::new(self.minimum.in_f64()?)
    }

    /// The network at the minimum.
    pub fn objective(&self) -> &Objective {
        &self.minimum
    }
}

impl Landscape for NetworkLandscape {
    fn minimum(&self) -> &[f64] {
        &self.point
    }

    fn n_samples(&self) -> Option<usize> {
        Some(self.minimum.data().train.len())
    }

    fn site(&self) -> Result<Box<dyn Site + '_>, EscapeError> {
        Ok(Box::new(self.minimum.fork()?))
    }

    fn coordinate_name(&self, coordinate: usize) -> String {
        self.minimum.params().name_of(coordinate)
    }
}

impl Site for Objective {
    fn evaluate(&mut self, w: &[f64]) -> Result<Evaluation, EscapeError> {
        self.params().assign(w)?;
        Ok(self.evaluate_train()?.into())
    }

    /// With stored statistics where there is batch normalisation.
    fn gradient(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<(), EscapeError> {
        self.params().assign(w)?;
        gradient.copy_from_slice(&self.full_gradient(Mode::Eval)?.1);
        Ok(())
    }

    /// Exact for the networks of [`train`]; see [`Objective::hessian_product`].
    fn hessian_product(
        &mut self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), EscapeError> {
        self.params().assign(w)?;
        let found = Objective::hessian_product(self, direction).map_err(|error| match error {
            TrainError::NoHessian(reason) => EscapeError::NoHessian(reason.to_owned()),
            other => other.into(),
        })?;
        product.copy_from_slice(&found);
        Ok(())
    }

    fn minibatch_gradient(
        &mut self,
        w: &[f64],
        samples: &[u32],
        gradient: &mut [f64],
    ) -> Result<(), EscapeError> {
        self.params().assign(w)?;
        let (_, tensors) = self.loss_and_gradient(samples, Mode::Train)?;
        gradient.copy_from_slice(&flatten(tensors.iter())?);
        Ok(())
    }

    fn weighted_gradient(
        &mut self,
        w: &[f64],
        weights: &[f64],
        gradient: &mut [f64],
    ) -> Result<(), EscapeError> {
        self.params().assign(w)?;
        gradient.copy_from_slice(&Objective::weighted_gradient(self, weights, Mode::Eval)?);
        Ok(())
    }
}
