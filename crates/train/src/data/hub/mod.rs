//! Files of data sets at the Hugging Face hub, at a commit, in the cache that all of the hub's clients share.
//!
//! A question for the head of `<endpoint>/datasets/<repository>/resolve/<commit>/<path>` gives digest and size of the
//! file: files in large file storage are redirected to another host and have their SHA-256 in `X-Linked-Etag`, small
//! ones have a digest of git's in `ETag`. The content is then asked for at the same address, from the byte on that a
//! broken download left (`Range`), and gets its name in the cache when length and digest are right.
//!
//! Address and layout of the cache are hf-hub's; what it lacks is here: digests, `Range` after a break, a token that
//! stays with the hub, waits as the hub asks for them, `HF_HUB_OFFLINE`.

mod http;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use self::http::{Fault, Source, text};
use self::settings::Settings;
use self::store::{Part, Store, Wanted};
use crate::Flow;
use crate::error::TrainError;

/// A file of a data set repository at a pinned revision.
#[derive(Debug, Clone, Copy)]
pub struct HubFile<'a> {
    /// Owner and name: `uoft-cs/cifar100`.
    pub repository: &'a str,
    /// The whole hash of a commit.
    pub revision: &'a str,
    /// The file in the repository: `cifar100/train-00000-of-00001.parquet`.
    pub path: &'a str,
    /// Its SHA-256, where it is known beforehand.
    pub sha256: Option<&'a str>,
    /// Its length, where it is known beforehand.
    pub bytes: Option<u64>,
}

/// Is told how many bytes of how many there are (0 where the hub does not say), and may interrupt.
type Told<'a> = &'a (dyn Fn(u64, u64) -> Flow + Sync);

/// Where the hub's cache has the file already, ours or that of Python's `huggingface_hub`: in `$HF_HUB_CACHE`, else
/// `$HF_HOME/hub`, else `~/.cache/huggingface/hub`. `None` where it is absent, a broken link, or of another length.
///
/// Its digest was checked when it was downloaded and is not computed again: whoever reads it should.
pub fn cached(file: &HubFile<'_>) -> Option<PathBuf> {
    cached_with(&Settings::from_env()?, file)
}

/// Where the file is in the hub's cache, after a download where it was not.
///
/// A download goes on where an earlier one broke off; of several processes one loads and the others wait. Failures
/// that may pass are tried again for about half a minute, unless `progress` stops it. The variables `HF_HOME`,
/// `HF_HUB_CACHE`, `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE` and `HTTPS_PROXY` mean what they mean in Python.
///
/// # Errors
/// When the hub cannot be reached, refuses, or has another file than the one that is asked for; when the disk is full;
/// when `progress` said [`Flow::Stop`].
pub fn fetch(
    file: &HubFile<'_>,
    progress: &(dyn Fn(u64, u64) -> Flow + Sync),
) -> Result<PathBuf, TrainError> {
    let homeless = || TrainError::data(file.path, "no home directory to keep it in: set HF_HOME");
    fetch_with(&Settings::from_env().ok_or_else(homeless)?, file, progress)
}

fn cached_with(settings: &Settings, file: &HubFile<'_>) -> Option<PathBuf> {
    file.check().ok()?;
    Store::new(&settings.cache, *file).found()
}

fn fetch_with(
    settings: &Settings,
    file: &HubFile<'_>,
    progress: Told<'_>,
) -> Result<PathBuf, TrainError> {
    file.check()?;
    let store = Store::new(&settings.cache, *file);
    if let Some(path) = store.found() {
        return Ok(path);
    }
    let source = Source::new(settings, *file)?;
    if settings.offline {
        return Err(source.error(format!(
            "not in {} and HF_HUB_OFFLINE is set: unset it, or copy the cache of a machine that has the file there",
            settings.cache.display()
        )));
    }
    let total = file.bytes.unwrap_or(0);
    let mut patience = Patience { settings, source: &source, progress, total, failures: 0 };
    let entry = loop {
        match source.entry() {
            Ok(entry) => break entry,
            Err(fault) => patience.wait(fault, 0)?,
        }
    };
    let wanted = Wanted::new(file, entry).map_err(|reason| source.error(reason))?;
    patience.total = wanted.bytes.unwrap_or(0);

    let part = store.part(&wanted.etag);
    let of_the_other = || std::fs::metadata(&part).map_or(0, |part| part.len());
    let _lock = store.lock(&wanted.etag, || patience.ask(of_the_other()))?;
    if let Some(path) = store.found() {
        return Ok(path);
    }
    let blob = store.blob(&wanted.etag);
    if !blob.is_file() || wanted.complaint(&blob)?.is_some() {
        download(Part::open(part)?, &wanted, &mut patience)?.rename(&blob)?;
    }
    store.link(&wanted.etag)
}

