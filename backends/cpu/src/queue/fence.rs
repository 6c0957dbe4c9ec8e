//! Points of the queue.

use super::Shared;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tintype_accel::{FencePoint, Result, Timeline, WaitReason};

/// A point of the queue.
pub(crate) struct QueueFence {
    pub(super) shared: Arc<Shared>,
    /// How many jobs come before it.
    pub(super) point: u64,
    /// How many failures had been reported when it was recorded.
    pub(super) known: u64,
}

/// The end of one job. A wait for it fails if that job gave nothing, even where the failure was reported to somebody
/// else already.
pub(crate) struct JobFence {
    pub(super) fence: QueueFence,
    pub(super) succeeded: Arc<AtomicBool>,
}

impl FencePoint for QueueFence {
    fn poll(&self) -> Result<bool> {
        Ok(self.shared.has_passed(self.point))
    }

    fn wait(&self, reason: WaitReason) -> Result<()> {
        self.shared.wait_counted(self.point, self.known, reason)
    }
}

impl Timeline for Shared {
    fn poll(&self, [point, _]: [u64; 2]) -> Result<bool> {
        Ok(self.has_passed(point))
    }

    fn wait(&self, [point, known]: [u64; 2], reason: WaitReason) -> Result<()> {
        self.wait_counted(point, known, reason)
    }
}

impl FencePoint for JobFence {
    fn poll(&self) -> Result<bool> {
        self.fence.poll()
    }

    fn wait(&self, reason: WaitReason) -> Result<()> {
        self.fence.wait(reason)?;
        if self.succeeded.load(Ordering::Acquire) {
            return Ok(());
        }
        let shared = &self.fence.shared;
        Err(shared.lock().failures.explain(&shared.device))
    }
}
