//! Device memory.
//!
//! Memory is taken from the device's default pool and given back to it in the stream's order, so that giving back waits
//! for nothing and what the stream needs again is there at once. The pool keeps what it is given back, and cuts small
//! blocks from large pages at multiples of 512 bytes. A block never moves.
//!
//! While the stream captures, an allocation in its order would become part of the graph. Then, and on devices without
//! pools, memory is allocated for itself, and giving it back waits for the device; what is given back meanwhile waits for
//! the capture to end.

use super::Handle;
use super::Queue;
use super::Status;
use super::failure::OUT_OF_MEMORY;
use std::collections::HashMap;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Error, Result};

/// `CU_MEMPOOL_ATTR_RELEASE_THRESHOLD`, `..._RESERVED_MEM_CURRENT` and `..._USED_MEM_CURRENT`
const RELEASE_THRESHOLD: i32 = 4;
const RESERVED: i32 = 5;
const USED: i32 = 7;

/// The device memory that a runtime holds. All of it is given back when it is dropped.
pub(crate) struct Heap {
    queue: Arc<Queue>,
    pool: Option<Pool>,
    held: Mutex<Held>,
}

struct Pool(Handle);

// SAFETY: a pool may be used from any thread; the driver locks it itself.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

#[derive(Default)]
struct Held {
    blocks: HashMap<u64, Kind>,
    /// Blocks that were given back and could not be freed at that time.
    owed: Vec<(u64, Kind)>,
}

#[derive(Clone, Copy)]
enum Kind {
    /// From the pool.
    Ordered,
    /// By itself.
    Plain,
}

impl Heap {
    pub(crate) fn new(queue: Arc<Queue>, pools: bool) -> Result<Self> {
        queue.enter()?;
        let pool = match pools {
            true => Some(default_pool(&queue)?),
            false => None,
        };
        Ok(Self { queue, pool, held: Mutex::default() })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`crate::Runtime::allocate`].
    pub(crate) fn allocate(&self, bytes: usize, what: &str) -> Result<u64> {
        self.queue.enter()?;
        self.settle();
        let bytes = bytes.max(1);
        let attempt = match self.attempt(bytes) {
            Err(status) if status.code == OUT_OF_MEMORY && self.compact() => self.attempt(bytes),
            other => other,
        };
        match attempt {
            Ok((address, kind)) => {
                self.held().blocks.insert(address, kind);
                Ok(address)
            }
            Err(status) if status.code == OUT_OF_MEMORY => Err(Error::OutOfMemory {
                what: what.into(),
                device: self.queue.label.clone(),
                needed: bytes as u64,
                free: self.free_memory().unwrap_or(0),
            }),
            Err(status) => Err(self.queue.error(status)),
        }
    }

    fn attempt(&self, bytes: usize) -> std::result::Result<(u64, Kind), Status> {
        let (api, mut address) = (self.queue.api, 0);
        let capturing = self.queue.capturing();
        if self.pool.is_some() && capturing.is_none() {
            // SAFETY: the context is current, the address may be written, and the stream captures nothing.
            unsafe { api.allocate_ordered(&mut address, bytes, self.queue.raw()) }?;
            Ok((address, Kind::Ordered))
        } else {
            // SAFETY: as above.
            unsafe { api.allocate(&mut address, bytes) }?;
            Ok((address, Kind::Plain))
        }
    }

    /// Lets the pool give what it does not use to the device. Whether that could be done.
    fn compact(&self) -> bool {
        let Some(pool) = &self.pool else { return false };
        if self.queue.outside_capture("compacting").is_err() || self.queue.synchronize().is_err() {
            return false;
        }
        // SAFETY: the pool is the device's, which lives as long as the process.
        unsafe { self.queue.api.pool_trim(pool.0, 0) }.is_ok()
    }

    /// See [`crate::Runtime::free`]. Addresses that are not held are left alone.
    pub(crate) fn free(&self, address: u64) {
        let mut held = self.held();
        if let Some(kind) = held.blocks.remove(&address) {
            held.owed.push((address, kind));
        }
        drop(held);
        self.settle();
    }

    /// Frees what is owed, but not while the stream captures. What cannot be freed stays owed.
    pub(crate) fn settle(&self) {
        let owed = std::mem::take(&mut self.held().owed);
        if owed.is_empty() {
            return;
        }
        let capturing = self.queue.capturing();
        let kept = match capturing.is_some() || self.queue.enter().is_err() {
            true => owed,
            false => owed.into_iter().filter(|&(address, kind)| !self.release(address, kind)).collect(),
        };
        drop(capturing);
        self.held().owed.extend(kept);
    }

    fn release(&self, address: u64, kind: Kind) -> bool {
        let api = self.queue.api;
        match kind {
            // SAFETY: the block is held and nobody uses it after what is on the stream now, which captures nothing.
            Kind::Ordered => unsafe { api.free_ordered(address, self.queue.raw()) }.is_ok(),
            // SAFETY: as above.
            Kind::Plain => unsafe { api.free(address) }.is_ok(),
        }
    }

    /// Bytes that the device has left, and those that the pool keeps unused.
    pub(crate) fn free_memory(&self) -> Result<u64> {
        self.queue.enter()?;
        let (mut free, mut total) = (0, 0);
        // SAFETY: the context is current; both may be written.
        self.queue.ok(unsafe { self.queue.api.memory_info(&mut free, &mut total) })?;
        let kept = match &self.pool {
            Some(pool) => self.attribute(pool, RESERVED)?.saturating_sub(self.attribute(pool, USED)?),
            None => 0,
        };
        Ok(free as u64 + kept)
    }

    fn attribute(&self, pool: &Pool, attribute: i32) -> Result<u64> {
        let mut value = 0_u64;
        // SAFETY: the pool is alive; both attributes are written as 64 bits.
        let asked = unsafe { self.queue.api.pool_attribute(pool.0, attribute, (&raw mut value).cast()) };
        self.queue.ok(asked)?;
        Ok(value)
    }
}

/// The device's default pool, told to keep what it is given back until it is trimmed.
fn default_pool(queue: &Queue) -> Result<Pool> {
    let mut pool = null_mut();
    // SAFETY: the handle may be written.
    queue.ok(unsafe { queue.api.default_pool(&mut pool, queue.device()) })?;
    let mut threshold = u64::MAX;
    // SAFETY: the pool is alive; the attribute is read as 64 bits.
    let set = unsafe { queue.api.pool_set_attribute(pool, RELEASE_THRESHOLD, (&raw mut threshold).cast()) };
    queue.ok(set)?;
    Ok(Pool(pool))
}

impl Drop for Heap {
    fn drop(&mut self) {
        let mut held = self.held();
        let blocks: Vec<_> = held.blocks.drain().collect();
        held.owed.extend(blocks);
        drop(held);
        self.settle();
        self.compact();
    }
}
