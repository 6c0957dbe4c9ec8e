//! Bytes that stay where they are for as long as anyone reads them.

use memmap2::Mmap;
use std::sync::Arc;

/// A file's content: mapped, part of the program, or put together in memory. Clones share it.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// The map of a file.
    Mapped(Arc<Mmap>),
    /// A file that is part of the program.
    Static(&'static [u8]),
    /// Memory of its own.
    Owned(Arc<[u8]>),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Static(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}
