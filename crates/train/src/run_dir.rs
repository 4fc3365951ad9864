//! The directory of one run: tables, checkpoints and the manifest, each written whole or not at all.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::TrainError;
use crate::manifest::Manifest;
use crate::table::Table;

/// A run directory that this process alone works on.
///
/// ```text
/// experiment.toml   manifest.json   steps.csv   *.parquet   checkpoints/   plots/   report.html
/// ```
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Opens the directory, makes it where there is none, and locks it until this value is dropped.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        fs::create_dir_all(path).map_err(TrainError::io(path))?;
        let lock_path = path.join(".lock");
        let lock = File::create(&lock_path).map_err(TrainError::io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(TrainError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(TrainError::io(&lock_path)(error)),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it, by a relative name.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file whole.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
        write_atomic(&self.file(name), bytes)
    }

    /// Writes the table `name.parquet`.
    pub fn write_table(&self, name: &str, table: &Table) -> Result<(), TrainError> {
        self.write(&format!("{name}.parquet"), &table.to_parquet())
    }

    /// Reads the table `name.parquet`; `None` where there is none.
    pub fn table(&self, name: &str) -> Result<Option<Table>, TrainError> {
        read_table(&self.path, name)
    }

    /// Removes a file or a folder that is no longer needed; nothing happens where there is none.
    pub fn remove(&self, name: &str) -> Result<(), TrainError> {
        let path = self.file(name);
        let removed =
            if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(TrainError::io(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes `manifest.json`.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), TrainError> {
        let json = serde_json::to_string_pretty(manifest).expect("a manifest serialises");
        self.write("manifest.json", (json + "\n").as_bytes())
    }

    /// The manifest of an earlier start of this run, if there was one and it can be read.
    pub fn manifest(&self) -> Option<Manifest> {
        serde_json::from_slice(&fs::read(self.file("manifest.json")).ok()?).ok()
    }
}

/// Reads the table `name.parquet` of the run in `directory`; `None` where there is none.
pub fn read_table(directory: &Path, name: &str) -> Result<Option<Table>, TrainError> {
    let path = directory.join(format!("{name}.parquet"));
    Ok(if path.exists() { Some(Table::read(&path)?) } else { None })
}

/// Writes a file under a temporary name beside it and renames it, so that no reader ever sees half of it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(TrainError::io(directory))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&part, path)) {
        let _ = fs::remove_file(&part);
        return Err(TrainError::io(path)(error));
    }
    Ok(())
}
