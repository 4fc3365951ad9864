//! The identity of data.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::samples::{RawSplit, Values};

/// The identity of the data that a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataDigest {
    /// The name on its card.
    pub name: String,
    /// Digest of its samples as they were read, in their order: see [`SampleDigests::in_order`].
    pub sha256: String,
    /// Under which terms.
    pub licence: String,
    /// How to cite it.
    pub citation: String,
}

/// Digests of decoded samples, the same in whatever files they came.
///
/// That of one sample is the SHA-256 of its label (`u32`, little-endian) and its values (pixels as bytes, other features
/// as `f32`, little-endian, or as `f64` where `f32` would round them too coarsely).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleDigests {
    /// SHA-256 of the digests of all training samples and then of all test samples, in hexadecimal.
    pub in_order: String,
    /// The same with the digests of each split sorted.
    pub any_order: String,
}

impl SampleDigests {
    pub(super) fn of(train: &RawSplit, test: Option<&RawSplit>) -> Self {
        let splits = [Some(train), test].into_iter().flatten();
        let mut samples: Vec<Vec<[u8; 32]>> = splits.map(of_each).collect();
        let digest = |samples: &[Vec<[u8; 32]>]| {
            hex(&samples
                .iter()
                .flatten()
                .fold(Sha256::new(), |digest, s| digest.chain_update(s))
                .finalize())
        };
        let in_order = digest(&samples);
        samples.iter_mut().for_each(|split| split.sort_unstable());
        Self { in_order, any_order: digest(&samples) }
    }
}

fn of_each(split: &RawSplit) -> Vec<[u8; 32]> {
    let n_features = split.n_values() / split.labels.len().max(1);
    let digest = |(sample, label): (usize, &u32)| {
        let digest = Sha256::new_with_prefix(label.to_le_bytes());
        let values = sample * n_features..(sample + 1) * n_features;
        let digest = match &split.values {
            Values::Pixels(bytes) => digest.chain_update(&bytes[values]),
            Values::Reals(reals) => reals[values]
                .iter()
                .fold(digest, |digest, value| digest.chain_update(value.to_le_bytes())),
            Values::Doubles(doubles) => doubles[values]
                .iter()
                .fold(digest, |digest, value| digest.chain_update(value.to_le_bytes())),
        };
        digest.finalize().into()
    };
    split
        .labels
        .par_iter()
        .enumerate()
        .with_min_len(64)
        .map(|(i, label)| digest((i, label)))
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_matters_to_one_of_them() {
        let of = |pixels: &[u8], labels: &[u32]| {
            SampleDigests::of(&RawSplit::pixels(pixels.to_vec(), labels.to_vec()), None)
        };
        let (first, swapped) = (of(&[1, 2, 3, 4], &[7, 8]), of(&[3, 4, 1, 2], &[8, 7]));
        assert_ne!(first.in_order, swapped.in_order);
        assert_eq!(first.any_order, swapped.any_order);
        let labels = of(&[1, 2, 3, 4], &[8, 7]);
        assert_ne!(first.any_order, labels.any_order);
        // hashlib.sha256(b''.join(sorted(sha256(struct.pack('<I', l) + p).digest() for ...))) in Python.
        assert_eq!(
            first.any_order,
            "4b62fa2e25bd13eb0911bb0ccc27c9c9cdfa719612e33cc467c30502158655d2"
        );
    }
}
