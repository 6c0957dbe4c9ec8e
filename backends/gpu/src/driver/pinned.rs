//! Host memory that the device can read and write by itself.

use super::Queue;
use super::Status;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::Result;

/// A block of page-locked memory. Freed when dropped; no copy may be under way then.
pub struct Pinned {
    queue: Arc<Queue>,
    address: *mut u8,
    bytes: usize,
}

// SAFETY: it is memory that this owns.
unsafe impl Send for Pinned {}
// SAFETY: as above; it is written through `&mut self`, or by copies whose end its users wait for.
unsafe impl Sync for Pinned {}

impl Pinned {
    /// A block of so many bytes.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    pub fn new(queue: &Arc<Queue>, bytes: usize) -> Result<Self> {
        Self::attempt(queue, bytes)?.map_err(|status| queue.error(status))
    }

    /// As [`Pinned::new`], where the driver's refusal to page-lock so much is an answer.
    pub(crate) fn attempt(queue: &Arc<Queue>, bytes: usize) -> Result<std::result::Result<Self, Status>> {
        let mut address = null_mut();
        queue.enter()?;
        // SAFETY: the context is current; the address may be written. Without flags, the memory is cached.
        let made = unsafe { queue.api.allocate_host(&mut address, bytes, 0) };
        Ok(made.map(|()| Self { queue: Arc::clone(queue), address: address.cast(), bytes }))
    }

    /// Where it starts.
    pub fn address(&self) -> *mut u8 {
        self.address
    }

    /// All of it, to be written. No copy from it may be under way.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: the block is this one's alone and holds `bytes` bytes, zeroed by the system before the driver got them.
        unsafe { std::slice::from_raw_parts_mut(self.address, self.bytes) }
    }

    /// The first bytes. No copy into it may be under way.
    pub(crate) fn read(&self, bytes: usize) -> Vec<u8> {
        // SAFETY: the block holds `bytes` bytes, zeroed by the system before the driver got them.
        unsafe { std::slice::from_raw_parts(self.address, bytes.min(self.bytes)) }.to_vec()
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if self.queue.enter().is_ok() {
            // SAFETY: allocated once, freed once.
            let _ = unsafe { self.queue.api.free_host(self.address.cast()) };
        }
    }
}

/// Blocks for copies to the host, kept for the next: page-locking is slow.
pub(crate) struct PinnedPool {
    queue: Arc<Queue>,
    idle: Mutex<Vec<Pinned>>,
}

impl PinnedPool {
    /// The most that is kept, in bytes.
    const KEPT: usize = 256 << 20;
    /// The smallest block, in bytes.
    const SMALLEST: usize = 64 << 10;
    /// What blocks beyond it are a multiple of, in bytes.
    const LARGE: usize = 16 << 20;

    pub(crate) fn new(queue: Arc<Queue>) -> Arc<Self> {
        Arc::new(Self { queue, idle: Mutex::default() })
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Pinned>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block of at least so many bytes.
    pub(crate) fn take(&self, bytes: usize) -> Result<Pinned> {
        let mut idle = self.idle();
        let fits = (0..idle.len())
            .filter(|&i| idle[i].bytes >= bytes && idle[i].bytes / 4 <= bytes.max(Self::SMALLEST));
        if let Some(best) = fits.min_by_key(|&i| idle[i].bytes) {
            return Ok(idle.swap_remove(best));
        }
        drop(idle);
        // Of few sizes, so that they are of use again; large ones, of which no more is wasted than they must have.
        let size = match bytes {
            0..=Self::LARGE => bytes.max(Self::SMALLEST).next_power_of_two(),
            _ => bytes.div_ceil(Self::LARGE).saturating_mul(Self::LARGE),
        };
        Pinned::new(&self.queue, size)
    }

    /// Gives a block back. One that a copy may still be written to (`busy`) is kept, whatever there is: the next copy into
    /// it is behind that one on the stream.
    pub(crate) fn put(&self, block: Pinned, busy: bool) {
        let mut idle = self.idle();
        let kept: usize = idle.iter().map(|block| block.bytes).sum();
        if busy || kept + block.bytes <= Self::KEPT {
            idle.push(block);
        }
    }
}

impl Drop for PinnedPool {
    fn drop(&mut self) {
        // Blocks may be those of copies that nobody waited for.
        let _ = self.queue.synchronize();
    }
}
