//! A hub on loopback: one server that knows the files and sends clients to another that stores them.

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::{Digest, Sha256};

pub(super) const REPOSITORY: &str = "owner/set";
pub(super) const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
pub(super) const PATH: &str = "data/train 1.parquet";
pub(super) const TOKEN: &str = "hf_secret";

/// What a server does instead of what it should, for one request.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trick {
    Nothing,
    Status(u16),
    /// Asks for so many seconds of patience.
    TooMany(u32),
    /// Closes the connection without an answer.
    Gone,
    /// Closes the connection after so many bytes of the body.
    Cut(usize),
    /// Falls silent after so many.
    Stall(usize),
    /// Says that there are only so many.
    Short(usize),
    /// Sends more than there are.
    Long,
    /// Sends other bytes.
    Damaged,
    IgnoreRange,
    OtherRange,
    /// Sends the client to the storage without saying how much is there.
    Unsized,
    /// Sends the client to another address of the same host.
    Moved,
}

pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HashMap<String, String>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    /// How much of the body is sent.
    sent: Option<usize>,
    silence: Duration,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    tricks: Arc<Mutex<VecDeque<Trick>>>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start(answer: impl Fn(&Asked, Trick) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, tricks) = (Arc::<Mutex<Vec<Asked>>>::default(), Arc::<Mutex<_>>::default());
        let closing = Arc::new(AtomicBool::new(false));
        let state = (asked.clone(), Arc::clone(&tricks), closing.clone(), Arc::new(answer));
        let serve = move || {
            let (asked, tricks, closing, answer) = state;
            for stream in listener.incoming() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let (asked, tricks, answer) = (asked.clone(), tricks.clone(), answer.clone());
                std::thread::spawn(move || {
                    let stream = stream.unwrap();
                    let request = read(&stream);
                    let trick = next(&tricks);
                    let reply = answer(&request, trick);
                    let is_head = request.method == "HEAD";
                    asked.lock().unwrap().push(request);
                    if trick != Trick::Gone {
                        write(stream, &reply, is_head);
                    }
                });
            }
        };
        let thread = Some(std::thread::spawn(serve));
        Self { address, asked, tricks, closing, thread }
    }

    /// For the next requests, the last one for ever.
    pub(super) fn play(&self, tricks: &[Trick]) {
        *self.tricks.lock().unwrap() = tricks.iter().copied().collect();
    }

    /// The requests since this was last called.
    pub(super) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Their `Range`s.
    pub(super) fn ranges(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.header("range").to_owned()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn next(tricks: &Mutex<VecDeque<Trick>>) -> Trick {
    let mut tricks = tricks.lock().unwrap();
    let trick = tricks.front().copied().unwrap_or(Trick::Nothing);
    if tricks.len() > 1 {
        tricks.pop_front();
    }
    trick
}

fn read(stream: &TcpStream) -> Asked {
    let mut lines = BufReader::new(stream).lines().map(|line| line.unwrap_or_default());
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    });
    Asked { method, path, headers: headers.collect() }
}

