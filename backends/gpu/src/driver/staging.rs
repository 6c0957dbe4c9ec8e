//! Copies to the device, through page-locked blocks.
//!
//! A copy from ordinary memory would wait for the stream. So bytes are copied into blocks here, or read into them where they
//! are a file's, by several threads where there are many (one thread copies at a fifth of what the bus takes), and the
//! device fetches them from there while the next blocks are filled. Many copies that are asked for at once are shared among
//! the threads block by block: a weight of a few blocks would keep few of them busy.

use super::events::Mark;
use super::failure::OUT_OF_MEMORY;
use super::pinned::Pinned;
use super::{Events, Queue};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use tintype_accel::{Error, HostBytes, Result};

/// Bytes of a block.
const BLOCK: usize = 4 << 20;
/// The most threads that fill blocks, where nobody says how many: more than the bus takes from.
const THREADS: usize = 12;

/// The blocks of a runtime, made as they are needed.
pub(crate) struct Staging {
    queue: Arc<Queue>,
    events: Arc<Events>,
    threads: usize,
    ring: Mutex<Ring>,
    returned: Condvar,
    /// Blocks for which there was no page-locked memory.
    unlocked: AtomicU64,
}

#[derive(Default)]
struct Ring {
    /// In the order in which the stream is done with them.
    idle: VecDeque<Block>,
    /// How many there are, those being filled included.
    made: usize,
}

struct Block {
    memory: Room,
    /// The point from which on it may be filled again.
    fetched: Option<Mark>,
}

/// Where a block's bytes lie.
enum Room {
    /// In page-locked memory.
    Locked(Pinned),
    /// In ordinary memory, which the driver copies once more.
    Ordinary(Vec<u8>),
}

/// A part of an upload that fits a block.
struct Part<'b> {
    to: u64,
    bytes: &'b HostBytes,
    start: usize,
    length: usize,
}

/// A block in use. Goes back when dropped.
struct Lent<'s> {
    staging: &'s Staging,
    block: Option<Block>,
}

impl Staging {
    /// `threads`: how many may fill blocks.
    pub(crate) fn new(queue: Arc<Queue>, events: Arc<Events>, threads: Option<usize>) -> Self {
        let usual = || thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        let threads = threads.unwrap_or_else(usual).max(1);
        let (ring, returned) = (Mutex::default(), Condvar::new());
        Self { queue, events, threads, ring, returned, unlocked: AtomicU64::new(0) }
    }

    /// Blocks that lie in ordinary memory, since the system gave no page-locked memory for them.
    pub(crate) fn unlocked(&self) -> u64 {
        self.unlocked.load(Ordering::Relaxed)
    }

    /// See [`crate::Runtime::upload_all`].
    pub(crate) fn upload(&self, all: &[(u64, HostBytes)]) -> Result<()> {
        self.queue.outside_capture("an upload")?;
        let parts: Vec<Part<'_>> = all.iter().flat_map(|(to, bytes)| parts(*to, bytes)).collect();
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None::<Error>));
        let work = || {
            while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = self.send(part) {
                    next.store(parts.len(), Ordering::Relaxed);
                    failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    return;
                }
            }
        };
        thread::scope(|scope| {
            // For little more than a block, threads would be started for more than they save.
            let blocks = all.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() / BLOCK;
            for _ in 1..self.threads.min(blocks) {
                // A thread that cannot be started leaves its share to the others.
                let _ = thread::Builder::new().name("tintype-upload".into()).spawn_scoped(scope, work);
            }
            work();
        });
        failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
    }

    /// Fills a block and enqueues its way to the device.
    fn send(&self, part: &Part<'_>) -> Result<()> {
        let mut lent = self.take()?;
        let Some(block) = &mut lent.block else { return Ok(()) };
        let room = block.memory.as_mut_slice();
        let Some(room) = room.get_mut(..part.length) else { return Ok(()) };
        part.bytes.copy_to(part.start, room)?;
        let from = room.as_ptr().cast();
        self.queue.enter()?;
        // SAFETY: the block holds the bytes, and is filled again only when the stream has passed the copy. Of ordinary memory
        // the driver has taken a copy when it returns. What `to` is, the caller vouches for.
        let sent = unsafe { self.queue.api.copy_to_device(part.to, from, part.length, self.queue.raw()) };
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

    /// A new block: in ordinary memory, and counted, where there is no more that can be page-locked.
    fn make(&self) -> Result<Block> {
        let memory = match Pinned::attempt(&self.queue, BLOCK)? {
            Ok(pinned) => Room::Locked(pinned),
            Err(status) if status.code == OUT_OF_MEMORY => {
                self.unlocked.fetch_add(1, Ordering::Relaxed);
                Room::Ordinary(vec![0; BLOCK])
            }
            Err(status) => return Err(self.queue.error(status)),
        };
        Ok(Block { memory, fetched: None })
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
                lent.block = Some(self.make()?);
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

/// An upload block by block.
fn parts(to: u64, bytes: &HostBytes) -> impl Iterator<Item = Part<'_>> {
    let length = bytes.len();
    (0..length).step_by(BLOCK).map(move |start| Part {
        to: to.wrapping_add(start as u64),
        bytes,
        start,
        length: (length - start).min(BLOCK),
    })
}

impl Room {
    fn as_mut_slice(&mut self) -> &mut [u8] {
        match self {
            Room::Locked(pinned) => pinned.as_mut_slice(),
            Room::Ordinary(bytes) => bytes,
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
