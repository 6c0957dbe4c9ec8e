//! Memory and stream, lent to another engine.

use crate::capture::Captured;
use crate::context::Context;
use crate::storage::Memory;
use std::ffi::c_void;
use std::sync::Arc;
use tintype_accel::{Lease, Lent, LentWork, Replay, Result, raise};

/// What another engine works on. Holds the memory.
pub(crate) struct Borrowed {
    context: Arc<Context>,
    _held: Vec<Arc<Memory>>,
    /// Where it lies: what is read, then what is written.
    addresses: Vec<u64>,
    reads: usize,
}

impl Borrowed {
    pub(crate) fn of(context: &Arc<Context>, reads: &[Lease], writes: &[Lease]) -> Result<Self> {
        let (mut held, mut addresses) = (Vec::new(), Vec::new());
        for lease in reads.iter().chain(writes) {
            let memory = context.own("storage", "that is lent", &lease.storage)?;
            addresses.push(memory.address() + lease.range.start as u64);
            held.push(Arc::clone(memory));
        }
        Ok(Self { context: Arc::clone(context), _held: held, addresses, reads: reads.len() })
    }

    /// Does the work. The right to enqueue must be held.
    pub(crate) fn run(&self, work: &mut LentWork) -> Result<()> {
        let (reads, writes) = self.addresses.split_at(self.reads);
        let reads: Vec<_> = reads.iter().map(|&address| address as usize as *const c_void).collect();
        let writes: Vec<_> = writes.iter().map(|&address| address as usize as *mut c_void).collect();
        let runtime = &self.context.runtime;
        let copy = |to: *mut c_void, from: *const c_void, bytes: usize| {
            runtime.copy(to.addr() as u64, from.addr() as u64, bytes)
        };
        work(&Lent { reads: &reads, writes: &writes, stream: runtime.stream()?, copy: Some(&copy) })
    }

    /// Captures the work. The right to enqueue must be held.
    pub(crate) fn capture(self, work: &mut LentWork) -> Result<Recorded> {
        let graph = Captured::of(&self.context.runtime, || self.run(work))?;
        raise(&self.context.counters.captures, 1);
        Ok(Recorded { graph, borrowed: self })
    }
}

/// Captured work, on memory that stays.
pub(crate) struct Recorded {
    graph: Captured,
    borrowed: Borrowed,
}

impl Replay for Recorded {
    fn replay(&self) -> Result<()> {
        let context = &self.borrowed.context;
        let _stream = context.stream()?;
        self.graph.replay()?;
        raise(&context.counters.replays, 1);
        Ok(())
    }
}
