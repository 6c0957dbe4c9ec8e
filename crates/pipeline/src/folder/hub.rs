//! Where a model is: a folder on disk, or a repository in the Hugging Face cache.
//!
//! The cache's layout is `models--ORG--NAME/refs/REVISION`, a file that holds a commit, and
//! `models--ORG--NAME/snapshots/COMMIT/`, the folder (huggingface_hub, "Understand caching"). Nothing is downloaded.

use super::read_text;
use crate::error::{Error, Result, brief};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Finds the folder that `--model` names: a path, or `ORG/NAME[@REVISION]` in the Hub's cache.
///
/// The cache is `$HF_HUB_CACHE`, else `$HUGGINGFACE_HUB_CACHE`, else `$HF_HOME/hub`, else
/// `$XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`.
///
/// # Errors
///
/// [`Error::ModelNotFound`], naming every place that was looked at.
pub fn resolve(name_or_path: &str) -> Result<PathBuf> {
    resolve_in(name_or_path, cache_folder(|key| std::env::var_os(key)).as_deref())
}

/// As [`resolve`], with the cache folder given.
///
/// # Errors
///
/// As [`resolve`].
pub fn resolve_in(name_or_path: &str, cache: Option<&Path>) -> Result<PathBuf> {
    let path = Path::new(name_or_path);
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    let mut looked = vec![format!("the folder {}", brief(name_or_path))];
    if let Some((org, name, revision)) = repository(name_or_path) {
        match cache {
            None => looked.push("no Hub cache (set HF_HOME or HF_HUB_CACHE)".into()),
            Some(cache) => {
                let repository = cache.join(format!("models--{org}--{name}"));
                if let Some(found) = snapshot(&repository, revision) {
                    return Ok(found);
                }
                let place = cache.join(brief(&format!("models--{org}--{name}")));
                looked.push(format!("revision `{}` in {}", brief(revision), place.display()));
            }
        }
    }
    Err(Error::ModelNotFound { name: brief(name_or_path), looked: looked.join(" and ") })
}

/// Splits `ORG/NAME[@REVISION]`; none for what cannot be a repository, paths that climb out of the cache included.
fn repository(name: &str) -> Option<(&str, &str, &str)> {
    let (id, revision) = name.split_once('@').unwrap_or((name, "main"));
    let (org, name) = id.split_once('/')?;
    let plain = |part: &str| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !part.is_empty() && !part.contains("..") && part != "." && part.chars().all(known)
    };
    let revision_is_plain = revision.split('/').all(plain);
    (plain(org) && plain(name) && revision_is_plain).then_some((org, name, revision))
}

fn snapshot(repository: &Path, revision: &str) -> Option<PathBuf> {
    let snapshots = repository.join("snapshots");
    let commit = read_text(&repository.join("refs").join(revision)).ok();
    let commit =
        commit.as_deref().map(str::trim).filter(|commit| commit.chars().all(|c| c.is_ascii_hexdigit()));
    let folder = snapshots.join(commit.filter(|commit| !commit.is_empty()).unwrap_or(revision));
    folder.is_dir().then_some(folder)
}

fn cache_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |key: &str| variable(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("HF_HUB_CACHE")
        .or_else(|| folder("HUGGINGFACE_HUB_CACHE"))
        .or_else(|| folder("HF_HOME").map(|home| home.join("hub")))
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("huggingface/hub")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/huggingface/hub")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn a_cached_repository_resolves_to_its_snapshot() {
        let scratch = Scratch::new();
        scratch.file("models--org--flux/refs/main", "abc123\n");
        scratch.file("models--org--flux/snapshots/abc123/model_index.json", "{}");
        let snapshot = scratch.path().join("models--org--flux/snapshots/abc123");
        let cache = Some(scratch.path());
        assert_eq!(resolve_in("org/flux", cache).unwrap(), snapshot);
        assert_eq!(resolve_in("org/flux@abc123", cache).unwrap(), snapshot);
        assert_eq!(resolve_in(snapshot.to_str().unwrap(), None).unwrap(), snapshot);
        let told = resolve_in("org/flux@v2", cache).unwrap_err().to_string();
        assert!(told.contains("`v2`") && told.contains("models--org--flux"), "{told}");
    }

    #[test]
    fn names_cannot_leave_the_cache() {
        let scratch = Scratch::new();
        scratch.file("models--a--b/refs/main", "../../../secret");
        scratch.file("secret/file", "");
        for name in ["a/b", "a/b/../c", "a/b@../../x", "a", "", "/etc/none/x", "a/b@"] {
            assert!(resolve_in(name, Some(scratch.path())).is_err(), "{name}");
        }
    }

    #[test]
    fn the_cache_follows_the_variables_in_order() {
        let with = |set: &'static [(&'static str, &'static str)]| {
            cache_folder(move |key| set.iter().find(|(k, _)| *k == key).map(|(_, v)| v.into()))
        };
        assert_eq!(with(&[("HF_HUB_CACHE", "/c"), ("HF_HOME", "/h")]), Some("/c".into()));
        assert_eq!(with(&[("HF_HOME", "/h"), ("HOME", "/u")]), Some("/h/hub".into()));
        assert_eq!(with(&[("HF_HOME", ""), ("HOME", "/u")]), Some("/u/.cache/huggingface/hub".into()));
        assert_eq!(with(&[]), None);
    }
}
