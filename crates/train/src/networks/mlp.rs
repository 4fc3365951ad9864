//! The multilayer perceptron.

use candle_core::Result;

use super::Architecture;
use crate::layers::{Activate, Layer, LinearLayer, Store};
use crate::ops::Activation;

/// Linear layers with an activation between them, parameters named `fc1.weight` `[out, in]`, `fc1.bias` `[out]`, ….
///
/// PyTorch's initialisation is that of `nn.Linear`: weights and biases uniform on ±1/√in.
pub struct Mlp {
    widths: Vec<usize>,
    activation: Activation,
    has_biases: bool,
}

impl Mlp {
    /// A network with ReLU and biases, from `n_features` over the `hidden` widths to `n_classes`.
    pub fn new(n_features: usize, hidden: &[usize], n_classes: usize) -> Self {
        let widths = [&[n_features], hidden, &[n_classes]].concat();
        Self { widths, activation: Activation::Relu, has_biases: true }
    }

    /// With another activation.
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// Without biases.
    pub fn without_biases(self) -> Self {
        Self { has_biases: false, ..self }
    }

    /// Features, hidden widths and classes, in order.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// What stands between the layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// Whether layers have biases.
    pub fn has_biases(&self) -> bool {
        self.has_biases
    }

    /// The names of its parameters, in order.
    pub fn parameter_names(&self) -> Vec<String> {
        let kinds = if self.has_biases { &["weight", "bias"][..] } else { &["weight"] };
        let of_layer = |layer| kinds.iter().map(move |kind| format!("fc{layer}.{kind}"));
        (1..self.widths.len()).flat_map(of_layer).collect()
    }
}

impl Architecture for Mlp {
    fn input_shape(&self) -> Vec<usize> {
        vec![self.widths[0]]
    }

    fn as_mlp(&self) -> Option<&Mlp> {
        Some(self)
    }

    fn layers(&self, store: &mut Store<'_>) -> Result<Vec<Box<dyn Layer>>> {
        let mut layers: Vec<Box<dyn Layer>> = Vec::new();
        for (idx, width) in self.widths.windows(2).enumerate() {
            if idx > 0 {
                layers.push(Box::new(Activate(self.activation)));
            }
            let (name, sizes) = (format!("fc{}", idx + 1), (width[0], width[1]));
            layers.push(Box::new(LinearLayer::new(store, &name, sizes, self.has_biases)?));
        }
        Ok(layers)
    }
}
