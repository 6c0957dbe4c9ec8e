//! The checksums that the Hub gives: SHA-256 of large files, git's SHA-1 of small ones. Either is a file's ETag.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// A checksum, as lower-case hexadecimal digits. It is also the name of the file in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Etag(String);

/// A checksum in the making.
pub(super) enum Hasher {
    Sha256(Sha256),
    /// Of `blob SIZE\0` and the content, as git names a file.
    Git(Sha1),
}

impl Etag {
    /// From a header: quoted, with or without `W/`. None where it is neither SHA-256 nor SHA-1.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let digits = header.trim().trim_start_matches("W/").trim_matches('"');
        let is_digest = matches!(digits.len(), 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        is_digest.then(|| Etag(digits.to_ascii_lowercase()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What a file of `size` bytes is put through.
    pub(super) fn hasher(&self, size: u64) -> Hasher {
        if self.0.len() == 64 {
            return Hasher::Sha256(Sha256::new());
        }
        let mut hasher = Sha1::new();
        hasher.update(format!("blob {size}\0"));
        Hasher::Git(hasher)
    }
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Git(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> Etag {
        let hex = |bytes: &[u8]| Etag(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        match self {
            Hasher::Sha256(hasher) => hex(&hasher.finalize()),
            Hasher::Git(hasher) => hex(&hasher.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_those_of_git_and_of_large_files() {
        // `printf 'hello\n' | git hash-object --stdin`, and `| sha256sum`.
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        let large = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        for written in [format!("\"{git}\""), format!("W/\"{git}\""), large.to_ascii_uppercase()] {
            let etag = Etag::parse(&written).unwrap();
            let mut hasher = etag.hasher(6);
            hasher.update(b"hel");
            hasher.update(b"lo\n");
            assert_eq!(hasher.finish(), etag);
        }
        for odd in ["", "\"abc\"", "../../x", &"g".repeat(40)] {
            assert_eq!(Etag::parse(odd), None);
        }
    }
}
