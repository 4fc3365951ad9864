//! Against a hub on loopback.

mod server;

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use self::server::{Hub, PATH, REPOSITORY, REVISION, TOKEN, Trick, sha256};
use super::*;

const N_BYTES: usize = 200_000;

fn settings(hub: &Hub, cache: &Path) -> Settings {
    let lookup = |name: &str| match name {
        "HF_HUB_CACHE" => Some(cache.display().to_string()),
        "HF_ENDPOINT" => Some(format!("http://{}/", hub.front.address)),
        "HF_TOKEN" => Some(TOKEN.to_owned()),
        _ => None,
    };
    Settings {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(10),
        silence_timeout: Duration::from_secs(10),
        ..Settings::from_lookup(&lookup).unwrap()
    }
}

fn file() -> HubFile<'static> {
    HubFile { repository: REPOSITORY, revision: REVISION, path: PATH, sha256: None, bytes: None }
}

/// A hub, an empty cache, and what is done with them.
struct Bench {
    hub: Hub,
    cache: tempfile::TempDir,
    settings: Settings,
}

impl Bench {
    fn new(hub: Hub) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let settings = settings(&hub, cache.path());
        Self { hub, cache, settings }
    }

    fn large() -> Self {
        Self::new(Hub::large(N_BYTES))
    }

    fn fetch(&self, file: &HubFile<'_>) -> Result<PathBuf, TrainError> {
        fetch_with(&self.settings, file, &|_, _| Flow::Continue)
    }

    /// The file has to come, and whole.
    fn get(&self) {
        let path = self.fetch(&file()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), self.hub.content);
        assert_eq!(cached_with(&self.settings, &file()), Some(path));
        assert_eq!(self.blobs(), std::slice::from_ref(&self.hub.etag));
    }

    /// It must not, and the reason is one line with the address, or the path, at its beginning.
    fn refused(&self, file: &HubFile<'_>) -> String {
        one_line(self.fetch(file).unwrap_err())
    }

    fn blobs(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder().join("blobs")).into_iter().flatten();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn folder(&self) -> PathBuf {
        self.settings.cache.join("datasets--owner--set")
    }

    fn part(&self) -> PathBuf {
        self.folder().join("blobs").join(format!("{}.noisescope", self.hub.etag))
    }

    fn leave(&self, part: &[u8]) {
        fs::create_dir_all(self.folder().join("blobs")).unwrap();
        fs::write(self.part(), part).unwrap();
    }
}

fn one_line(error: TrainError) -> String {
    let message = error.to_string();
    assert!(!message.contains('\n') && !message.contains(TOKEN), "{message}");
    println!("{message}");
    message
}

#[track_caller]
fn assert_says(message: &str, expected: &str) {
    assert!(message.contains(expected), "{message:?} lacks {expected:?}");
}

#[test]
fn a_large_file_comes_once_and_the_token_stays_with_the_hub() {
    let bench = Bench::large();
    let seen = AtomicU64::new(0);
    let progress = |done, total| {
        assert!(done <= total || total == 0);
        seen.store(done, Ordering::SeqCst);
        Flow::Continue
    };
    let path = fetch_with(&bench.settings, &file(), &progress).unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), N_BYTES as u64);
    assert_eq!(fs::read(path).unwrap(), bench.hub.content);
    let asked = bench.hub.front.asked();
    let methods: Vec<&str> = asked.iter().map(|asked| asked.method.as_str()).collect();
    assert_eq!(methods, ["HEAD", "GET"]);
    assert!(asked.iter().all(|asked| asked.header("authorization") == format!("Bearer {TOKEN}")));
    assert!(asked.iter().all(|asked| asked.header("accept-encoding") == "identity"));
    assert_eq!(bench.hub.ranges(), [""]);

    bench.get();
    assert!(bench.hub.front.asked().is_empty() && bench.hub.ranges().is_empty());
}

#[test]
fn a_small_file_comes_from_the_hub_itself() {
    let bench = Bench::new(Hub::small(1000));
    bench.get();
    assert_eq!((bench.hub.front.asked().len(), bench.hub.storage.asked().len()), (2, 0));
}

#[test]
fn the_hub_may_leave_out_the_size() {
    let bench = Bench::large();
    bench.hub.front.play(&[Trick::Unsized]);
    bench.hub.storage.play(&[Trick::Cut(70_000), Trick::Nothing]);
    bench.get();
    assert_eq!(bench.hub.ranges(), ["", "bytes=70000-"]);
}

