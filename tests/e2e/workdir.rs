//! A directory of its own for each test, and the binary run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A fresh directory that holds `small.toml`.
pub struct WorkDir {
    dir: tempfile::TempDir,
}

/// What the binary said.
pub struct Said {
    /// Exit code; −1 where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl WorkDir {
    /// Makes the directory.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(dir.path().join("small.toml"), include_str!("small.toml")).expect("write");
        Self { dir }
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("write");
    }

    /// The binary, to be run here with two threads.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_noisescope"));
        command.args(args).current_dir(self.dir.path()).env("RAYON_NUM_THREADS", "2");
        // Nothing of the user's: neither data, nor caches, nor the network.
        for (variable, folder) in
            [("XDG_DATA_HOME", ".data"), ("XDG_CACHE_HOME", ".cache"), ("HF_HOME", ".hub")]
        {
            command.env(variable, self.path(folder));
        }
        command.env_remove("NOISESCOPE_DATA").env("HF_HUB_OFFLINE", "1");
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, args: &[&str]) -> Said {
        said(self.command(args).output().expect("the binary starts"))
    }

    /// Runs it and insists on success.
    #[track_caller]
    pub fn succeed(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}\n--- stdout\n{}\n--- stderr\n{}", said.out, said.err);
        said
    }

    /// Runs it and insists on an exit code and on a single line of complaint, which is returned.
    #[track_caller]
    pub fn fail(&self, code: i32, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.code, code, "{args:?}\n--- stdout\n{}\n--- stderr\n{}", said.out, said.err);
        let lines: Vec<&str> =
            said.err.lines().filter(|line| line.starts_with("noisescope: ")).collect();
        assert_eq!(lines.len(), 1, "{}", said.err);
        assert_eq!(said.err.lines().last(), Some(lines[0]), "the complaint comes last");
        lines[0].trim_start_matches("noisescope: ").to_owned()
    }

    /// The only run under `out` of the experiment `small`.
    #[track_caller]
    pub fn only_run(&self, out: &str) -> PathBuf {
        let runs: Vec<PathBuf> = std::fs::read_dir(self.path(out).join("small"))
            .expect("runs")
            .map(|entry| entry.expect("entry").path())
            .collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }
}

/// Collects what a finished process said.
pub fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Every table, plot and checkpoint of a run with its bytes: all that must not depend on anything but the experiment.
pub fn results(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let folders = ["", "checkpoints", "draws", "plots"].map(|folder| run.join(folder));
    for folder in folders.iter().filter(|folder| folder.exists()) {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            let name = path.strip_prefix(run).expect("inside").display().to_string();
            if path.is_file() && !["manifest.json", "report.html", ".lock"].contains(&name.as_str())
            {
                files.push((name, std::fs::read(&path).expect("read")));
            }
        }
    }
    files.sort();
    files
}

/// Asserts that two runs have the same files with the same bytes.
#[track_caller]
pub fn assert_same_results(a: &Path, b: &Path) {
    let (a, b) = (results(a), results(b));
    let names = |files: &[(String, Vec<u8>)]| -> Vec<String> {
        files.iter().map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(names(&a), names(&b));
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        assert!(a == b, "{name} differs");
    }
}
