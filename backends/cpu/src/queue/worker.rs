//! Running a queue's jobs: what only moves bytes on the queue's own thread, kernels on the executor's.

use super::executor::Executor;
use super::{Job, Shared, Task};
use crate::memory::Owner;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use tintype_accel::{Error, Result};

impl Shared {
    /// Has jobs run, one after the other, until the queue is closed and empty.
    pub(super) fn work_off(self: &Arc<Self>, executor: &Executor) {
        while let Some((number, kernels)) = self.wait_for_job() {
            match kernels {
                true => {
                    executor.schedule(Arc::clone(self));
                    self.wait_until(number);
                }
                false => self.run_one(),
            }
        }
    }

    /// The number of the next job, and whether it runs kernels; none where the queue is closed and empty.
    fn wait_for_job(&self) -> Option<(u64, bool)> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.front() {
                return Some((state.completed + 1, job.kernels));
            }
            if state.closing {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs the next job.
    pub(super) fn run_one(&self) {
        if let Some((job, number, skipped)) = self.next() {
            let mut owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
            let mut run = |work: &mut (dyn FnMut(&mut Owner) -> Result<()> + Send)| match skipped {
                true => Ok(()),
                false => caught(|| work(&mut owner)),
            };
            // What the work holds is let go before the queue moves on, so that whoever waits finds it so.
            let result = match job.task {
                Task::Once { mut work, succeeded } => {
                    let result = run(&mut *work);
                    drop(work);
                    succeeded.store(result.is_ok() && !skipped, Ordering::Release);
                    result
                }
                Task::Again(work) => run(&mut |owner| work.replay(owner)),
            };
            let mut state = self.lock();
            if let Err(error) = result {
                state.failures.enter(number, error);
            }
            state.completed = number;
            drop(state);
            self.progress.notify_all();
        }
    }

    /// The next job, its number, and whether it is skipped because an earlier one failed.
    fn next(&self) -> Option<(Job, u64, bool)> {
        let mut state = self.lock();
        let job = state.jobs.pop_front()?;
        let number = state.completed + 1;
        let skipped = !job.always && state.failures.skips(number);
        Some((job, number, skipped))
    }
}

/// What `work` gives; an error where it panics, so that one mistake does not hang everybody who waits.
fn caught(work: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let reason = format!("a job panicked: {}", message(panic.as_ref()));
        Err(Error::Internal { backend: "cpu".into(), reason })
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