#[test]
fn a_redirect_within_the_hub_keeps_the_token() {
    let bench = Bench::new(Hub::small(1000));
    bench.hub.front.play(&[Trick::Moved, Trick::Nothing, Trick::Moved, Trick::Nothing]);
    bench.get();
    let asked = bench.hub.front.asked();
    assert_eq!(asked.iter().filter(|asked| asked.path == "/moved").count(), 2);
    assert!(asked.iter().all(|asked| !asked.header("authorization").is_empty()));
    let bench = Bench::new(Hub::small(1000));
    bench.hub.front.play(&[Trick::Moved]);
    assert_says(&bench.refused(&file()), "more than 10 redirects");
}

#[cfg(unix)]
#[test]
fn the_cache_of_huggingface_hub_is_found() {
    let bench = Bench::large();
    let folder = bench.folder();
    let link = folder.join("snapshots").join(REVISION).join(PATH);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(format!("../../../blobs/{}", bench.hub.etag), &link).unwrap();
    assert_eq!(cached_with(&bench.settings, &file()), None, "a broken link");
    bench.leave(b"");
    fs::rename(bench.part(), folder.join("blobs").join(&bench.hub.etag)).unwrap();
    assert_eq!(cached_with(&bench.settings, &file()), Some(link.clone()));
    let other_length = HubFile { bytes: Some(N_BYTES as u64), ..file() };
    assert_eq!(cached_with(&bench.settings, &other_length), None);

    // Blob and link are replaced.
    let path = bench.fetch(&other_length).unwrap();
    assert_eq!((fs::read(&path).unwrap(), path), (bench.hub.content.clone(), link.clone()));
    let target = fs::read_link(&link).unwrap();
    assert_eq!(target, Path::new("../../../blobs").join(&bench.hub.etag));
    bench.hub.ranges();

    // Another revision with the same content gets a link alone.
    fs::remove_dir_all(folder.join("snapshots")).unwrap();
    bench.get();
    assert!(bench.hub.ranges().is_empty());
}

#[test]
fn a_broken_connection_is_resumed() {
    let bench = Bench::large();
    bench.hub.storage.play(&[Trick::Cut(70_000), Trick::Short(30_000), Trick::Nothing]);
    bench.get();
    assert_eq!(bench.hub.ranges(), ["", "bytes=70000-", "bytes=100000-"]);
}

#[test]
fn a_server_that_falls_silent_is_asked_again() {
    let mut bench = Bench::large();
    bench.settings.silence_timeout = Duration::from_millis(400);
    bench.hub.storage.play(&[Trick::Stall(5000), Trick::Nothing]);
    bench.get();
    assert_eq!(bench.hub.ranges(), ["", "bytes=5000-"]);
}

#[test]
fn a_small_file_is_resumed_too() {
    let bench = Bench::new(Hub::small(1000));
    bench.hub.front.play(&[Trick::Nothing, Trick::Cut(400), Trick::Nothing]);
    bench.get();
    assert_eq!(bench.hub.front.ranges(), ["", "", "bytes=400-"]);
}

#[test]
fn servers_that_know_no_ranges_send_all_again() {
    let bench = Bench::large();
    bench.hub.storage.play(&[Trick::Cut(70_000), Trick::IgnoreRange]);
    bench.get();
    assert_eq!(bench.hub.ranges(), ["", "bytes=70000-"]);

    let bench = Bench::large();
    bench.hub.storage.play(&[
        Trick::Cut(70_000),
        Trick::OtherRange,
        Trick::Cut(10),
        Trick::Status(416),
        Trick::Nothing,
    ]);
    bench.get();
    assert_eq!(bench.hub.ranges(), ["", "bytes=70000-", "", "bytes=10-", ""]);
}

#[test]
fn a_start_goes_on_where_the_last_one_ended() {
    let mut bench = Bench::large();
    bench.settings.retries = 0;
    bench.hub.storage.play(&[Trick::Cut(70_000), Trick::Nothing]);
    let message = bench.refused(&file());
    assert_says(&message, "given up after 1 tries; 70000 bytes are kept and not loaded again");
    assert_eq!(cached_with(&bench.settings, &file()), None);
    bench.get();
    assert_eq!(bench.hub.ranges(), ["", "bytes=70000-"]);
}

