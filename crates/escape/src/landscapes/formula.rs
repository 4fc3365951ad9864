//! What the formulas have in common: they need no memory to compute.

use crate::error::EscapeError;
use crate::landscape::{Evaluation, Landscape, NO_SAMPLES, Site};

/// A loss as a formula, with its gradient.
pub(super) trait Formula: Sync {
    /// A point at a minimum, `[D]`.
    fn minimum(&self) -> Vec<f64>;

    /// L(w).
    fn loss(&self, w: &[f64]) -> f64;

    /// Writes ∇L(w): of a mean over samples the sum of theirs, unless there is a shorter way.
    fn gradient(&self, w: &[f64], gradient: &mut [f64]) {
        gradient.fill(0.);
        let n_samples =
            self.n_samples().expect("a formula without samples has a gradient of its own");
        for sample in 0..n_samples {
            self.add_sample_gradient(w, sample, 1. / n_samples as f64, gradient);
        }
    }

    /// Writes H v at `w`.
    ///
    /// # Errors
    /// Why there is no Hessian at `w`.
    fn hessian_product(
        &self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), &'static str>;

    /// Number of samples whose mean loss it is, if it is one.
    fn n_samples(&self) -> Option<usize> {
        None
    }

    /// Adds `weight ∇ℓ_i(w)`; only asked of a mean over samples.
    fn add_sample_gradient(&self, w: &[f64], sample: usize, weight: f64, gradient: &mut [f64]) {
        let _ = (w, sample, weight, gradient);
        unreachable!("no mean over samples");
    }
}

/// A landscape whose loss is a formula.
pub(super) struct Surface<F> {
    formula: F,
    minimum: Vec<f64>,
}

impl<F: Formula> Surface<F> {
    pub fn new(formula: F) -> Self {
        let minimum = formula.minimum();
        Self { formula, minimum }
    }
}

impl<F: Formula> Landscape for Surface<F> {
    fn minimum(&self) -> &[f64] {
        &self.minimum
    }

    fn n_samples(&self) -> Option<usize> {
        self.formula.n_samples()
    }

    fn site(&self) -> Result<Box<dyn Site + '_>, EscapeError> {
        Ok(Box::new(&self.formula))
    }
}

impl<F: Formula> Site for &F {
    fn evaluate(&mut self, w: &[f64]) -> Result<Evaluation, EscapeError> {
        Ok(Evaluation { loss: self.loss(w), accuracy: None })
    }

    fn gradient(&mut self, w: &[f64], gradient: &mut [f64]) -> Result<(), EscapeError> {
        Formula::gradient(*self, w, gradient);
        Ok(())
    }

    fn hessian_product(
        &mut self,
        w: &[f64],
        direction: &[f64],
        product: &mut [f64],
    ) -> Result<(), EscapeError> {
        Formula::hessian_product(*self, w, direction, product)
            .map_err(|reason| EscapeError::NoHessian(reason.to_owned()))
    }

    fn minibatch_gradient(
        &mut self,
        w: &[f64],
        samples: &[u32],
        gradient: &mut [f64],
    ) -> Result<(), EscapeError> {
        self.n_samples().ok_or(NO_SAMPLES)?;
        gradient.fill(0.);
        let weight = 1. / samples.len() as f64;
        for &sample in samples {
            self.add_sample_gradient(w, sample as usize, weight, gradient);
        }
        Ok(())
    }

    fn weighted_gradient(
        &mut self,
        w: &[f64],
        weights: &[f64],
        gradient: &mut [f64],
    ) -> Result<(), EscapeError> {
        let n_samples = self.n_samples().ok_or(NO_SAMPLES)?;
        gradient.fill(0.);
        for (sample, weight) in weights.iter().enumerate() {
            self.add_sample_gradient(w, sample, weight / n_samples as f64, gradient);
        }
        Ok(())
    }
}
