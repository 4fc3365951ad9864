//! Decoded data in one safetensors file, mapped into memory: what was imported, and images that took long to decode.
//!
//! Tensors `train_inputs` (`U8` pixels `[N, C, H, W]`, or `F32` or `F64` `[N, n_features]`), `train_labels` (`U32` `[N]`) and, where
//! there is a test set, `test_inputs` and `test_labels`; the card, the digests and the moments are in the metadata.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use memmap2::Mmap;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize_to_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::card::Card;
use super::digest::{SampleDigests, hex};
use super::home;
use super::locate::{FileAt, Located};
use super::read::{RawData, Verdict};
use super::samples::{Bytes, RawSplit, Values};
use crate::error::TrainError;

/// Changes whenever older files must not be read any more.
const FORMAT: &str = "noisescope data 1";

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    card: Card,
    digests: SampleDigests,
    moments: Vec<(f64, f64)>,
    verdict: Verdict,
}

/// The file that keeps what these files decode to, as long as none of them changes; `None` where decoding is fast, and
/// without a home.
pub(super) fn path_for(card: &Card, located: &Located<'_>) -> Option<PathBuf> {
    if !located.source.layout.is_slow() {
        return None;
    }
    let mut digest = Sha256::new_with_prefix(format!("{FORMAT}\n{}\n{:?}", card.name, card.image));
    digest.update(format!("{:?}", located.source.layout));
    for (_, at) in located.train.iter().chain(&located.test) {
        let FileAt::Path(path) = at else { return None };
        fingerprint(path, &mut digest).ok()?;
    }
    let key = hex(&digest.finalize()[..8]);
    Some(home::cache()?.join(format!("{}-{key}.safetensors", card.name)))
}

/// Path, size and time of the last change of a file, or of all files in a folder.
fn fingerprint(path: &Path, digest: &mut Sha256) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let metadata = path.metadata()?;
    if metadata.is_dir() {
        let entries = std::fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.path()));
        let mut entries: Vec<PathBuf> = entries.collect::<std::io::Result<_>>()?;
        entries.sort();
        return entries.iter().try_for_each(|entry| fingerprint(entry, digest));
    }
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    digest.update(format!("{}\n{}\n{changed}\n", path.display(), metadata.len()));
    Ok(())
}

/// The file of imported data of that name, if there is one.
pub(super) fn imported_path(name: &str) -> Option<PathBuf> {
    imported().into_iter().find(|(_, card)| card.name == name).map(|(path, _)| path)
}

/// Whether there is a file of imported data of that name that can't be read.
pub(super) fn is_damaged(name: &str) -> bool {
    let path = home::imported().map(|home| home.join(format!("{name}.safetensors")));
    path.is_some_and(|path| path.exists() && map(&path).is_err())
}

/// Data that were imported: the files and their cards. What can't be read is left out.
pub(super) fn imported() -> Vec<(PathBuf, Card)> {
    let entries = home::imported().into_iter().flat_map(std::fs::read_dir).flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let is_ours = |path: &PathBuf| path.extension().is_some_and(|end| end == "safetensors");
    let card = |path: PathBuf| Some((map(&path).ok()?.1.card, path));
    paths.into_iter().filter(is_ours).filter_map(card).map(|(card, path)| (path, card)).collect()
}

