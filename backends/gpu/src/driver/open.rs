//! Opening a vendor's libraries.
//!
//! Nothing is linked. A library is looked for where its vendor puts it, opened by its full path, and never closed again: code,
//! kernels and handles of it live as long as the process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs};

/// Where a library is looked for.
pub struct Search {
    /// What people call it.
    pub title: &'static str,
    /// File names, best first.
    pub names: &'static [&'static str],
    /// Folders in which it may be, best first.
    pub folders: Vec<PathBuf>,
    /// The environment variable that names another file in its place.
    pub variable: Option<&'static str>,
    /// Whether the folders come before the loader's path.
    pub folders_first: bool,
    /// What must be opened beside a file first; it gives what the loader says against any of that.
    pub beside: fn(&Path) -> Vec<String>,
}

/// A library that is open.
#[derive(Debug)]
pub struct Opened {
    /// Its file.
    pub path: PathBuf,
    /// The library, never closed.
    pub library: &'static libloading::Library,
}

/// A library that is not there or cannot be opened.
#[derive(Clone, Debug)]
pub struct Missing {
    /// What people call it.
    pub title: &'static str,
    /// Its best file name.
    pub name: &'static str,
    /// The files that were tried.
    pub tried: Vec<PathBuf>,
    /// What the loader said of those that exist.
    pub refused: Vec<String>,
    /// The environment variable that names the only file that was tried.
    pub named: Option<&'static str>,
}

impl Search {
    /// Looks for it, and opens the first that can be.
    ///
    /// # Errors
    ///
    /// Where it was looked for, and what the loader said.
    pub fn open(&self) -> Result<Opened, Missing> {
        let name = self.names.first().copied().unwrap_or_default();
        let mut missing =
            Missing { title: self.title, name, tried: Vec::new(), refused: Vec::new(), named: None };
        let value = |variable: &'static str| Some((variable, env::var_os(variable)?));
        let named = self.variable.and_then(value).filter(|(_, path)| !path.is_empty());
        if let Some((variable, path)) = named {
            missing.named = Some(variable);
            return self.attempt(Path::new(&path), &mut missing).ok_or(missing);
        }
        for name in self.names {
            let by_loader = || {
                let library = open(Path::new(name)).ok()?;
                Some(Opened { path: loaded_from(name).unwrap_or_else(|| name.into()), library })
            };
            let mut in_folders =
                || self.folders.iter().find_map(|folder| self.attempt(&folder.join(name), &mut missing));
            let found = match self.folders_first {
                true => in_folders().or_else(by_loader),
                false => by_loader().or_else(in_folders),
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
        Err(missing)
    }

    /// Opens a file if there is one.
    fn attempt(&self, path: &Path, missing: &mut Missing) -> Option<Opened> {
        missing.tried.push(path.to_path_buf());
        if !path.exists() {
            return None;
        }
        missing.refused.extend((self.beside)(path));
        match open(path) {
            Ok(library) => {
                Some(Opened { path: fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf()), library })
            }
            Err(reason) => {
                missing.refused.push(reason);
                None
            }
        }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not here: ", self.title)?;
        let mut folders: Vec<_> = match (self.named, &self.tried[..]) {
            (Some(variable), [path]) => {
                write!(f, "{variable} names {}, which cannot be opened", path.display())?;
                Vec::new()
            }
            _ => {
                write!(f, "the loader's path has no {}", self.name)?;
                self.tried.iter().filter_map(|path| Some(path.parent()?.display().to_string())).collect()
            }
        };
        folders.sort();
        folders.dedup();
        if !folders.is_empty() {
            write!(f, ", nor has {}", folders.join(", "))?;
        }
        if !self.refused.is_empty() {
            write!(f, "; {}", self.refused.join("; "))?;
        }
        Ok(())
    }
}

/// Opens a library for the rest of the process.
///
/// # Errors
///
/// What the loader says.
pub fn open(path: &Path) -> Result<&'static libloading::Library, String> {
    #[cfg(unix)]
    // SAFETY: the vendor's libraries may be initialised on any thread at any time.
    let opened = unsafe {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
        Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL).map(libloading::Library::from)
    };
    #[cfg(not(unix))]
    // SAFETY: as above.
    let opened = unsafe { libloading::Library::new(path) };
    match opened {
        Ok(library) => Ok(Box::leak(Box::new(library))),
        Err(error) => Err(with_sources(&error)),
    }
}

/// libloading keeps what the loader said in the error's source.
fn with_sources(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => with_sources(source),
        None => error.to_string(),
    }
}

/// The file behind a library that the loader found by name.
fn loaded_from(name: &str) -> Option<PathBuf> {
    let stem = name.split(".so").next()?;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let paths = maps.lines().filter_map(|line| Some(&line[line.find('/')?..]));
    paths
        .map(Path::new)
        .find(|path| {
            let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
            file.strip_prefix(stem).is_some_and(|rest| rest.starts_with(".so"))
        })
        .map(Path::to_path_buf)
}

/// What a folder holds, in the order of the names; nothing if it cannot be read.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(list) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = list.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// What a folder holds under names that start with `start`.
pub fn matching(folder: &Path, start: &str) -> Vec<PathBuf> {
    let starts = |name: &OsStr| name.as_encoded_bytes().starts_with(start.as_bytes());
    entries(folder).into_iter().filter(|path| path.file_name().is_some_and(starts)).collect()
}

/// The folders that there are, each once.
pub fn existing(folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    for folder in folders {
        if folder.is_dir() && !kept.contains(&folder) {
            kept.push(folder);
        }
    }
    kept
}
