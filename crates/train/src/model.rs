//! What a model is: an architecture that draws its parameters and binds them to a network.

use std::ops::Range;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::error::{SpecError, TrainError};
use crate::layers::{Initialisation, NormInputs};
use crate::networks::{Architecture, Initialised, Mlp, ResNet, Stem, ZhuNetwork};
use crate::ops::{Activation, columns};
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

    /// The plain perceptron that this is, for code that has loops of its own for one.
    fn as_mlp(&self) -> Option<&Mlp> {
        None
    }
}

/// From outputs and their directional derivative, the gradient of a loss with respect to the outputs and its directional
/// derivative; see [`Loss::gradient_and_tangent`](crate::Loss::gradient_and_tangent).
pub type LossTangent<'a> =
    dyn FnMut(&Tensor, &Tensor) -> candle_core::Result<(Tensor, Tensor)> + 'a;

/// What a network knows of its second derivatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondDerivatives {
    /// All of them.
    Exact,
    /// Those of a graph that may hold operations which break off in silence.
    Unverified,
    /// None.
    Missing,
}

/// A model bound to parameters.
pub trait Network: Send + Sync {
    /// Maps inputs `[B, n_features]` to logits `[B, n_classes]`.
    fn forward(&self, inputs: &Tensor, mode: Mode) -> candle_core::Result<Tensor>;

    /// How many samples go through at once where there is a choice: bounds the memory of activations, and where a batch
    /// normalisation uses the statistics of a minibatch, is the size of that.
    fn samples_at_once(&self) -> usize {
        1024
    }

    /// The gradient of a loss with respect to every parameter, in order; `None` for one that got none.
    ///
    /// `loss` sees the outputs and returns its gradient with respect to them.
    fn gradient(
        &self,
        inputs: &Tensor,
        mode: Mode,
        loss: &mut dyn FnMut(&Tensor) -> candle_core::Result<Tensor>,
    ) -> candle_core::Result<Vec<Option<Tensor>>>;

    /// The gradients of the losses of single samples at wanted positions of each parameter, `[N, K]`; `None` for a parameter
    /// of which nothing is wanted, or that got none.
    ///
    /// `loss` sees the outputs of a range of samples and returns the gradient of the loss of each with respect to its own.
    /// Here one sample after the other goes there and back, which is right for every network that treats samples
    /// independently, and slow. The networks of this crate take all samples at once.
    ///
    /// # Errors
    /// When the samples depend on each other, as they do through a batch normalisation outside of [`Mode::Eval`].
    fn sample_gradients(
        &self,
        inputs: &Tensor,
        mode: Mode,
        wanted: &[Vec<usize>],
        loss: &mut dyn FnMut(Range<usize>, &Tensor) -> candle_core::Result<Tensor>,
    ) -> candle_core::Result<Vec<Option<Tensor>>> {
        let mut rows: Vec<Vec<Tensor>> = vec![Vec::new(); wanted.len()];
        for sample in 0..inputs.dim(0)? {
            let input = inputs.narrow(0, sample, 1)?.contiguous()?;
            let mut loss = |outputs: &Tensor| loss(sample..sample + 1, outputs);
            let gradients = self.gradient(&input, mode, &mut loss)?;
            for ((rows, gradient), wanted) in rows.iter_mut().zip(gradients).zip(wanted) {
                if let (Some(gradient), false) = (gradient, wanted.is_empty()) {
                    rows.push(columns(&gradient.flatten_all()?.unsqueeze(0)?, wanted)?);
                }
            }
        }
        let stack = |rows: &Vec<Tensor>| (!rows.is_empty()).then(|| Tensor::cat(rows, 0));
        rows.iter().map(|rows| stack(rows).transpose()).collect()
    }

    /// What [`Network::hessian_product`] is worth.
    fn second_derivatives(&self) -> SecondDerivatives {
        SecondDerivatives::Exact
    }

    /// The product of the Hessian of a loss with a direction, one tensor for each parameter, in [`Mode::Eval`]; `None` for a
    /// parameter that the loss does not depend on.
    ///
    /// `loss` may be called more than once.
    ///
    /// # Errors
    /// When it has none, see [`Network::second_derivatives`].
    fn hessian_product(
        &self,
        inputs: &Tensor,
        direction: &[Tensor],
        loss: &mut LossTangent<'_>,
    ) -> candle_core::Result<Vec<Option<Tensor>>>;

    /// The inputs of batch normalisation number `norm_idx` in the order of the forward pass, with stored statistics in those
    /// before it; `None` where there are not so many.
    fn norm_inputs(
        &self,
        inputs: &Tensor,
        norm_idx: usize,
    ) -> candle_core::Result<Option<NormInputs>> {
        let _ = (inputs, norm_idx);
        Ok(None)
    }
}

