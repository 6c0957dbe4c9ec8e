//! One file: locked, downloaded from where the last download stopped, checked, and linked into its snapshot.
//!
//! The layout is huggingface_hub's ("Understand caching"): `blobs/ETAG` holds content, `snapshots/COMMIT/PATH` links to
//! it, `refs/REVISION` holds a commit. Locks are flock's on `.locks/REPOSITORY/ETAG.lock`, as Python's are.

use super::api::Listed;
use super::client::{Ask, Client, Failure, header};
use super::digest::{Etag, Hasher};
use super::refused::{cut, unkept};
use crate::files::write_beside;
use crate::folder::Repository;
use crate::generate::{Event, Watcher};
use crate::{Error, Result};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::Body;
use ureq::http::{Response, StatusCode};

/// Bytes read at once, and between two reports.
const PIECE: usize = 1 << 20;

/// A repository's folder in the cache, at one commit.
pub(super) struct Cached {
    root: PathBuf,
    locks: PathBuf,
    snapshot: PathBuf,
    commit: String,
}

/// How much is there, of all files.
pub(super) struct Progress<'w> {
    watcher: &'w mut dyn Watcher,
    done: u64,
    total: u64,
    /// How much was there when the watcher was last told.
    told: u64,
}

/// What the Hub says of a file before it is downloaded.
struct Facts {
    etag: Etag,
    size: u64,
}

impl Cached {
    pub(super) fn new(cache: &Path, repository: &Repository, commit: &str) -> Self {
        let root = repository.folder(cache);
        let locks = cache.join(".locks").join(root.file_name().unwrap_or_default());
        Cached { snapshot: root.join("snapshots").join(commit), root, locks, commit: commit.to_owned() }
    }

    pub(super) fn snapshot(&self) -> &Path {
        &self.snapshot
    }

    pub(super) fn path_of(&self, path: &str) -> PathBuf {
        self.snapshot.join(path)
    }

    /// Writes which commit a branch or tag is.
    pub(super) fn name_revision(&self, revision: &str) -> Result<()> {
        let path = self.root.join("refs").join(revision);
        if revision == self.commit || fs::read_to_string(&path).is_ok_and(|known| known == self.commit) {
            return Ok(());
        }
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.map_err(|error| unkept(revision.to_owned(), &path, &error))?;
        write_beside(&path, |file| file.write_all(self.commit.as_bytes()))
    }

    /// Puts a blob's name into the snapshot.
    fn link(&self, path: &str, etag: &Etag) -> io::Result<()> {
        let link = self.path_of(path);
        if let Some(parent) = link.parent() {
            fs::create_dir_all(parent)?;
        }
        #[cfg(unix)]
        {
            // A link that leads nowhere, from a cache that was tidied by hand, is in the way.
            if fs::symlink_metadata(&link).is_ok() {
                fs::remove_file(&link)?;
            }
            let up = "../".repeat(path.split('/').count() + 1);
            match std::os::unix::fs::symlink(format!("{up}blobs/{}", etag.as_str()), &link) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                result => result,
            }
        }
        // Where links need rights, the file itself lies in the snapshot, as huggingface_hub has it.
        #[cfg(not(unix))]
        fs::rename(self.root.join("blobs").join(etag.as_str()), link)
    }
}

impl<'w> Progress<'w> {
    pub(super) fn new(watcher: &'w mut dyn Watcher) -> Self {
        Progress { watcher, done: 0, total: 0, told: 0 }
    }

    /// So many bytes are to come.
    pub(super) fn expect(&mut self, bytes: u64) {
        self.total = self.total.saturating_add(bytes);
    }

    fn is_there(&mut self, path: &str, bytes: u64) {
        self.done = self.done.saturating_add(bytes);
        self.total = self.total.max(self.done);
        if self.done < self.told.saturating_add(PIECE as u64) && self.done < self.total && bytes > 0 {
            return;
        }
        self.told = self.done;
        let event = Event::Downloading { file: path.to_owned(), done: self.done, total: self.total };
        self.watcher.event(event);
    }

    fn is_gone(&mut self, bytes: u64) {
        self.done = self.done.saturating_sub(bytes);
        self.told = self.done;
    }
}

/// Makes sure that a file is in the snapshot.
pub(super) fn fetch(
    client: &Client<'_>,
    cached: &Cached,
    file: &Listed,
    progress: &mut Progress<'_>,
) -> Result<()> {
    let path = file.path.as_str();
    if let Ok(known) = fs::metadata(cached.path_of(path)) {
        progress.is_there(path, known.len());
        return Ok(());
    }
    let url = client.file_url(&cached.commit, path);
    let facts = facts(client, path, &client.ask(&url, path, Ask::Head)?)?;
    if file.size.is_none() {
        progress.expect(facts.size);
    }
    let unkept = |place: &Path, error: io::Error| unkept(client.name_of(path), place, &error);
    let blobs = cached.root.join("blobs");
    for folder in [&blobs, &cached.locks] {
        fs::create_dir_all(folder).map_err(|error| unkept(folder, error))?;
    }
    let lock = cached.locks.join(format!("{}.lock", facts.etag.as_str()));
    let _held = lock_file(client, &lock, |error| unkept(&lock, error))?;
    let blob = blobs.join(facts.etag.as_str());
    if blob.is_file() {
        // Another revision has the same content, or another process was quicker.
        progress.is_there(path, facts.size);
    } else {
        download(client, &url, path, &facts, &blob, progress)?;
    }
    cached.link(path, &facts.etag).map_err(|error| unkept(&cached.path_of(path), error))
}