#[test]
fn a_part_that_was_whole_or_too_long() {
    let bench = Bench::large();
    bench.leave(&bench.hub.content);
    bench.get();
    assert!(bench.hub.ranges().is_empty());

    let bench = Bench::large();
    bench.leave(&[bench.hub.content.as_slice(), b"more"].concat());
    bench.get();
    assert_eq!(bench.hub.ranges(), [""]);
}

#[test]
fn a_damaged_part_is_loaded_anew_once() {
    let bench = Bench::large();
    bench.leave(&[7; 50_000]);
    bench.get();
    assert_eq!(bench.hub.ranges(), ["bytes=50000-", ""]);

    let bench = Bench::large();
    bench.leave(&[7; 50_000]);
    bench.hub.storage.play(&[Trick::Nothing, Trick::Damaged]);
    assert_says(&bench.refused(&file()), "nothing is kept");
    assert_eq!((bench.hub.ranges().len(), bench.blobs().len()), (2, 0));
}

#[test]
fn other_bytes_than_those_wanted_are_refused_and_not_kept() {
    let bench = Bench::large();
    bench.hub.storage.play(&[Trick::Damaged]);
    assert_says(&bench.refused(&file()), &format!("expected is {}", bench.hub.etag));
    assert!(bench.blobs().is_empty() && cached_with(&bench.settings, &file()).is_none());
    bench.hub.storage.play(&[Trick::Long]);
    assert_says(&bench.refused(&file()), "bytes came, expected are 200000");
    assert!(bench.blobs().is_empty());

    // What the hub says of itself suffices.
    bench.hub.ranges();
    let pinned = sha256(b"other");
    let message = bench.refused(&HubFile { sha256: Some(&pinned), ..file() });
    assert_says(&message, &format!("the hub has sha256 {}", bench.hub.etag));
    let message = bench.refused(&HubFile { bytes: Some(7), ..file() });
    assert_says(&message, "the hub has 200000 bytes, expected are 7");
    assert!(bench.hub.ranges().is_empty());

    // Of small files it does not say the SHA-256.
    let bench = Bench::new(Hub::small(1000));
    let message = bench.refused(&HubFile { sha256: Some(&pinned), ..file() });
    assert_says(&message, &format!("expected is {pinned}"));
    assert!(bench.blobs().is_empty());
    let upper = sha256(&bench.hub.content).to_ascii_uppercase();
    bench.fetch(&HubFile { sha256: Some(&upper), ..file() }).unwrap();
}

#[test]
fn refusals_say_what_to_do() {
    let mut bench = Bench::large();
    bench.hub.front.play(&[Trick::Status(403)]);
    assert_says(&bench.refused(&file()), "the token (HF_TOKEN, or what `hf auth login` wrote)");
    bench.settings.token = None;
    bench.hub.front.play(&[Trick::Status(401)]);
    assert_says(&bench.refused(&file()), "a token is needed: set HF_TOKEN");
    bench.hub.front.play(&[Trick::Status(404)]);
    let message = bench.refused(&file());
    assert_says(&message, &format!("repository {REPOSITORY}, revision {REVISION} or file {PATH}"));
    bench.hub.front.play(&[Trick::Status(410)]);
    assert_says(&bench.refused(&file()), "127.0.0.1 answers 410 Gone");
    assert_eq!(bench.hub.front.asked().len(), 4, "none is repeated");
    for endpoint in ["huggingface.co", "https://a b"] {
        bench.settings.endpoint = endpoint.to_owned();
        assert_says(&bench.refused(&file()), "HF_ENDPOINT is no address");
    }
    bench.settings = settings(&bench.hub, bench.cache.path());
    bench.settings.token = Some("two\nlines".to_owned());
    assert_says(&bench.refused(&file()), "HF_TOKEN has characters");
}

#[test]
fn failures_that_pass_are_waited_for() {
    let bench = Bench::large();
    let tricks = [Trick::TooMany(3600), Trick::Status(503), Trick::Gone, Trick::Nothing];
    bench.hub.front.play(&tricks);
    // An address in the storage that is too old, and that once more.
    bench.hub.storage.play(&[Trick::Status(403), Trick::Status(500), Trick::Nothing]);
    bench.get();
    let n_asked = (bench.hub.front.asked().len(), bench.hub.ranges().len());
    assert_eq!(n_asked, (7, 3));
}

