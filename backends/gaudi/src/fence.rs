//! Points of the stream, and copies to the host.

use crate::context::Context;
use crate::device::{Event, Pinned};
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

impl FencePoint for EventFence {
    fn poll(&self) -> Result<bool> {
        let poll = |event| self.context.device.poll(event).map_err(|fault| self.context.fault(fault));
        self.event.as_ref().map_or(Ok(true), poll)
    }

    fn wait(&self, reason: WaitReason) -> Result<()> {
        let Some(event) = &self.event else { return Ok(()) };
        if self.poll()? {
            return Ok(());
        }
        let counter = match reason {
            WaitReason::Pacing => &self.context.counters.pacing_waits,
            WaitReason::Synchronize => &self.context.counters.host_synchronizations,
        };
        raise(counter, 1);
        self.context.device.wait(event).map_err(|fault| self.context.fault(fault))
    }
}

impl Drop for EventFence {
    fn drop(&mut self) {
        if let Some(event) = self.event.take() {
            self.context.device.forget(event);
        }
    }
}

/// The end of a copy to the host, which fills `bytes`.
pub(crate) struct Arrival {
    fence: EventFence,
    pinned: Mutex<Option<Pinned>>,
    length: usize,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Arrival {
    pub(crate) fn new(fence: EventFence, pinned: Pinned, length: usize, bytes: Arc<Mutex<Vec<u8>>>) -> Self {
        Self { fence, pinned: Mutex::new(Some(pinned)), length, bytes }
    }

    fn staging_back(&self, pinned: Pinned) {
        let context = &self.fence.context;
        let mut staging = context.staging.lock().unwrap_or_else(PoisonError::into_inner);
        staging.give(&context.device, pinned);
    }
}

impl FencePoint for Arrival {
    fn poll(&self) -> Result<bool> {
        self.fence.poll()
    }

    fn wait(&self, reason: WaitReason) -> Result<()> {
        self.fence.wait(reason)?;
        let pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(pinned) = pinned {
            // SAFETY: the piece is at least this long, and the copy that wrote it is done.
            let arrived = unsafe { std::slice::from_raw_parts(pinned.pointer, self.length) }.to_vec();
            *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) = arrived;
            self.staging_back(pinned);
        }
        Ok(())
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let pinned = self.pinned.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(pinned) = pinned else { return };
        // Nobody waited: the copy may still be on its way.
        match self.fence.event.take() {
            Some(event) => {
                let context = &self.fence.context;
                context.staging.lock().unwrap_or_else(PoisonError::into_inner).lend(event, pinned);
            }
            None => self.staging_back(pinned),
        }
    }
}
