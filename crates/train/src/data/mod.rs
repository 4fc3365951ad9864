//! Data sets: cards that say what a data set is, and readers that hold the files to it.

mod card;
mod dataset;
mod digest;
mod formats;
#[doc(hidden)]
pub mod fuzzing;
pub mod home;
mod hub;
mod import;
mod locate;
mod prepared;
mod read;
mod samples;

pub use card::{Card, CardFile, Layout, Repository, Source, cards};
pub use dataset::{Candidate, DataSpec, Dataset, Verification, candidates, features, load};
pub(crate) use digest::hex;
pub use digest::{DataDigest, SampleDigests};
pub use formats::array::Element;
pub use formats::npy::{NpyHeader, npz_members};
pub use formats::pandas;
pub use formats::parquet_numbers;
pub use formats::tensors::{TensorEntry, TensorsHeader};
pub use formats::text_table::{Header, TextColumn, TextTable};
pub use hub::{HubFile, fetch};
pub use import::{ImportSpec, Imported, import};
pub use read::Verdict;
pub use samples::Split;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::streams::Streams;
    use candle_core::{Device, Tensor};
    use rand::RngExt;

    /// Three features, two overlapping classes: a small training set for tests.
    pub(crate) fn blobs(n_samples: usize) -> Dataset {
        let mut rng = Streams::new(11).rng(0);
        let labels: Vec<u32> = (0..n_samples).map(|_| rng.random_range(0..2)).collect();
        let centre = |label: u32| label as f32 - 0.5;
        let inputs = labels.iter().flat_map(|&label| [centre(label), 0., -centre(label)]);
        let inputs: Vec<f32> =
            inputs.collect::<Vec<_>>().iter().map(|c| c + rng.random::<f32>() - 0.5).collect();
        let inputs = Tensor::from_vec(inputs, (n_samples, 3), &Device::Cpu).unwrap();
        let train = Split::new(inputs, labels);
        let name = "blobs".to_owned();
        Dataset {
            name,
            image: None,
            classes: vec!["left".into(), "right".into()],
            train,
            test: None,
            digest: None,
        }
    }
}
