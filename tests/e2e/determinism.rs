//! One seed gives the same bytes: whatever the thread count, stopped and resumed or straight through.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::workdir::{WorkDir, assert_same_results, said};

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let work = WorkDir::new();
    for n_threads in ["1", "2", "5"] {
        let during = "probe.during={ log_spaced = 2 }";
        let args = ["run", "small.toml", "--out", n_threads, "--set", during];
        let mut command = work.command(&args);
        let said = said(command.env("RAYON_NUM_THREADS", n_threads).output().unwrap());
        assert_eq!(said.code, 0, "{}", said.err);
    }
    assert_same_results(&work.only_run("1"), &work.only_run("2"));
    assert_same_results(&work.only_run("1"), &work.only_run("5"));
}

#[test]
fn another_seed_gives_other_results() {
    let work = WorkDir::new();
    work.succeed(&["train", "small.toml", "--out", "a"]);
    work.succeed(&["train", "small.toml", "--out", "b", "--seed", "4"]);
    let read = |out: &str| std::fs::read(work.only_run(out).join("steps.csv")).unwrap();
    assert_ne!(read("a"), read("b"));
}

/// Long enough to be hit in every stage.
const LONG: [&str; 10] = [
    "--set",
    "probe.during={ log_spaced = 2 }",
    "--set",
    "training.minimum.gradient_norm=0.01",
    "--set",
    "model.hidden=[24, 24]",
    "--set",
    "escape.seeds=200",
    "--set",
    "escape.horizon=400",
];

fn start(work: &WorkDir, out: &str) -> Child {
    let args = [["run", "small.toml", "--out", out].as_slice(), &LONG].concat();
    let mut command = work.command(&args);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Waits until a run of `small` under `out` has a file of that name with at least so many bytes.
fn wait_for(out: &Path, name: &str, n_bytes: u64) {
    let begun = Instant::now();
    loop {
        let runs = std::fs::read_dir(out.join("small")).into_iter().flatten().flatten();
        let found = runs
            .filter_map(|run| std::fs::metadata(run.path().join(name)).ok())
            .any(|metadata| metadata.len() >= n_bytes);
        if found {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no {name} within a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn status(work: &WorkDir, out: &str) -> String {
    let manifest = std::fs::read_to_string(work.only_run(out).join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    manifest["status"].as_str().unwrap().to_owned()
}

#[test]
fn interrupted_and_resumed_equals_straight_through() {
    let work = WorkDir::new();
    let straight = start(&work, "straight").wait_with_output().unwrap();
    assert!(straight.status.success());
    // In training, after it, after the probe, and where some trials of the escape are done.
    let moments = [
        ("steps.csv", 600),
        ("certificate.parquet", 1),
        ("noise.parquet", 1),
        ("partial/escape.jsonl", 2000),
    ];
    for (moment_idx, (file, n_bytes)) in moments.into_iter().enumerate() {
        let out = format!("interrupted-{moment_idx}");
        let child = start(&work, &out);
        wait_for(&work.path(&out), file, n_bytes);
        signal(&child, "-INT");
        let said = said(child.wait_with_output().unwrap());
        // A run that finished before the signal came would prove nothing.
        assert_eq!(said.code, 130, "{file}: {}", said.err);
        assert!(said.err.contains("the same command goes on from"), "{}", said.err);
        assert_eq!(status(&work, &out), "interrupted");
        assert!(start(&work, &out).wait_with_output().unwrap().status.success());
        assert_eq!(status(&work, &out), "finished");
        assert_same_results(&work.only_run("straight"), &work.only_run(&out));
    }
}

#[test]
fn killed_and_resumed_equals_straight_through() {
    let work = WorkDir::new();
    assert!(start(&work, "straight").wait_with_output().unwrap().status.success());
    let moments = [("steps.csv", 600), ("certificate.parquet", 1), ("partial/escape.jsonl", 2000)];
    for (file, n_bytes) in moments {
        let child = start(&work, "killed");
        wait_for(&work.path("killed"), file, n_bytes);
        signal(&child, "-KILL");
        child.wait_with_output().unwrap();
        assert_eq!(status(&work, "killed"), "running");
    }
    assert!(start(&work, "killed").wait_with_output().unwrap().status.success());
    assert_same_results(&work.only_run("straight"), &work.only_run("killed"));
}

#[test]
fn two_processes_never_work_on_the_same_run() {
    let work = WorkDir::new();
    let child = start(&work, "runs");
    wait_for(&work.path("runs"), "steps.csv", 1);
    let args = [["run", "small.toml", "--out", "runs"].as_slice(), &LONG].concat();
    let line = work.fail(1, &args);
    assert!(line.ends_with("another process is working on this run"), "{line}");
    signal(&child, "-KILL");
    child.wait_with_output().unwrap();
}

/// Momentum, running statistics and augmentation: everything that a checkpoint has to hold.
const RESIDUAL: &str = r#"
name = "small"
seed = 3

[data]
name = "fashion-mnist-6k"
standardise = true
samples = 512

[model]
kind = "cifar_resnet"
depth = 8

[training]
learning_rate = 0.02
batch_size = 32
max_epochs = 8
augmentation = { crop_padding = 2, flip = true }
optimizer = { sgd = { momentum = 0.9, nesterov = true, weight_decay = 0.0005 } }
"#;

/// `cargo test --release -p noisescope-cli --test e2e -- --ignored --nocapture fifty`, some five minutes.
#[test]
#[ignore = "kills a residual network fifty times"]
fn killed_fifty_times_at_random_equals_straight_through() {
    let work = WorkDir::new();
    work.write("residual.toml", RESIDUAL);
    let start = |out: &str| {
        let mut command = work.command(&["train", "residual.toml", "--out", out]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let straight = said(start("straight").wait_with_output().unwrap());
    assert_eq!(straight.code, 0, "{}", straight.err);
    let (mut n_kills, mut n_finished, mut state) = (0, 0, 12345u64);
    while n_kills < 50 {
        let mut child = start("killed");
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_millis(50 + (state >> 33) % 8000));
        if child.try_wait().unwrap().is_some() {
            assert_same_results(&work.only_run("straight"), &work.only_run("killed"));
            std::fs::remove_dir_all(work.path("killed")).unwrap();
            n_finished += 1;
            continue;
        }
        signal(&child, "-KILL");
        child.wait_with_output().unwrap();
        n_kills += 1;
    }
    assert!(start("killed").wait_with_output().unwrap().status.success());
    assert_same_results(&work.only_run("straight"), &work.only_run("killed"));
    println!("{n_kills} kills, {} runs that ended in the same bytes", n_finished + 1);
}
