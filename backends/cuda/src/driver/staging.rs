//! Copies to the device, through page-locked blocks.
//!
//! A copy from ordinary memory would wait for the stream. So bytes are copied into blocks here, by several threads where
//! there are many (one thread copies at a quarter of what the bus takes, less where pages of a file must first be read),
//! and the device fetches them from there while the next blocks are filled.

use super::events::Mark;
use super::pinned::Pinned;
use super::{Events, Queue};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use tintype_accel::{Error, Result};

/// Bytes of a block.
const BLOCK: usize = 8 << 20;
/// The most threads that fill blocks.
const THREADS: usize = 8;

/// The blocks of a runtime, made as they are needed.
pub(crate) struct Staging {
    queue: Arc<Queue>,
    events: Arc<Events>,
    threads: usize,
    ring: Mutex<Ring>,
    returned: Condvar,
}

#[derive(Default)]
struct Ring {
    /// In the order in which the stream is done with them.
    idle: VecDeque<Block>,
    /// How many there are, those being filled included.
    made: usize,
}

struct Block {
    memory: Pinned,
    /// The point from which on it may be filled again.
    fetched: Option<Mark>,
}

/// A block in use. Goes back when dropped.
struct Lent<'s> {
    staging: &'s Staging,
    block: Option<Block>,
}

impl Staging {
    pub(crate) fn new(queue: Arc<Queue>, events: Arc<Events>) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        Self { queue, events, threads, ring: Mutex::default(), returned: Condvar::new() }
    }

    /// See [`tintype_gpu::Runtime::upload`].
    pub(crate) fn upload(&self, to: u64, bytes: &[u8]) -> Result<()> {
        self.queue.outside_capture("an upload")?;
        let parts = bytes.len().div_ceil(BLOCK);
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None::<Error>));
        let work = || {
            loop {
                let part = next.fetch_add(1, Ordering::Relaxed);
                let start = part.saturating_mul(BLOCK);
                let Some(rest) = bytes.get(start..).filter(|rest| !rest.is_empty()) else { return };
                if let Err(error) = self.send(to.wrapping_add(start as u64), &rest[..rest.len().min(BLOCK)]) {
                    next.store(parts, Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    return;
                }
            }
        };
        thread::scope(|scope| {
            // Fewer parts than threads and one more: the threads would be started for less than they save.
            let helpers = if parts > 2 { self.threads.min(parts) - 1 } else { 0 };
            for _ in 0..helpers {
                // A thread that cannot be started leaves its share to the others.
                let _ = thread::Builder::new().name("tintype-upload".into()).spawn_scoped(scope, work);
            }
            work();
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    /// Copies up to a block's bytes and enqueues their way to the device.
    fn send(&self, to: u64, bytes: &[u8]) -> Result<()> {
        let mut lent = self.take()?;
        let Some(block) = &mut lent.block else { return Ok(()) };
        block.memory.fill(bytes);
        self.queue.enter()?;
        let from = block.memory.address().cast_const().cast();
        // SAFETY: the block holds the bytes, and is filled again only when the stream has passed the copy. What `to` is, the
        // caller vouches for.
        let sent = unsafe { self.queue.api.cuMemcpyHtoDAsync_v2(to, from, bytes.len(), self.queue.raw()) };
        self.queue.ok(sent)?;
        match self.events.record() {
            Ok(mark) => block.fetched = Some(mark),
            Err(error) => {
                // Nobody would know when the block may be filled again: wait, and do without it.
                let _ = self.queue.synchronize();
                lent.discard();
                return Err(error);
            }
        }
        Ok(())
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block that may be filled: one that the stream is done with, a new one, or the one that it is done with next.
    fn take(&self) -> Result<Lent<'_>> {
        let mut ring = self.ring();
        loop {
            let done = match ring.idle.front().map(|block| &block.fetched) {
                Some(Some(mark)) => mark.poll()?,
                Some(None) => true,
                None => false,
            };
            if !done && ring.made < 2 * self.threads {
                ring.made += 1;
                drop(ring);
                let mut lent = Lent { staging: self, block: None };
                lent.block = Some(Block { memory: Pinned::new(&self.queue, BLOCK)?, fetched: None });
                return Ok(lent);
            }
            if let Some(block) = ring.idle.pop_front() {
                drop(ring);
                let lent = Lent { staging: self, block: Some(block) };
                if let Some(mark) = lent.block.as_ref().and_then(|block| block.fetched.as_ref()) {
                    mark.wait()?;
                }
                return Ok(lent);
            }
            ring = self.returned.wait(ring).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Lent<'_> {
    fn discard(&mut self) {
        self.block = None;
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut ring = self.staging.ring();
        match self.block.take() {
            Some(block) => ring.idle.push_back(block),
            None => ring.made -= 1,
        }
        self.staging.returned.notify_one();
    }
}
