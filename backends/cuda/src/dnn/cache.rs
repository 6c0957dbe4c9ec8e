//! Plans on disk: a second process builds none.

use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Raised when what an entry holds changes.
const FORMAT: u32 = 1;

/// A folder of plans. An entry is a digest of the rest, the key, and the plan's JSON, a line each; one that is damaged, or
/// was made for something else, is as good as none.
pub(crate) struct Cache {
    folder: PathBuf,
    /// The library's version and the device.
    setting: String,
}

impl Cache {
    pub(crate) fn new(folder: &Path, setting: &str) -> Self {
        Self { folder: folder.into(), setting: setting.into() }
    }

    /// The JSON kept under a key.
    pub(crate) fn get(&self, key: &str) -> Option<Vec<u8>> {
        let entry = std::fs::read(self.path(key)).ok()?;
        let rest = entry.strip_prefix(digest(entry.get(65..)?).as_bytes())?.strip_prefix(b"\n")?;
        let json = rest.strip_prefix(self.key(key).as_bytes())?.strip_prefix(b"\n")?;
        Some(json.to_vec())
    }

    /// Keeps a plan: written beside its place and renamed, so that no reader meets half of it. A folder that cannot be written
    /// to costs the next process a build, and nothing else.
    pub(crate) fn put(&self, key: &str, json: &[u8]) {
        let mut rest = self.key(key).into_bytes();
        rest.push(b'\n');
        rest.extend_from_slice(json);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&self.folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(digest(&rest).as_bytes())?;
            file.write_all(b"\n")?;
            file.write_all(&rest)?;
            file.persist(self.path(key)).map(drop).map_err(|error| error.error)
        };
        // Nothing is lost but time.
        let _ = write();
    }

    fn key(&self, key: &str) -> String {
        format!("{FORMAT} {} {key}", self.setting).replace('\n', " ")
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{}.plan", digest(self.key(key).as_bytes())))
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "cuDNN 9.14.0 an H100");
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"{\"x\":\n1}");
        assert_eq!(cache.get("a").as_deref(), Some(&b"{\"x\":\n1}"[..]));
        assert_eq!(cache.get("b"), None);
        assert_eq!(Cache::new(folder.path(), "cuDNN 9.19.0 an H100").get("a"), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_entry_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "here");
        cache.put("a", b"{}");
        let path = cache.path("a");
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(cache.get("a"), None, "{length} bytes of it");
        }
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        assert_eq!(cache.get("a"), None);
        // Another's entry under this name.
        Cache::new(folder.path(), "there").put("a", b"{}");
        std::fs::rename(Cache::new(folder.path(), "there").path("a"), &path).unwrap();
        assert_eq!(cache.get("a"), None);
        cache.put("a", b"{}");
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}
