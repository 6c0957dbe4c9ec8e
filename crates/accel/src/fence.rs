//! Points of a device's queue, and waiting for them.

use crate::{Accelerator, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Why the host waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// To keep at most a few steps in flight.
    Pacing,
    /// To have everything done. Counted as a host synchronisation.
    Synchronize,
}

/// A plugin's side of a fence.
pub trait FencePoint: Send + Sync {
    /// Whether the queue has passed the point.
    fn poll(&self) -> Result<bool>;

    /// Waits until it has, counts the wait if there was one, and reports what failed before it.
    fn wait(&self, reason: WaitReason) -> Result<()>;
}

/// A plugin's side of many fences that are told apart by two numbers, so that recording one allocates nothing.
pub trait Timeline: Send + Sync {
    /// As [`FencePoint::poll`].
    fn poll(&self, mark: [u64; 2]) -> Result<bool>;

    /// As [`FencePoint::wait`].
    fn wait(&self, mark: [u64; 2], reason: WaitReason) -> Result<()>;
}

/// A point of a device's queue.
pub struct Fence(Point);

enum Point {
    Own(Box<dyn FencePoint>),
    Mark(Arc<dyn Timeline>, [u64; 2]),
}

impl Fence {
    /// A fence from a plugin's side of it.
    pub fn new(point: impl FencePoint + 'static) -> Self {
        Self(Point::Own(Box::new(point)))
    }

    /// A mark on a plugin's timeline. What the numbers mean is the timeline's own business.
    pub fn on(timeline: Arc<dyn Timeline>, mark: [u64; 2]) -> Self {
        Self(Point::Mark(timeline, mark))
    }

    /// Whether the queue has passed the point.
    pub fn poll(&self) -> Result<bool> {
        match &self.0 {
            Point::Own(point) => point.poll(),
            Point::Mark(timeline, mark) => timeline.poll(*mark),
        }
    }

    /// Waits until the queue has passed the point.
    pub fn wait(&self, reason: WaitReason) -> Result<()> {
        match &self.0 {
            Point::Own(point) => point.wait(reason),
            Point::Mark(timeline, mark) => timeline.wait(*mark, reason),
        }
    }
}

/// A copy to the host that is on its way.
pub struct Readback {
    fence: Fence,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Readback {
    /// A copy that fills `bytes` before the queue passes `fence`.
    pub fn new(fence: Fence, bytes: Arc<Mutex<Vec<u8>>>) -> Self {
        Self { fence, bytes }
    }

    /// Whether the copy is done.
    pub fn poll(&self) -> Result<bool> {
        self.fence.poll()
    }

    /// The bytes, once they are here.
    pub fn wait(self) -> Result<Vec<u8>> {
        self.fence.wait(WaitReason::Synchronize)?;
        Ok(std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Keeps at most two steps in flight, so that progress is true and cancellation is prompt.
#[derive(Default)]
pub struct Pacer {
    in_flight: VecDeque<Fence>,
}

impl Pacer {
    /// The most steps that are enqueued and not done.
    pub const DEPTH: usize = 2;

    /// Called once a step, after it has been enqueued: waits for the step before last.
    pub fn step(&mut self, accelerator: &dyn Accelerator) -> Result<()> {
        self.in_flight.push_back(accelerator.record()?);
        while self.in_flight.len() > Self::DEPTH {
            if let Some(fence) = self.in_flight.pop_front() {
                fence.wait(WaitReason::Pacing)?;
            }
        }
        Ok(())
    }

    /// How many steps are still in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}
