//! Where a model's files are: on disk, in the program itself, or in memory.

use super::json::read_bytes;
use crate::error::{Error, Result};
use crate::files::Bytes;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

/// A file that is part of the program: its path within its folder, with `/` between levels, and its content.
pub type EmbeddedFile = (&'static str, &'static [u8]);

/// A file or folder, there or not. Used as a path is; only whoever reads it sees whether it is on disk.
#[derive(Clone)]
pub struct Location {
    /// On disk the path itself; else a name for messages.
    path: PathBuf,
    embedded: Option<Embedded>,
}

/// A place in a folder that is not on disk. The folder itself is the empty path.
#[derive(Clone)]
struct Embedded {
    files: Arc<[(String, Bytes)]>,
    within: String,
}

impl Location {
    /// A folder that is part of the program. Messages call it `name`.
    pub fn embedded(name: &str, files: &'static [EmbeddedFile]) -> Self {
        let files = files.iter().map(|&(path, content)| (path.to_owned(), Bytes::Static(content)));
        Self::held_as(name, files.collect())
    }

    /// A folder in memory: paths within it, with `/` between levels, and contents. Messages call it `name`. The contents
    /// live for as long as anything that was opened from here reads them.
    pub fn in_memory(name: &str, files: Vec<(String, Vec<u8>)>) -> Self {
        let files = files.into_iter().map(|(path, content)| (path, Bytes::Owned(Arc::new(content))));
        Self::held_as(name, files.collect())
    }

    fn held_as(name: &str, files: Arc<[(String, Bytes)]>) -> Self {
        Location { path: name.into(), embedded: Some(Embedded { files, within: String::new() }) }
    }

    /// The path on disk, or what stands for it in messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As [`Location::path`], owned.
    pub fn to_path_buf(&self) -> PathBuf {
        self.path.clone()
    }

    /// For messages.
    pub fn display(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// The last part of the path.
    pub fn file_name(&self) -> Option<&std::ffi::OsStr> {
        self.path.file_name()
    }

    /// Whether it is part of the program or in memory, and not on disk.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// A place within this folder.
    pub fn join(&self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        let embedded = self.embedded.as_ref().map(|Embedded { files, within }| {
            let within = if within.is_empty() { name.to_owned() } else { format!("{within}/{name}") };
            Embedded { files: Arc::clone(files), within }
        });
        Location { path: self.path.join(name), embedded }
    }

    /// Whether it is a file that is there.
    pub fn is_file(&self) -> bool {
        match &self.embedded {
            None => self.path.is_file(),
            Some(embedded) => embedded.file().is_some(),
        }
    }

    /// Whether it is a folder that is there.
    pub fn is_dir(&self) -> bool {
        match &self.embedded {
            None => self.path.is_dir(),
            Some(embedded) => embedded.below().next().is_some(),
        }
    }

    /// Whether anything is there.
    pub fn exists(&self) -> bool {
        match self.embedded {
            None => self.path.exists(),
            Some(_) => self.is_file() || self.is_dir(),
        }
    }

    /// The content of a file that is no weights file.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], [`Error::TooLong`].
    pub fn read(&self) -> Result<Vec<u8>> {
        match &self.embedded {
            None => read_bytes(&self.path),
            Some(_) => self.held().map(|content| content.as_ref().to_vec()),
        }
    }

    /// As [`Location::read`], as UTF-8.
    ///
    /// # Errors
    ///
    /// As [`Location::read`].
    pub fn read_text(&self) -> Result<String> {
        String::from_utf8(self.read()?).map_err(|error| {
            let reason = format!("it is not UTF-8 text: {error}");
            self.unread(io::Error::new(io::ErrorKind::InvalidData, reason))
        })
    }

    /// The content of a file that is not on disk, where it lies.
    pub(crate) fn held(&self) -> Result<Bytes> {
        let found = self.embedded.as_ref().and_then(Embedded::file);
        found.cloned().ok_or_else(|| self.unread(io::ErrorKind::NotFound.into()))
    }

    /// The names in this folder, sorted; none where it cannot be read.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        let mut names: Vec<String> = match &self.embedded {
            None => {
                let entries = std::fs::read_dir(&self.path).ok()?.flatten();
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
            }
            Some(embedded) => {
                let first = |rest: &str| rest.split('/').next().unwrap_or(rest).to_owned();
                embedded.below().map(first).collect()
            }
        };
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    fn unread(&self, source: io::Error) -> Error {
        Error::Read { path: self.to_path_buf(), source }
    }
}

impl Embedded {
    fn file(&self) -> Option<&Bytes> {
        self.files.iter().find(|(path, _)| *path == self.within).map(|(_, bytes)| bytes)
    }

    /// The paths of all files below this folder, from here on.
    fn below(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter_map(|(path, _)| match self.within.is_empty() {
            true => Some(path.as_str()),
            false => path.strip_prefix(self.within.as_str())?.strip_prefix('/'),
        })
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_embedded() { "Embedded" } else { "OnDisk" };
        write!(f, "{kind}({:?})", self.path)
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Location { path: path.to_path_buf(), embedded: None }
    }
}

impl From<&PathBuf> for Location {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&Location> for Location {
    fn from(location: &Location) -> Self {
        location.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &[EmbeddedFile] =
        &[("model_index.json", b"{}"), ("vae/config.json", b"[1]"), ("vae/x/y", b"\xff")];

    #[test]
    fn an_embedded_folder_reads_as_one_on_disk() {
        let root = Location::embedded("built-in", FILES);
        assert!(root.is_dir() && !root.is_file());
        assert_eq!(root.names().unwrap(), ["model_index.json", "vae"]);
        let vae = root.join("vae");
        assert!(vae.is_dir() && vae.exists() && !vae.is_file());
        assert_eq!(vae.names().unwrap(), ["config.json", "x"]);
        assert_eq!(vae.join("config.json").read_text().unwrap(), "[1]");
        assert_eq!(root.join("vae/x/y").read().unwrap(), [255]);
        let told = vae.join("none").read().unwrap_err().to_string();
        assert!(told.contains("built-in/vae/none"), "{told}");
        assert!(vae.join("x/y").read_text().unwrap_err().to_string().contains("not UTF-8"));
        let held = Location::in_memory("drawn", vec![("vae/config.json".into(), b"[2]".to_vec())]);
        assert_eq!(held.join("vae/config.json").read().unwrap(), b"[2]");
        assert_eq!(held.names().unwrap(), ["vae"]);
        for outside in ["../model_index.json", "va", "vae/", "/etc/passwd"] {
            assert!(!root.join(outside).exists(), "{outside}");
        }
    }
}
