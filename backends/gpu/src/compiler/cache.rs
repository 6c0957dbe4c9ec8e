//! Compiled kernels on disk.
//!
//! A file is `KEY-VERSION.ENDING`: what the kernel was made from, the compiler that made it, and what holds it (`cubin`, `hsaco`). It holds a header (magic, the
//! SHA-256 of key and version, the SHA-256 of the code) and the code. Whatever does not agree with its header is as good as
//! absent. Files are written beside their names and renamed, so that of two processes that make one, either's is whole.

use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Changes with the layout of the file.
const MAGIC: &[u8; 16] = b"tintype kernel 1";
const HASH: usize = 32;
const HEADER: usize = MAGIC.len() + 2 * HASH;

/// What a kernel is made from: source, options and architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Of a text, options and an architecture.
    pub fn new(source: &str, options: &[String], architecture: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(MAGIC);
        // Lengths keep apart what would otherwise run together.
        for part in [source, architecture].into_iter().chain(options.iter().map(String::as_str)) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// A folder of compiled kernels. One that cannot be read or written holds nothing.
pub(super) struct Cache {
    folder: PathBuf,
    ending: &'static str,
}

impl Cache {
    pub(super) fn new(folder: PathBuf, ending: &'static str) -> Self {
        Self { folder, ending }
    }

    /// The code that this version made; of any version, the newest first, where none is given.
    pub(super) fn read(&self, key: &Key, version: Option<&str>) -> Option<Vec<u8>> {
        match version {
            Some(version) => open(&self.path(key, version), key, version),
            None => {
                let mut versions = self.versions(key);
                versions.sort_by_key(|version| {
                    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
                    std::cmp::Reverse(version.split('.').map(number).collect::<Vec<_>>())
                });
                versions.iter().find_map(|version| open(&self.path(key, version), key, version))
            }
        }
    }

    /// Keeps code. Where that cannot be, it is compiled again another time.
    pub(super) fn write(&self, key: &Key, version: &str, code: &[u8]) {
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::Builder::new().prefix(".part-").tempfile_in(&self.folder)?;
            file.write_all(MAGIC)?;
            file.write_all(&identity(key, version))?;
            file.write_all(&Sha256::digest(code))?;
            file.write_all(code)?;
            file.persist(self.path(key, version))?;
            Ok(())
        };
        // A cache that cannot be written is no error: the kernel is there.
        let _ = write();
    }

    /// Removes every version of a kernel.
    pub(super) fn remove(&self, key: &Key) {
        for version in self.versions(key) {
            // One that cannot be removed is replaced when the kernel is compiled again.
            let _ = fs::remove_file(self.path(key, &version));
        }
    }

    fn path(&self, key: &Key, version: &str) -> PathBuf {
        self.folder.join(format!("{}-{version}.{}", key.0, self.ending))
    }

    /// The versions of the compiler that there is a file of.
    fn versions(&self, key: &Key) -> Vec<String> {
        let version = |name: &str| {
            let rest = name.strip_prefix(&key.0)?.strip_prefix('-')?;
            Some(rest.strip_suffix(self.ending)?.strip_suffix('.')?.to_owned())
        };
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        entries.filter_map(|entry| version(entry.ok()?.file_name().to_str()?)).collect()
    }
}

fn identity(key: &Key, version: &str) -> [u8; HASH] {
    Sha256::new().chain_update(&key.0).chain_update([0]).chain_update(version).finalize().into()
}

/// The code of a file that is whole and holds this kernel.
fn open(path: &Path, key: &Key, version: &str) -> Option<Vec<u8>> {
    let mut file = fs::read(path).ok()?;
    let (header, code) = file.split_at_checked(HEADER)?;
    let (magic, hashes) = header.split_at(MAGIC.len());
    let (who, what) = hashes.split_at(HASH);
    let whole = magic == MAGIC && who == identity(key, version) && what == Sha256::digest(code).as_slice();
    whole.then(|| file.split_off(HEADER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::new("source", &["--option".into()], "sm_90a")
    }

    fn filled() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("deep/kernels"), "cubin");
        cache.write(&key(), "13.0", b"code");
        (folder, cache)
    }

    #[test]
    fn what_is_written_is_read_by_its_version_and_by_who_has_none() {
        let (_folder, cache) = filled();
        assert_eq!(cache.read(&key(), Some("13.0")).as_deref(), Some(&b"code"[..]));
        assert_eq!(cache.read(&key(), Some("12.9")), None);
        cache.write(&key(), "9.2", b"old");
        assert_eq!(cache.read(&key(), None).as_deref(), Some(&b"code"[..]));
        cache.remove(&key());
        assert_eq!(cache.read(&key(), None), None);
    }

    #[test]
    fn whatever_a_kernel_is_made_from_changes_its_key() {
        let others = [
            Key::new("sourc", &["e--option".into()], "sm_90a"),
            Key::new("source", &["--option".into()], "sm_80"),
            Key::new("source", &[], "sm_90a"),
            Key::new("source", &["--opt".into(), "ion".into()], "sm_90a"),
        ];
        assert!(others.iter().all(|other| *other != key()));
    }

    #[test]
    fn a_file_with_any_byte_changed_or_cut_off_is_absent_and_replaced() {
        let (_folder, cache) = filled();
        let path = cache.path(&key(), "13.0");
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(cache.read(&key(), Some("13.0")), None, "byte {at}");
            fs::write(&path, &good[..at]).unwrap();
            assert_eq!(cache.read(&key(), Some("13.0")), None, "cut at {at}");
        }
        cache.write(&key(), "13.0", b"code");
        assert!(cache.read(&key(), Some("13.0")).is_some());
    }

    #[test]
    fn a_file_under_a_foreign_name_is_absent() {
        let (_folder, cache) = filled();
        let other = Key::new("other", &[], "sm_80");
        fs::copy(cache.path(&key(), "13.0"), cache.path(&other, "13.0")).unwrap();
        fs::copy(cache.path(&key(), "13.0"), cache.path(&key(), "13.1")).unwrap();
        assert_eq!(cache.read(&other, Some("13.0")), None);
        assert_eq!(cache.read(&key(), Some("13.1")), None);
    }

    #[test]
    fn a_folder_that_cannot_be_is_a_cache_that_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let cache = Cache::new(file.join("kernels"), "cubin");
        cache.write(&key(), "13.0", b"code");
        assert_eq!(cache.read(&key(), None), None);
    }

    #[test]
    fn of_several_writers_each_leaves_a_whole_file_and_nothing_beside() {
        let (_folder, cache) = filled();
        let codes = [vec![1_u8; 1 << 16], vec![2; 1 << 16]];
        std::thread::scope(|scope| {
            for code in &codes {
                scope.spawn(|| {
                    for _ in 0..50 {
                        cache.write(&key(), "13.0", code);
                        let read = cache.read(&key(), Some("13.0")).unwrap();
                        assert!(codes.contains(&read));
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(&cache.folder).unwrap().count(), 1);
    }
}
