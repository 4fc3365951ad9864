//! Requests to the hub and to the hosts that it sends us to.

use std::io;
use std::time::Duration;

use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Cache, Repo, RepoType};
use ureq::http::{Method, Request, Response, StatusCode, Uri, header};
use ureq::{Agent, Body};

use super::HubFile;
use super::settings::Settings;
use crate::error::TrainError;

const MAX_REDIRECTS: usize = 10;

/// Why a request gave nothing.
pub(super) enum Fault {
    /// It may be repeated.
    Passing {
        reason: String,
        retry_after: Option<Duration>,
    },
    Final(TrainError),
}

impl Fault {
    pub(super) fn passing(reason: impl Into<String>) -> Self {
        Fault::Passing { reason: reason.into(), retry_after: None }
    }
}

/// What the hub says of a file before it sends it.
pub(super) struct Entry {
    /// Without quotes; the SHA-256 of files in large file storage, a digest of git's for the others.
    pub(super) etag: String,
    pub(super) bytes: Option<u64>,
}

/// One file's address at the hub.
pub(super) struct Source<'a> {
    pub(super) url: String,
    file: HubFile<'a>,
    settings: &'a Settings,
    agent: Agent,
}

impl<'a> Source<'a> {
    pub(super) fn new(settings: &'a Settings, file: HubFile<'a>) -> Result<Self, TrainError> {
        // The download of hf-hub 0.5 itself checks no digest, loses the `Retry-After` of a refusal in its errors and
        // sends the token to the storage hosts: of its client only the address is used.
        let api = ApiBuilder::from_cache(Cache::new(settings.cache.clone()))
            .with_endpoint(settings.endpoint.clone())
            .build()
            .map_err(|error| TrainError::data(&settings.endpoint, error.to_string()))?;
        let (repository, revision) = (file.repository.to_owned(), file.revision.to_owned());
        let repo = Repo::with_revision(repository, RepoType::Dataset, revision);
        let config = Agent::config_builder()
            .user_agent(concat!("noisescope/", env!("CARGO_PKG_VERSION")))
            .https_only(settings.endpoint.starts_with("https://"))
            .proxy(settings.proxy.clone())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_per_read(Some(settings.silence_timeout))
            .timeout_per_write(Some(settings.silence_timeout))
            .build();
        let url = api.repo(repo).url(&percent_encoded(file.path));
        Ok(Self { url, file, settings, agent: config.into() })
    }

    /// Digest and size. Only the hub is asked: its redirect to the storage already has both in its header.
    pub(super) fn entry(&self) -> Result<Entry, Fault> {
        let (response, url) = self.ask(&Method::HEAD, 0)?;
        if let Some(commit) = text(&response, "x-repo-commit")
            && commit != self.file.revision
        {
            return Err(self.refusal(format!("the hub answers with revision {commit}")));
        }
        let linked = text(&response, "x-linked-etag");
        let etag = linked.or_else(|| text(&response, "etag")).unwrap_or_default();
        let etag = etag.trim_start_matches("W/").trim_matches('"');
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if etag.is_empty() || !etag.bytes().all(is_plain) {
            let reason = format!("{} gives no usable ETag: is HF_ENDPOINT a hub?", host(&url));
            return Err(self.refusal(reason));
        }
        // The length of a redirect is that of its own body.
        let length =
            || text(&response, "content-length").filter(|_| response.status().is_success());
        let bytes = text(&response, "x-linked-size").or_else(length);
        Ok(Entry { etag: etag.to_owned(), bytes: bytes.and_then(|bytes| bytes.parse().ok()) })
    }

    /// The answer with the content from `offset` on, or, as its status says, all of it, or none.
    pub(super) fn content(&self, offset: u64) -> Result<Response<Body>, Fault> {
        Ok(self.ask(&Method::GET, offset)?.0)
    }

