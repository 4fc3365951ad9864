//! What the environment says: the variables of Python's huggingface_hub, with the same meaning.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the hub and the cache are, who asks, and how long to wait. Never printed: it holds the token.
pub(super) struct Settings {
    /// `HF_ENDPOINT`, without a slash at its end.
    pub(super) endpoint: String,
    /// `HF_HUB_CACHE`, `HF_HOME/hub`, or the place in the home directory.
    pub(super) cache: PathBuf,
    /// `HF_TOKEN`, or what `hf auth login` wrote.
    pub(super) token: Option<String>,
    /// `HF_HUB_OFFLINE`.
    pub(super) offline: bool,
    /// `HTTPS_PROXY` and its kin.
    pub(super) proxy: Option<ureq::Proxy>,
    /// How often in a row a request is repeated that failed for a reason that may pass.
    pub(super) retries: u32,
    /// The wait before the first repetition; it doubles with each.
    pub(super) first_wait: Duration,
    /// No wait is longer, whatever the server asks for.
    pub(super) longest_wait: Duration,
    pub(super) connect_timeout: Duration,
    /// How long the server may be silent.
    pub(super) silence_timeout: Duration,
}

impl Settings {
    /// `None` where there is no place for a cache: no variable gives one and there is no home directory.
    pub(super) fn from_env() -> Option<Self> {
        let home = || std::env::home_dir().map(|home| home.display().to_string());
        let lookup = |name: &str| if name == "HOME" { home() } else { std::env::var(name).ok() };
        let settings = Self::from_lookup(&lookup)?;
        Some(Self { proxy: ureq::Proxy::try_from_env(), ..settings })
    }

    pub(super) fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let value = |name: &str| {
            let value = lookup(name)?.trim().to_owned();
            (!value.is_empty()).then_some(value)
        };
        let folder = |name: &str| {
            let folder = PathBuf::from(value(name)?);
            match folder.strip_prefix("~") {
                Ok(rest) => Some(Path::new(&value("HOME")?).join(rest)),
                Err(_) => Some(folder),
            }
        };
        let in_home = || Some(Path::new(&value("HOME")?).join(".cache"));
        let by_default = || Some(folder("XDG_CACHE_HOME").or_else(in_home)?.join("huggingface"));
        let home = folder("HF_HOME").or_else(by_default);
        let token_file = || hf_hub::Cache::new(home.as_ref()?.join("hub")).token();
        let endpoint = value("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let is_set = |value: String| {
            ["1", "true", "yes", "on"].contains(&value.to_ascii_lowercase().as_str())
        };
        Some(Self {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            token: value("HF_TOKEN").or_else(token_file),
            cache: folder("HF_HUB_CACHE").or(home.map(|home| home.join("hub")))?,
            offline: value("HF_HUB_OFFLINE").is_some_and(is_set),
            proxy: None,
            retries: 5,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(15),
            silence_timeout: Duration::from_secs(30),
        })
    }

    /// How long to wait after so many failures in a row.
    pub(super) fn wait(&self, failures: u32, retry_after: Option<Duration>) -> Duration {
        let doubled = self.first_wait.saturating_mul(2_u32.saturating_pow(failures));
        retry_after.unwrap_or(doubled).min(self.longest_wait)
    }
}
