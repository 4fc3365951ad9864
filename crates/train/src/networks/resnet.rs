//! Residual networks.

use candle_core::Result;
use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::layers::{
    BatchNormLayer, ChannelsLast, Conv, GlobalMean, Initial, Layer, LinearLayer, Pool, Residual,
    Shortcut, Store,
};
use crate::ops::{ChannelPadding, Conv2d, MaxPool};

/// The residual networks of He et al. (2016), doi:10.1109/CVPR.2016.90.
///
/// [`ResNet::cifar`] are those of section 4.2, with shortcuts without parameters; [`ResNet::image_net`] those of table 1,
/// with the names and the places of strides that torchvision has. A PyTorch state dict of either loads unchanged.
/// PyTorch's initialisation is torchvision's: convolutions Gaussian with variance 2/(k² C_out), which is He et al. (2015),
/// eq. 14, `kaiming_normal_` with the fan out; the linear layer uniform on ±1/√in.
pub struct ResNet {
    image: [usize; 3],
    n_classes: usize,
    stem: Stem,
    widths: Vec<usize>,
    n_blocks: Vec<usize>,
    block: Block,
}

/// How a network begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stem {
    /// 3 × 3 at every pixel.
    #[default]
    Cifar,
    /// 7 × 7 at every second pixel, and the maximum over 3 × 3 at every second of these.
    ImageNet,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// Two convolutions of 3 × 3; shortcuts without parameters.
    BasicPadded,
    /// Two convolutions of 3 × 3; shortcuts by projection.
    Basic,
    /// 1 × 1, 3 × 3 and 1 × 1 to four times as many channels; shortcuts by projection.
    Bottleneck,
}

impl Block {
    fn expansion(self) -> usize {
        if self == Block::Bottleneck { 4 } else { 1 }
    }
}

impl ResNet {
    /// ResNet-20, -32, -44, -56, -110 and every other of 6n + 2 layers, for images `[channels, height, width]`.
    pub fn cifar(depth: usize, image: [usize; 3], n_classes: usize) -> Self {
        let n_blocks = vec![(depth - 2) / 6; 3];
        let widths = vec![16, 32, 64];
        Self { image, n_classes, stem: Stem::Cifar, widths, n_blocks, block: Block::BasicPadded }
    }

    /// ResNet-18, -34 or -50; `None` for another depth.
    pub fn image_net(
        depth: usize,
        stem: Stem,
        image: [usize; 3],
        n_classes: usize,
    ) -> Option<Self> {
        let (block, n_blocks) = match depth {
            18 => (Block::Basic, [2, 2, 2, 2]),
            34 => (Block::Basic, [3, 4, 6, 3]),
            50 => (Block::Bottleneck, [3, 4, 6, 3]),
            _ => return None,
        };
        let (widths, n_blocks) = (vec![64, 128, 256, 512], n_blocks.to_vec());
        Some(Self { image, n_classes, stem, widths, n_blocks, block })
    }

    /// A convolution with the normalisation behind it, both named by their number.
    fn conv_norm(
        store: &mut Store<'_>,
        names: [&str; 2],
        (n_in, n_out): (usize, usize),
        kernel: usize,
        stride: usize,
        relu: bool,
    ) -> Result<(Conv, BatchNormLayer)> {
        let conv = Conv2d { stride, padding: kernel / 2 };
        let initial = Initial::Normal((2. / (kernel * kernel * n_out) as f64).sqrt());
        let conv = Conv::new(store, names[0], conv, (n_in, n_out), kernel, initial)?;
        Ok((conv, BatchNormLayer::new(store, names[1], n_out, relu)?))
    }

    fn block(
        &self,
        store: &mut Store<'_>,
        name: &str,
        (n_in, width): (usize, usize),
        stride: usize,
    ) -> Result<Residual> {
        let n_out = self.block.expansion() * width;
        let shapes = match self.block {
            Block::Basic | Block::BasicPadded => {
                vec![((n_in, width), 3, stride), ((width, width), 3, 1)]
            }
            Block::Bottleneck => {
                vec![((n_in, width), 1, 1), ((width, width), 3, stride), ((width, n_out), 1, 1)]
            }
        };
        let mut branch = Vec::with_capacity(shapes.len());
        for (idx, (channels, kernel, stride)) in shapes.into_iter().enumerate() {
            let names = [format!("{name}.conv{}", idx + 1), format!("{name}.bn{}", idx + 1)];
            let names = [names[0].as_str(), names[1].as_str()];
            branch.push(Self::conv_norm(store, names, channels, kernel, stride, true)?);
        }
        let shortcut = if n_in == n_out && stride == 1 {
            Shortcut::Identity
        } else if self.block == Block::BasicPadded {
            Shortcut::Padded(ChannelPadding { stride, padding: (n_out - n_in) / 2 })
        } else {
            let names = [format!("{name}.downsample.0"), format!("{name}.downsample.1")];
            let names = [names[0].as_str(), names[1].as_str()];
            let layers = Self::conv_norm(store, names, (n_in, n_out), 1, stride, false)?;
            Shortcut::Projection(Box::new(layers))
        };
        Ok(Residual { branch, shortcut })
    }
}

impl Architecture for ResNet {
    fn input_shape(&self) -> Vec<usize> {
        self.image.to_vec()
    }

    fn samples_at_once(&self) -> usize {
        128
    }

    fn layers(&self, store: &mut Store<'_>) -> Result<Vec<Box<dyn Layer>>> {
        let mut n_channels = self.widths[0];
        let (kernel, stride) = match self.stem {
            Stem::Cifar => (3, 1),
            Stem::ImageNet => (7, 2),
        };
        let channels = (self.image[0], n_channels);
        let (conv, norm) =
            Self::conv_norm(store, ["conv1", "bn1"], channels, kernel, stride, true)?;
        let mut layers: Vec<Box<dyn Layer>> =
            vec![Box::new(ChannelsLast), Box::new(conv), Box::new(norm)];
        if self.stem == Stem::ImageNet {
            layers.push(Box::new(Pool(MaxPool { kernel: 3, stride: 2, padding: 1 })));
        }
        for (stage, (&width, &n_blocks)) in self.widths.iter().zip(&self.n_blocks).enumerate() {
            for block in 0..n_blocks {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                let name = format!("layer{}.{block}", stage + 1);
                layers.push(Box::new(self.block(store, &name, (n_channels, width), stride)?));
                n_channels = self.block.expansion() * width;
            }
        }
        layers.push(Box::new(GlobalMean));
        layers.push(Box::new(LinearLayer::new(store, "fc", (n_channels, self.n_classes), true)?));
        Ok(layers)
    }
}
