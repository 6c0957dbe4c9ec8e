//! Memory and a stream to try work on, apart from what else the device does.

use std::ptr::null_mut;
use std::sync::Arc;
use tintype_accel::Result;
use tintype_gpu::driver::{Handle, Queue};

/// Numbers that look like a model's: on zeros a device runs faster than it ever will.
const PATTERN: usize = 4 << 20;

/// Device memory filled with random numbers, and a stream of its own, so that nothing that is tried becomes part of a capture.
pub(crate) struct Ground {
    queue: Arc<Queue>,
    stream: Handle,
    address: u64,
}

impl Ground {
    /// Memory of so many bytes, filled with bf16 (which f32 and f16 can be read from as well) between 1/2 and 2 and as many below 0.
    pub(crate) fn new(queue: &Arc<Queue>, bytes: usize) -> Result<Self> {
        /// `CU_STREAM_NON_BLOCKING`
        const NON_BLOCKING: u32 = 1;
        queue.enter()?;
        let mut ground = Self { queue: Arc::clone(queue), stream: null_mut(), address: 0 };
        // SAFETY: the context is current; the handle may be written.
        queue.ok(unsafe { queue.api.stream_create(&mut ground.stream, NON_BLOCKING) })?;
        // SAFETY: as above, the address.
        queue.ok(unsafe { queue.api.allocate(&mut ground.address, bytes.max(1)) })?;
        let pattern = pattern(bytes.min(PATTERN));
        // SAFETY: the memory holds as much; the bytes live until the wait below, failed or not.
        let sent = queue.ok(unsafe {
            queue.api.copy_to_device(ground.address, pattern.as_ptr().cast(), pattern.len(), ground.stream)
        });
        let arrived = ground.synchronize();
        sent.and(arrived)?;
        let mut filled = pattern.len();
        while filled < bytes {
            let more = filled.min(bytes - filled);
            let to = ground.address + filled as u64;
            // SAFETY: both ranges lie in the memory, one behind the other.
            queue.ok(unsafe { queue.api.copy_on_device(to, ground.address, more, ground.stream) })?;
            filled += more;
        }
        ground.synchronize()?;
        Ok(ground)
    }

    /// Where the memory starts: a multiple of 256.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    /// The stream.
    pub(crate) fn stream(&self) -> crate::Stream {
        crate::Stream(self.stream)
    }

    /// Waits for the stream.
    pub(crate) fn synchronize(&self) -> Result<()> {
        // SAFETY: the stream is alive.
        self.queue.ok(unsafe { self.queue.api.stream_synchronize(self.stream) })
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if self.queue.enter().is_err() {
            return;
        }
        // What fails here has failed before, where it was told.
        if !self.stream.is_null() {
            let _ = self.synchronize();
            // SAFETY: made once, destroyed once.
            let _ = unsafe { self.queue.api.stream_destroy(self.stream) };
        }
        if self.address != 0 {
            // SAFETY: as above; nothing uses it any more.
            let _ = unsafe { self.queue.api.free(self.address) };
        }
    }
}

/// bf16 of random sign and fraction, and of three exponents around 1.
fn pattern(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut made = Vec::with_capacity(bytes + 2);
    while made.len() < bytes {
        let random = next();
        let (sign, fraction) = (random as u16 & 0x8000, (random >> 16) as u16 & 0x7f);
        let exponent = 126 + (random >> 32) as u16 % 3;
        made.extend((sign | exponent << 7 | fraction).to_le_bytes());
    }
    made.truncate(bytes);
    made
}
