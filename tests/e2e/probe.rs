//! `probe` at checkpoints, during training, and what it keeps.

use std::path::{Path, PathBuf};

use crate::workdir::{WorkDir, assert_same_results};

fn bytes(run: &Path, file: &str) -> Vec<u8> {
    std::fs::read(run.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The only run of an experiment of that name.
fn run_of(work: &WorkDir, out: &str, name: &str) -> PathBuf {
    let mut runs = std::fs::read_dir(work.path(out).join(name)).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    assert!(runs.next().is_none());
    run
}

#[test]
fn a_run_that_is_measured_during_training_ends_as_one_that_is_not() {
    let work = WorkDir::new();
    let during = ["--set", "probe.during={ log_spaced = 2 }"];
    let args = [&["probe", "small.toml", "--out", "measured"][..], &during].concat();
    let said = work.succeed(&args);
    assert!(said.out.contains("Gradient noise during training"), "{}", said.out);
    work.succeed(&["probe", "small.toml", "--out", "bare"]);
    let (measured, bare) = (work.only_run("measured"), work.only_run("bare"));
    for file in ["checkpoints/trained.safetensors", "steps.csv", "noise.parquet"] {
        assert!(bytes(&measured, file) == bytes(&bare, file), "{file} differs");
    }
    let rows = |run: &Path| {
        let run = run.to_str().unwrap();
        work.succeed(&["show", run, "noise_during_summary", "--csv"]).out
    };
    let out = rows(&measured);
    // Steps 1, 3, 10, 32, … at two batch sizes.
    let steps: Vec<&str> = out.lines().skip(1).map(|row| row.split(',').next().unwrap()).collect();
    assert!(steps.starts_with(&["1", "1", "3", "3", "10", "10", "32", "32"]), "{out}");
    assert!(!measured.join("partial").exists() && !bare.join("noise_during.parquet").exists());
}

#[test]
fn a_checkpoint_gives_the_noise_that_its_run_has() {
    let work = WorkDir::new();
    work.succeed(&["probe", "small.toml", "--out", "whole"]);
    let whole = work.only_run("whole");
    let checkpoint = whole.join("checkpoints/trained.safetensors");
    let path = checkpoint.to_str().unwrap();
    work.succeed(&["probe", "--checkpoint", path, "--out", "own"]);
    let own = work.only_run("own");
    for table in ["noise", "noise_scale", "noise_covariance"] {
        let file = format!("{table}.parquet");
        assert!(bytes(&whole, &file) == bytes(&own, &file), "{table} differs");
    }

    // The same weights with no run around them, as PyTorch would leave them.
    std::fs::copy(&checkpoint, work.path("weights.safetensors")).unwrap();
    let what = ["--data", "ionosphere", "--model", "mlp:12,12", "--seed", "3", "--out", "bare"];
    let noise = ["--params", "12", "--batch-size", "8,64", "--draws", "80"];
    let args = [&["probe", "--checkpoint", "weights.safetensors"], &what[..], &noise].concat();
    work.succeed(&args);
    let bare = run_of(&work, "bare", "weights");
    assert!(bytes(&whole, "noise.parquet") == bytes(&bare, "noise.parquet"));
    let manifest = String::from_utf8(bytes(&bare, "manifest.json")).unwrap();
    assert!(manifest.contains("\"checkpoint\": \"") && manifest.contains("\"finished\""));

    // Other weights under the same name are another run.
    work.succeed(&["train", "small.toml", "--seed", "9", "--out", "other"]);
    let other = work.only_run("other").join("checkpoints/trained.safetensors");
    std::fs::copy(other, work.path("weights.safetensors")).unwrap();
    let line = work.fail(2, &args);
    assert!(line.contains("this run was made of another checkpoint under the same name"), "{line}");
}

#[test]
fn parameters_by_layer_in_the_format_of_numpy() {
    let work = WorkDir::new();
    let keys = ["--params", "per-layer:3", "--layers", "fc1.*", "--layers", "*.bias"];
    let way = ["--method", "per_sample", "--set", "probe.save_draws=npy", "--draws", "60"];
    work.succeed(&[&["probe", "small.toml"][..], &keys, &way].concat());
    let run = work.only_run("runs");
    let out = work.succeed(&["show", run.to_str().unwrap(), "noise_layers", "--csv"]).out;
    let layers: Vec<Vec<&str>> = out.lines().skip(1).map(|row| row.split(',').collect()).collect();
    let named: Vec<_> = layers.iter().map(|row| (row[0], row[1], row[3])).collect();
    let expected = [("fc1.weight", "3"), ("fc1.bias", "3"), ("fc2.bias", "3"), ("fc3.bias", "2")];
    let of_size = |size| expected.map(|(layer, n)| (size, layer, n));
    assert_eq!(named, [of_size("8"), of_size("64")].concat());

    // Read back, a column is what `noise` says of its parameter.
    let npy = run.join("draws/noise-b8.npy");
    let fit = work.succeed(&["fit", npy.to_str().unwrap(), "--format", "csv"]).out;
    let noise = work.succeed(&["show", run.to_str().unwrap(), "noise", "--csv"]).out;
    let column = |csv: &str, name: &str| -> Vec<String> {
        let idx = csv.lines().next().unwrap().split(',').position(|found| found == name).unwrap();
        // Names of parameters are quoted where they have a comma in them.
        let plain = |row: &str| {
            let parts = row.split('"').enumerate();
            let parts = parts.map(|(idx, part)| if idx % 2 == 1 { "" } else { part });
            parts.collect::<String>().split(',').nth(idx).unwrap().to_owned()
        };
        csv.lines().skip(1).map(plain).collect()
    };
    let (found, expected) = (column(&fit, "gaussian_std"), column(&noise, "gaussian_std"));
    assert_eq!(found.len(), 11);
    assert_eq!(found, expected[..11]);
}

/// `diagonal` and the first of `eigenvalues` against the tables.
#[test]
fn eigenvectors_of_the_covariance_are_kept() {
    let work = WorkDir::new();
    work.succeed(&["probe", "small.toml", "--set", "probe.eigenvectors=5"]);
    let run = work.only_run("runs");
    let file = bytes(&run, "draws/covariance-b64.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
    let tensor = |name: &str| {
        let view = tensors.tensor(name).unwrap();
        let value = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap());
        (view.shape().to_vec(), view.data().chunks(8).map(value).collect::<Vec<f64>>())
    };
    let (shape, vectors) = tensor("eigenvectors");
    assert_eq!(shape, [5, 12]);
    for vector in vectors.chunks(12) {
        assert!((vector.iter().map(|v| v * v).sum::<f64>() - 1.0).abs() < 1e-12);
    }
    let table = |name: &str, columns: [&str; 2]| -> Vec<[f64; 2]> {
        let out = work.succeed(&["show", run.to_str().unwrap(), name, "--csv"]).out;
        let idx_of = |name| out.lines().next().unwrap().split(',').position(|c| c == name).unwrap();
        // From behind: names of parameters have commas in them.
        let n = out.lines().next().unwrap().split(',').count();
        let of_size = out.lines().skip(1).filter(|row| row.starts_with("64,"));
        let real = |row: &str, name| row.rsplit(',').nth(n - 1 - idx_of(name)).unwrap().parse();
        of_size.map(|row| columns.map(|name| real(row, name).unwrap())).collect()
    };
    let spectrum = table("noise_spectrum", ["eigenvalue", "trace"]);
    let (_, values) = tensor("eigenvalues");
    let (_, diagonal) = tensor("diagonal");
    let trace = spectrum[0][1];
    assert!((diagonal.iter().sum::<f64>() - trace).abs() < 1e-12 * trace);
    for (value, [expected, _]) in values.iter().zip(spectrum) {
        assert!((value - expected).abs() < 1e-12 * trace, "{value} {expected}");
    }
    let noise = table("noise", ["gaussian_mean", "gaussian_std"]);
    for (variance, [mean, std]) in diagonal.iter().zip(noise) {
        let expected = mean * mean + std * std;
        assert!((variance - expected).abs() < 1e-9 * expected, "{variance} {expected}");
    }
}

#[test]
fn what_a_checkpoint_lacks_is_said() {
    let work = WorkDir::new();
    work.write("weights.safetensors", b"");
    let line = work.fail(2, &["probe", "--checkpoint", "weights.safetensors"]);
    let expected = "weights.safetensors: it lies in no run directory; say what it is with an \
                    experiment, or with --data and --model";
    assert_eq!(line, expected);
    let what = ["--data", "ionosphere", "--model", "mlp:3"];
    let line =
        work.fail(2, &[&["probe", "--checkpoint", "weights.safetensors"][..], &what].concat());
    assert!(line.starts_with("weights.safetensors: "), "{line}");
    // A folder with an experiment in it is no run directory.
    std::fs::create_dir(work.path("sub")).unwrap();
    std::fs::copy(work.path("small.toml"), work.path("experiment.toml")).unwrap();
    work.write("sub/weights.safetensors", b"");
    let line = work.fail(2, &["probe", "--checkpoint", "sub/weights.safetensors"]);
    assert!(line.contains("it lies in no run directory"), "{line}");
    let line = work.fail(2, &["probe", "small.toml", "--params", "some"]);
    assert_eq!(line, "--params some: permitted are a number, all, or per-layer:N");
    let line = work.fail(2, &["probe", "small.toml", "--layers", "conv*"]);
    assert!(line.contains("probe.layers = \"conv*\": permitted is names of layers: fc1.weight"));
    let line = work.fail(2, &["run", "small.toml", "--set", "probe.checkpoint=w.safetensors"]);
    let expected =
        "small.toml: escape.checkpoint = None: permitted is the same as probe.checkpoint";
    assert_eq!(line, expected);
    let line = work.fail(2, &["probe", "small.toml", "--checkpoint", "missing.safetensors"]);
    assert!(line.starts_with("small.toml: missing.safetensors: "), "{line}");
}

#[test]
fn two_ways_to_say_the_same_are_one_run() {
    let work = WorkDir::new();
    let flags = ["--params", "5", "--batch-size", "4,9", "--draws", "70", "--out", "flags"];
    work.succeed(&[&["probe", "small.toml"][..], &flags].concat());
    let keys = ["probe.parameters=5", "probe.batch_sizes=[4, 9]", "probe.draws=70"];
    let keys = keys.map(|key| ["--set", key]).concat();
    work.succeed(&[&["probe", "small.toml", "--out", "keys"][..], &keys].concat());
    let (flags, keys) = (work.only_run("flags"), work.only_run("keys"));
    assert_eq!(flags.file_name(), keys.file_name());
    assert_same_results(&flags, &keys);
}
