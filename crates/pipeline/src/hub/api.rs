//! Which files a revision of a repository has.

use super::client::{Ask, Client, encoded};
use crate::error::{Error, Result, brief};
use serde::Deserialize;
use std::io::Read;

/// More JSON than the largest repository's list.
const MOST_BYTES: u64 = 64 << 20;

/// A revision's commit and files.
pub(super) struct Revision {
    pub(super) commit: String,
    pub(super) files: Vec<Listed>,
}

/// A file of a repository.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Listed {
    /// Its path, with `/` between levels.
    #[serde(rename = "rfilename")]
    pub(super) path: String,
    /// Its bytes, where the server tells.
    #[serde(default)]
    pub(super) size: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    #[serde(default)]
    siblings: Vec<Listed>,
}

/// Asks for the revision's commit and files. Names that would lead out of the cache are refused.
pub(super) fn revision(client: &Client<'_>) -> Result<Revision> {
    let repository = client.repository;
    let (endpoint, revision) = (&client.hub.endpoint, encoded(&repository.revision, ""));
    let url = format!("{endpoint}/api/models/{}/revision/{revision}?blobs=true", repository.id());
    let odd = |reason: String| Error::Download {
        what: repository.to_string(),
        reason: format!("{endpoint} answers {reason}"),
        remedy: "check HF_ENDPOINT and the proxy".into(),
    };
    let mut text = Vec::new();
    let body = client.ask(&url, "", Ask::From(0))?.into_body();
    body.into_reader()
        .take(MOST_BYTES)
        .read_to_end(&mut text)
        .map_err(|error| odd(format!("half a list of files ({error})")))?;
    let answer: Answer =
        serde_json::from_slice(&text).map_err(|error| odd(format!("no list of files ({error})")))?;
    let is_commit = (7..=64).contains(&answer.sha.len()) && answer.sha.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_commit {
        return Err(odd(format!("a commit `{}`", brief(&answer.sha))));
    }
    match answer.siblings.iter().find(|file| !stays_within(&file.path)) {
        Some(file) => Err(odd(format!("a file `{}`", brief(&file.path)))),
        None => Ok(Revision { commit: answer.sha, files: answer.siblings }),
    }
}

/// True for a path that cannot lead out of its folder.
fn stays_within(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    !path.contains(['\\', '\0', ':']) && path.split('/').all(plain)
}

impl Revision {
    /// A few names, for messages.
    pub(super) fn some_names(&self) -> String {
        let first: Vec<&str> = self.files.iter().take(5).map(|file| file.path.as_str()).collect();
        match self.files.len().saturating_sub(5) {
            0 if first.is_empty() => "nothing".into(),
            0 => brief(&first.join(", ")),
            rest => format!("{} and {rest} more", brief(&first.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_snapshot_are_seen() {
        for path in ["../a", "a/../b", "/etc/x", "a//b", "", "a\\..\\b", "c:x", "a/.", "a\0"] {
            assert!(!stays_within(path), "{path:?}");
        }
        assert!(stays_within("transformer/diffusion_pytorch_model-00001-of-00003.safetensors"));
    }
}
