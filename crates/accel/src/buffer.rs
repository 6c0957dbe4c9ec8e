//! Device memory, as a pipeline holds it.

use crate::{Error, Result};
use std::any::Any;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use tintype_program::TensorType;

/// Memory of a plugin's device. The plugin finds its own type again through `as_any`.
pub trait Storage: Any + Send + Sync + fmt::Debug {
    /// Its size in bytes.
    fn bytes(&self) -> usize;

    /// Itself, to be downcast by the plugin that made it.
    fn as_any(&self) -> &dyn Any;
}

/// A tensor in device memory: a typed range of a [`Storage`]. Cloning shares the memory.
#[derive(Clone, Debug)]
pub struct Buffer {
    storage: Arc<dyn Storage>,
    offset: usize,
    ty: TensorType,
}

impl Buffer {
    /// Where a buffer may start within its storage: multiples of this many bytes.
    pub const ALIGNMENT: usize = 64;

    /// A plain tensor at `offset` bytes into `storage`, which must hold it whole. Offsets are multiples of
    /// [`Buffer::ALIGNMENT`].
    pub fn at(storage: Arc<dyn Storage>, offset: usize, ty: TensorType) -> Result<Self> {
        let end = offset.checked_add(ty.bytes());
        if end.is_none_or(|end| end > storage.bytes()) || !offset.is_multiple_of(Self::ALIGNMENT) {
            return Err(Error::Binding {
                role: "buffer",
                name: format!("at byte {offset}"),
                wanted: format!("{} bytes of {ty}, aligned to {}", ty.bytes(), Self::ALIGNMENT),
                given: format!("memory of {} bytes", storage.bytes()),
            });
        }
        Ok(Self { storage, offset, ty })
    }

    /// The memory that it lies in.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Where it starts, in bytes.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The bytes of its storage that it covers.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.ty.bytes()
    }

    /// Its type.
    pub fn ty(&self) -> &TensorType {
        &self.ty
    }
}

/// Bytes of the host that stay alive while a device may still read them.
#[derive(Clone)]
pub enum HostBytes {
    /// Bytes of their own.
    Owned(Arc<Vec<u8>>),
    /// A range of something shared.
    Shared(Arc<dyn AsRef<[u8]> + Send + Sync>, Range<usize>),
    /// A range of a file that is mapped, and can be read as well.
    File(Arc<dyn FileBytes>, Range<usize>),
}

/// A mapped file. Whoever copies from it does better to read it: a page that is read need not be mapped first, and a file
/// that was cut short meanwhile is an error then, where a touched page would end the process.
pub trait FileBytes: AsRef<[u8]> + Send + Sync {
    /// Reads the file from `offset` on, as many bytes as `into` has.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::UnexpectedEof`] where the file ends before, and whatever the system reports.
    fn read_at(&self, offset: usize, into: &mut [u8]) -> io::Result<()>;

    /// What messages call it.
    fn name(&self) -> String;
}

impl HostBytes {
    /// The bytes. Empty where a shared range lies outside what it is a range of.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            HostBytes::Owned(bytes) => bytes,
            HostBytes::Shared(shared, range) => (**shared).as_ref().get(range.clone()).unwrap_or_default(),
            HostBytes::File(file, range) => (**file).as_ref().get(range.clone()).unwrap_or_default(),
        }
    }

    /// Whether they lie in memory that others have too, such as a file's pages.
    pub fn is_shared(&self) -> bool {
        !matches!(self, HostBytes::Owned(_))
    }

    /// Copies the bytes from `offset` on, as many as `into` has. Those of a file are read from it.
    ///
    /// # Errors
    ///
    /// [`Error::File`] where a file cannot be read, or has become shorter; [`Error::Binding`] where there are not as many.
    pub fn copy_to(&self, offset: usize, into: &mut [u8]) -> Result<()> {
        let (length, wanted) = (self.len(), offset.checked_add(into.len()));
        let Some(end) = wanted.filter(|&end| end <= length) else {
            return Err(Error::Binding {
                role: "copy",
                name: format!("of {} bytes from byte {offset} on", into.len()),
                wanted: "within what is copied".into(),
                given: format!("{length} bytes"),
            });
        };
        if let HostBytes::File(file, range) = self {
            return file.read_at(range.start + offset, into).map_err(|error| Error::File {
                file: file.name(),
                reason: match error.kind() {
                    io::ErrorKind::UnexpectedEof => format!(
                        "it ended before byte {} while it was read, and was longer when it was opened: something cut it \
                         short. Let whatever writes it finish, or fetch it again, and start anew",
                        range.start + end
                    ),
                    _ => format!("cannot be read from byte {} on: {error}", range.start + offset),
                },
            });
        }
        into.copy_from_slice(&self.as_slice()[offset..end]);
        Ok(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Vec<u8>> for HostBytes {
    fn from(bytes: Vec<u8>) -> Self {
        HostBytes::Owned(Arc::new(bytes))
    }
}

impl fmt::Debug for HostBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostBytes({})", self.len())
    }
}
