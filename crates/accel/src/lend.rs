//! Memory of a device, lent to code that is not its plugin's own.

use crate::{Buffer, Result, Storage};
use std::ffi::c_void;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A range of a storage.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The memory.
    pub storage: Arc<dyn Storage>,
    /// The bytes of it.
    pub range: Range<usize>,
}

impl Lease {
    /// The bytes that a buffer covers.
    pub fn of(buffer: &Buffer) -> Self {
        Self { storage: Arc::clone(buffer.storage()), range: buffer.range() }
    }
}

/// Where lent memory lies, for the length of one call: at the same place as in the call before, unless its plugin has moved
/// it in between.
pub struct Lent<'l> {
    /// What may be read, in the order asked for.
    pub reads: &'l [*const c_void],
    /// What may be read and written, in the order asked for.
    pub writes: &'l [*mut c_void],
    /// The device's queue that the work must be put on, as the vendor's interface has it; null on the host.
    pub stream: *mut c_void,
    /// Enqueues a copy within lent or other memory of the device, in its queue's order. None on the host, where whoever works
    /// copies.
    pub copy: Option<DeviceCopy<'l>>,
}

/// A copy: to, from, bytes.
pub type DeviceCopy<'l> = &'l dyn Fn(*mut c_void, *const c_void, usize) -> Result<()>;

impl fmt::Debug for Lent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reads, writes, stream, copy: _ } = self;
        f.debug_struct("Lent").field("reads", reads).field("writes", writes).field("stream", stream).finish()
    }
}

/// Lent work that is enqueued again and again, as a graph. It keeps what was lent.
pub trait Replay: Send + Sync {
    /// Enqueues it. The first time it is captured.
    ///
    /// # Errors
    ///
    /// What the device answers. Where it refuses the capture, the work is enqueued as it is, and that is told
    /// ([`crate::Accelerator::fallbacks`]), unless the device was opened to be strict.
    fn replay(&self) -> Result<Replayed>;
}

/// What a [`Replay`] took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Graphs that were captured.
    pub captures: u64,
    /// Graphs that were enqueued.
    pub replays: u64,
    /// Captures that were refused.
    pub fallbacks: u64,
}

/// What is done with lent memory. On the host it has done it when it returns; on a device with a queue it has enqueued it on
/// [`Lent::stream`].
pub type LentWork = Box<dyn FnMut(&Lent<'_>) -> Result<()> + Send>;
