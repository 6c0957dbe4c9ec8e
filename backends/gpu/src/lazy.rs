//! Runs that accumulate until a flush, and then reach the device as one graph.

use crate::Runtime;
use crate::capture::{Refusals, Way};
use crate::recording::Recording;
use crate::storage::Memory;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tintype_accel::{Counters, Replayed, Result, raise};

/// A recorded run, kept with what it works on.
pub(crate) struct Recorded {
    /// No two that live at once have the same.
    pub(crate) id: u64,
    pub(crate) recording: Recording,
    /// Of the device and of the instance.
    pub(crate) counters: [Arc<Counters>; 2],
    /// What the addresses belong to: kept alive.
    _holds: Vec<Arc<Memory>>,
}

impl Recorded {
    pub(crate) fn new(recording: Recording, counters: [Arc<Counters>; 2], holds: Vec<Arc<Memory>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), recording, counters, _holds: holds }
    }
}

/// What has accumulated, and the graphs of what accumulated before.
pub(crate) struct Pending {
    runtime: Arc<dyn Runtime>,
    runs: Vec<Arc<Recorded>>,
    /// By the runs that they are of, the last used in front.
    graphs: Vec<(Vec<Arc<Recorded>>, Way)>,
}

impl Pending {
    /// How many runs accumulate before they are flushed unasked.
    pub(crate) const MOST: usize = 32;
    /// How many graphs are kept.
    const KEPT: usize = 8;

    pub(crate) fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { runtime, runs: Vec::new(), graphs: Vec::new() }
    }

    /// Adds a run. Whether there are so many now that they should be flushed.
    pub(crate) fn push(&mut self, run: Arc<Recorded>) -> bool {
        self.runs.push(run);
        self.runs.len() >= Self::MOST
    }

    /// Hands what has accumulated to the device as one graph, captured if these runs were not flushed together before.
    /// Whether there was anything. What cannot be enqueued is dropped.
    pub(crate) fn flush(&mut self, refusals: &Refusals) -> Result<bool> {
        if self.runs.is_empty() {
            return Ok(false);
        }
        let runs = std::mem::take(&mut self.runs);
        let alike = |known: &[Arc<Recorded>]| {
            known.len() == runs.len() && known.iter().zip(&runs).all(|(a, b)| a.id == b.id)
        };
        match self.graphs.iter().position(|(known, _)| alike(known)) {
            Some(found) => self.graphs[..=found].rotate_right(1),
            None => {
                self.graphs.truncate(Self::KEPT - 1);
                self.graphs.insert(0, (runs, Way::New));
            }
        }
        let Some((runs, way)) = self.graphs.first_mut() else { return Ok(false) };
        let runtime = &self.runtime;
        let work = || runs.iter().try_for_each(|run| run.recording.enqueue(runtime.as_ref()));
        let took = way.enqueue(runtime, refusals, &work);
        if let Way::New = way {
            // Nothing came of it.
            self.graphs.remove(0);
            return took.map(|_| false);
        }
        let Replayed { captures, replays, fallbacks } = took?;
        for run in runs.iter() {
            let launches = run.recording.launches();
            run.counters.iter().for_each(|counters| raise(&counters.launches, launches));
        }
        for counters in runs.iter().take(1).flat_map(|run| &run.counters) {
            raise(&counters.captures, captures);
            raise(&counters.replays, replays);
            raise(&counters.fallbacks, fallbacks);
        }
        Ok(true)
    }

    /// Lets go what holds on to runs that only graphs still know: an instance that is gone frees its memory.
    pub(crate) fn sweep(&mut self) {
        self.graphs.retain(|(runs, _)| runs.iter().all(|run| Arc::strong_count(run) > 1));
    }
}
