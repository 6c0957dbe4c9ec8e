//! Captured graphs.

use super::Handle;
use super::Queue;
use crate::Graph;
use std::collections::HashMap;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Error, Result};

/// `CU_STREAM_CAPTURE_MODE_RELAXED`: neither libraries that load code at their first call nor other threads that allocate
/// break a capture.
const RELAXED: i32 = 2;

/// The graphs that can be launched.
pub(crate) struct Graphs {
    queue: Arc<Queue>,
    live: Mutex<Live>,
}

#[derive(Default)]
struct Live {
    execs: HashMap<u64, Arc<Exec>>,
    next: u64,
}

/// A graph that can be launched. Destroyed when dropped; the driver lets a launch that is under way end.
struct Exec {
    queue: Arc<Queue>,
    raw: Handle,
}

// SAFETY: it is only launched, uploaded and destroyed, which the driver locks itself.
unsafe impl Send for Exec {}
// SAFETY: as above.
unsafe impl Sync for Exec {}

/// What was captured. Destroyed when dropped.
struct Template<'q> {
    queue: &'q Queue,
    raw: Handle,
}

/// A capture under way. Ended when dropped.
struct Capture<'q> {
    queue: &'q Queue,
    open: bool,
}

impl Graphs {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self { queue, live: Mutex::default() }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`crate::Runtime::capture`].
    pub(crate) fn capture(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<Graph> {
        let capture = Capture::begin(&self.queue)?;
        let outcome = work();
        let template = capture.end();
        // What `work` says comes first: that the capture was broken is what follows from it.
        outcome?;
        let exec = Exec::new(&self.queue, &template?)?;
        // SAFETY: graph and stream are alive.
        self.queue.ok(unsafe { self.queue.api.graph_upload(exec.raw, self.queue.raw()) })?;
        let mut live = self.live();
        live.next += 1;
        let number = live.next;
        live.execs.insert(number, Arc::new(exec));
        Ok(Graph(number))
    }

    /// See [`crate::Runtime::replay`].
    pub(crate) fn replay(&self, graph: &Graph) -> Result<()> {
        let exec = self.live().execs.get(&graph.0).cloned();
        let Some(exec) = exec else {
            return Err(Error::Internal {
                backend: self.queue.backend.into(),
                reason: format!("there is no graph {}", graph.0),
            });
        };
        self.queue.enter()?;
        // SAFETY: graph and stream are alive.
        self.queue.ok(unsafe { self.queue.api.graph_launch(exec.raw, self.queue.raw()) })
    }

    /// See [`crate::Runtime::forget`].
    pub(crate) fn forget(&self, graph: Graph) {
        let exec = self.live().execs.remove(&graph.0);
        drop(exec);
    }
}

impl<'q> Capture<'q> {
    fn begin(queue: &'q Queue) -> Result<Self> {
        queue.enter()?;
        let mut capturing = queue.capturing();
        if *capturing {
            return Err(Error::Internal {
                backend: queue.backend.into(),
                reason: "a capture within a capture".into(),
            });
        }
        // SAFETY: the stream is alive and captures nothing.
        queue.ok(unsafe { queue.api.stream_begin_capture(queue.raw(), RELAXED) })?;
        *capturing = true;
        Ok(Self { queue, open: true })
    }

    fn end(mut self) -> Result<Template<'q>> {
        self.close()
    }

    fn close(&mut self) -> Result<Template<'q>> {
        let (queue, api) = (self.queue, self.queue.api);
        let mut capturing = queue.capturing();
        let entered = queue.enter();
        let mut template = Template { queue, raw: null_mut() };
        // SAFETY: the stream is alive; the handle may be written.
        let mut ended = unsafe { api.stream_end_capture(queue.raw(), &mut template.raw) };
        if ended.is_err() && is_capturing(queue) {
            // A stream that goes on capturing would refuse everything from now on.
            let first = ended;
            // SAFETY: as above.
            ended = unsafe { api.stream_end_capture(queue.raw(), &mut template.raw) }.and(first);
        }
        *capturing = false;
        self.open = false;
        drop(capturing);
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

impl Drop for Template<'_> {
    fn drop(&mut self) {
        if !self.raw.is_null() {
            // SAFETY: made once, destroyed once.
            let _ = unsafe { self.queue.api.graph_destroy(self.raw) };
        }
    }
}

impl Exec {
    fn new(queue: &Arc<Queue>, template: &Template<'_>) -> Result<Self> {
        let mut raw = null_mut();
        // SAFETY: the graph is alive; the handle may be written.
        queue.ok(unsafe { queue.api.graph_instantiate(&mut raw, template.raw, 0) })?;
        Ok(Self { queue: Arc::clone(queue), raw })
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        if self.queue.enter().is_ok() {
            // SAFETY: made once, destroyed once.
            let _ = unsafe { self.queue.api.graph_exec_destroy(self.raw) };
        }
    }
}
