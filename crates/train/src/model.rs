//! What a model is: an architecture that draws its parameters and binds them to a network.

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::{SpecError, TrainError};
use crate::networks::Mlp;
use crate::params::ParamSet;
use crate::streams::Streams;

/// What a forward pass is for. A probe's pass is not a training pass: it may leave no trace in buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A step of training: buffers such as running statistics are updated.
    Train,
    /// Evaluation: stored statistics are used.
    Eval,
    /// As in training, but nothing is updated.
    Probe,
}

/// An architecture without weights.
pub trait Model: Send + Sync {
    /// Draws initial parameters from `streams`.
    fn init(&self, streams: &Streams, device: &Device) -> Result<ParamSet, TrainError>;

    /// A network that reads its weights from `params`, and sees every later change to them.
    fn bind(&self, params: &ParamSet) -> Result<Box<dyn Network>, TrainError>;
}

/// A model bound to parameters.
pub trait Network: Send + Sync {
    /// Maps inputs `[B, n_features]` to logits `[B, n_classes]`.
    fn forward(&self, inputs: &Tensor, mode: Mode) -> candle_core::Result<Tensor>;

    /// The gradient of a loss with respect to every parameter, in order; `None` for one that got none.
    ///
    /// `loss` sees the outputs and returns its gradient with respect to them.
    fn gradient(
        &self,
        inputs: &Tensor,
        mode: Mode,
        loss: &mut dyn FnMut(&Tensor) -> candle_core::Result<Tensor>,
    ) -> candle_core::Result<Vec<Option<Tensor>>>;
}

/// The architectures that an experiment can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Fully connected layers with ReLU between them.
    Mlp,
}

/// `[model]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Which architecture.
    pub kind: ModelKind,
    /// Widths of the hidden layers; two of them make the papers' three-layer network.
    pub hidden: Vec<usize>,
}

impl ModelSpec {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        let holds = self.hidden.iter().all(|width| (1..=65536).contains(width));
        SpecError::check(holds, section, "hidden", &self.hidden, "widths of 1 to 65536")
    }

    /// Checks what depends on the data, before anything of that size is made.
    pub fn validate_against(
        &self,
        section: &str,
        n_features: usize,
        n_classes: usize,
    ) -> Result<(), SpecError> {
        const MOST: usize = 1 << 28;
        let widths = [&[n_features], self.hidden.as_slice(), &[n_classes]].concat();
        let n_parameters: usize = widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        let permitted = format!("widths that make at most {MOST} parameters, not {n_parameters}");
        SpecError::check(n_parameters <= MOST, section, "hidden", &self.hidden, permitted)
    }

    /// The architecture for data with that many features and classes.
    pub fn build(&self, n_features: usize, n_classes: usize) -> Box<dyn Model> {
        match self.kind {
            ModelKind::Mlp => Box::new(Mlp::new(n_features, &self.hidden, n_classes)),
        }
    }
}