    /// Follows redirects, anew each time, since the addresses in the storage are valid for minutes.
    fn ask(&self, method: &Method, offset: u64) -> Result<(Response<Body>, Uri), Fault> {
        let no_address = || self.refusal("HF_ENDPOINT is no address like https://huggingface.co");
        let hub: Uri = self.url.parse().map_err(|_| no_address())?;
        let mut url = hub.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = Request::builder()
                .method(method)
                .uri(&url)
                .header(header::ACCEPT_ENCODING, "identity");
            if offset > 0 {
                request = request.header(header::RANGE, format!("bytes={offset}-"));
            }
            if let Some(token) = &self.settings.token
                && origin(&url) == origin(&hub)
            {
                request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
            }
            let unusable = |_| self.refusal("HF_TOKEN has characters that no token has");
            let request = request.body(()).map_err(unusable)?;
            let answer = self.agent.run(request);
            let response = answer.map_err(|error| self.broken(error, method, &url))?;
            let status = response.status();
            let is_answer = status.is_success()
                || status == StatusCode::RANGE_NOT_SATISFIABLE
                || method == Method::HEAD
                    && status.is_redirection()
                    && text(&response, "x-linked-etag").is_some();
            if is_answer {
                return Ok((response, url));
            }
            if !status.is_redirection() {
                return Err(self.refused(&response, origin(&url) == origin(&hub), &url));
            }
            let location = text(&response, "location").unwrap_or_default();
            let nowhere = || self.refusal(format!("{} redirects to {location:?}", host(&url)));
            url = resolved(&url, location).ok_or_else(nowhere)?;
        }
        Err(self.refusal(format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// No answer at all, or half of one.
    fn broken(&self, error: ureq::Error, method: &Method, url: &Uri) -> Fault {
        let host = host(url);
        match error {
            // At the first question of all there is no network; later it has gone for a while.
            ref error if method == Method::HEAD && is_without_network(error) => self.refusal(format!(
                "{host} cannot be found: is there a network? does it need a proxy (HTTPS_PROXY)?"
            )),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => self.refusal(
                format!("no secure connection to {host}: {error}; is the clock right, is a proxy in between?"),
            ),
            ureq::Error::Timeout(_)
            | ureq::Error::Io(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
            | ureq::Error::Protocol(_)
            | ureq::Error::BodyStalled => Fault::passing(format!("connection to {host}: {error}")),
            other => self.refusal(format!("request to {host}: {other}")),
        }
    }

    /// A status that is neither content nor a redirect.
    fn refused(&self, response: &Response<Body>, by_the_hub: bool, url: &Uri) -> Fault {
        let (status, host) = (response.status(), host(url));
        let answer = format!("{host} answers {status}");
        match status.as_u16() {
            408 | 429 | 500 | 502..=504 => {
                let seconds = text(response, "retry-after").and_then(|text| text.parse().ok());
                let retry_after = seconds.map(Duration::from_secs);
                Fault::Passing { reason: answer, retry_after }
            }
            // The storage refuses addresses that are too old; the hub gives a new one.
            401 | 403 if !by_the_hub => Fault::passing(answer),
            401 | 403 if self.settings.token.is_some() => self.refusal(format!(
                "{answer}: the token (HF_TOKEN, or what `hf auth login` wrote) is not accepted; access to some \
                 repositories has to be asked for at {}/datasets/{}",
                self.settings.endpoint, self.file.repository
            )),
            401 | 403 => self.refusal(format!(
                "{answer}: a token is needed: set HF_TOKEN (or the repository {} does not exist)",
                self.file.repository
            )),
            404 => self.refusal(format!(
                "{answer}: repository {}, revision {} or file {} does not exist",
                self.file.repository, self.file.revision, self.file.path
            )),
            _ => self.refusal(answer),
        }
    }

    pub(super) fn refusal(&self, reason: impl Into<String>) -> Fault {
        Fault::Final(self.error(reason))
    }

    pub(super) fn error(&self, reason: impl Into<String>) -> TrainError {
        TrainError::data(&self.url, reason)
    }
}

/// A header's value.
pub(super) fn text<'r>(response: &'r Response<Body>, name: &str) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

fn is_without_network(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound => true,
        // The standard library has no kind for names that are not resolved.
        ureq::Error::Io(error) => {
            [io::ErrorKind::NetworkUnreachable, io::ErrorKind::HostUnreachable]
                .contains(&error.kind())
                || error.to_string().starts_with("failed to lookup address")
        }
        _ => false,
    }
}

fn origin(url: &Uri) -> (Option<&str>, Option<&str>, Option<u16>) {
    (url.scheme_str(), url.host(), url.port_u16())
}

fn host(url: &Uri) -> &str {
    url.host().unwrap_or_default()
}

/// A `Location`, which may leave out what it has in common with the address that was asked.
fn resolved(url: &Uri, location: &str) -> Option<Uri> {
    let (scheme, authority) = (url.scheme_str()?, url.authority()?);
    let whole = if location.starts_with("//") {
        format!("{scheme}:{location}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        location.to_owned()
    };
    whole.parse().ok().filter(|url: &Uri| url.host().is_some())
}

fn percent_encoded(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    let encode = |byte: u8| {
        if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    path.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_may_be_short() {
        let url: Uri = "https://hub:8080/a?b".parse().unwrap();
        let to = |location| resolved(&url, location).map(|url| url.to_string());
        assert_eq!(to("/c/d?e=f").unwrap(), "https://hub:8080/c/d?e=f");
        assert_eq!(to("//storage/c").unwrap(), "https://storage/c");
        assert_eq!(to("http://storage/c").unwrap(), "http://storage/c");
        assert!(to("").is_none() && to("c/d").is_none() && to("/a b").is_none());
    }

    #[test]
    fn another_port_is_another_host() {
        let [hub, port, scheme] = ["http://hub:1/", "http://hub:2/", "https://hub:1/"]
            .map(|url| url.parse::<Uri>().unwrap());
        assert!(origin(&hub) != origin(&port) && origin(&hub) != origin(&scheme));
    }

    #[test]
    fn no_network_is_told_from_a_broken_one() {
        let io = |kind: io::ErrorKind| ureq::Error::Io(kind.into());
        assert!(is_without_network(&io(io::ErrorKind::NetworkUnreachable)));
        assert!(!is_without_network(&io(io::ErrorKind::ConnectionReset)));
    }
}
