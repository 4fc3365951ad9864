//! Images side by side.

use train::data::Dataset;

use crate::failure::Failure;

/// Images of a class in a row.
const ACROSS: usize = 12;
/// Rows; more classes than these are passed over.
const MOST_CLASSES: usize = 100;
/// Pixels between two images.
const GAP: usize = 2;

/// A PNG file with the first images of each class of the training set, one row per class.
pub fn contact_sheet(
    data: &Dataset,
    [channels, height, width]: [usize; 3],
) -> Result<Vec<u8>, Failure> {
    let labels = data.train.labels();
    let n_classes = data.classes.len().min(MOST_CLASSES);
    // Small images are enlarged by whole pixels.
    let zoom = (64 / height.max(width)).max(1);
    let (cell_height, cell_width) = (zoom * height + GAP, zoom * width + GAP);
    let (sheet_height, sheet_width) = (n_classes * cell_height + GAP, ACROSS * cell_width + GAP);
    let mut sheet = vec![255u8; sheet_height * sheet_width * 3];
    for class in 0..n_classes {
        let of_class = (0..labels.len()).filter(|&sample| labels[sample] as usize == class);
        for (column, sample) in of_class.take(ACROSS).enumerate() {
            let (pixels, _) = data.train.range(sample..sample + 1)?;
            let pixels = pixels.flatten_all()?.to_vec1::<f32>()?;
            for row in 0..zoom * height {
                for across in 0..zoom * width {
                    let target = (GAP + class * cell_height + row) * sheet_width
                        + (GAP + column * cell_width + across);
                    for colour in 0..3 {
                        let plane = colour.min(channels - 1) * height * width;
                        let value = pixels[plane + row / zoom * width + across / zoom];
                        sheet[3 * target + colour] = (255. * value).round() as u8;
                    }
                }
            }
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, sheet_width as u32, sheet_height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&sheet));
    written.map_err(|error| Failure::Run(format!("PNG: {error}")))?;
    Ok(file)
}
