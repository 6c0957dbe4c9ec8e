//! A capture of the stream, and the graph that it makes.

use super::{Handle, Outer, Queue};
use std::ptr::null_mut;
use std::thread;
use tintype_accel::{Error, Result};

/// `CU_STREAM_CAPTURE_MODE_RELAXED`, `hipStreamCaptureModeRelaxed`: neither libraries that load code at their first call nor other
/// threads that allocate break a capture.
const RELAXED: i32 = 2;

/// What was captured. Destroyed when dropped.
pub(super) enum Template<'q> {
    /// By itself.
    Own { queue: &'q Queue, raw: Handle },
    /// In a graph that holds it.
    Outer(Box<dyn Outer>),
}

/// A capture under way. Ended when dropped.
pub(super) struct Capture<'q> {
    queue: &'q Queue,
    /// The graph that holds the one that is captured.
    outer: Option<Box<dyn Outer>>,
    open: bool,
}

impl<'q> Capture<'q> {
    pub(super) fn begin(queue: &'q Queue) -> Result<Self> {
        queue.enter()?;
        let mut capturing = queue.capturing();
        if capturing.is_some() {
            return Err(Error::Internal {
                backend: queue.backend.into(),
                reason: "a capture within a capture".into(),
            });
        }
        let outer = queue.ok(queue.vendor().outer())?;
        queue.ok(match &outer {
            Some(outer) => outer.begin(queue.raw(), RELAXED),
            // SAFETY: the stream is alive and captures nothing.
            None => unsafe { queue.api.stream_begin_capture(queue.raw(), RELAXED) },
        })?;
        *capturing = Some(thread::current().id());
        drop(capturing);
        Ok(Self { queue, outer, open: true })
    }

    pub(super) fn end(mut self) -> Result<Template<'q>> {
        self.close()
    }

    fn close(&mut self) -> Result<Template<'q>> {
        let (queue, api) = (self.queue, self.queue.api);
        let capturing = queue.capturing();
        let entered = queue.enter();
        let mut raw = null_mut();
        // SAFETY: the stream is alive; the handle may be written.
        let mut ended = unsafe { api.stream_end_capture(queue.raw(), &mut raw) };
        if ended.is_err() && is_capturing(queue) {
            // A stream that goes on capturing would refuse everything from now on.
            let first = ended;
            // SAFETY: as above.
            ended = unsafe { api.stream_end_capture(queue.raw(), &mut raw) }.and(first);
        }
        let template = match self.outer.take() {
            // A graph that another holds goes with that one.
            Some(outer) => Template::Outer(outer),
            None => Template::Own { queue, raw },
        };
        self.open = false;
        queue.ended(capturing);
        entered?;
        queue.ok(ended)?;
        Ok(template)
    }
}

/// Whether the stream is capturing, as far as the driver tells.
fn is_capturing(queue: &Queue) -> bool {
    let mut status = 0;
    // SAFETY: the stream is alive; the number may be written.
    unsafe { queue.api.stream_is_capturing(queue.raw(), &mut status) }.is_ok() && status != 0
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if self.open {
            // Whatever was captured is dropped; what led here is told by whoever did.
            let _ = self.close();
        }
    }
}

impl Template<'_> {
    /// The graph that is launched.
    pub(super) fn graph(&self) -> Handle {
        match self {
            Template::Own { raw, .. } => *raw,
            Template::Outer(outer) => outer.graph(),
        }
    }
}

impl Drop for Template<'_> {
    fn drop(&mut self) {
        if let Template::Own { queue, raw } = self
            && !raw.is_null()
        {
            // SAFETY: made once, destroyed once.
            let _ = unsafe { queue.api.graph_destroy(*raw) };
        }
    }
}
