//! Where layers get their parameters from: drawn at the beginning, looked up afterwards.

use candle_core::{DType, Device, Result, Shape, Tensor, Var, bail};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::params::ParamSet;
use crate::streams::Streams;

/// How a parameter is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initial {
    /// Uniform on ±bound.
    Uniform(f64),
    /// Gaussian with mean 0 and this standard deviation.
    Normal(f64),
    /// Always the same.
    Constant(f64),
}

/// From which laws a network draws its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initialisation {
    /// Those of PyTorch's layers and torchvision's networks; every network says which they are.
    #[default]
    Pytorch,
    /// Weights of convolutions and linear layers Gaussian with mean 0 and variance 2/n, where n is the number of inputs
    /// of one output (k² C_in of a convolution); biases 0. Batch normalisation begins with 1 and 0 all the same.
    ///
    /// He et al. (2015), doi:10.1109/ICCV.2015.123, eq. 10; as there, the first layer is no exception.
    He,
}

impl Initialisation {
    /// The law of a parameter of that shape, output first, for which PyTorch has the law `pytorch`.
    fn law(self, shape: &Shape, pytorch: Initial) -> Initial {
        match (self, pytorch, shape.dims()) {
            (Initialisation::Pytorch, _, _) | (_, Initial::Constant(_), _) => pytorch,
            (Initialisation::He, _, [_, fan_in @ ..]) if !fan_in.is_empty() => {
                Initial::Normal((2. / fan_in.iter().product::<usize>() as f64).sqrt())
            }
            (Initialisation::He, _, _) => Initial::Constant(0.),
        }
    }
}

/// A parameter of a layer: a tensor that follows every update, and its place in the order of all.
pub struct Parameter {
    /// The values.
    pub tensor: Tensor,
    pub(super) idx: usize,
}

/// Hands parameters and buffers to the layers of a network, by name.
///
/// An architecture is written once, as a function of a store: with one that draws it makes the parameters, with one
/// that looks them up it makes the network.
pub struct Store<'a> {
    source: Source<'a>,
    n_parameters: usize,
}

enum Source<'a> {
    Drawing(Box<Drawing>),
    Bound(&'a ParamSet),
}

struct Drawing {
    streams: Streams,
    rng: ChaCha8Rng,
    n_layers: u64,
    initialisation: Initialisation,
    device: Device,
    parameters: Vec<(String, Tensor)>,
    buffers: Vec<(String, Tensor)>,
}

impl<'a> Store<'a> {
    /// Draws parameters; layer l from generator l of `streams`.
    pub fn drawing(streams: &Streams, device: &Device, initialisation: Initialisation) -> Self {
        let drawing = Drawing {
            streams: streams.clone(),
            rng: streams.rng(0),
            n_layers: 0,
            initialisation,
            device: device.clone(),
            parameters: Vec::new(),
            buffers: Vec::new(),
        };
        Self { source: Source::Drawing(Box::new(drawing)), n_parameters: 0 }
    }

    /// Looks parameters up.
    pub fn bound(params: &'a ParamSet) -> Self {
        Self { source: Source::Bound(params), n_parameters: 0 }
    }

    /// What has been drawn; nothing for a store that looks up.
    pub fn into_params(self) -> std::result::Result<ParamSet, TrainError> {
        match self.source {
            Source::Drawing(drawing) => {
                Ok(ParamSet::new(drawing.parameters)?.with_buffers(drawing.buffers)?)
            }
            Source::Bound(params) => params.duplicate(),
        }
    }

    /// How many parameters have been handed out.
    pub fn n_parameters(&self) -> usize {
        self.n_parameters
    }

    /// Begins the random numbers of the next layer.
    pub fn next_layer(&mut self) {
        if let Source::Drawing(drawing) = &mut self.source {
            drawing.rng = drawing.streams.rng(drawing.n_layers);
            drawing.n_layers += 1;
        }
    }

    /// The next parameter, for which PyTorch has the law `pytorch`.
    ///
    /// # Errors
    /// When there is none of that name and shape.
    pub fn parameter(
        &mut self,
        name: &str,
        shape: impl Into<Shape>,
        pytorch: Initial,
    ) -> Result<Parameter> {
        let shape = shape.into();
        let tensor = match &mut self.source {
            Source::Drawing(drawing) => {
                let initial = drawing.initialisation.law(&shape, pytorch);
                let values = draw(&mut drawing.rng, shape.elem_count(), initial);
                let tensor = Tensor::from_vec(values, shape, &drawing.device)?;
                drawing.parameters.push((name.to_owned(), tensor.clone()));
                tensor
            }
            Source::Bound(params) => match params.var(name) {
                Some(var) if var.shape() == &shape => var.as_tensor().clone(),
                Some(var) => bail!("`{name}` has the shape {:?}, not {shape:?}", var.shape()),
                None => bail!("there is no parameter `{name}`"),
            },
        };
        self.n_parameters += 1;
        Ok(Parameter { tensor, idx: self.n_parameters - 1 })
    }

    /// A buffer: state that is not trained.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn buffer(&mut self, name: &str, initial: Tensor) -> Result<Var> {
        match &mut self.source {
            Source::Drawing(drawing) => {
                // A counter on a GPU would be waited for in every step.
                let initial = match initial.dtype().is_float() {
                    true => initial.to_device(&drawing.device)?,
                    false => initial,
                };
                drawing.buffers.push((name.to_owned(), initial.clone()));
                Var::from_tensor(&initial)
            }
            Source::Bound(params) => match params.buffer(name) {
                Some(var) => Ok(var.clone()),
                None => bail!("there is no buffer `{name}`"),
            },
        }
    }

    /// Zeros or ones of a buffer with a value per channel.
    ///
    /// # Errors
    /// As [`Store::buffer`].
    pub fn channel_buffer(&mut self, name: &str, n_channels: usize, value: f64) -> Result<Var> {
        let initial = Tensor::full(value as f32, n_channels, &Device::Cpu)?;
        self.buffer(name, initial)
    }

    /// A counter, `[]` of `i64` as PyTorch's.
    ///
    /// # Errors
    /// As [`Store::buffer`].
    pub fn counter(&mut self, name: &str) -> Result<Var> {
        self.buffer(name, Tensor::zeros((), DType::I64, &Device::Cpu)?)
    }
}

/// `n` numbers.
pub(crate) fn draw(rng: &mut ChaCha8Rng, n: usize, initial: Initial) -> Vec<f32> {
    match initial {
        Initial::Constant(value) => vec![value as f32; n],
        Initial::Uniform(bound) => {
            let bound = bound as f32;
            (0..n).map(|_| bound * (2. * rng.random::<f32>() - 1.)).collect()
        }
        Initial::Normal(std) => {
            // Box and Muller (1958): two draws for every number keep the stream's length a function of n.
            let normal = |_| {
                let (u, v): (f64, f64) = (rng.random(), rng.random());
                let radius = (-2. * (1. - u).ln()).sqrt();
                (std * radius * (std::f64::consts::TAU * v).cos()) as f32
            };
            (0..n).map(normal).collect()
        }
    }
}
