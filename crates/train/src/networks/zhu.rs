//! The small convolutional network of Zhu et al.

use candle_core::Result;

use super::Architecture;
use crate::layers::{
    Activate, ChannelsFirst, ChannelsLast, Conv, Initial, Layer, LinearLayer, Pool, Store,
};
use crate::ops::{Activation, Conv2d, MaxPool};

/// Convolution 5 × 5 to 10 channels, maximum over 2 × 2, ReLU; the same again; linear layers of 50 and of the classes.
///
/// For images `[N, 1, 28, 28]`: 11,330 parameters with 10 classes. The architecture is that of the code published with
/// Zhu et al. (2019), "The Anisotropic Noise in Stochastic Gradient Descent". Parameters are `conv1`, `conv2`, `fc1`, `fc2`.
/// PyTorch's initialisation is that of its layers: weights and biases uniform on ±1/√n, n the inputs of one output.
pub struct ZhuNetwork {
    image: [usize; 3],
    n_classes: usize,
}

impl ZhuNetwork {
    /// For images `[channels, height, width]`, at least 16 × 16.
    pub fn new(image: [usize; 3], n_classes: usize) -> Self {
        Self { image, n_classes }
    }
}

const CHANNELS: usize = 10;

impl Architecture for ZhuNetwork {
    fn input_shape(&self) -> Vec<usize> {
        self.image.to_vec()
    }

    fn samples_at_once(&self) -> usize {
        128
    }

    fn layers(&self, store: &mut Store<'_>) -> Result<Vec<Box<dyn Layer>>> {
        let [channels, height, width] = self.image;
        let conv = Conv2d { stride: 1, padding: 0 };
        let pool = MaxPool { kernel: 2, stride: 2, padding: 0 };
        let mut convolution = |name: &str, n_in: usize| {
            let initial = Initial::Uniform(1. / ((25 * n_in) as f64).sqrt());
            Conv::with_bias(store, name, conv, (n_in, CHANNELS), 5, initial)
        };
        let (conv1, conv2) = (convolution("conv1", channels)?, convolution("conv2", CHANNELS)?);
        let after = |size: usize| ((size - 4) / 2 - 4) / 2;
        let n_features = CHANNELS * after(height) * after(width);
        Ok(vec![
            Box::new(ChannelsLast),
            Box::new(conv1),
            Box::new(Pool(pool)),
            Box::new(Activate(Activation::Relu)),
            Box::new(conv2),
            Box::new(Pool(pool)),
            Box::new(Activate(Activation::Relu)),
            Box::new(ChannelsFirst),
            Box::new(LinearLayer::new(store, "fc1", (n_features, 50), true)?),
            Box::new(Activate(Activation::Relu)),
            Box::new(LinearLayer::new(store, "fc2", (50, self.n_classes), true)?),
        ])
    }
}
