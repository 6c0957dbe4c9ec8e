//! Copies to the host.

use super::events::Mark;
use super::pinned::Pinned;
use super::{Events, PinnedPool, Queue};
use crate::Incoming;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::Result;

/// A copy to the host that is on its way.
pub(crate) struct Arrival {
    pool: Arc<PinnedPool>,
    mark: Option<Mark>,
    bytes: usize,
    /// Where it arrives, until it is taken from there.
    block: Mutex<Option<Pinned>>,
}

impl Arrival {
    /// Enqueues the copy.
    pub(crate) fn new(pool: &Arc<PinnedPool>, events: &Arc<Events>, from: u64, bytes: usize) -> Result<Self> {
        let queue: &Arc<Queue> = pool.queue();
        let mut arrival = Self { pool: Arc::clone(pool), mark: None, bytes, block: Mutex::default() };
        if bytes == 0 {
            return Ok(arrival);
        }
        queue.outside_capture("a copy to the host")?;
        queue.enter()?;
        let block = pool.take(bytes)?;
        let to = block.address();
        // From here on the block goes back to the pool whatever happens.
        arrival.block = Mutex::new(Some(block));
        // SAFETY: the block has room, and stays where it is until the copy is done. What `from` is, the caller vouches for;
        // the device checks it.
        queue.ok(unsafe { queue.api.copy_to_host(to.cast(), from, bytes, queue.raw()) })?;
        arrival.mark = Some(events.record()?);
        Ok(arrival)
    }
}

impl Incoming for Arrival {
    fn poll(&self) -> Result<bool> {
        self.mark.as_ref().map_or(Ok(true), Mark::poll)
    }

    fn wait(&self) -> Result<Vec<u8>> {
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        self.mark.as_ref().map_or(Ok(()), Mark::wait)?;
        let Some(block) = block.take() else { return Ok(Vec::new()) };
        let bytes = block.read(self.bytes);
        self.pool.put(block, false);
        Ok(bytes)
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let block = self.block.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(block) = block {
            self.pool.put(block, true);
        }
    }
}
