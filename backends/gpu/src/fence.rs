//! Points of the stream, and copies to the host.

use crate::context::Context;
use crate::{Event, Incoming};
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{FencePoint, Result, WaitReason, raise};

/// A point of the stream.
pub(crate) struct EventFence {
    context: Arc<Context>,
    event: Option<Event>,
}

impl EventFence {
    pub(crate) fn new(context: Arc<Context>, event: Event) -> Self {
        Self { context, event: Some(event) }
    }
}

/// Counts a wait.
fn count(context: &Context, reason: WaitReason) {
    let counter = match reason {
        WaitReason::Pacing => &context.counters.pacing_waits,
        WaitReason::Synchronize => &context.counters.host_synchronizations,
    };
    raise(counter, 1);
}

impl FencePoint for EventFence {
    fn poll(&self) -> Result<bool> {
        self.event.as_ref().map_or(Ok(true), |event| self.context.runtime.poll(event))
    }

    fn wait(&self, reason: WaitReason) -> Result<()> {
        let Some(event) = &self.event else { return Ok(()) };
        if self.context.runtime.poll(event)? {
            return Ok(());
        }
        count(&self.context, reason);
        self.context.runtime.wait(event)
    }
}

impl Drop for EventFence {
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            self.context.runtime.release(event);
        }
    }
}

/// The end of a copy to the host, which fills `bytes`.
pub(crate) struct Arrival {
    pub(crate) context: Arc<Context>,
    pub(crate) incoming: Box<dyn Incoming>,
    pub(crate) bytes: Arc<Mutex<Vec<u8>>>,
}

impl FencePoint for Arrival {
    fn poll(&self) -> Result<bool> {
        self.incoming.poll()
    }

    fn wait(&self, reason: WaitReason) -> Result<()> {
        if !self.incoming.poll()? {
            count(&self.context, reason);
        }
        let bytes = self.incoming.wait()?;
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(())
    }
}
