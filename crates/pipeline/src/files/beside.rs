//! Writing a file so that its name never stands for half of it.

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The temporary files of this process.
static OPEN: Mutex<Open> = Mutex::new(Open { count: 0, paths: Vec::new(), closed: false });

struct Open {
    /// Files begun so far, for their names.
    count: u64,
    paths: Vec<PathBuf>,
    /// Whether the process is about to end, so that no other file may be begun.
    closed: bool,
}

fn open() -> MutexGuard<'static, Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the temporary files that are being written, and lets no other begin: for a process that is about to end
/// while another of its threads may still write. Writes under way fail, and so does every later one.
pub fn abandon_writes() {
    let mut open = open();
    open.closed = true;
    for path in open.paths.drain(..) {
        // A file that cannot be removed stays; the process has no time left to say so.
        let _ = fs::remove_file(path);
    }
}

/// Removes the temporary file unless the write came to its end.
struct Temporary {
    path: PathBuf,
    keep: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.keep {
            // Nothing better can be done about a file that cannot be removed: the error that led here is told.
            let _ = fs::remove_file(&self.path);
        }
        open().paths.retain(|path| *path != self.path);
    }
}

/// Writes `path` through a temporary file in the same folder, flushed to the disk and then renamed.
///
/// Whoever reads `path` sees the old content or the new one, never a part. If `fill` or any step fails, the
/// temporary file (`.PID-N.NAME.part`) is removed and an existing `path` is left as it was.
///
/// # Errors
///
/// [`Error::Write`] if the folder is missing or not writable, or if `fill` fails.
pub fn write_beside(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    write(path, fill).map_err(|source| Error::Write { path: path.to_path_buf(), source })
}

/// Finds out whether [`write_beside`] could write `path` now, without touching what is there.
///
/// # Errors
///
/// [`Error::Write`], as [`write_beside`].
pub fn check_writable(path: &Path) -> Result<()> {
    let probe = || -> io::Result<()> {
        let (temporary, _) = begin(path)?;
        drop(temporary);
        Ok(())
    };
    probe().map_err(|source| Error::Write { path: path.to_path_buf(), source })
}

/// The temporary file, open, in the folder of `path`.
fn begin(path: &Path) -> io::Result<(Temporary, File)> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path has no file name"))?;
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let folder = folder_of(path);
    // Held until the file exists and is listed, so that no file escapes `abandon_writes`.
    let mut open = open();
    if open.closed {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "the process is about to end"));
    }
    let mut part = OsString::from(format!(".{}-{}.", std::process::id(), open.count));
    open.count += 1;
    part.push(name);
    part.push(".part");
    let path = folder.join(part);
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    open.paths.push(path.clone());
    Ok((Temporary { path, keep: false }, file))
}

fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (mut temporary, file) = begin(path)?;
    let mut writer = BufWriter::new(file);
    fill(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&temporary.path, path)?;
    temporary.keep = true;
    // The rename itself reaches the disk with the folder; not every system can open one, and the data is safe.
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_part() {
        let scratch = Scratch::new();
        let path = scratch.path().join("out.png");
        write_beside(&path, |w| w.write_all(b"old")).unwrap();
        let failed = write_beside(&path, |w| {
            w.write_all(b"half of the ne")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(failed.unwrap_err().to_string().contains("the disk is full"));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_and_a_folder_as_output_are_told() {
        let scratch = Scratch::new();
        let missing = write_beside(&scratch.path().join("no/such/out.png"), |_| Ok(())).unwrap_err();
        assert!(matches!(missing, Error::Write { .. }), "{missing}");
        let folder = write_beside(scratch.path(), |_| Ok(())).unwrap_err();
        assert!(folder.to_string().contains("it is a folder"), "{folder}");
        assert!(write_beside(Path::new(""), |_| Ok(())).is_err());
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }
}
