//! Where a model is: a folder on disk, or a repository of the Hugging Face Hub, in its cache or to be downloaded.
//!
//! The cache's layout is `models--ORG--NAME/refs/REVISION`, a file that holds a commit, and
//! `models--ORG--NAME/snapshots/COMMIT/`, the folder (huggingface_hub, "Understand caching").

use super::{Location, ModelFolder, read_text};
use crate::error::{Error, Result, brief};
use crate::files::has_weights;
use crate::generate::{CancelToken, Watcher};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// A repository at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    org: String,
    name: String,
    /// A branch, a tag or a commit.
    pub revision: String,
}

impl Repository {
    /// From `ORG/NAME[@REVISION]`; none for what cannot be a repository, paths that climb out of the cache included.
    pub fn parse(name: &str) -> Option<Self> {
        let (id, revision) = name.split_once('@').unwrap_or((name, "main"));
        let (org, name) = id.split_once('/')?;
        let plain = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && !part.contains("..") && part != "." && part.chars().all(known)
        };
        let revision_is_plain = revision.split('/').all(plain);
        (plain(org) && plain(name) && revision_is_plain).then(|| Repository {
            org: org.into(),
            name: name.into(),
            revision: revision.into(),
        })
    }

    /// `ORG/NAME`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.org, self.name)
    }

    /// Its folder in a cache.
    pub fn folder(&self, cache: &Path) -> PathBuf {
        cache.join(self.folder_name())
    }

    fn folder_name(&self) -> String {
        format!("models--{}--{}", self.org, self.name)
    }

    /// The folder of its revision in a cache, where there is one.
    fn snapshot(&self, cache: &Path) -> Option<PathBuf> {
        let root = self.folder(cache);
        let commit = read_text(&Location::from(&root.join("refs").join(&self.revision))).ok();
        let commit =
            commit.as_deref().map(str::trim).filter(|commit| commit.chars().all(|c| c.is_ascii_hexdigit()));
        let commit = commit.filter(|commit| !commit.is_empty()).unwrap_or(&self.revision);
        Some(root.join("snapshots").join(commit)).filter(|folder| folder.is_dir())
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&brief(&self.id()))?;
        if self.revision == "main" { Ok(()) } else { write!(f, "@{}", brief(&self.revision)) }
    }
}

/// Finds the folder that `--model` names, and downloads nothing: a path, or `ORG/NAME[@REVISION]` in the Hub's cache.
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
    if let Some(repository) = Repository::parse(name_or_path) {
        match cache {
            None => looked.push("no Hub cache (set HF_HOME or HF_HUB_CACHE)".into()),
            Some(cache) => {
                if let Some(found) = repository.snapshot(cache) {
                    return Ok(found);
                }
                let place = cache.join(brief(&repository.folder_name()));
                looked.push(format!("revision `{}` in {}", brief(&repository.revision), place.display()));
            }
        }
    }
    Err(Error::ModelNotFound { name: brief(name_or_path), looked: looked.join(" and ") })
}

/// As [`resolve`], and downloads what the cache lacks, where this build has the feature `hub` and neither
/// `HF_HUB_OFFLINE` nor `TRANSFORMERS_OFFLINE` is set. A snapshot that is whole is used as it is; the network is not
/// asked for a newer one. The weights of the components in `without` are not needed.
///
/// # Errors
///
/// [`Error::ModelNotFound`], [`Error::Download`], [`Error::Cancelled`].
pub fn find(
    name_or_path: &str,
    without: &[&str],
    watcher: &mut dyn Watcher,
    cancel: &CancelToken,
) -> Result<PathBuf> {
    let found = resolve(name_or_path);
    let is_whole = |folder: &PathBuf| Path::new(name_or_path).exists() || is_whole(folder, without);
    let repository = Repository::parse(name_or_path);
    match (found, repository) {
        (Ok(folder), _) if is_whole(&folder) => Ok(folder),
        (found, None) => found,
        (found, Some(repository)) => fetch(&repository, found, without, watcher, cancel),
    }
}

#[cfg(feature = "hub")]
fn fetch(
    repository: &Repository,
    found: Result<PathBuf>,
    without: &[&str],
    watcher: &mut dyn Watcher,
    cancel: &CancelToken,
) -> Result<PathBuf> {
    let set = |key: &str| std::env::var(key).is_ok_and(|value| !value.is_empty());
    let offline = ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].into_iter().find(|key| set(key));
    let offline = offline.filter(|key| is_true(&std::env::var(key).unwrap_or_default()));
    if let Some(variable) = offline {
        return Err(match found {
            Err(Error::ModelNotFound { name, looked }) => {
                Error::ModelNotFound { name, looked: format!("{looked}, and {variable} is set") }
            }
            Err(other) => other,
            Ok(folder) => Error::Download {
                what: repository.to_string(),
                reason: format!("{variable} is set, and the cache holds only a part: {}", folder.display()),
                remedy: "unset it, or give a folder that is whole".into(),
            },
        });
    }
    match crate::hub::Hub::from_env() {
        Some(hub) => hub.download(repository, without, watcher, cancel),
        None => found,
    }
}

/// A build that cannot download takes what is there: whoever opens it says what is missing.
#[cfg(not(feature = "hub"))]
fn fetch(
    _: &Repository,
    found: Result<PathBuf>,
    _: &[&str],
    _: &mut dyn Watcher,
    _: &CancelToken,
) -> Result<PathBuf> {
    found
}

/// A switch as huggingface_hub reads it.
#[cfg(feature = "hub")]
pub(crate) fn is_true(value: &str) -> bool {
    matches!(value.trim().to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
}

/// Whether a snapshot has all that its index asks for. An index that is not understood is left to whoever opens it.
fn is_whole(folder: &Path, without: &[&str]) -> bool {
    if !folder.join("model_index.json").is_file() {
        return false;
    }
    let Ok(model) = ModelFolder::open(folder) else { return true };
    model.components().all(|(name, _)| {
        let place = model.location().join(name);
        let has = |file: &str| place.join(file).is_file();
        if name.starts_with("scheduler") {
            has("scheduler_config.json")
        } else if name.starts_with("tokenizer") {
            has("tokenizer.json") || has("spiece.model") || (has("vocab.json") && has("merges.txt"))
        } else {
            let stems = ["diffusion_pytorch_model", "model"];
            has("config.json") && (without.contains(&name) || has_weights(&place, &stems))
        }
    })
}

/// Where Hugging Face's tools keep what is theirs.
pub(crate) fn home_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |key: &str| variable(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("HF_HOME")
        .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("huggingface")))
        .or_else(|| folder("HOME").map(|home| home.join(".cache/huggingface")))
}

pub(crate) fn cache_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |key: &str| variable(key).filter(|value| !value.is_empty()).map(PathBuf::from);
    folder("HF_HUB_CACHE")
        .or_else(|| folder("HUGGINGFACE_HUB_CACHE"))
        .or_else(|| home_folder(&variable).map(|home| home.join("hub")))
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