/// Writes data with their card.
pub(super) fn write(path: &Path, card: &Card, raw: &RawData) -> Result<(), TrainError> {
    let metadata = Metadata {
        format: FORMAT.to_owned(),
        card: card.clone(),
        digests: raw.digests.clone(),
        moments: raw.moments.clone(),
        verdict: raw.verdict,
    };
    let metadata = serde_json::to_string(&metadata).expect("cards serialise");
    let splits = [("train", Some(&raw.train)), ("test", raw.test.as_ref())];
    let splits: Vec<(&str, &RawSplit)> =
        splits.into_iter().filter_map(|(name, split)| Some((name, split?))).collect();
    let labels: Vec<Vec<u8>> = splits
        .iter()
        .map(|(_, split)| to_bytes(&split.labels, |label| label.to_le_bytes()))
        .collect();
    let reals: Vec<Vec<u8>> = splits
        .iter()
        .map(|(_, split)| match &split.values {
            Values::Pixels(_) => vec![],
            Values::Reals(reals) => to_bytes(reals, |value| value.to_le_bytes()),
            Values::Doubles(doubles) => to_bytes(doubles, |value| value.to_le_bytes()),
        })
        .collect();
    let mut tensors = Vec::new();
    for (((name, split), labels), reals) in splits.iter().zip(&labels).zip(&reals) {
        let n = split.labels.len();
        let (dtype, inputs): (Dtype, &[u8]) = match &split.values {
            Values::Pixels(bytes) => (Dtype::U8, bytes),
            Values::Reals(_) => (Dtype::F32, reals),
            Values::Doubles(_) => (Dtype::F64, reals),
        };
        let shape = match card.image {
            Some([channels, height, width]) => vec![n, channels, height, width],
            None => vec![n, card.n_features],
        };
        tensors.push((format!("{name}_inputs"), view(dtype, shape, inputs)?));
        tensors.push((format!("{name}_labels"), view(Dtype::U32, vec![n], labels)?));
    }
    let metadata = HashMap::from([("noisescope".to_owned(), metadata)]);
    // Another process may prepare the same data at the same time.
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
    let written = serialize_to_file(tensors, Some(metadata), &part)
        .map_err(|error| TrainError::from(candle_core::Error::from(error)))
        .and_then(|()| {
            let synced = File::open(&part).and_then(|file| file.sync_all());
            synced.and_then(|()| std::fs::rename(&part, path)).map_err(TrainError::io(path))
        });
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn view(dtype: Dtype, shape: Vec<usize>, bytes: &[u8]) -> Result<TensorView<'_>, TrainError> {
    Ok(TensorView::new(dtype, shape, bytes).map_err(candle_core::Error::from)?)
}

fn to_bytes<T: Copy, const N: usize>(values: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.iter().flat_map(|&value| bytes(value)).collect()
}

fn map(path: &Path) -> Result<(Arc<Mmap>, Metadata), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    // SAFETY: our files are replaced by renaming and never written in place.
    let map = unsafe { Mmap::map(&file) }.map_err(|error| error.to_string())?;
    let (_, header) = SafeTensors::read_metadata(&map).map_err(|error| error.to_string())?;
    let metadata = header.metadata().as_ref().and_then(|metadata| metadata.get("noisescope"));
    let metadata = metadata.ok_or("no data of this program")?;
    let metadata: Metadata = serde_json::from_str(metadata).map_err(|error| error.to_string())?;
    if metadata.format != FORMAT {
        return Err(format!("format `{}`, this program reads `{FORMAT}`", metadata.format));
    }
    Ok((Arc::new(map), metadata))
}

/// Reads data that [`write()`] wrote, and holds them to their digest; pixels stay in the file.
pub(super) fn read(path: &Path) -> Result<RawData, TrainError> {
    let bad = |reason: String| TrainError::data(path.display().to_string(), reason);
    let (map, metadata) = map(path).map_err(bad)?;
    let tensors = SafeTensors::deserialize(&map).map_err(|error| bad(error.to_string()))?;
    let split = |name: &str| -> Option<Result<RawSplit, String>> {
        let inputs = tensors.tensor(&format!("{name}_inputs")).ok()?;
        let labels = tensors.tensor(&format!("{name}_labels")).ok()?;
        let labels: Vec<u32> = from_bytes(labels.data(), u32::from_le_bytes);
        let values = match inputs.dtype() {
            Dtype::U8 => {
                let start = inputs.data().as_ptr() as usize - map.as_ptr() as usize;
                Values::Pixels(Bytes::mapped(map.clone(), start..start + inputs.data().len()))
            }
            Dtype::F32 => Values::Reals(from_bytes(inputs.data(), f32::from_le_bytes)),
            Dtype::F64 => Values::Doubles(from_bytes(inputs.data(), f64::from_le_bytes)),
            other => return Some(Err(format!("{name}_inputs of type {other:?}"))),
        };
        Some(Ok(RawSplit { values, labels }))
    };
    let train = split("train").ok_or_else(|| bad("no training set".to_owned()))?.map_err(bad)?;
    let test = split("test").transpose().map_err(bad)?;
    let Metadata { card, digests, moments, verdict, .. } = metadata;
    for split in [Some(&train), test.as_ref()].into_iter().flatten() {
        let n_classes = card.classes.len();
        let holds = split.n_values() == split.labels.len() * card.n_features
            && split.labels.iter().all(|&label| (label as usize) < n_classes);
        if !holds {
            return Err(bad("damaged: not the samples that its card describes".to_owned()));
        }
    }
    if SampleDigests::of(&train, test.as_ref()) != digests {
        return Err(bad("damaged: not the samples that were kept".to_owned()));
    }
    Ok(RawData { train, test, digests, moments, verdict })
}

fn from_bytes<T, const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (words, _) = bytes.as_chunks::<N>();
    words.iter().map(|&word| value(word)).collect()
}
