//! Streams: a queue and a thread each. Only a stream's own order and events hold work apart from work.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::abi::{Fault, Outcome, Status, fault};
use crate::event::Event;
use crate::state::lock;

/// What a stream does.
pub enum Job {
    /// Work of a kind, which may fail when it runs.
    Work(&'static str, Box<dyn FnOnce() -> Outcome + Send>),
    Record(Arc<Event>, u64),
    Wait(Arc<Event>, u64),
}

/// One stream.
pub struct Stream {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Jobs queued or running.
    pending: usize,
    started: bool,
    closed: bool,
    /// The first failure; work after it does not run, waits tell it.
    failed: Option<Fault>,
    pub affinity: u64,
}

impl Stream {
    /// Starts the stream's thread.
    pub fn start() -> Outcome<Arc<Stream>> {
        let queue = Queue { affinity: 1, ..Queue::default() };
        let stream = Arc::new(Stream { queue: Mutex::new(queue), changed: Condvar::new() });
        let worker = stream.clone();
        match std::thread::Builder::new().name("synapse-stream".into()).spawn(move || worker.work()) {
            Ok(_) => Ok(stream),
            Err(error) => fault(Status::FAIL, format!("no thread for a stream: {error}")),
        }
    }

    pub fn push(&self, job: Job) {
        let mut queue = lock(&self.queue);
        queue.jobs.push_back(job);
        queue.pending += 1;
        queue.started = true;
        self.changed.notify_all();
    }

    /// Sets or reads the affinity; it is locked from the first job on.
    pub fn affinity(&self, set: Option<u64>) -> Outcome<u64> {
        let mut queue = lock(&self.queue);
        if let Some(mask) = set {
            if queue.started {
                return fault(Status::FAIL, "the stream has had work: its affinity is locked");
            }
            queue.affinity = mask;
        }
        Ok(queue.affinity)
    }

    /// Blocks until all that was queued is done.
    pub fn synchronize(&self) -> Outcome {
        let mut queue = lock(&self.queue);
        while queue.pending > 0 {
            queue = self.changed.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        queue.failed.clone().map_or(Ok(()), Err)
    }

    pub fn query(&self) -> Outcome {
        let queue = lock(&self.queue);
        if queue.pending > 0 {
            return fault(Status::BUSY, "the stream has work");
        }
        queue.failed.clone().map_or(Ok(()), Err)
    }

    /// Ends the thread once the queue is empty.
    pub fn close(&self) {
        lock(&self.queue).closed = true;
        self.changed.notify_all();
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            let failed = lock(&self.queue).failed.clone();
            let outcome = match job {
                Job::Record(event, number) => {
                    // Both at once: whoever sees the event sees the stream done, and the other way round.
                    let mut queue = lock(&self.queue);
                    event.reach(number, failed);
                    queue.pending -= 1;
                    self.changed.notify_all();
                    continue;
                }
                Job::Wait(event, number) => event.wait(number),
                Job::Work(..) if failed.is_some() => Ok(()),
                Job::Work(kind, work) => {
                    delay(kind);
                    crate::guard::contained(work)
                }
            };
            let mut queue = lock(&self.queue);
            if let Err(failure) = outcome
                && queue.failed.is_none()
            {
                crate::log::line(&format!("async {} {}", failure.status, failure.why));
                queue.failed = Some(failure);
            }
            queue.pending -= 1;
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = lock(&self.queue);
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

/// Waits as long as SYNAPSE_SIM_DELAY says for the kind: `copy:2000,launch:500`, in microseconds.
fn delay(kind: &str) {
    let Ok(setting) = std::env::var("SYNAPSE_SIM_DELAY") else { return };
    for entry in setting.split(',') {
        if let Some((name, time)) = entry.split_once(':')
            && name.trim() == kind
            && let Ok(time) = time.trim().parse()
        {
            std::thread::sleep(Duration::from_micros(time));
        }
    }
}
