//! A Hub on this machine: the parts of huggingface.co's HTTP interface that a download uses, and its faults.
//!
//! Small files come from the Hub itself; large ones are redirected to another host, as the real one does.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

pub const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub const REPOSITORY: &str = "org/flux";

/// What the server holds and how it misbehaves.
#[derive(Default)]
pub struct Site {
    pub files: BTreeMap<String, Vec<u8>>,
    /// The token that every request to the Hub must bring.
    pub token: Option<&'static str>,
    /// A status and error code for every request to the Hub.
    pub refuse: Option<(u16, &'static str)>,
    /// The next downloads of large files end after so many bytes each.
    pub cuts: Vec<usize>,
    /// Large files ignore `Range`.
    pub whole_only: bool,
    /// This file's content is not what its checksum says.
    pub damaged: Option<String>,
    /// In the place of the list of files.
    pub listing: Option<String>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `hub` or `store`.
    pub at: &'static str,
    pub method: String,
    pub path: String,
    pub token: Option<String>,
    pub range: Option<String>,
}

/// The two servers. They end with the process.
pub struct Server {
    pub endpoint: String,
    pub site: Arc<Mutex<Site>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub fn start(site: Site) -> Self {
        let site = Arc::new(Mutex::new(site));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let store = listen("store", &site, &asked, String::new());
        let endpoint = listen("hub", &site, &asked, store);
        Server { endpoint, site, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Downloads of content from the store.
    pub fn stored(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|a| a.at == "store" && a.path.ends_with(path)).collect()
    }
}

/// Every file of a folder, by its path.
pub fn files_of(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(folder, folder, &mut files);
    files
}

pub fn is_large(path: &str) -> bool {
    path.ends_with(".safetensors")
}

/// The checksum that the Hub gives.
pub fn etag(path: &str, content: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if is_large(path) {
        return hex(&Sha256::digest(content));
    }
    let blob = [format!("blob {}\0", content.len()).as_bytes(), content].concat();
    hex(&sha1::Sha1::digest(blob))
}

fn listen(
    at: &'static str,
    site: &Arc<Mutex<Site>>,
    asked: &Arc<Mutex<Vec<Asked>>>,
    store: String,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (site, asked) = (Arc::clone(site), Arc::clone(asked));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (site, asked, store) = (Arc::clone(&site), Arc::clone(&asked), store.clone());
            std::thread::spawn(move || {
                let Some(request) = read(at, &stream) else { return };
                asked.lock().unwrap().push(request.clone());
                // Whoever asks may have gone; that is its business.
                let _ = if at == "hub" {
                    hub(&stream, &request, &site, &store)
                } else {
                    content(&stream, &request, &site)
                };
            });
        }
    });
    endpoint
}

fn read(at: &'static str, stream: &TcpStream) -> Option<Asked> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    let mut words = first.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut request = Asked { at, method, path, token: None, range: None };
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "authorization" => request.token = value.strip_prefix("Bearer ").map(str::to_owned),
            "range" => request.range = Some(value.to_owned()),
            _ => {}
        }
    }
    Some(request)
}

fn hub(stream: &TcpStream, request: &Asked, site: &Mutex<Site>, store: &str) -> std::io::Result<()> {
    let site = site.lock().unwrap();
    if let Some((status, code)) = site.refuse {
        return answer(stream, status, &[("X-Error-Code", code)], b"no");
    }
    if site.token.is_some() && request.token.as_deref() != site.token {
        return answer(stream, 401, &[("X-Error-Code", "GatedRepo")], b"no");
    }
    if request.path == format!("/api/models/{REPOSITORY}/revision/main?blobs=true") {
        let list = |(path, content): (&String, &Vec<u8>)| {
            format!(r#"{{"rfilename":"{path}","size":{}}}"#, content.len())
        };
        let list: Vec<String> = site.files.iter().map(list).collect();
        let json = format!(r#"{{"id":"{REPOSITORY}","sha":"{COMMIT}","siblings":[{}]}}"#, list.join(","));
        return answer(stream, 200, &[], site.listing.as_ref().unwrap_or(&json).as_bytes());
    }
    let found = request.path.strip_prefix(&format!("/{REPOSITORY}/resolve/{COMMIT}/"));
    let Some((path, content)) = found.and_then(|path| site.files.get_key_value(path)) else {
        return answer(stream, 404, &[("X-Error-Code", "EntryNotFound")], b"no");
    };
    let quoted = format!("\"{}\"", etag(path, content));
    if is_large(path) {
        let (size, to) = (content.len().to_string(), format!("{store}/{path}"));
        let headers = [
            ("Location", to.as_str()),
            ("X-Linked-Etag", &quoted),
            ("X-Linked-Size", &size),
            ("ETag", "\"of-the-redirect\""),
            ("X-Repo-Commit", COMMIT),
        ];
        return answer(stream, 302, &headers, b"");
    }
    let content = if request.method == "HEAD" { &vec![0; content.len()] } else { content };
    answer(stream, 200, &[("ETag", &quoted), ("X-Repo-Commit", COMMIT)], content)
}

fn content(mut stream: &TcpStream, request: &Asked, site: &Mutex<Site>) -> std::io::Result<()> {
    let mut site = site.lock().unwrap();
    let path = request.path.trim_start_matches('/').to_owned();
    let Some(mut bytes) = site.files.get(&path).cloned() else { return answer(stream, 404, &[], b"") };
    if let (Some(last), true) = (bytes.last_mut(), site.damaged.as_ref() == Some(&path)) {
        *last ^= 1;
    }
    let first =
        request.range.as_ref().and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let first: usize = first.filter(|_| !site.whole_only).unwrap_or(0);
    let (status, range) = match first {
        0 => ("200 OK", String::new()),
        _ => {
            let range = format!("Content-Range: bytes {first}-{}/{}\r\n", bytes.len() - 1, bytes.len());
            ("206 Partial Content", range)
        }
    };
    let body = &bytes[first..];
    let cut = if site.cuts.is_empty() { body.len() } else { site.cuts.remove(0).min(body.len()) };
    drop(site);
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{range}Connection: close\r\n\r\n")?;
    stream.write_all(&body[..cut])
}

fn answer(mut stream: &TcpStream, status: u16, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status} Whatever\r\nContent-Length: {}\r\nConnection: close\r\n", body.len())?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    stream.write_all(b"\r\n")?;
    stream.write_all(body)
}
