//! Memory on a cache line's boundary.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use tintype_accel::Buffer;

/// Bytes that start on a multiple of [`Buffer::ALIGNMENT`]. They start as zeros: undefined content is then at least
/// initialised memory, and large blocks cost nothing until they are touched.
#[derive(Debug)]
pub(super) struct AlignedBytes {
    start: NonNull<u8>,
    layout: Layout,
}

impl AlignedBytes {
    /// So many bytes; `None` where the machine does not have them.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.max(1), Buffer::ALIGNMENT).ok()?;
        // SAFETY: the layout's size is not zero.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) })?;
        Some(Self { start, layout })
    }

    /// The first byte. Valid as long as `self` is; whoever writes through it sees to it that nothing else looks.
    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout, and given back only here.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
