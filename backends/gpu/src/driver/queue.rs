//! The stream in whose order everything runs.

use super::Context;
use super::Handle;
use std::ops::Deref;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use tintype_accel::{Error, Result};

/// A stream of its own, which does not wait for the device's default stream. Destroyed when dropped.
pub struct Queue {
    context: Arc<Context>,
    raw: Handle,
    /// The thread that captures, while a capture is under way; held while a capture begins, and while memory is taken or
    /// given back in the stream's order, which a capture would take for its own.
    capturing: Mutex<Option<ThreadId>>,
    /// Told when a capture has ended.
    captured: Condvar,
}

// SAFETY: a stream may be used from any thread; the driver locks it itself.
unsafe impl Send for Queue {}
// SAFETY: as above.
unsafe impl Sync for Queue {}

impl Queue {
    /// A stream on a device.
    ///
    /// # Errors
    ///
    /// What the driver answers.
    pub fn new(context: Arc<Context>) -> Result<Self> {
        /// `CU_STREAM_NON_BLOCKING`
        const NON_BLOCKING: u32 = 1;
        let mut raw = null_mut();
        context.enter()?;
        // SAFETY: the context is current; the handle may be written.
        context.ok(unsafe { context.api.stream_create(&mut raw, NON_BLOCKING) })?;
        Ok(Self { context, raw, capturing: Mutex::default(), captured: Condvar::new() })
    }

    /// The driver's handle, for libraries that enqueue. Make the context current first.
    pub fn raw(&self) -> Handle {
        self.raw
    }

    /// Waits until it is empty.
    ///
    /// # Errors
    ///
    /// What the driver answers, and what went wrong on the device meanwhile.
    pub fn synchronize(&self) -> Result<()> {
        self.enter()?;
        // SAFETY: the stream is alive.
        self.ok(unsafe { self.api.stream_synchronize(self.raw) })
    }

    pub(crate) fn capturing(&self) -> MutexGuard<'_, Option<ThreadId>> {
        self.capturing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses what a capture would record although it must happen now.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] while the stream captures.
    pub fn outside_capture(&self, what: &str) -> Result<()> {
        match *self.capturing() {
            Some(_) => Err(self.within(what)),
            None => Ok(()),
        }
    }

    /// Waits until no other thread captures: for what touches the stream's libraries, and can be done later as well.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] while this very thread captures.
    pub fn after_captures(&self, what: &str) -> Result<()> {
        let mut capturing = self.capturing();
        while let Some(thread) = *capturing {
            if thread == thread::current().id() {
                return Err(self.within(what));
            }
            capturing = self.captured.wait(capturing).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// A capture has ended.
    pub(crate) fn ended(&self, mut capturing: MutexGuard<'_, Option<ThreadId>>) {
        *capturing = None;
        drop(capturing);
        self.captured.notify_all();
    }

    fn within(&self, what: &str) -> Error {
        Error::Internal { backend: self.backend.into(), reason: format!("{what} during a capture") }
    }
}

impl Deref for Queue {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if self.enter().is_ok() {
            // SAFETY: made once, destroyed once. Work that is still on it is let run to its end by the driver.
            let _ = unsafe { self.api.stream_destroy(self.raw) };
        }
    }
}
