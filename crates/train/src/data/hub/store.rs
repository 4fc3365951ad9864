//! The cache on disk, laid out as all of the hub's clients do:
//!
//! ```text
//! datasets--owner--name/blobs/<etag>                   the content, once
//! datasets--owner--name/snapshots/<commit>/<path>      a link to it
//! .locks/datasets--owner--name/<etag>.lock             held while it is downloaded
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hf_hub::{Cache, CacheRepo, Repo, RepoType};
use sha2::{Digest, Sha256};

use super::HubFile;
use super::http::Entry;
use crate::data::digest::hex;
use crate::error::TrainError;

/// Between two looks at a lock that another process holds.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// One file's places in the cache.
pub(super) struct Store<'a> {
    file: HubFile<'a>,
    repo: CacheRepo,
    locks: PathBuf,
}

impl<'a> Store<'a> {
    pub(super) fn new(cache: &Path, file: HubFile<'a>) -> Self {
        let repo = Repo::new(file.repository.to_owned(), RepoType::Dataset);
        let locks = cache.join(".locks").join(repo.folder_name());
        Self { file, repo: Cache::new(cache.to_owned()).repo(repo), locks }
    }

    /// The file under its own name; `None` where it is absent, a broken link or of another length.
    pub(super) fn found(&self) -> Option<PathBuf> {
        let path = self.snapshot();
        let found = fs::metadata(&path).ok()?;
        let is_whole = self.file.bytes.is_none_or(|bytes| bytes == found.len());
        (found.is_file() && is_whole).then_some(path)
    }

    fn snapshot(&self) -> PathBuf {
        self.repo.pointer_path(self.file.revision).join(self.file.path)
    }

    pub(super) fn blob(&self, etag: &str) -> PathBuf {
        self.repo.blob_path(etag)
    }

    /// What has come so far. The name is not one of hf-hub's or of huggingface_hub's, which lock otherwise.
    pub(super) fn part(&self, etag: &str) -> PathBuf {
        self.repo.blob_path(&format!("{etag}.noisescope"))
    }

    /// Keeps other processes from the same download, huggingface_hub's among them, until the value is dropped.
    pub(super) fn lock(
        &self,
        etag: &str,
        mut waiting: impl FnMut() -> Result<(), TrainError>,
    ) -> Result<File, TrainError> {
        let path = self.locks.join(format!("{etag}.lock"));
        make_folder_of(&path)?;
        let opened = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let lock = opened.map_err(disk(&path))?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::WouldBlock) => waiting()?,
                Err(TryLockError::Error(error)) => return Err(disk(&path)(error)),
            }
            std::thread::sleep(LOCK_POLL);
        }
    }

    /// Gives the blob its name in the snapshot.
    pub(super) fn link(&self, etag: &str) -> Result<PathBuf, TrainError> {
        let path = self.snapshot();
        make_folder_of(&path)?;
        let mut target = PathBuf::from("../..");
        target.extend(Path::new(self.file.path).components().skip(1).map(|_| ".."));
        target.extend(["blobs", etag]);
        // A link under a temporary name replaces a broken one in one step.
        let temporary = self.repo.blob_path(&format!("{etag}.link"));
        let _ = fs::remove_file(&temporary);
        let from = match symlink(&target, &temporary) {
            Ok(()) => temporary,
            // As huggingface_hub does where the file system knows no links.
            Err(_) => self.blob(etag),
        };
        fs::rename(from, &path).map_err(disk(&path))?;
        Ok(path)
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn make_folder_of(path: &Path) -> Result<(), TrainError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(disk(folder))
}

/// A file that grows until it is whole.
pub(super) struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// Its bytes are not those of a single answer.
    pub(super) is_patched: bool,
}

impl Part {
    pub(super) fn open(path: PathBuf) -> Result<Self, TrainError> {
        make_folder_of(&path)?;
        let opened = OpenOptions::new().create(true).append(true).open(&path);
        let file = opened.map_err(disk(&path))?;
        let bytes = file.metadata().map_err(disk(&path))?.len();
        Ok(Self { path, file, bytes, is_patched: bytes > 0 })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn append(&mut self, content: &[u8]) -> Result<(), TrainError> {
        self.file.write_all(content).map_err(disk(&self.path))?;
        self.bytes += content.len() as u64;
        Ok(())
    }

    /// Starts anew.
    pub(super) fn clear(&mut self) -> Result<(), TrainError> {
        if self.bytes > 0 {
            self.file.set_len(0).map_err(disk(&self.path))?;
        }
        (self.bytes, self.is_patched) = (0, false);
        Ok(())
    }

    pub(super) fn remove(self) -> Result<(), TrainError> {
        fs::remove_file(&self.path).map_err(disk(&self.path))
    }

    /// What is wrong with it, if anything.
    pub(super) fn complaint(&self, wanted: &Wanted) -> Result<Option<String>, TrainError> {
        self.file.sync_all().map_err(disk(&self.path))?;
        wanted.complaint(&self.path)
    }

    /// Gives it its name in the cache.
    pub(super) fn rename(self, blob: &Path) -> Result<(), TrainError> {
        drop(self.file);
        fs::rename(&self.path, blob).map_err(disk(blob))
    }
}

/// What a file has to be: what its user pinned, else what the hub says of it.
pub(super) struct Wanted {
    pub(super) etag: String,
    pub(super) bytes: Option<u64>,
    sha256: Option<String>,
}

impl Wanted {
    /// # Errors
    /// When the hub says of itself that it has another file, in words.
    pub(super) fn new(file: &HubFile<'_>, entry: Entry) -> Result<Self, String> {
        let is_sha256 = entry.etag.len() == 64 && entry.etag.bytes().all(|b| b.is_ascii_hexdigit());
        let sha256 = is_sha256.then(|| entry.etag.to_ascii_lowercase());
        let pinned = file.sha256.map(str::to_ascii_lowercase);
        if let (Some(expected), Some(got)) = (file.bytes, entry.bytes)
            && expected != got
        {
            return Err(format!("the hub has {got} bytes, expected are {expected}"));
        }
        if let (Some(expected), Some(got)) = (&pinned, &sha256)
            && expected != got
        {
            return Err(format!("the hub has sha256 {got}, expected is {expected}"));
        }
        let (bytes, sha256) = (file.bytes.or(entry.bytes), pinned.or(sha256));
        Ok(Self { etag: entry.etag, bytes, sha256 })
    }

    /// What is wrong with the file, if anything.
    pub(super) fn complaint(&self, path: &Path) -> Result<Option<String>, TrainError> {
        let (bytes, sha256) = digest(path).map_err(disk(path))?;
        if let Some(expected) = self.bytes
            && bytes != expected
        {
            return Ok(Some(format!("{bytes} bytes came, expected are {expected}")));
        }
        let other = self.sha256.as_ref().filter(|expected| **expected != sha256);
        Ok(other.map(|expected| {
            format!("{bytes} bytes with sha256 {sha256} came, expected is {expected}")
        }))
    }
}

/// Length and SHA-256 of what is on disk.
fn digest(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => {
                hash.update(&buffer[..n]);
                bytes += n as u64;
            }
        }
    }
    Ok((bytes, hex(&hash.finalize())))
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> TrainError {
    move |error| {
        let reason = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "no space left on the disk: free some or set HF_HUB_CACHE to a folder on another; what has come is \
                 kept and not loaded again"
                    .to_owned()
            }
            _ => format!("{error}; HF_HUB_CACHE names the folder for downloads"),
        };
        TrainError::data(path.display().to_string(), reason)
    }
}
