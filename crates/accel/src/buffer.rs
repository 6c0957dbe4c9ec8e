//! Device memory, as a pipeline holds it.

use crate::{Error, Result};
use std::any::Any;
use std::fmt;
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
    /// A range of something shared, such as a mapped file.
    Shared(Arc<dyn AsRef<[u8]> + Send + Sync>, Range<usize>),
}

impl HostBytes {
    /// The bytes. Empty where a shared range lies outside what it is a range of.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            HostBytes::Owned(bytes) => bytes,
            HostBytes::Shared(shared, range) => (**shared).as_ref().get(range.clone()).unwrap_or_default(),
        }
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