/// `[model]` of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys")]
pub struct ModelSpec {
    /// Which network.
    #[serde(flatten)]
    pub architecture: ArchitectureSpec,
    /// From which laws its parameters are drawn.
    #[serde(skip_serializing_if = "is_pytorch")]
    pub initialisation: Initialisation,
}

/// An architecture with its sizes, told by its `kind`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ArchitectureSpec {
    /// [`Mlp`].
    Mlp {
        /// Widths of the hidden layers; two of them make the papers' three-layer network.
        hidden: Vec<usize>,
        /// What stands between the layers.
        #[serde(skip_serializing_if = "is_relu")]
        activation: Activation,
        /// Whether layers have biases.
        #[serde(skip_serializing_if = "is_true")]
        bias: bool,
    },
    /// [`ResNet::cifar`].
    CifarResnet {
        /// 6n + 2 layers.
        depth: usize,
    },
    /// [`ResNet::image_net`].
    Resnet {
        /// 18, 34 or 50 layers.
        depth: usize,
        /// How the network begins.
        stem: Stem,
    },
    /// [`ZhuNetwork`].
    Zhu {},
}

/// The architectures that an experiment can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Mlp,
    CifarResnet,
    Resnet,
    Zhu,
}

/// `[model]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    kind: Kind,
    hidden: Option<Vec<usize>>,
    activation: Option<Activation>,
    bias: Option<bool>,
    depth: Option<usize>,
    stem: Option<Stem>,
    #[serde(default)]
    initialisation: Initialisation,
}

impl TryFrom<Keys> for ModelSpec {
    type Error = String;

