//! The idx format of MNIST and Fashion-MNIST, gzipped or not: magic number, big-endian sizes, then bytes.

use flate2::read::MultiGzDecoder;

use super::inflate;

/// An idx file of bytes with `n_dims` dimensions, as it is or gzipped (RFC 1952, in one member or several): their sizes, and
/// the values in row-major order.
pub(crate) fn parse(file: &[u8], n_dims: usize) -> Result<(Vec<usize>, Vec<u8>), String> {
    let mut bytes = if file.starts_with(&[0, 0, 8]) {
        file.to_vec()
    } else {
        let unpacked = inflate::read_all(MultiGzDecoder::new(file), inflate::limit(file.len()));
        unpacked.map_err(|error| format!("gzip: {error}"))?
    };
    let header_len = 4 + 4 * n_dims;
    if bytes.len() < header_len || bytes[..4] != [0, 0, 8, n_dims as u8] {
        return Err(format!("not an idx file of bytes with {n_dims} dimensions"));
    }
    let sizes: Vec<usize> = bytes[4..header_len]
        .chunks_exact(4)
        .map(|size| u32::from_be_bytes(size.try_into().expect("four bytes")) as usize)
        .collect();
    let values = bytes.split_off(header_len);
    let expected = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    if expected != Some(values.len()) {
        return Err(format!("{} values, the header says {sizes:?}", values.len()));
    }
    Ok((sizes, values))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn reads_sizes_and_values() {
        let file = gzip(&[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);
        let expected = (vec![2, 3], vec![1, 2, 3, 4, 5, 6]);
        assert_eq!(parse(&file, 2).unwrap(), expected);
        // `gzip -d`, and `cat a.gz b.gz`.
        let unpacked = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
        assert_eq!(parse(&unpacked, 2).unwrap(), expected);
        let members = [gzip(&unpacked[..7]), gzip(&unpacked[7..])].concat();
        assert_eq!(parse(&members, 2).unwrap(), expected);
    }

    #[test]
    fn refuses_what_the_header_does_not_promise() {
        let short = gzip(&[0, 0, 8, 1, 0, 0, 0, 9, 1]);
        assert_eq!(parse(&short, 1).unwrap_err(), "1 values, the header says [9]");
        let labels = parse(&short, 3).unwrap_err();
        assert_eq!(labels, "not an idx file of bytes with 3 dimensions");
        assert_eq!(
            parse(&[0, 0, 8, 1], 1).unwrap_err(),
            "not an idx file of bytes with 1 dimensions"
        );
        assert!(parse(b"no gzip", 1).unwrap_err().starts_with("gzip: "));
    }
}
