//! Random changes to the images of a minibatch.

use candle_core::{Device, Result, Tensor};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::error::SpecError;

/// `[training.augmentation]` of an experiment: what is done to every image of every minibatch of training.
///
/// Padding, crop and flip are those of He et al. (2016), section 4.2. Evaluation and probes see the images as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augmentation {
    /// Zeros put around an image, of which a part of its own size is then cut out at random; 4 in the paper. After
    /// standardisation a zero is the mean over all pixels.
    #[serde(default)]
    pub crop_padding: usize,
    /// Whether half of the images are mirrored, left for right.
    #[serde(default)]
    pub flip: bool,
}

impl Augmentation {
    /// Checks every value; `section` is the name it has in the experiment.
    pub fn validate(
        &self,
        section: &str,
        image: Option<[usize; 3]>,
    ) -> std::result::Result<(), SpecError> {
        let most = image.map_or(0, |[_, height, width]| height.min(width));
        let permitted = match image {
            Some(_) => format!("0 to {most}, the size of the images"),
            None => "nothing, since the samples are not images".to_owned(),
        };
        let holds = image.is_some() && self.crop_padding <= most;
        SpecError::check(holds, section, "crop_padding", self.crop_padding, permitted)
    }

    /// Images `[N, C · H · W]`, each changed by its own draws; three draws for every image, whatever is asked for.
    ///
    /// # Errors
    /// When the inputs are not `N` images of that shape.
    pub fn apply(
        &self,
        inputs: &Tensor,
        [channels, height, width]: [usize; 3],
        rng: &mut impl Rng,
    ) -> Result<Tensor> {
        let shape = inputs.shape().clone();
        let (n_images, n_features) = inputs.dims2()?;
        if n_features != channels * height * width {
            candle_core::bail!(
                "{n_features} features are not {channels} × {height} × {width} pixels"
            );
        }
        let pixels = inputs.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
        let mut changed = vec![0f32; pixels.len()];
        for image in 0..n_images {
            let mut shift = || rng.random_range(0..=2 * self.crop_padding) as isize;
            let (down, right) = (shift(), shift());
            let mirrored = rng.random::<bool>() && self.flip;
            // Row i of the crop is row i + down − padding of the image.
            let (down, right) =
                (down - self.crop_padding as isize, right - self.crop_padding as isize);
            let source = &pixels[image * n_features..][..n_features];
            let target = &mut changed[image * n_features..][..n_features];
            for (plane, target) in
                source.chunks_exact(height * width).zip(target.chunks_exact_mut(height * width))
            {
                for (row, target) in target.chunks_exact_mut(width).enumerate() {
                    let Some(from) = row.checked_add_signed(down).filter(|&from| from < height)
                    else {
                        continue;
                    };
                    let source = &plane[from * width..][..width];
                    let first = right.max(0) as usize;
                    let last = (width as isize + right).min(width as isize) as usize;
                    let begin = first.saturating_add_signed(-right);
                    target[begin..begin + last - first].copy_from_slice(&source[first..last]);
                    if mirrored {
                        target.reverse();
                    }
                }
            }
        }
        Tensor::from_vec(changed, shape, &Device::Cpu)?.to_device(inputs.device())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::Streams;

    const IMAGE: [usize; 3] = [2, 5, 4];

    fn images(n: usize) -> Tensor {
        let len = n * IMAGE.iter().product::<usize>();
        let values: Vec<f32> = (1..=len).map(|i| i as f32).collect();
        Tensor::from_vec(values, (n, len / n), &Device::Cpu).unwrap()
    }

    /// One pixel at a time, with the draws in the order that is promised.
    #[test]
    fn crops_and_flips_are_those_of_a_slow_twin() {
        let n = 200;
        let streams = Streams::new(6).named("augment");
        for (crop_padding, flip) in [(0, false), (2, false), (0, true), (3, true)] {
            let augmentation = Augmentation { crop_padding, flip };
            let inputs = images(n);
            let found = augmentation.apply(&inputs, IMAGE, &mut streams.rng(3)).unwrap();
            let (source, found) =
                (inputs.to_vec2::<f32>().unwrap(), found.to_vec2::<f32>().unwrap());
            let mut rng = streams.rng(3);
            let [channels, height, width] = IMAGE.map(|size| size as i64);
            let mut n_moved = 0;
            for (source, found) in source.iter().zip(&found) {
                let down = rng.random_range(0..=2 * crop_padding) as i64 - crop_padding as i64;
                let right = rng.random_range(0..=2 * crop_padding) as i64 - crop_padding as i64;
                let mirrored = rng.random::<bool>() && flip;
                n_moved += usize::from(source != found);
                for channel in 0..channels {
                    for (i, j) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                        let column = if mirrored { width - 1 - j } else { j };
                        let (y, x) = (i + down, column + right);
                        let inside = (0..height).contains(&y) && (0..width).contains(&x);
                        let at = |y: i64, x: i64| ((channel * height + y) * width + x) as usize;
                        let expected = if inside { source[at(y, x)] } else { 0. };
                        assert_eq!(found[at(i, j)], expected);
                    }
                }
            }
            assert_eq!(n_moved > n / 3, crop_padding > 0 || flip);
        }
    }

    #[test]
    fn only_images_can_be_cropped() {
        let augmentation = Augmentation { crop_padding: 9, flip: true };
        let message = |image| augmentation.validate("augmentation", image).unwrap_err().to_string();
        assert!(message(Some(IMAGE)).contains("crop_padding = 9: permitted is 0 to 4"));
        assert!(message(None).contains("not images"));
        assert!(augmentation.apply(&images(1), [1, 2, 3], &mut Streams::new(1).rng(0)).is_err());
    }
}
