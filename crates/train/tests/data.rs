//! Published files, read to the pixel, against what Python found in them (`tests/golden/data/make_golden.py`):
//! `NOISESCOPE_TEST_DATA=… cargo test --release -p noisescope-train --test data -- --ignored published`.

use std::path::PathBuf;

use candle_core::Device;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use train::data::{self, Card, DataSpec, Verdict, candidates};

#[derive(Deserialize)]
struct Golden {
    n: Vec<usize>,
    in_order: String,
    any_order: String,
    moments: Vec<(f64, f64)>,
    first_labels: Vec<u32>,
    first_sample: Vec<f64>,
}

const GOLDEN: &str = include_str!("../../../tests/golden/data/golden.json");

/// What Python calls it; card, folder, and whether it is only a part of what the card promises.
const SETS: [(&str, &str, &str, Verdict); 11] = [
    ("mnist", "mnist", "mnist", Verdict::SameFiles),
    ("cifar10-subset", "cifar10", "cifar10-subset", Verdict::Part),
    ("cifar10-binary-sample", "cifar10", "cifar10-binary-sample", Verdict::Part),
    ("cifar100", "cifar100", "cifar100", Verdict::SameSamples),
    ("cifar100-coarse", "cifar100-coarse", "cifar100", Verdict::SameSamples),
    ("cifar100-binary-sample", "cifar100", "cifar100-binary-sample", Verdict::Part),
    ("cinic10-sample", "cinic10", "cinic10-sample", Verdict::Part),
    ("cardio", "cardio", "odds", Verdict::SameFiles),
    ("ionosphere-odds", "ionosphere-odds", "odds", Verdict::SameFiles),
    ("musk", "musk", "odds", Verdict::SameFiles),
    ("cola", "cola", "cola", Verdict::SameFiles),
];

/// The folder of published data, which is not part of the project.
fn folder() -> PathBuf {
    static CACHE: OnceLock<tempfile::TempDir> = OnceLock::new();
    CACHE.get_or_init(|| {
        let cache = tempfile::tempdir().unwrap();
        // SAFETY: both tests come here before they read the environment.
        unsafe { std::env::set_var("XDG_CACHE_HOME", cache.path()) };
        cache
    });
    std::env::var_os("NOISESCOPE_TEST_DATA").expect("NOISESCOPE_TEST_DATA is set").into()
}

#[test]
#[ignore = "needs published data"]
fn published_files_are_what_python_finds_in_them() {
    let folder = folder();
    let golden: BTreeMap<String, Golden> = serde_json::from_str(GOLDEN).unwrap();
    for (name, card, directory, verdict) in SETS {
        let golden = &golden[name];
        let card = Card::find(card).unwrap();
        let found = candidates(&card, Some(&folder.join(directory)), true)[0].verify().unwrap();
        assert_eq!(found.verdict, verdict, "{name}");
        let n_test = golden.n.get(1).copied().unwrap_or(0);
        assert_eq!((found.n_train, found.n_test), (golden.n[0], n_test), "{name}");
        assert_eq!(found.digests.in_order, golden.in_order, "{name}");
        assert_eq!(found.digests.any_order, golden.any_order, "{name}");
        for ((mean, deviation), golden) in found.figures.iter().zip(&golden.moments) {
            assert!((mean - golden.0).abs() < 1e-9, "{name}: {mean} {}", golden.0);
            assert!((deviation - golden.1).abs() < 1e-9, "{name}: {deviation} {}", golden.1);
        }
        println!("{name:24} {verdict:?}, {} + {n_test} samples, digest as in Python", golden.n[0]);
    }
}

/// As training sees them: twice, since the second time they come from the cache.
#[test]
#[ignore = "needs published data"]
fn published_files_loaded_twice_are_the_same_pixels() {
    let folder = folder();
    let golden: BTreeMap<String, Golden> = serde_json::from_str(GOLDEN).unwrap();
    for (name, card, directory, _) in SETS.into_iter().filter(|set| !set.0.contains("cifar100")) {
        let golden = &golden[name];
        for standardise in [false, true] {
            let spec = DataSpec {
                directory: Some(folder.join(directory)),
                part: true,
                standardise,
                ..DataSpec::embedded(card)
            };
            let data = data::load(&spec, &Device::Cpu).unwrap();
            assert_eq!(data.train.labels()[..8], golden.first_labels, "{name}");
            let first = data.train.range(0..1).unwrap().0.flatten_all().unwrap();
            let first = first.to_vec1::<f32>().unwrap();
            let scale = if data.image.is_some() { 255. } else { 1. };
            let step = (first.len() / 61).max(1);
            for (idx, expected) in (0..first.len()).step_by(step).zip(&golden.first_sample) {
                let (mean, deviation) = match (standardise, data.image) {
                    (false, _) => (0., 1.),
                    (true, Some([channels, ..])) => golden.moments[idx * channels / first.len()],
                    (true, None) => continue,
                };
                let expected = (expected / scale - mean) / deviation;
                assert!((f64::from(first[idx]) - expected).abs() < 1e-5, "{name}: {idx}");
            }
        }
    }
}
