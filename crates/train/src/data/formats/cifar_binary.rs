//! The binary records of CIFAR-10 and CIFAR-100: label bytes, then 1024 red, 1024 green and 1024 blue pixels, row-major.
//!
//! Krizhevsky (2009), as described at <https://www.cs.toronto.edu/~kriz/cifar.html>.

/// Bytes of one image.
const IMAGE: usize = 3 * 32 * 32;

/// Pixels `[N, 3, 32, 32]` and labels, from records with `label_bytes` bytes before each image, of which the one at
/// `label_at` is the label. Holds no more than the file does.
pub(crate) fn parse(
    bytes: &[u8],
    label_bytes: usize,
    label_at: usize,
) -> Result<(Vec<u8>, Vec<u32>), String> {
    let record = label_bytes + IMAGE;
    if bytes.is_empty() || !bytes.len().is_multiple_of(record) {
        return Err(format!("{} bytes are not a number of records of {record}", bytes.len()));
    }
    let records = bytes.chunks_exact(record);
    let labels = records.clone().map(|record| u32::from(record[label_at])).collect();
    Ok((records.flat_map(|record| &record[label_bytes..]).copied().collect(), labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records() {
        let mut file = vec![7, 42];
        file.extend((0..IMAGE).map(|i| (i % 256) as u8));
        file.extend([8, 43]);
        file.extend([9; IMAGE]);
        let (pixels, labels) = parse(&file, 2, 1).unwrap();
        assert_eq!(labels, [42, 43]);
        assert_eq!((pixels.len(), pixels[1025], pixels[IMAGE]), (2 * IMAGE, 1, 9));
        assert_eq!(parse(&file, 2, 0).unwrap().1, [7, 8]);
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let message = parse(&[0; 3072], 1, 0).unwrap_err();
        assert_eq!(message, "3072 bytes are not a number of records of 3073");
        assert!(parse(&[], 1, 0).is_err());
    }
}