#[test]
fn failures_that_stay_are_given_up() {
    let bench = Bench::large();
    bench.hub.front.play(&[Trick::Status(503)]);
    let message = bench.refused(&file());
    assert_says(&message, "127.0.0.1 answers 503 Service Unavailable; given up after 6 tries");
    assert_eq!(bench.hub.front.asked().len(), 6);

    let bench = Bench::large();
    bench.hub.storage.play(&[Trick::Short(0)]);
    assert_says(&bench.refused(&file()), "only 0 of 200000 bytes came; given up after 6 tries");

    let mut bench = Bench::large();
    bench.settings.endpoint = {
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", gone.local_addr().unwrap())
    };
    assert_says(&bench.refused(&file()), "Connection refused");
}

#[test]
fn a_bad_line_that_brings_a_million_bytes_each_time_is_not_given_up() {
    let mut bench = Bench::new(Hub::large(4 << 20));
    bench.settings.retries = 1;
    bench.hub.storage.play(&[Trick::Cut(1 << 20)]);
    bench.get();
    assert_eq!(bench.hub.ranges().len(), 4);
}

#[test]
fn offline_no_connection_is_made() {
    let mut bench = Bench::large();
    bench.settings.offline = true;
    let message = bench.refused(&file());
    assert_says(&message, "HF_HUB_OFFLINE is set: unset it");
    assert_says(&message, &bench.cache.path().display().to_string());
    assert!(bench.hub.front.asked().is_empty());
    bench.settings.offline = false;
    bench.get();
    bench.settings.offline = true;
    bench.get();
}

#[test]
fn an_interrupted_download_can_be_resumed() {
    let bench = Bench::large();
    let stop = |done, _| if done >= 60_000 { Flow::Stop } else { Flow::Continue };
    let error = fetch_with(&bench.settings, &file(), &stop).unwrap_err();
    assert!(matches!(error, TrainError::Interrupted(_)), "{error:?}");
    let message = one_line(error);
    let kept = fs::metadata(bench.part()).unwrap().len();
    assert_says(&message, &format!("interrupted; {kept} bytes are kept"));
    assert!((60_000..N_BYTES as u64).contains(&kept) && bench.blobs().len() == 1);
    bench.hub.ranges();
    bench.get();
    assert_eq!(bench.hub.ranges(), [format!("bytes={kept}-")]);
}

#[test]
fn waits_can_be_interrupted() {
    let mut bench = Bench::large();
    bench.settings.longest_wait = Duration::from_secs(3600);
    bench.hub.front.play(&[Trick::TooMany(3600)]);
    let message = fetch_with(&bench.settings, &file(), &|_, _| Flow::Stop).unwrap_err();
    assert_says(&one_line(message), "interrupted");

    let bench = Bench::large();
    let store = Store::new(&bench.settings.cache, file());
    let lock = store.lock(&bench.hub.etag, || unreachable!("it is free")).unwrap();
    bench.leave(&[7; 100]);
    let of_the_other = |done, _| if done == 100 { Flow::Stop } else { Flow::Continue };
    let message = fetch_with(&bench.settings, &file(), &of_the_other).unwrap_err();
    assert_says(&one_line(message), "interrupted; 100 bytes are kept");
    drop(lock);
}

#[test]
fn of_several_at_once_one_loads() {
    let bench = Bench::large();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| bench.get());
        }
    });
    assert_eq!(bench.hub.ranges().len(), 1);
}

/// Every write to this device fails as on a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let bench = Bench::large();
    fs::create_dir_all(bench.folder().join("blobs")).unwrap();
    std::os::unix::fs::symlink("/dev/full", bench.part()).unwrap();
    let message = bench.refused(&file());
    assert!(message.starts_with(&bench.part().display().to_string()), "{message}");
    assert_says(&message, "no space left on the disk: free some or set HF_HUB_CACHE");
    assert_eq!(cached_with(&bench.settings, &file()), None);
}

