//! Bytes that stay where they are for as long as anyone reads them.

use memmap2::Mmap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tintype_accel::FileBytes;

/// A file's content: mapped, part of the program, or put together in memory. Clones share it.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// The map of a file.
    Mapped(Arc<FileMap>),
    /// A file that is part of the program.
    Static(&'static [u8]),
    /// Memory of its own.
    Owned(Arc<Vec<u8>>),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(file) => &file.map,
            Bytes::Static(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

/// A file that is mapped and open, so that it can be read as well.
#[derive(Debug)]
pub struct FileMap {
    pub(super) map: Mmap,
    pub(super) file: File,
    pub(super) path: PathBuf,
}

impl AsRef<[u8]> for FileMap {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

impl FileBytes for FileMap {
    #[cfg(unix)]
    fn read_at(&self, offset: usize, into: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, into, offset as u64)
    }

    #[cfg(not(unix))]
    fn read_at(&self, offset: usize, into: &mut [u8]) -> io::Result<()> {
        let mapped = offset.checked_add(into.len()).and_then(|end| self.map.get(offset..end));
        into.copy_from_slice(mapped.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }
}
