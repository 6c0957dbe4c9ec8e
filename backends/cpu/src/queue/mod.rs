//! The queue: jobs run one after the other, beside the host.

mod executor;
mod failure;
mod fence;
mod worker;

pub(crate) use fence::{JobFence, QueueFence};

use crate::memory::{Owner, OwnerId};
use executor::Executor;
use failure::Failures;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use tintype_accel::{Counters, Fence, Result, WaitReason, raise};

/// Work for the queue, called once. It is given the right to reach the queue's memory. What it holds is let go by the
/// thread that ran it, so that even the queue may be among it.
pub(crate) type Work = Box<dyn FnMut(&mut Owner) -> Result<()> + Send>;

/// Work that is enqueued over and over, and allocates nothing for that.
pub(crate) trait Replay: Send + Sync {
    /// Does it once.
    fn replay(&self, owner: &mut Owner) -> Result<()>;
}

/// An accelerator's queue and the thread that works on it. Dropping it waits for what is enqueued, unless a job drops it: what
/// follows is then done later.
pub(crate) struct Queue {
    shared: Arc<Shared>,
    owner: OwnerId,
    executor: Arc<Executor>,
    worker: Option<JoinHandle<()>>,
}

/// What the queue, its threads and its fences share.
struct Shared {
    state: Mutex<State>,
    /// Told when there is work, or none will come.
    work: Condvar,
    /// The right to reach the queue's memory, for the job that runs.
    owner: Mutex<Owner>,
    /// Told when a job is done.
    progress: Condvar,
    device: String,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// How many jobs were ever enqueued: the number of the last one.
    enqueued: u64,
    /// The number of the last job that is done with.
    completed: u64,
    failures: Failures,
    closing: bool,
}

struct Job {
    task: Task,
    /// Whether it runs kernels, which take the executor's threads in turn with other queues. What does not, and may wait for
    /// the memory of a caller, holds up no other queue.
    kernels: bool,
    /// Whether it is done even where an earlier job failed: what it does is then no less true.
    always: bool,
}

enum Task {
    Once {
        work: Work,
        /// Set when the work was done without error.
        succeeded: Arc<AtomicBool>,
    },
    Again(Arc<dyn Replay>),
}

impl Queue {
    /// A queue whose jobs may use `threads` threads.
    pub(crate) fn new(device: String, threads: usize, counters: Arc<Counters>) -> Result<Self> {
        let executor = Executor::shared(threads)?;
        let owner = Owner::new();
        let id = owner.id();
        let shared = Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            owner: Mutex::new(owner),
            progress: Condvar::new(),
            device,
            counters,
        };
        let shared = Arc::new(shared);
        let (theirs, threads) = (Arc::clone(&shared), Arc::clone(&executor));
        let worker = thread::Builder::new().name("cpu-queue".into());
        let worker =
            worker.spawn(move || theirs.work_off(&threads)).map_err(|e| executor::unavailable(&e))?;
        Ok(Self { shared, owner: id, executor, worker: Some(worker) })
    }

    /// Whose memory the queue's jobs reach.
    pub(crate) fn owner(&self) -> OwnerId {
        self.owner
    }

    /// Enqueues work that runs kernels. The fence tells whether this very job succeeded.
    pub(crate) fn enqueue(&self, work: Work) -> JobFence {
        self.once(work, true)
    }

    /// Enqueues work that moves bytes.
    pub(crate) fn enqueue_move(&self, work: Work) -> JobFence {
        self.once(work, false)
    }

    fn once(&self, work: Work, kernels: bool) -> JobFence {
        let succeeded = Arc::new(AtomicBool::new(false));
        let task = Task::Once { work, succeeded: Arc::clone(&succeeded) };
        JobFence { fence: self.push(Job { task, kernels, always: false }), succeeded }
    }

    /// Enqueues work that is done even where an earlier job failed, such as remaking a copy of whatever is there.
    pub(crate) fn enqueue_always(&self, work: Work) {
        let succeeded = Arc::new(AtomicBool::new(false));
        self.push(Job { task: Task::Once { work, succeeded }, kernels: true, always: true });
    }

    /// Enqueues work once more.
    pub(crate) fn enqueue_again(&self, work: Arc<dyn Replay>) {
        self.push(Job { task: Task::Again(work), kernels: true, always: false });
    }

    fn push(&self, job: Job) -> QueueFence {
        let mut state = self.shared.lock();
        state.enqueued += 1;
        state.jobs.push_back(job);
        let fence = self.fence(&state);
        drop(state);
        self.shared.work.notify_one();
        fence
    }

    /// As [`Queue::record`], for everybody.
    pub(crate) fn mark(&self) -> Fence {
        let QueueFence { shared, point, known } = self.record();
        Fence::on(shared, [point, known])
    }

    /// The point behind everything that is enqueued.
    pub(crate) fn record(&self) -> QueueFence {
        self.fence(&self.shared.lock())
    }

    fn fence(&self, state: &State) -> QueueFence {
        let (point, known) = (state.enqueued, state.failures.reported());
        QueueFence { shared: Arc::clone(&self.shared), point, known }
    }

    /// Waits until the queue is empty. Always counted.
    pub(crate) fn synchronize(&self) -> Result<()> {
        raise(&self.shared.counters.host_synchronizations, 1);
        let fence = self.record();
        self.shared.wait_for(fence.point, fence.known).1
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_one();
        if let Some(worker) = self.worker.take()
            && worker.thread().id() != thread::current().id()
            && !self.executor.is_current()
        {
            // A worker that panicked has nothing left to give.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// The state. A thread that panicked while it held the lock left it whole: every change is one assignment.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a job is done.
    fn wait_until(&self, number: u64) {
        let mut state = self.lock();
        while state.completed < number {
            state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the queue has passed a point. Says whether there was anything to wait for, and what went wrong.
    fn wait_for(&self, point: u64, known: u64) -> (bool, Result<()>) {
        let mut state = self.lock();
        let waited = state.completed < point;
        while state.completed < point {
            state = self.progress.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let enqueued = state.enqueued;
        (waited, state.failures.report(point, known, enqueued, &self.device))
    }

    fn wait_counted(&self, point: u64, known: u64, reason: WaitReason) -> Result<()> {
        let (waited, result) = self.wait_for(point, known);
        if waited {
            raise(
                match reason {
                    WaitReason::Pacing => &self.counters.pacing_waits,
                    WaitReason::Synchronize => &self.counters.host_synchronizations,
                },
                1,
            );
        }
        result
    }

    fn has_passed(&self, point: u64) -> bool {
        self.lock().completed >= point
    }
}

#[cfg(test)]
mod tests;
