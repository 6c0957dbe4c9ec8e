//! Captured runs: everything that a run launches on certain buffers, ready to be replayed.

use crate::context::Description;
use crate::job::Job;
use crate::level::Level;
use crate::memory::{CpuStorage, HostMemory, Owner, Regions};
use crate::queue::Replay;
use crate::run::{Desk, Recording};
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{Bindings, Counters, Result, raise};

/// A run, captured. Keeps its buffers alive and the working lists that it needs.
pub(crate) struct Graph {
    recording: Recording,
    level: Level,
    /// Only the queue's thread takes it.
    working: Mutex<(Regions, Desk)>,
    describe: Description,
    counters: [Arc<Counters>; 2],
}

impl Graph {
    /// Captures a run.
    pub(crate) fn capture(
        job: &Job,
        level: Level,
        describe: Description,
        counters: [Arc<Counters>; 2],
    ) -> Result<Self> {
        let (regions, recording) = job.record(&describe)?;
        let working = Mutex::new((regions, Desk::default()));
        Ok(Self { recording, level, working, describe, counters })
    }
}

impl Replay for Graph {
    fn replay(&self, owner: &mut Owner) -> Result<()> {
        // A run that panicked left lists to be cleared and regions to be opened anew, which is what happens here.
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        let (regions, desk) = &mut *working;
        let mut access = regions.open(owner).map_err(|refusal| self.describe.explain(refusal))?;
        self.recording.run(self.level, &mut access, desk)?;
        self.counters.iter().for_each(|counters| raise(&counters.launches, self.recording.launches()));
        Ok(())
    }
}

/// Captures by the buffers that they are of, the last used in front.
#[derive(Default)]
pub(crate) struct Graphs(Vec<(Key, Arc<Graph>)>);

/// Where each buffer lies. A capture keeps its buffers alive, so that an address never comes to mean another.
type Key = Box<[(*const HostMemory, usize)]>;

// SAFETY: the addresses in keys are compared and never followed.
unsafe impl Send for Graphs {}

impl Graphs {
    /// How many captures an instance keeps: those of the buffers it was run on last.
    const KEPT: usize = 4;

    /// The capture of a run on these buffers.
    pub(crate) fn get(&mut self, bindings: &Bindings) -> Option<&Arc<Graph>> {
        let found = self.0.iter().position(|(key, _)| places(bindings).eq(key.iter().copied().map(Some)))?;
        self.0[..=found].rotate_right(1);
        self.0.first().map(|(_, graph)| graph)
    }

    /// Adds a capture.
    pub(crate) fn insert(&mut self, bindings: &Bindings, graph: Arc<Graph>) {
        self.0.truncate(Self::KEPT - 1);
        self.0.insert(0, (places(bindings).flatten().collect(), graph));
    }

    /// Lets all go.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

fn places(bindings: &Bindings) -> impl Iterator<Item = Option<(*const HostMemory, usize)>> {
    bindings.buffers().map(|buffer| {
        let buffer = buffer?;
        Some((Arc::as_ptr(CpuStorage::memory(buffer.storage())?), buffer.offset()))
    })
}
