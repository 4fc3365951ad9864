//! PNG images of a size that is known beforehand.

use std::io::Cursor;

use png::{ColorType, Decoder, Limits, Transformations};

/// Writes the pixels of an image `[channels, height, width]` to `target`. Grey becomes red, green and blue alike where
/// three channels are wanted; an alpha channel is left out.
///
/// # Errors
/// When the image is damaged or of another size. Nothing larger than the image that is expected is ever allocated.
pub(crate) fn decode(
    bytes: &[u8],
    [channels, height, width]: [usize; 3],
    target: &mut [u8],
    scratch: &mut Vec<u8>,
) -> Result<(), String> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 1 << 20 });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let text = |error: png::DecodingError| format!("PNG: {error}");
    let mut reader = decoder.read_info().map_err(text)?;
    let info = reader.info();
    if (info.height as usize, info.width as usize) != (height, width) {
        return Err(format!("{} × {} pixels, not {height} × {width}", info.height, info.width));
    }
    let n_samples = match (reader.output_color_type().0, channels) {
        (ColorType::Grayscale, 1 | 3) => 1,
        (ColorType::GrayscaleAlpha, 1 | 3) => 2,
        (ColorType::Rgb, 3) => 3,
        (ColorType::Rgba, 3) => 4,
        (colour, _) => return Err(format!("{colour:?} pixels where {channels} channel is wanted")),
    };
    scratch.resize(n_samples * height * width, 0);
    reader.next_frame(scratch).map_err(text)?;
    let colours = n_samples.min(channels.min(if n_samples < 3 { 1 } else { 3 }));
    for (channel, plane) in target.chunks_exact_mut(height * width).enumerate() {
        let pixels = scratch.iter().skip(channel.min(colours - 1)).step_by(n_samples);
        plane.iter_mut().zip(pixels).for_each(|(target, &pixel)| *target = pixel);
    }
    Ok(())
}

/// Channels, 1 or 3, height and width.
pub(crate) fn shape(bytes: &[u8]) -> Result<[usize; 3], String> {
    let decoder = Decoder::new_with_limits(Cursor::new(bytes), Limits { bytes: 1 << 20 });
    let reader = decoder.read_info().map_err(|error| format!("PNG: {error}"))?;
    let info = reader.info();
    let grey = matches!(info.color_type, ColorType::Grayscale | ColorType::GrayscaleAlpha);
    Ok([if grey { 1 } else { 3 }, info.height as usize, info.width as usize])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PNG of interleaved pixels.
    pub(crate) fn encode(colour: ColorType, [height, width]: [u32; 2], pixels: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(colour);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
        file
    }

    fn decoded(file: &[u8], channels: usize) -> Result<Vec<u8>, String> {
        let mut target = vec![0; channels * 2];
        decode(file, [channels, 1, 2], &mut target, &mut Vec::new()).map(|()| target)
    }

    #[test]
    fn channels_are_planes() {
        let rgb = encode(ColorType::Rgb, [1, 2], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(decoded(&rgb, 3).unwrap(), [1, 4, 2, 5, 3, 6]);
        let rgba = encode(ColorType::Rgba, [1, 2], &[1, 2, 3, 9, 4, 5, 6, 9]);
        assert_eq!(decoded(&rgba, 3).unwrap(), [1, 4, 2, 5, 3, 6]);
        let grey = encode(ColorType::Grayscale, [1, 2], &[7, 8]);
        assert_eq!(decoded(&grey, 1).unwrap(), [7, 8]);
        assert_eq!(decoded(&grey, 3).unwrap(), [7, 8, 7, 8, 7, 8]);
        let grey = encode(ColorType::GrayscaleAlpha, [1, 2], &[7, 0, 8, 0]);
        assert_eq!(decoded(&grey, 3).unwrap(), [7, 8, 7, 8, 7, 8]);
    }

    #[test]
    fn what_is_not_the_image_expected() {
        let rgb = encode(ColorType::Rgb, [1, 2], &[1, 2, 3, 4, 5, 6]);
        assert!(decoded(&rgb, 1).unwrap_err().contains("Rgb pixels where 1 channel"));
        let tall = encode(ColorType::Rgb, [2, 1], &[1, 2, 3, 4, 5, 6]);
        assert_eq!(decoded(&tall, 3).unwrap_err(), "2 × 1 pixels, not 1 × 2");
        assert!(decoded(&rgb[..rgb.len() - 20], 3).unwrap_err().starts_with("PNG: "));
        assert!(decoded(b"no image", 3).unwrap_err().starts_with("PNG: "));
    }
}