fn facts(client: &Client<'_>, path: &str, head: &Response<Body>) -> Result<Facts> {
    let odd = |reason: &str| Error::Download {
        what: client.name_of(path),
        reason: format!("the server gives {reason}"),
        remedy: "check HF_ENDPOINT and the proxy".into(),
    };
    let etag = header(head, "x-linked-etag").or_else(|| header(head, "etag"));
    let etag = etag.and_then(Etag::parse).ok_or_else(|| odd("no checksum of it (ETag)"))?;
    let size = header(head, "x-linked-size").or_else(|| header(head, "content-length"));
    let size = size.and_then(|size| size.parse().ok()).ok_or_else(|| odd("no size of it"))?;
    Ok(Facts { etag, size })
}

/// Waits until no other process downloads this file. The lock goes when its file is closed.
fn lock_file(client: &Client<'_>, path: &Path, unkept: impl Fn(io::Error) -> Error) -> Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(&unkept)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                client.cancel.check()?;
                std::thread::sleep(Duration::from_millis(100));
            }
            Err(TryLockError::Error(error)) => return Err(unkept(error)),
        }
    }
}

/// Downloads into `ETAG.incomplete`, whatever is there first, and renames it once its checksum is right.
fn download(
    client: &Client<'_>,
    url: &str,
    path: &str,
    facts: &Facts,
    blob: &Path,
    progress: &mut Progress<'_>,
) -> Result<()> {
    let part = blob.with_extension("incomplete");
    let unkept = |error: io::Error| unkept(client.name_of(path), &part, &error);
    let mut open = OpenOptions::new();
    let file = open.create(true).read(true).append(true).open(&part).map_err(&unkept)?;
    let mut hasher = facts.etag.hasher(facts.size);
    let mut there = read_again(&file, &mut hasher).map_err(&unkept)?;
    if there > facts.size {
        file.set_len(0).map_err(&unkept)?;
        (there, hasher) = (0, facts.etag.hasher(facts.size));
    }
    progress.is_there(path, there);
    let mut failed = 0;
    while there < facts.size {
        client.cancel.check()?;
        let before = there;
        let mut download =
            Part { file: &file, hasher: &mut hasher, there: &mut there, progress, facts, path };
        match download.go_on(client, url, &unkept) {
            Ok(()) => {}
            Err(Failure::Final(error)) => return Err(*error),
            Err(Failure::Passing(error)) => {
                failed = if there > before { 1 } else { failed + 1 };
                client.pause(failed, *error)?;
            }
        }
    }
    let found = hasher.finish();
    if there != facts.size || found != facts.etag {
        drop(file);
        fs::remove_file(&part).map_err(&unkept)?;
        return Err(Error::Download {
            what: client.name_of(path),
            reason: format!(
                "what arrived has checksum {} and {there} bytes, and should have {} and {}; it was thrown away",
                found.as_str(),
                facts.etag.as_str(),
                facts.size
            ),
            remedy: "try again; if it stays so, a proxy or mirror in between changes files".into(),
        });
    }
    file.sync_all().map_err(&unkept)?;
    fs::rename(&part, blob).map_err(&unkept)
}

/// Puts what an earlier download has left through the checksum, and counts it.
fn read_again(mut file: &File, hasher: &mut Hasher) -> io::Result<u64> {
    let mut piece = vec![0; PIECE];
    let mut there = 0;
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(there),
            read => {
                hasher.update(piece.get(..read).unwrap_or_default());
                there += read as u64;
            }
        }
    }
}

/// A file of which a beginning is there.
struct Part<'p, 'w> {
    file: &'p File,
    hasher: &'p mut Hasher,
    there: &'p mut u64,
    progress: &'p mut Progress<'w>,
    facts: &'p Facts,
    path: &'p str,
}

impl Part<'_, '_> {
    /// One request for the rest, as far as it goes.
    fn go_on(
        &mut self,
        client: &Client<'_>,
        url: &str,
        unkept: &impl Fn(io::Error) -> Error,
    ) -> Result<(), Failure> {
        let response = client.once(url, self.path, Ask::From(*self.there))?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT
            && starts_at(header(&response, "content-range"), *self.there);
        if !goes_on && *self.there > 0 {
            // The server gives the whole, or something else: from the beginning, then.
            self.file.set_len(0).map_err(unkept)?;
            self.progress.is_gone(*self.there);
            *self.there = 0;
            *self.hasher = self.facts.etag.hasher(self.facts.size);
            if response.status() != StatusCode::OK {
                return Ok(());
            }
        }
        let mut body = response.into_body().into_reader();
        let mut piece = vec![0; PIECE];
        while *self.there < self.facts.size {
            client.cancel.check()?;
            let read = match body.read(&mut piece) {
                Ok(0) => return Err(cut(client, self.path, &io::ErrorKind::UnexpectedEof.into())),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(cut(client, self.path, &error)),
            };
            let bytes = piece.get(..read).unwrap_or_default();
            self.file.write_all(bytes).map_err(unkept)?;
            self.hasher.update(bytes);
            *self.there += read as u64;
            self.progress.is_there(self.path, read as u64);
        }
        Ok(())
    }
}

/// Whether a `Content-Range: bytes FIRST-LAST/SIZE` begins at `first`.
fn starts_at(range: Option<&str>, first: u64) -> bool {
    let told = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    told == Some(first)
}
