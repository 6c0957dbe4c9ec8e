//! Running a queue's jobs, on the thread of its executor.

use super::{Job, Shared, Task};
use crate::memory::Owner;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use tintype_accel::{Error, Result};

impl Shared {
    /// Runs the next job, if there is one. Says whether there are more; where there are none, the queue has to be scheduled
    /// again for the next.
    pub(super) fn run_one(&self) -> bool {
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
        let mut state = self.lock();
        state.scheduled = !state.jobs.is_empty();
        state.scheduled
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
