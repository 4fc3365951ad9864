//! The networks of the papers.

mod mlp;
mod resnet;
mod zhu;

pub use mlp::Mlp;
pub use resnet::{ResNet, Stem};
pub use zhu::ZhuNetwork;

use candle_core::{Device, Result};

use crate::error::TrainError;
use crate::layers::{Initialisation, Layer, Sequential, Store};
use crate::model::{Model, Network};
use crate::params::ParamSet;
use crate::streams::Streams;

/// An architecture as a function of a store.
pub trait Architecture: Send + Sync {
    /// The shape of one sample as the first layer takes it.
    fn input_shape(&self) -> Vec<usize>;

    /// See [`Network::samples_at_once`].
    fn samples_at_once(&self) -> usize {
        1024
    }

    /// See [`Model::as_mlp`].
    fn as_mlp(&self) -> Option<&Mlp> {
        None
    }

    /// The layers, with parameters from `store`.
    fn layers(&self, store: &mut Store<'_>) -> Result<Vec<Box<dyn Layer>>>;
}

/// An architecture with the laws from which its parameters are drawn; by itself it has those of PyTorch.
pub struct Initialised<A> {
    /// The architecture.
    pub architecture: A,
    /// The laws.
    pub initialisation: Initialisation,
}

impl<A: Architecture> Model for Initialised<A> {
    fn init(
        &self,
        streams: &Streams,
        device: &Device,
    ) -> std::result::Result<ParamSet, TrainError> {
        let mut store = Store::drawing(streams, device, self.initialisation);
        self.architecture.layers(&mut store)?;
        store.into_params()
    }

    fn bind(&self, params: &ParamSet) -> std::result::Result<Box<dyn Network>, TrainError> {
        self.architecture.bind(params)
    }

    fn as_mlp(&self) -> Option<&Mlp> {
        Architecture::as_mlp(&self.architecture)
    }
}

impl<A: Architecture> Model for A {
    fn init(
        &self,
        streams: &Streams,
        device: &Device,
    ) -> std::result::Result<ParamSet, TrainError> {
        let mut store = Store::drawing(streams, device, Initialisation::Pytorch);
        self.layers(&mut store)?;
        store.into_params()
    }

    fn bind(&self, params: &ParamSet) -> std::result::Result<Box<dyn Network>, TrainError> {
        let mut store = Store::bound(params);
        let layers = self.layers(&mut store)?;
        let n_parameters = store.n_parameters();
        let (input_shape, samples_at_once) = (self.input_shape(), self.samples_at_once());
        Ok(Box::new(Sequential { layers, input_shape, n_parameters, samples_at_once }))
    }

    fn as_mlp(&self) -> Option<&Mlp> {
        Architecture::as_mlp(self)
    }
}

#[cfg(test)]
mod golden;
#[cfg(test)]
mod single_samples;
