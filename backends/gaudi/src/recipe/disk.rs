//! Recipes on disk, shared by processes.
//!
//! An entry is two files: `KEY.recipe` as the library writes it, and `KEY.json` with its digest, written last. Whoever reads or
//! writes holds a lock on the folder's `lock` file. An entry that does not match its digest, or that the library does not
//! read, is removed and made again.

use super::Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where recipes are kept: a folder, whether it is emptied at the start, and its limit in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DiskOptions {
    pub(crate) folder: PathBuf,
    pub(crate) empty: bool,
    pub(crate) most: u64,
}

impl FromStr for DiskOptions {
    type Err = String;

    /// `folder`, `folder,delete` or `folder,delete,MiB`, where `delete` is a boolean. 1024 MiB where it is not said.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let folder = parts.next().filter(|folder| !folder.is_empty()).ok_or("it names no folder")?;
        let empty = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "false" | "0" => false,
            "true" | "1" => true,
            other => return Err(format!("`{other}` is neither true nor false")),
        };
        let mebibytes = match parts.next().unwrap_or_default() {
            "" => 1024,
            number => number.parse::<u64>().map_err(|_| format!("`{number}` is no number of MiB"))?,
        };
        Ok(Self { folder: folder.into(), empty, most: mebibytes.saturating_mul(1 << 20) })
    }
}

/// A folder of recipes.
pub(crate) struct Disk {
    folder: PathBuf,
    most: u64,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    sha256: String,
    bytes: u64,
}

impl Disk {
    /// Opens or makes the folder.
    pub(crate) fn open(options: &DiskOptions) -> Result<Self, String> {
        let at = |error: io::Error| format!("{}: {error}", options.folder.display());
        fs::create_dir_all(&options.folder).map_err(at)?;
        let disk = Self { folder: options.folder.clone(), most: options.most };
        let _lock = disk.lock()?;
        if options.empty {
            for (path, _, _) in disk.entries().map_err(at)? {
                disk.remove(&path);
            }
        }
        Ok(disk)
    }

    fn lock(&self) -> Result<File, String> {
        let path = self.folder.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let locked = file.and_then(|file| file.lock().map(|()| file));
        locked.map_err(|error| format!("{}: {error}", path.display()))
    }

    fn recipe(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.recipe", key.name()))
    }

    /// The entry of a key, read by `read`. None where there is none that is whole.
    pub(crate) fn find<T>(
        &self,
        key: &Key,
        read: impl FnOnce(&Path) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let path = self.recipe(key);
        let _lock = self.lock()?;
        let Ok(meta) = fs::read(path.with_extension("json")) else { return Ok(None) };
        let whole = serde_json::from_slice::<Entry>(&meta).ok().zip(digest(&path).ok());
        if whole.is_none_or(|(entry, found)| entry.sha256 != found) {
            tracing::warn!("recipe cache: {} is corrupt and is made again", path.display());
            self.remove(&path);
            return Ok(None);
        }
        match read(&path) {
            Ok(value) => Ok(Some(value)),
            Err(reason) => {
                self.remove(&path);
                Err(format!("{}: {reason}; it is made again", path.display()))
            }
        }
    }

    /// Adds an entry that `write` writes, and lets the oldest go beyond the limit.
    pub(crate) fn store(
        &self,
        key: &Key,
        write: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<(), String> {
        let path = self.recipe(key);
        let at = |error: io::Error| format!("{}: {error}", path.display());
        let _lock = self.lock()?;
        let beside = path.with_extension("unfinished");
        let written = write(&beside).and_then(|()| {
            let sha256 = digest(&beside).map_err(at)?;
            let bytes = fs::metadata(&beside).map_err(at)?.len();
            fs::rename(&beside, &path).map_err(at)?;
            let entry = serde_json::to_vec(&Entry { sha256, bytes }).map_err(|error| error.to_string())?;
            let json = path.with_extension("json");
            fs::write(json.with_extension("json-unfinished"), entry).map_err(at)?;
            fs::rename(json.with_extension("json-unfinished"), json).map_err(at)
        });
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written?;
        self.evict(&path).map_err(at)
    }

    /// Recipes with their length and time.
    fn entries(&self) -> io::Result<Vec<(PathBuf, u64, std::time::SystemTime)>> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "recipe") {
                let meta = fs::metadata(&path)?;
                entries.push((path, meta.len(), meta.modified()?));
            }
        }
        Ok(entries)
    }

    fn evict(&self, newest: &Path) -> io::Result<()> {
        let mut entries = self.entries()?;
        entries.sort_by_key(|(_, _, time)| *time);
        let mut held: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (path, bytes, _) in entries.iter().filter(|(path, _, _)| path != newest) {
            if held <= self.most {
                break;
            }
            self.remove(path);
            held = held.saturating_sub(*bytes);
        }
        Ok(())
    }

    fn remove(&self, recipe: &Path) {
        let _ = fs::remove_file(recipe.with_extension("json"));
        let _ = fs::remove_file(recipe);
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(fs::read(path)?);
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