fn write(mut stream: TcpStream, reply: &Reply, is_head: bool) {
    let mut head = format!("HTTP/1.1 {} Whatever\r\nConnection: close\r\n", reply.status);
    if !reply.headers.iter().any(|(name, _)| *name == "Content-Length") {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    reply.headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    // The client may have gone.
    let _ = stream.write_all((head + "\r\n").as_bytes());
    if !is_head {
        let _ = stream.write_all(&reply.body[..reply.sent.unwrap_or(reply.body.len())]);
    }
    std::thread::sleep(reply.silence);
}

/// A file and the two servers.
pub(super) struct Hub {
    pub(super) front: Server,
    pub(super) storage: Server,
    pub(super) content: Vec<u8>,
    pub(super) etag: String,
}

impl Hub {
    /// A file in large file storage.
    pub(super) fn large(n_bytes: usize) -> Self {
        Self::start(n_bytes, true)
    }

    /// A file that the hub sends itself.
    pub(super) fn small(n_bytes: usize) -> Self {
        Self::start(n_bytes, false)
    }

    fn start(n_bytes: usize, is_large: bool) -> Self {
        let content: Vec<u8> = (0..n_bytes as u64)
            .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
            .collect();
        let etag = if is_large { sha256(&content) } else { REVISION.replace('0', "f") };
        let stored = content.clone();
        let storage = Server::start(move |asked, trick| serve(asked, trick, &stored, None));
        let (address, file, digest) = (storage.address, content.clone(), etag.clone());
        let front = Server::start(move |asked, trick| {
            let by_name =
                format!("/datasets/{REPOSITORY}/resolve/{REVISION}/data/train%201.parquet");
            if asked.path != by_name && asked.path != "/moved" {
                return Reply { status: 404, ..Reply::default() };
            }
            if !is_large || !matches!(trick, Trick::Nothing | Trick::Unsized) {
                return serve(asked, trick, &file, Some(&digest));
            }
            let location = format!("http://{address}/{digest}?Signature=x~y");
            let mut headers = vec![
                ("Location", location),
                ("X-Repo-Commit", REVISION.to_owned()),
                ("X-Linked-Etag", format!("\"{digest}\"")),
            ];
            if trick == Trick::Nothing {
                headers.push(("X-Linked-Size", file.len().to_string()));
            }
            let body = b"Found. Redirecting to the storage".to_vec();
            Reply { status: 302, headers, body, ..Reply::default() }
        });
        Self { front, storage, content, etag }
    }

    /// The requests to the storage since this was last called, which has to have seen no token.
    pub(super) fn ranges(&self) -> Vec<String> {
        let asked = self.storage.asked();
        assert!(asked.iter().all(|asked| asked.header("authorization").is_empty()));
        asked.iter().map(|asked| asked.header("range").to_owned()).collect()
    }
}

/// Content or part of it, or a trick.
fn serve(asked: &Asked, trick: Trick, content: &[u8], etag: Option<&str>) -> Reply {
    let mut headers = vec![("Accept-Ranges", "bytes".to_owned())];
    if let Some(etag) = etag {
        headers.push(("ETag", format!("W/\"{etag}\"")));
        headers.push(("X-Repo-Commit", REVISION.to_owned()));
    }
    match trick {
        Trick::Status(status) => return Reply { status, ..Reply::default() },
        Trick::TooMany(seconds) => {
            let headers = vec![("Retry-After", seconds.to_string())];
            return Reply { status: 429, headers, ..Reply::default() };
        }
        Trick::Moved => {
            let headers = vec![("Location", "/moved".to_owned())];
            return Reply { status: 307, headers, ..Reply::default() };
        }
        _ => {}
    }
    let range = asked.header("range").strip_prefix("bytes=").unwrap_or_default();
    let start = range.strip_suffix('-').map_or(0, |start| start.parse().unwrap());
    let start = if trick == Trick::IgnoreRange { 0 } else { start };
    let mut body = content[start..].to_vec();
    let status = if start > 0 { 206 } else { 200 };
    if start > 0 {
        let said = if trick == Trick::OtherRange { start + 1 } else { start };
        let range = format!("bytes {said}-{}/{}", content.len() - 1, content.len());
        headers.push(("Content-Range", range));
    }
    let (mut sent, mut silence) = (None, Duration::ZERO);
    match trick {
        Trick::Cut(n_bytes) => sent = Some(n_bytes),
        Trick::Stall(n_bytes) => (sent, silence) = (Some(n_bytes), Duration::from_secs(1)),
        Trick::Short(n_bytes) => body.truncate(n_bytes),
        Trick::Long => body.extend([0; 1000]),
        Trick::Damaged => body[0] ^= 1,
        _ => {}
    }
    Reply { status, headers, body, sent, silence }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
