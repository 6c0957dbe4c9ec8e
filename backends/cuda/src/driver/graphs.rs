//! Captured graphs.

use super::capture::{Capture, Nested, Template};
use super::{Nesting, Queue};
use cudarc::driver::sys::CUgraphExec;
use std::collections::HashMap;
use std::ptr::null_mut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tintype_accel::{Error, Result};
use tintype_gpu::Graph;

/// The graphs that can be launched.
pub(crate) struct Graphs {
    queue: Arc<Queue>,
    /// Where graphs are nested.
    nesting: Option<&'static Nesting>,
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
    raw: CUgraphExec,
}

// SAFETY: it is only launched, uploaded and destroyed, which the driver locks itself.
unsafe impl Send for Exec {}
// SAFETY: as above.
unsafe impl Sync for Exec {}

impl Graphs {
    pub(crate) fn new(queue: Arc<Queue>, nesting: Option<&'static Nesting>) -> Self {
        Self { queue, nesting, live: Mutex::default() }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`tintype_gpu::Runtime::capture`].
    pub(crate) fn capture(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<Graph> {
        let nested = self.nesting.map(|nesting| Nested::new(&self.queue, nesting)).transpose()?;
        let capture = Capture::begin(&self.queue, nested)?;
        let outcome = work();
        let template = capture.end();
        // What `work` says comes first: that the capture was broken is what follows from it.
        outcome?;
        let exec = Exec::new(&self.queue, &template?)?;
        // SAFETY: graph and stream are alive.
        self.queue.ok(unsafe { self.queue.api.cuGraphUpload(exec.raw, self.queue.raw()) })?;
        let mut live = self.live();
        live.next += 1;
        let number = live.next;
        live.execs.insert(number, Arc::new(exec));
        Ok(Graph(number))
    }

    /// See [`tintype_gpu::Runtime::replay`].
    pub(crate) fn replay(&self, graph: &Graph) -> Result<()> {
        let exec = self.live().execs.get(&graph.0).cloned();
        let Some(exec) = exec else {
            return Err(Error::Internal {
                backend: "cuda".into(),
                reason: format!("there is no graph {}", graph.0),
            });
        };
        self.queue.enter()?;
        // SAFETY: graph and stream are alive.
        self.queue.ok(unsafe { self.queue.api.cuGraphLaunch(exec.raw, self.queue.raw()) })
    }

    /// See [`tintype_gpu::Runtime::forget`].
    pub(crate) fn forget(&self, graph: Graph) {
        let exec = self.live().execs.remove(&graph.0);
        drop(exec);
    }
}

impl Exec {
    fn new(queue: &Arc<Queue>, template: &Template<'_>) -> Result<Self> {
        let mut raw = null_mut();
        // SAFETY: the graph is alive; the handle may be written.
        queue.ok(unsafe { queue.api.cuGraphInstantiateWithFlags(&mut raw, template.raw, 0) })?;
        Ok(Self { queue: Arc::clone(queue), raw })
    }
}

impl Drop for Exec {
    fn drop(&mut self) {
        if self.queue.enter().is_ok() {
            // SAFETY: made once, destroyed once.
            let _ = unsafe { self.queue.api.cuGraphExecDestroy(self.raw) };
        }
    }
}
