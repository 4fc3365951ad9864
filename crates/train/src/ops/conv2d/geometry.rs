//! The sizes of a convolution.

use candle_core::Shape;

/// The sizes of a convolution that fit together.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    pub n_samples: usize,
    pub height: usize,
    pub width: usize,
    pub c_in: usize,
    pub c_out: usize,
    pub kernel_height: usize,
    pub kernel_width: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Geometry {
    /// Height and width of the output.
    pub fn output_size(&self) -> (usize, usize) {
        let size = |size, kernel| (size + 2 * self.padding - kernel) / self.stride + 1;
        (size(self.height, self.kernel_height), size(self.width, self.kernel_width))
    }

    /// The shape of the inputs.
    pub fn input_shape(&self) -> Shape {
        (self.n_samples, self.height, self.width, self.c_in).into()
    }

    /// The shape of the outputs.
    pub fn output_shape(&self) -> Shape {
        let (height, width) = self.output_size();
        (self.n_samples, height, width, self.c_out).into()
    }

    /// The shape of the weights.
    pub fn weight_shape(&self) -> Shape {
        (self.c_out, self.c_in, self.kernel_height, self.kernel_width).into()
    }

    /// Products of two numbers.
    pub fn work(&self) -> usize {
        let (height, width) = self.output_size();
        let window = self.kernel_height * self.kernel_width * self.c_in;
        self.n_samples * height * width * self.c_out * window
    }
}