/// The same on a real one: `sudo -E cargo test --release -p noisescope-train --lib -- --ignored a_full_file_system`.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "mounts a file system"]
fn a_full_file_system() {
    struct Mount(PathBuf);
    impl Drop for Mount {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg(&self.0).status();
        }
    }
    let mut bench = Bench::large();
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"]).arg(bench.cache.path());
    let mounted = mount.output().unwrap();
    assert!(mounted.status.success(), "{mounted:?}");
    let mounted = Mount(bench.cache.path().to_owned());
    assert_says(&bench.refused(&file()), "no space left on the disk");
    assert_eq!(cached_with(&bench.settings, &file()), None);
    let kept = fs::read(bench.part()).unwrap();
    assert!(!kept.is_empty() && bench.hub.content.starts_with(&kept));

    // On a larger disk it goes on from there.
    drop(mounted);
    let folder = tempfile::tempdir().unwrap();
    bench.settings.cache = folder.path().to_owned();
    bench.leave(&kept);
    bench.hub.ranges();
    bench.get();
    assert_eq!(bench.hub.ranges(), [format!("bytes={}-", kept.len())]);
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let mut bench = Bench::large();
    bench.settings.cache = bench.cache.path().join("file");
    fs::write(&bench.settings.cache, "").unwrap();
    let message = bench.refused(&file());
    assert!(message.starts_with(&bench.settings.cache.display().to_string()), "{message}");
    assert_says(&message, "HF_HUB_CACHE names the folder");
}

#[test]
fn names_that_lead_out_of_the_cache_are_refused() {
    let bench = Bench::large();
    let refused = |file: HubFile<'_>| {
        assert_eq!(cached_with(&bench.settings, &file), None);
        bench.refused(&file)
    };
    let branch = refused(HubFile { revision: "main", ..file() });
    assert_says(&branch, "revision \"main\": permitted is the whole hash of a commit");
    for path in ["", "../secret", "/etc/passwd", "a/../../b"] {
        assert_says(&refused(HubFile { path, ..file() }), "permitted is a file of the repository");
    }
    assert_says(&refused(HubFile { repository: "../x", ..file() }), "permitted is owner/name");
    assert!(bench.hub.front.asked().is_empty());
}

#[test]
fn the_environment() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("token"), "from the file\n").unwrap();
    let home = home.path().display().to_string();
    let read = |variables: &[(&str, &str)]| {
        let value = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string())
        };
        Settings::from_lookup(&value)
    };
    assert!(read(&[]).is_none());
    let plain = read(&[("HOME", "/u"), ("HF_TOKEN", " ")]).unwrap();
    assert_eq!(plain.cache, Path::new("/u/.cache/huggingface/hub"));
    assert_eq!(plain.endpoint, "https://huggingface.co");
    assert_eq!((plain.token, plain.offline), (None, false));

    let cache = |variables: &[(&str, &str)]| read(variables).unwrap().cache;
    let in_xdg = cache(&[("HOME", "/u"), ("XDG_CACHE_HOME", "/x")]);
    assert_eq!(in_xdg, Path::new("/x/huggingface/hub"));
    let both = [("HF_HOME", home.as_str()), ("HF_HUB_CACHE", "/c"), ("HF_TOKEN", "hf_x")];
    assert_eq!(cache(&both[..1]), Path::new(&home).join("hub"));
    assert_eq!(cache(&both), Path::new("/c"));
    assert_eq!(cache(&[("HOME", "/u"), ("HF_HOME", "~/hf")]), Path::new("/u/hf/hub"));
    assert_eq!(read(&both[..2]).unwrap().token.as_deref(), Some("from the file"));
    assert_eq!(read(&both).unwrap().token.as_deref(), Some("hf_x"));

    let offline = |value| read(&[("HOME", "/u"), ("HF_HUB_OFFLINE", value)]).unwrap().offline;
    assert!(["1", "true", "YES", "On"].into_iter().all(offline));
    assert!(!["", "0", "false", "no"].into_iter().any(offline));
    let endpoint = read(&[("HOME", "/u"), ("HF_ENDPOINT", "http://mirror:8080/hub/")]);
    assert_eq!(endpoint.unwrap().endpoint, "http://mirror:8080/hub");
}

#[test]
fn waits_double_and_heed_the_server() {
    let settings = Settings::from_lookup(&|_| Some("/u".to_owned())).unwrap();
    let seconds = |failures, after: Option<u64>| {
        settings.wait(failures, after.map(Duration::from_secs)).as_secs()
    };
    assert_eq!([0, 1, 2, 3, 4, 40].map(|failures| seconds(failures, None)), [1, 2, 4, 8, 16, 60]);
    assert_eq!((seconds(0, Some(7)), seconds(4, Some(0)), seconds(0, Some(900))), (7, 0, 60));
}
