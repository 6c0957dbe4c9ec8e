//! Memory and stream, lent to another engine.

use crate::capture::Way;
use crate::context::Context;
use crate::storage::Memory;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{Error, Lease, Lent, LentWork, Replay, Replayed, Result, raise};

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
            if lease.range.start > lease.range.end || lease.range.end > memory.bytes() {
                return Err(Error::Binding {
                    role: "storage",
                    name: "that is lent".into(),
                    wanted: format!("a range of its {} bytes", memory.bytes()),
                    given: format!("{:?}", lease.range),
                });
            }
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

    /// The work, to be captured.
    pub(crate) fn repeat(self, work: LentWork) -> Repeated {
        Repeated { way: Mutex::default(), work: Mutex::new(work), borrowed: self }
    }
}

/// Work that is enqueued again and again, on memory that stays.
pub(crate) struct Repeated {
    way: Mutex<Way>,
    work: Mutex<LentWork>,
    borrowed: Borrowed,
}

impl Replay for Repeated {
    fn replay(&self) -> Result<Replayed> {
        let Context { runtime, refusals, counters, .. } = &*self.borrowed.context;
        let _stream = self.borrowed.context.stream()?;
        let work = || self.borrowed.run(&mut self.work.lock().unwrap_or_else(PoisonError::into_inner));
        let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        let took = way.enqueue(runtime, refusals, &work)?;
        raise(&counters.captures, took.captures);
        raise(&counters.replays, took.replays);
        raise(&counters.fallbacks, took.fallbacks);
        Ok(took)
    }
}
