//! Downloads from a Hub on this machine: what lands in the cache, and what every fault says.
#![cfg(feature = "hub")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod hub_server;

use hub_server::{COMMIT, REPOSITORY, Server, Site, etag, files_of};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tintype_pipeline::folder::{ModelFolder, Repository, find};
use tintype_pipeline::hub::Hub;
use tintype_pipeline::{CancelToken, Event};

const LARGE: &str = "transformer/diffusion_pytorch_model.safetensors";

/// A folder that goes with the test.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl std::ops::Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

fn scratch(name: &str) -> Scratch {
    let path = std::env::temp_dir().join(format!("tintype-hub-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    Scratch(path)
}

fn model() -> BTreeMap<String, Vec<u8>> {
    files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models/flux-base"))
}

/// A repository as they are published: the folder, and much beside it.
fn published() -> Site {
    let mut files = model();
    let beside = [
        "README.md",
        "flux1-dev.safetensors",
        "ae.safetensors",
        "vae/diffusion_pytorch_model.fp16.safetensors",
    ];
    for path in [&beside[..], &["text_encoder/pytorch_model.bin", "unused/config.json"]].concat() {
        files.insert(path.into(), vec![1; 99]);
    }
    Site { files, ..Site::default() }
}

fn hub(server: &Server, cache: &Path) -> Hub {
    let pause = Duration::from_millis(1);
    Hub { endpoint: server.endpoint.clone(), cache: cache.into(), token: None, pause }
}

fn download(hub: &Hub) -> Result<PathBuf, String> {
    let repository = Repository::parse(REPOSITORY).unwrap();
    let result = hub.download(&repository, &[], &mut |_| {}, &CancelToken::default());
    result.map_err(|error| error.to_string())
}

fn refused(site: Site, name: &str) -> String {
    let server = Server::start(site);
    download(&hub(&server, &scratch(name))).unwrap_err()
}

fn root(cache: &Path) -> PathBuf {
    cache.join("models--org--flux")
}

#[test]
fn a_whole_model_lands_in_the_caches_layout() {
    let (server, cache) = (Server::start(published()), scratch("whole"));
    let mut told = Vec::new();
    let mut watch = |event| told.push(event);
    let repository = Repository::parse(REPOSITORY).unwrap();
    let snapshot =
        hub(&server, &cache).download(&repository, &[], &mut watch, &CancelToken::default()).unwrap();
    assert_eq!(snapshot, root(&cache).join("snapshots").join(COMMIT));
    assert_eq!(std::fs::read_to_string(root(&cache).join("refs/main")).unwrap(), COMMIT);
    // All that the pipeline needs and nothing else, each a link to a blob of its checksum.
    assert_eq!(files_of(&snapshot), model());
    for (path, content) in model() {
        let blob = root(&cache).join("blobs").join(etag(&path, &content));
        assert_eq!(std::fs::canonicalize(snapshot.join(&path)).unwrap(), blob.canonicalize().unwrap());
        #[cfg(unix)]
        assert!(std::fs::read_link(snapshot.join(&path)).unwrap().starts_with("../.."));
    }
    assert!(
        server.asked().iter().all(|asked| !asked.path.contains("README") && !asked.path.contains("fp16"))
    );
    ModelFolder::open(&snapshot).unwrap();
    let bytes: u64 = model().values().map(|content| content.len() as u64).sum();
    let Some(Event::Downloading { done, total, .. }) = told.last() else { panic!("nothing was told") };
    assert_eq!((*done, *total), (bytes, bytes));

    // Nothing is downloaded twice: the list is asked for, no file.
    let before = server.asked().len();
    assert_eq!(download(&hub(&server, &cache)).unwrap(), snapshot);
    assert_eq!(server.asked().len(), before + 1);
}

#[test]
fn weights_that_come_from_elsewhere_are_left_out() {
    let (server, cache) = (Server::start(published()), scratch("without"));
    let repository = Repository::parse(REPOSITORY).unwrap();
    let hub = hub(&server, &cache);
    let snapshot = hub.download(&repository, &["transformer"], &mut |_| {}, &CancelToken::default()).unwrap();
    assert!(!snapshot.join(LARGE).exists() && snapshot.join("transformer/config.json").exists());
}

#[test]
fn a_cut_connection_is_taken_up_where_it_broke() {
    let server = Server::start(Site { cuts: vec![5_000, 0, 7_000], ..published() });
    let cache = scratch("cut");
    let snapshot = download(&hub(&server, &cache)).unwrap();
    assert_eq!(files_of(&snapshot), model());
    let ranges: Vec<_> = server.stored("").into_iter().filter_map(|asked| asked.range).collect();
    assert_eq!(ranges, ["bytes=5000-", "bytes=5000-", "bytes=12000-"]);
}

#[test]
fn a_download_that_was_given_up_goes_on_the_next_time() {
    let server = Server::start(Site { cuts: [&[9_000][..], &[0; 5]].concat(), ..published() });
    let cache = scratch("given-up");
    let told = download(&hub(&server, &cache)).unwrap_err();
    assert!(told.contains("broke off") && told.contains("run the same command again"), "{told}");
    assert!(!root(&cache).join("refs/main").exists());
    let before = server.asked().len();
    assert_eq!(files_of(&download(&hub(&server, &cache)).unwrap()), model());
    let first = server.asked().into_iter().skip(before).find(|asked| asked.at == "store").unwrap();
    assert_eq!(first.range.as_deref(), Some("bytes=9000-"));
}

#[test]
fn a_server_without_ranges_starts_again() {
    let server = Server::start(Site { cuts: vec![5_000], whole_only: true, ..published() });
    assert_eq!(files_of(&download(&hub(&server, &scratch("no-ranges"))).unwrap()), model());
}

#[test]
fn wrong_content_is_thrown_away() {
    let server = Server::start(Site { damaged: Some(LARGE.into()), ..published() });
    let cache = scratch("damaged");
    let told = download(&hub(&server, &cache)).unwrap_err();
    assert!(told.contains(LARGE) && told.contains("checksum") && told.contains("thrown away"), "{told}");
    let names =
        || std::fs::read_dir(root(&cache).join("blobs")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(names().all(|name| !name.to_string_lossy().contains("incomplete")));
    assert!(!names().any(|name| name == etag(LARGE, &model()[LARGE]).as_str()));
    server.site.lock().unwrap().damaged = None;
    assert_eq!(files_of(&download(&hub(&server, &cache)).unwrap()), model());
}

#[test]
fn a_token_goes_to_the_hub_and_nowhere_else() {
    let server = Server::start(Site { token: Some("secret"), ..published() });
    let with = Hub { token: Some("secret".into()), ..hub(&server, &scratch("token")) };
    download(&with).unwrap();
    let asked = server.asked();
    assert!(asked.iter().filter(|asked| asked.at == "hub").all(|a| a.token.as_deref() == Some("secret")));
    let stored: Vec<_> = asked.iter().filter(|asked| asked.at == "store").collect();
    assert!(stored.len() >= 4 && stored.iter().all(|asked| asked.token.is_none()), "{stored:?}");

    let told = download(&hub(&server, &scratch("no-token"))).unwrap_err();
    assert!(told.contains("licence") && told.contains("HF_TOKEN") && told.contains("/org/flux"), "{told}");
    let wrong = Hub { token: Some("other".into()), ..hub(&server, &scratch("other-token")) };
    let told = download(&wrong).unwrap_err();
    assert!(told.contains("with the account whose token") && !told.contains("other"), "{told}");
}

#[test]
fn every_refusal_says_what_to_do() {
    let refuse = |status, code| Site { refuse: Some((status, code)), ..published() };
    let cases = [
        (401, "RepoNotFound", "private or gated", "hf auth login"),
        (403, "", "may not read", "HF_TOKEN"),
        (404, "RepoNotFound", "no such repository", "check the name"),
        (404, "RevisionNotFound", "no revision `main`", "branches"),
        (429, "", "fewer requests", "minutes"),
        (503, "", "has trouble", "later"),
        (418, "", "refuses (HTTP 418)", "HF_ENDPOINT"),
    ];
    for (status, code, reason, remedy) in cases {
        let told = refused(refuse(status, code), "refused");
        assert!(
            told.contains(reason) && told.contains(remedy) && told.contains("org/flux"),
            "{status}: {told}"
        );
    }
    let nowhere = scratch("nowhere");
    let nowhere = Hub {
        endpoint: "http://127.0.0.1:1".into(),
        cache: nowhere.to_path_buf(),
        token: None,
        pause: Duration::from_millis(1),
    };
    let told = download(&nowhere).unwrap_err();
    assert!(told.contains("127.0.0.1:1 cannot be reached") && told.contains("network"), "{told}");
}

#[test]
fn answers_that_would_leave_the_cache_are_refused() {
    let listing = |sha: &str, path: &str| {
        let listing = format!(r#"{{"sha":"{sha}","siblings":[{{"rfilename":"{path}"}}]}}"#);
        refused(Site { listing: Some(listing), ..Site::default() }, "hostile")
    };
    assert!(listing("../../x", "model_index.json").contains("a commit `../../x`"));
    assert!(listing(COMMIT, "../../x").contains("a file `../../x`"));
    assert!(listing(COMMIT, "README.md").contains("no model_index.json"));
    assert!(
        refused(Site { listing: Some("<html>".into()), ..Site::default() }, "html")
            .contains("no list of files")
    );
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let server = Server::start(published());
    let folder = scratch("unwritable");
    let cache = folder.join("file");
    std::fs::write(&cache, "").unwrap();
    let told = download(&hub(&server, &cache)).unwrap_err();
    assert!(told.contains("unwritable/file") && told.contains("HF_HOME"), "{told}");
}

#[test]
fn a_cancelled_download_stops_and_keeps_what_it_has() {
    let (server, cache) = (Server::start(published()), scratch("cancelled"));
    let cancel = CancelToken::default();
    let token = cancel.clone();
    let mut watch = move |event| {
        if matches!(&event, Event::Downloading { file, .. } if file == LARGE) {
            token.cancel();
        }
    };
    let repository = Repository::parse(REPOSITORY).unwrap();
    let stopped = hub(&server, &cache).download(&repository, &[], &mut watch, &cancel);
    assert!(matches!(stopped, Err(tintype_pipeline::Error::Cancelled)));
    assert_eq!(files_of(&download(&hub(&server, &cache)).unwrap()), model());
}

/// Runs in processes of its own, started by the test below.
#[test]
#[ignore = "a part of two_processes_download_each_file_once"]
fn one_process() {
    let found = find(REPOSITORY, &[], &mut |_| {}, &CancelToken::default()).unwrap();
    assert_eq!(files_of(&found), model());
}

#[test]
fn two_processes_download_each_file_once() {
    let (server, home) = (Server::start(published()), scratch("two"));
    let start = |offline: &str| {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "one_process"])
            .env("HF_ENDPOINT", &server.endpoint)
            .env("HF_HOME", &*home)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .env("HF_HUB_OFFLINE", offline)
            .env_remove("HF_HUB_CACHE")
            .spawn()
            .unwrap()
    };
    let mut both = [start("0"), start("0")];
    assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    for path in model().keys().filter(|path| hub_server::is_large(path)) {
        assert_eq!(server.stored(path).len(), 1, "{path}");
    }
    // What is whole in the cache needs no network.
    let before = server.asked().len();
    assert!(start("0").wait().unwrap().success());
    assert!(start("1").wait().unwrap().success());
    assert_eq!(server.asked().len(), before);
    // A part of it does.
    std::fs::remove_file(root(&home.join("hub")).join("snapshots").join(COMMIT).join(LARGE)).unwrap();
    assert!(!start("1").wait().unwrap().success());
    assert!(start("0").wait().unwrap().success());
}
