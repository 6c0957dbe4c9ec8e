//! Points of the stream.

use super::Handle;
use super::Queue;
use super::failure::NOT_READY;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::Result;

/// Events that are not in use, to be recorded again: making one is slow.
pub(crate) struct Events {
    queue: Arc<Queue>,
    idle: Mutex<Vec<Raw>>,
}

struct Raw(Handle);

// SAFETY: an event may be used from any thread; the driver locks it itself.
unsafe impl Send for Raw {}
// SAFETY: as above.
unsafe impl Sync for Raw {}

/// A point of the stream. Its event goes back to the pool when it is dropped.
pub(crate) struct Mark {
    raw: Option<Raw>,
    events: Arc<Events>,
}

impl Events {
    pub(crate) fn new(queue: Arc<Queue>) -> Arc<Self> {
        Arc::new(Self { queue, idle: Mutex::default() })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Raw>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the stream as it is now.
    pub(crate) fn record(self: &Arc<Self>) -> Result<Mark> {
        let queue = &self.queue;
        queue.enter()?;
        let idle = self.idle().pop();
        let raw = match idle {
            Some(raw) => raw,
            None => self.create()?,
        };
        let event = raw.0;
        // Made before the call, so that a failure gives the event back too.
        let mark = Mark { raw: Some(raw), events: Arc::clone(self) };
        // SAFETY: event and stream are alive, of one context.
        queue.ok(unsafe { queue.api.event_record(event, queue.raw()) })?;
        Ok(mark)
    }

    fn create(&self) -> Result<Raw> {
        /// `CU_EVENT_BLOCKING_SYNC | CU_EVENT_DISABLE_TIMING`: who waits sleeps, and nothing is timed.
        const FLAGS: u32 = 1 | 2;
        let mut raw = null_mut();
        // SAFETY: the context is current; the handle may be written.
        self.queue.ok(unsafe { self.queue.api.event_create(&mut raw, FLAGS) })?;
        Ok(Raw(raw))
    }
}

impl Mark {
    fn event(&self) -> Handle {
        self.raw.as_ref().map_or(null_mut(), |raw| raw.0)
    }

    /// Whether the stream has passed it.
    pub(crate) fn poll(&self) -> Result<bool> {
        let queue = &self.events.queue;
        queue.enter()?;
        // SAFETY: the event is alive.
        match unsafe { queue.api.event_query(self.event()) } {
            Ok(()) => Ok(true),
            Err(status) if status.code == NOT_READY => Ok(false),
            Err(status) => Err(queue.error(status)),
        }
    }

    /// Waits until the stream has passed it.
    pub(crate) fn wait(&self) -> Result<()> {
        let queue = &self.events.queue;
        queue.enter()?;
        // SAFETY: the event is alive.
        queue.ok(unsafe { queue.api.event_synchronize(self.event()) })
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // An event may be recorded again before the stream has passed it.
        self.events.idle().extend(self.raw.take());
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if self.queue.enter().is_ok() {
            for raw in std::mem::take(&mut *self.idle()) {
                // SAFETY: made once, destroyed once: no mark has it. The driver keeps it until the stream has passed it.
                let _ = unsafe { self.queue.api.event_destroy(raw.0) };
            }
        }
    }
}
