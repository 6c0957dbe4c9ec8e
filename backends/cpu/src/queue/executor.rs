//! The threads that kernels run on, shared by the queues of a process.
//!
//! An executor is a pool of threads, one of which runs the kernels of all queues in turn, a job at a time; the others help it
//! with the parts that a kernel is divided into. So queues that share an executor never have more threads at work than it
//! has, and handing a job over takes no memory.

use super::Shared;
use crate::kernels::scratch;
use std::collections::{HashMap, VecDeque};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle, ThreadId};
use tintype_accel::{Error, Result};

/// Executors in use, by their number of threads.
static EXECUTORS: Mutex<Option<HashMap<usize, Weak<Executor>>>> = Mutex::new(None);

/// A pool of threads that runs kernels.
pub(super) struct Executor {
    agenda: Arc<Agenda>,
    thread: Option<JoinHandle<()>>,
}

/// The queues that wait for their turn, in order.
#[derive(Default)]
struct Agenda {
    state: Mutex<Turns>,
    /// Told when there is work, or none will come.
    work: Condvar,
}

#[derive(Default)]
struct Turns {
    queues: VecDeque<Arc<Shared>>,
    closing: bool,
}

impl Executor {
    /// The executor of so many threads: the one that some queue uses already, or a new one.
    pub(super) fn shared(threads: usize) -> Result<Arc<Self>> {
        let mut executors = EXECUTORS.lock().unwrap_or_else(PoisonError::into_inner);
        let executors = executors.get_or_insert_default();
        executors.retain(|_, executor| executor.strong_count() > 0);
        if let Some(executor) = executors.get(&threads).and_then(Weak::upgrade) {
            return Ok(executor);
        }
        let executor = Arc::new(Self::start(threads)?);
        executors.insert(threads, Arc::downgrade(&executor));
        Ok(executor)
    }

    fn start(threads: usize) -> Result<Self> {
        let agenda = Arc::new(Agenda::default());
        let theirs = Arc::clone(&agenda);
        let (tell, told) = mpsc::channel();
        let first = thread::Builder::new().name("cpu-0".into());
        let thread = first.spawn(move || {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread();
            match pool.thread_name(|i| format!("cpu-{i}")).build() {
                Ok(pool) => {
                    // Nobody who hears of it is gone: `start` waits.
                    let _ = tell.send(Ok(()));
                    theirs.work_off(&pool);
                }
                Err(error) => {
                    let _ = tell.send(Err(unavailable(&error)));
                }
            }
        });
        let thread = thread.map_err(|error| unavailable(&error))?;
        told.recv().unwrap_or_else(|error| Err(unavailable(&error)))?;
        Ok(Self { agenda, thread: Some(thread) })
    }

    /// Runs a queue's next job when the queues before it have had their turn.
    pub(super) fn schedule(&self, queue: Arc<Shared>) {
        self.agenda.lock().queues.push_back(queue);
        self.agenda.work.notify_one();
    }

    /// Whether the calling thread is the one that runs jobs.
    pub(super) fn is_current(&self) -> bool {
        self.id() == Some(thread::current().id())
    }

    fn id(&self) -> Option<ThreadId> {
        self.thread.as_ref().map(|handle| handle.thread().id())
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.agenda.lock().closing = true;
        self.agenda.work.notify_one();
        if !self.is_current()
            && let Some(thread) = self.thread.take()
        {
            // A thread that panicked has nothing left to give.
            let _ = thread.join();
        }
    }
}

impl Agenda {
    /// The state. A thread that panicked while it held the lock left it whole: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a job of each queue in turn, until no more will come.
    fn work_off(&self, pool: &rayon::ThreadPool) {
        let mut reserved = 0;
        while let Some(queue) = self.next() {
            queue.run_one();
            // What one thread has needed any other may need next time.
            let most = scratch::most();
            if most > reserved {
                pool.broadcast(|_| scratch::reserve(most));
                reserved = most;
            }
        }
    }

    fn next(&self) -> Option<Arc<Shared>> {
        let mut state = self.lock();
        loop {
            if let Some(queue) = state.queues.pop_front() {
                return Some(queue);
            }
            if state.closing {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Threads that do not start.
pub(super) fn unavailable(error: &dyn std::error::Error) -> Error {
    Error::Unavailable {
        backend: "cpu".into(),
        reason: format!("its threads do not start: {error}"),
        remedy: "Raise the limit on threads, or ask for fewer".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executors_are_shared_by_their_number_of_threads() {
        let shared = |threads| Executor::shared(threads).unwrap();
        let (one, same, other) = (shared(3), shared(3), shared(4));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
        let gone = Arc::downgrade(&one);
        drop((one, same));
        assert!(gone.upgrade().is_none(), "nobody keeps threads that nobody uses");
    }
}
