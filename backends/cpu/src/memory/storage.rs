//! The plugin's storages.

use super::aligned::AlignedBytes;
use super::owner::{Owner, OwnerId};
use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use tintype_accel::{HostBytes, MemoryAccount, Purpose, Storage};

/// The plugin's [`Storage`]: host memory that belongs to one accelerator's queue.
#[derive(Clone, Debug)]
pub(crate) struct CpuStorage(Arc<HostMemory>);

/// Memory that a queue works on. Its content is reached through [`super::Access`] alone.
pub(crate) struct HostMemory {
    owner: OwnerId,
    bytes: usize,
    purpose: Purpose,
    account: Arc<MemoryAccount>,
    content: UnsafeCell<Content>,
}

enum Content {
    /// Memory of its own, to read and to write.
    Owned(AlignedBytes),
    /// Bytes of somebody else's, to read.
    Adopted(HostBytes),
}

// SAFETY: `content` is reached in three places. `reading` and `writing` ask for the one `Owner` of this memory, which
// their callers keep borrowed for as long as they use what they are given, so one thread at a time reaches it. `drop`
// has the memory to itself. What `content` holds (plain bytes, and `HostBytes`, which are Send and Sync) may be
// reached and dropped from any thread. The other fields never change.
unsafe impl Send for HostMemory {}
// SAFETY: as above.
unsafe impl Sync for HostMemory {}

impl HostMemory {
    /// New memory; `None` where the machine does not have it.
    pub(crate) fn allocate(
        owner: OwnerId,
        bytes: usize,
        purpose: Purpose,
        account: Arc<MemoryAccount>,
    ) -> Option<Arc<Self>> {
        let content = UnsafeCell::new(Content::Owned(AlignedBytes::new(bytes)?));
        account.add(purpose, bytes as u64);
        Some(Arc::new(Self { owner, bytes, purpose, account, content }))
    }

    /// Memory that is somebody else's until it is written. `None` where the bytes do not lie on a boundary that every
    /// dtype may be read from.
    pub(crate) fn adopt(
        owner: OwnerId,
        adopted: HostBytes,
        purpose: Purpose,
        account: Arc<MemoryAccount>,
    ) -> Option<Arc<Self>> {
        const WIDEST: usize = align_of::<f32>();
        let slice = adopted.as_slice();
        if !slice.as_ptr().addr().is_multiple_of(WIDEST) {
            return None;
        }
        let bytes = slice.len();
        match adopted.is_shared() {
            false => account.add(purpose, bytes as u64),
            true => account.add_mapped(bytes as u64),
        }
        let content = UnsafeCell::new(Content::Adopted(adopted));
        Some(Arc::new(Self { owner, bytes, purpose, account, content }))
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The owner that reaches it.
    pub(crate) fn owner(&self) -> OwnerId {
        self.owner
    }

    /// Its bytes to read: where they start, and how many there are. Good for as long as the caller keeps `owner`
    /// borrowed and `self` alive. `None` for another's memory.
    pub(super) fn reading(&self, owner: &mut Owner) -> Option<(NonNull<u8>, usize)> {
        if owner.id() != self.owner {
            return None;
        }
        // SAFETY: the owner is borrowed mutably and is this memory's, so nothing changes `content` meanwhile.
        match unsafe { &*self.content.get() } {
            Content::Owned(own) => Some((own.start(), self.bytes)),
            Content::Adopted(adopted) => {
                let slice = adopted.as_slice();
                Some((NonNull::from(slice).cast(), slice.len().min(self.bytes)))
            }
        }
    }

    /// Its bytes to write, copied first where they are somebody else's. `Err` holds the bytes that the machine does
    /// not have for the copy. As [`HostMemory::reading`] otherwise; what that gave before is void.
    pub(super) fn writing(&self, owner: &mut Owner) -> Option<Result<(NonNull<u8>, usize), usize>> {
        let (from, readable) = self.reading(owner)?;
        // SAFETY: the owner is borrowed mutably and is this memory's, and the reference that `reading` took is gone.
        let content = unsafe { &mut *self.content.get() };
        if let Content::Adopted(adopted) = content {
            let Some(own) = AlignedBytes::new(self.bytes) else { return Some(Err(self.bytes)) };
            // SAFETY: `from` is good for reading `readable` bytes, `own` for writing `self.bytes`, which are no fewer,
            // and memory that was just allocated overlaps nothing.
            unsafe { own.start().copy_from_nonoverlapping(from, readable) };
            if adopted.is_shared() {
                self.account.remove_mapped(self.bytes as u64);
                self.account.add(self.purpose, self.bytes as u64);
            }
            *content = Content::Owned(own);
        }
        self.reading(owner).map(Ok)
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        match self.content.get_mut() {
            Content::Adopted(adopted) if adopted.is_shared() => self.account.remove_mapped(self.bytes as u64),
            _ => self.account.remove(self.purpose, self.bytes as u64),
        }
    }
}

impl fmt::Debug for HostMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostMemory({} bytes, {:?})", self.bytes, self.purpose)
    }
}

impl CpuStorage {
    /// The storage that stands for memory.
    pub(crate) fn of(memory: Arc<HostMemory>) -> Arc<dyn Storage> {
        Arc::new(Self(memory))
    }

    /// The memory behind a storage, where it is this plugin's.
    pub(crate) fn memory(storage: &Arc<dyn Storage>) -> Option<&Arc<HostMemory>> {
        storage.as_any().downcast_ref::<Self>().map(|storage| &storage.0)
    }
}

impl Storage for CpuStorage {
    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
