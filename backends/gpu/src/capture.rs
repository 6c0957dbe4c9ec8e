//! Captured graphs with their owner, and work that goes without one where the device refuses to capture it.

use crate::{Graph, Runtime};
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{Error, Replayed, Result};

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

/// How the same work, enqueued again and again, reaches the device.
#[derive(Default)]
pub(crate) enum Way {
    /// As a graph, which is yet to be captured.
    #[default]
    New,
    /// As a graph.
    Graph(Captured),
    /// As it is: its capture was refused.
    Plain,
}

impl Way {
    /// Enqueues work, which is the same each time: as a graph, captured now if it was not; as it is, from now on, where that is
    /// refused and nothing forbids it.
    pub(crate) fn enqueue(
        &mut self,
        runtime: &Arc<dyn Runtime>,
        refusals: &Refusals,
        work: &dyn Fn() -> Result<()>,
    ) -> Result<Replayed> {
        let mut took = Replayed::default();
        if let Way::New = self {
            match Captured::of(runtime, work) {
                Ok(graph) => {
                    *self = Way::Graph(graph);
                    took.captures = 1;
                }
                Err(error) if refusals.forbid(&error) => return Err(error),
                Err(error) => {
                    // What stops the work itself is told by the work itself.
                    work()?;
                    *self = Way::Plain;
                    refusals.tell(runtime.as_ref(), &error);
                    return Ok(Replayed { fallbacks: 1, ..took });
                }
            }
        }
        match self {
            Way::Graph(graph) => {
                graph.replay()?;
                took.replays = 1;
            }
            Way::New | Way::Plain => work()?,
        }
        Ok(took)
    }
}

/// What becomes of a capture that a device refuses.
#[derive(Default)]
pub(crate) struct Refusals {
    strict: bool,
    told: Mutex<Vec<String>>,
}

impl Refusals {
    /// `strict`: whether each is an error.
    pub(crate) fn new(strict: bool) -> Self {
        Self { strict, told: Mutex::default() }
    }

    /// Whether nothing else may be done, or whether what failed is no device's refusal.
    fn forbid(&self, error: &Error) -> bool {
        self.strict || !matches!(error, Error::Device { .. } | Error::DriverOutOfMemory { .. })
    }

    fn tell(&self, runtime: &dyn Runtime, error: &Error) {
        let device = runtime.device().label();
        tracing::warn!(device, %error, "the capture of a graph was refused: launched without one");
        let what = format!(
            "{device} launches without a graph, as with --launch compiled, since its capture was refused: {error}. --strict makes \
             that an error"
        );
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.contains(&what) {
            told.push(what);
        }
    }

    /// Those since this was asked last, a sentence each.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
