//! A captured graph with its owner.

use crate::{Graph, Runtime};
use std::sync::Arc;
use tintype_accel::Result;

/// A graph, given back when dropped.
pub(crate) struct Captured {
    runtime: Arc<dyn Runtime>,
    graph: Option<Graph>,
}

impl Captured {
    /// Captures what `work` enqueues.
    pub(crate) fn of(runtime: &Arc<dyn Runtime>, mut work: impl FnMut() -> Result<()>) -> Result<Self> {
        let graph = runtime.capture(&mut work)?;
        Ok(Self { runtime: Arc::clone(runtime), graph: Some(graph) })
    }

    /// Enqueues it.
    pub(crate) fn replay(&self) -> Result<()> {
        self.graph.as_ref().map_or(Ok(()), |graph| self.runtime.replay(graph))
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        if let Some(graph) = self.graph.take() {
            self.runtime.forget(graph);
        }
    }
}
