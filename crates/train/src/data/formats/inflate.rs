//! Unpacking with an end: a small file cannot make a large one without limit.

use std::io::Read;

/// Bytes that the content of a file may take: 16 MiB, and 256 for each byte of the file.
///
/// DEFLATE packs up to 1032 equal bytes into one. Sorted labels come close to that but are small; tables and images do
/// not come near 256.
pub(crate) fn limit(file_len: usize) -> usize {
    (16usize << 20).saturating_add(file_len.saturating_mul(256))
}

/// Reads to the end, which must come within `limit` bytes.
pub(crate) fn read_all(reader: impl Read, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let most = (limit as u64).saturating_add(1);
    reader.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > limit {
        return Err(format!("unpacks to more than {limit} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_at_the_limit() {
        assert_eq!(read_all(&[7; 9][..], 9).unwrap(), [7; 9]);
        assert_eq!(read_all(std::io::repeat(0), 9).unwrap_err(), "unpacks to more than 9 bytes");
    }
}