/// Loads what the part lacks, until it is whole and right.
fn download(
    mut part: Part,
    wanted: &Wanted,
    patience: &mut Patience<'_>,
) -> Result<Part, TrainError> {
    let mut is_second = false;
    loop {
        let before = part.bytes();
        if let Err(fault) = load_rest(&mut part, wanted, patience) {
            patience.count(part.bytes().saturating_sub(before));
            patience.wait(fault, part.bytes())?;
            continue;
        }
        match part.complaint(wanted)? {
            None => return Ok(part),
            // What an earlier start left may have been damaged since.
            Some(_) if part.is_patched && !is_second => {
                is_second = true;
                part.clear()?;
            }
            Some(complaint) => {
                part.remove()?;
                let reason = "nothing is kept; try again, and if it stays so the file is not the one that is meant";
                return Err(patience.source.error(format!("{complaint}; {reason}")));
            }
        }
    }
}

/// One request for the content.
fn load_rest(part: &mut Part, wanted: &Wanted, patience: &Patience<'_>) -> Result<(), Fault> {
    let n_wanted = wanted.bytes.unwrap_or(u64::MAX);
    if part.bytes() == n_wanted {
        return Ok(());
    }
    if part.bytes() > n_wanted {
        part.clear().map_err(Fault::Final)?;
    }
    patience.ask(part.bytes()).map_err(Fault::Final)?;
    let response = patience.source.content(part.bytes())?;
    let range = text(&response, "content-range").unwrap_or_default();
    match response.status().as_u16() {
        206 if range.starts_with(&format!("bytes {}-", part.bytes())) => part.is_patched = true,
        200 => part.clear().map_err(Fault::Final)?,
        status => {
            part.clear().map_err(Fault::Final)?;
            return Err(Fault::passing(format!(
                "the server answers {status} with range {range:?}"
            )));
        }
    }
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let n_read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_read) => n_read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fault::passing(format!("the connection broke: {error}"))),
        };
        part.append(&buffer[..n_read]).map_err(Fault::Final)?;
        if part.bytes() > n_wanted {
            return Ok(());
        }
        patience.ask(part.bytes()).map_err(Fault::Final)?;
    }
    match wanted.bytes {
        Some(bytes) if part.bytes() < bytes => {
            Err(Fault::passing(format!("only {} of {bytes} bytes came", part.bytes())))
        }
        _ => Ok(()),
    }
}

/// How many failures are borne, and whether the user still waits.
struct Patience<'a> {
    settings: &'a Settings,
    source: &'a Source<'a>,
    progress: Told<'a>,
    total: u64,
    failures: u32,
}

impl Patience<'_> {
    /// A bad line that brings something each time is not given up.
    fn count(&mut self, new_bytes: u64) {
        if new_bytes >= 1 << 20 {
            self.failures = 0;
        }
    }

    /// Waits until it makes sense to try again.
    fn wait(&mut self, fault: Fault, bytes: u64) -> Result<(), TrainError> {
        let (reason, retry_after) = match fault {
            Fault::Final(error) => return Err(error),
            Fault::Passing { reason, retry_after } => (reason, retry_after),
        };
        if self.failures == self.settings.retries {
            let tries = self.failures + 1;
            let kept = kept(bytes);
            let reason = format!("{reason}; given up after {tries} tries{kept}; try later");
            return Err(self.source.error(reason));
        }
        let until = Instant::now() + self.settings.wait(self.failures, retry_after);
        self.failures += 1;
        loop {
            self.ask(bytes)?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
    }

    fn ask(&self, bytes: u64) -> Result<(), TrainError> {
        match (self.progress)(bytes, self.total) {
            Flow::Continue => Ok(()),
            Flow::Stop => {
                let told = self.source.error(format!("interrupted{}", kept(bytes)));
                Err(TrainError::Interrupted(told.to_string()))
            }
        }
    }
}

fn kept(bytes: u64) -> String {
    if bytes == 0 {
        String::new()
    } else {
        format!("; {bytes} bytes are kept and not loaded again")
    }
}

impl HubFile<'_> {
    /// The names become part of paths: nothing outside of the cache may be meant.
    fn check(&self) -> Result<(), TrainError> {
        let is_commit =
            |text: &str| text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let is_inside = |text: &str| {
            let mut components = Path::new(text).components();
            !text.is_empty() && components.all(|part| matches!(part, Component::Normal(_)))
        };
        let refused = if !is_commit(self.revision) {
            format!("revision {:?}: permitted is the whole hash of a commit", self.revision)
        } else if !is_inside(self.repository) {
            format!("repository {:?}: permitted is owner/name", self.repository)
        } else if !is_inside(self.path) {
            "permitted is a file of the repository".to_owned()
        } else {
            return Ok(());
        };
        Err(TrainError::data(format!("{}/{}", self.repository, self.path), refused))
    }
}