    fn try_from(keys: Keys) -> Result<Self, String> {
        let Keys { kind, hidden, activation, bias, depth, stem, initialisation } = keys;
        let given = [
            ("hidden", hidden.is_some()),
            ("activation", activation.is_some()),
            ("bias", bias.is_some()),
            ("depth", depth.is_some()),
            ("stem", stem.is_some()),
        ];
        let (name, known): (&str, &[&str]) = match kind {
            Kind::Mlp => ("mlp", &["hidden", "activation", "bias"]),
            Kind::CifarResnet => ("cifar_resnet", &["depth"]),
            Kind::Resnet => ("resnet", &["depth", "stem"]),
            Kind::Zhu => ("zhu", &[]),
        };
        if let Some((key, _)) = given.iter().find(|(key, given)| *given && !known.contains(key)) {
            return Err(format!("key `{key}` does not belong to kind `{name}`"));
        }
        let missing = |key: &str| format!("key `{key}` of kind `{name}` is missing");
        let architecture = match kind {
            Kind::Mlp => ArchitectureSpec::Mlp {
                hidden: hidden.ok_or_else(|| missing("hidden"))?,
                activation: activation.unwrap_or_default(),
                bias: bias.unwrap_or(true),
            },
            Kind::CifarResnet => {
                ArchitectureSpec::CifarResnet { depth: depth.ok_or_else(|| missing("depth"))? }
            }
            Kind::Resnet => ArchitectureSpec::Resnet {
                depth: depth.ok_or_else(|| missing("depth"))?,
                stem: stem.unwrap_or_default(),
            },
            Kind::Zhu => ArchitectureSpec::Zhu {},
        };
        Ok(ModelSpec { architecture, initialisation })
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_pytorch(initialisation: &Initialisation) -> bool {
    *initialisation == Initialisation::Pytorch
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_relu(activation: &Activation) -> bool {
    *activation == Activation::Relu
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_true(value: &bool) -> bool {
    *value
}

impl ModelSpec {
    /// A perceptron with ReLU and biases.
    pub fn mlp(hidden: &[usize]) -> Self {
        let (hidden, activation) = (hidden.to_vec(), Activation::Relu);
        let architecture = ArchitectureSpec::Mlp { hidden, activation, bias: true };
        Self { architecture, initialisation: Initialisation::Pytorch }
    }

    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(&self, section: &str) -> Result<(), SpecError> {
        match &self.architecture {
            ArchitectureSpec::Mlp { hidden, .. } => {
                let holds = hidden.iter().all(|width| (1..=65536).contains(width));
                SpecError::check(holds, section, "hidden", hidden, "widths of 1 to 65536")
            }
            ArchitectureSpec::CifarResnet { depth } => {
                let holds = (8..=1202).contains(depth) && depth % 6 == 2;
                let permitted = "6n + 2 from 8 to 1202: 20, 32, 44, 56, 110, …";
                SpecError::check(holds, section, "depth", depth, permitted)
            }
            ArchitectureSpec::Resnet { depth, .. } => {
                let holds = [18, 34, 50].contains(depth);
                SpecError::check(holds, section, "depth", depth, "18, 34 or 50")
            }
            ArchitectureSpec::Zhu {} => Ok(()),
        }
    }

    /// Checks what depends on the data, before anything of that size is made.
    pub fn validate_against(&self, section: &str, data: &Dataset) -> Result<(), SpecError> {
        if let ArchitectureSpec::Mlp { hidden, bias, .. } = &self.architecture {
            const MOST: usize = 1 << 28;
            let widths = [&[data.n_features()], hidden.as_slice(), &[data.classes.len()]].concat();
            let biases = usize::from(*bias);
            let n_parameters: usize =
                widths.windows(2).map(|pair| (pair[0] + biases) * pair[1]).sum();
            let permitted =
                format!("widths that make at most {MOST} parameters, not {n_parameters}");
            return SpecError::check(n_parameters <= MOST, section, "hidden", hidden, permitted);
        }
        let least = if matches!(self.architecture, ArchitectureSpec::Zhu {}) { 16 } else { 1 };
        let holds = data.image.is_some_and(|[_, height, width]| height.min(width) >= least);
        let kind = self.kind();
        let permitted = match data.image {
            None => format!("mlp for `{}`, whose samples are not images", data.name),
            Some(_) => format!("for images of {least} × {least} pixels or more"),
        };
        SpecError::check(holds, section, "kind", kind, permitted)
    }

    fn kind(&self) -> &'static str {
        match self.architecture {
            ArchitectureSpec::Mlp { .. } => "mlp",
            ArchitectureSpec::CifarResnet { .. } => "cifar_resnet",
            ArchitectureSpec::Resnet { .. } => "resnet",
            ArchitectureSpec::Zhu {} => "zhu",
        }
    }

    /// The architecture for a data set.
    ///
    /// # Panics
    /// When the specification has not been validated against the data.
    pub fn build(&self, data: &Dataset) -> Box<dyn Model> {
        let n_classes = data.classes.len();
        let image = || data.image.expect("validated against the data");
        match &self.architecture {
            ArchitectureSpec::Mlp { hidden, activation, bias } => {
                let mlp = Mlp::new(data.n_features(), hidden, n_classes);
                let mlp = mlp.with_activation(*activation);
                self.initialised(if *bias { mlp } else { mlp.without_biases() })
            }
            ArchitectureSpec::CifarResnet { depth } => {
                self.initialised(ResNet::cifar(*depth, image(), n_classes))
            }
            ArchitectureSpec::Resnet { depth, stem } => {
                let network = ResNet::image_net(*depth, *stem, image(), n_classes);
                self.initialised(network.expect("the depth has been validated"))
            }
            ArchitectureSpec::Zhu {} => self.initialised(ZhuNetwork::new(image(), n_classes)),
        }
    }

    fn initialised(&self, architecture: impl Architecture + 'static) -> Box<dyn Model> {
        Box::new(Initialised { architecture, initialisation: self.initialisation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelSpec, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn specifications_are_read_and_written() {
        for text in [
            "kind = \"mlp\"\nhidden = [16, 16]\n",
            "kind = \"mlp\"\nhidden = []\nactivation = \"gelu\"\nbias = false\n",
            "kind = \"cifar_resnet\"\ndepth = 20\n",
            "kind = \"resnet\"\ndepth = 18\nstem = \"image_net\"\n",
            "kind = \"zhu\"\n",
            "kind = \"zhu\"\ninitialisation = \"he\"\n",
        ] {
            let spec = parse(text).unwrap();
            assert!(spec.validate("model").is_ok());
            assert_eq!(toml::to_string(&spec).unwrap(), text);
        }
    }

    #[test]
    fn keys_that_do_not_belong_are_named() {
        let foreign = parse("kind = \"mlp\"\nhidden = [1]\ndepth = 20").unwrap_err();
        assert_eq!(foreign, "key `depth` does not belong to kind `mlp`");
        let missing = parse("kind = \"resnet\"").unwrap_err();
        assert_eq!(missing, "key `depth` of kind `resnet` is missing");
        let law = parse("kind = \"zhu\"\ninitialisation = \"xavier\"").unwrap_err();
        assert!(law.contains("expected `pytorch` or `he`"), "{law}");
        let depth = parse("kind = \"cifar_resnet\"\ndepth = 21").unwrap();
        let message = depth.validate("model").unwrap_err().to_string();
        assert!(message.starts_with("model.depth = 21: permitted is 6n + 2"), "{message}");
    }

    #[test]
    fn convolutions_need_images() {
        let data = crate::data::tests::blobs(10);
        let spec = parse("kind = \"zhu\"").unwrap();
        let message = spec.validate_against("model", &data).unwrap_err().to_string();
        assert!(message.contains("whose samples are not images"), "{message}");
    }
}
