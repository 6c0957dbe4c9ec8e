//! Who may look into a queue's memory.

use std::sync::atomic::{AtomicU64, Ordering};

/// The name of an [`Owner`], carried by the memory that it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerId(u64);

/// The right to reach the content of memory that carries this owner's id. There is one owner an id, it cannot be
/// copied, and reaching content borrows it: so content is never read and written at once.
#[derive(Debug)]
pub(crate) struct Owner(OwnerId);

impl Owner {
    /// An owner with an id of its own.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(OwnerId(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn id(&self) -> OwnerId {
        self.0
    }
}
