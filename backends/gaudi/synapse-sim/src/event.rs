//! Events: what a stream reaches and others wait for.

use std::sync::{Condvar, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::abi::{Outcome, Status, fault};
use crate::state::lock;

/// One event. Every record has a number; a wait is for the number that was current when it was asked.
pub struct Event {
    pub timed: bool,
    state: Mutex<Reached>,
    changed: Condvar,
}

#[derive(Default)]
struct Reached {
    recorded: u64,
    done: u64,
    nanoseconds: u64,
    failed: Option<crate::abi::Fault>,
}

impl Event {
    pub fn new(timed: bool) -> Event {
        Event { timed, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The number of a new record.
    pub fn record(&self) -> u64 {
        let mut state = lock(&self.state);
        state.recorded += 1;
        state.failed = None;
        state.recorded
    }

    /// The number to wait for now; 0 is reached from the start.
    pub fn current(&self) -> u64 {
        lock(&self.state).recorded
    }

    /// A stream came to record `number`.
    pub fn reach(&self, number: u64, failed: Option<crate::abi::Fault>) {
        let mut state = lock(&self.state);
        if number > state.done {
            state.done = number;
            state.nanoseconds = now();
            state.failed = failed;
        }
        self.changed.notify_all();
    }

    /// Blocks until record `number` is reached.
    pub fn wait(&self, number: u64) -> Outcome {
        let mut state = lock(&self.state);
        while state.done < number {
            state = self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.failed.clone().map_or(Ok(()), Err)
    }

    /// Busy until the last record is reached.
    pub fn query(&self) -> Outcome {
        let state = lock(&self.state);
        if state.done < state.recorded {
            return fault(Status::BUSY, "the event is not reached");
        }
        state.failed.clone().map_or(Ok(()), Err)
    }

    /// When the last record was reached, in nanoseconds.
    pub fn time(&self) -> Outcome<u64> {
        if !self.timed {
            return fault(Status::INVALID_ARGUMENT, "the event was made without EVENT_COLLECT_TIME");
        }
        if self.current() == 0 {
            return fault(Status::OBJECT_NOT_INITIALIZED, "the event was never recorded");
        }
        self.query()?;
        Ok(lock(&self.state).nanoseconds)
    }
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
