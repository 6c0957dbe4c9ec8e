//! Captured graphs.

use super::capture::{Capture, Template};
use super::{Handle, Queue};
use crate::Graph;
use std::collections::HashMap;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Error, Result};

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

impl Exec {
    fn new(queue: &Arc<Queue>, template: &Template<'_>) -> Result<Self> {
        let mut raw = null_mut();
        // SAFETY: the graph is alive; the handle may be written.
        queue.ok(unsafe { queue.api.graph_instantiate(&mut raw, template.graph(), 0) })?;
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
