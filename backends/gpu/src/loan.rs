//! Memory and stream of a device, lent to another engine.

use crate::capture::Captured;
use crate::context::Context;
use crate::storage::Memory;
use std::ffi::c_void;
use std::sync::Arc;
use tintype_accel::{Error, Lease, Lent, LentWork, Replay, Result, raise};

/// What is lent, held for as long as it is.
pub(crate) struct Loan {
    context: Arc<Context>,
    /// Addresses of what is read, and of what is written too.
    places: [Vec<u64>; 2],
    _held: Vec<Arc<Memory>>,
}

impl Loan {
    /// Of memory of this device.
    pub(crate) fn of(context: &Arc<Context>, reads: &[Lease], writes: &[Lease]) -> Result<Self> {
        let mut held = Vec::with_capacity(reads.len() + writes.len());
        let mut address = |lease: &Lease| {
            let memory = context.own("storage", "that is lent", &lease.storage)?;
            if lease.range.start > lease.range.end || lease.range.end > memory.bytes() {
                return Err(Error::Binding {
                    role: "storage",
                    name: "that is lent".into(),
                    wanted: format!("a range of its {} bytes", memory.bytes()),
                    given: format!("{:?}", lease.range),
                });
            }
            held.push(Arc::clone(memory));
            Ok(memory.address() + lease.range.start as u64)
        };
        let mut all = |leases: &[Lease]| leases.iter().map(&mut address).collect::<Result<Vec<_>>>();
        let places = [all(reads)?, all(writes)?];
        Ok(Self { context: Arc::clone(context), places, _held: held })
    }

    /// Has the work enqueued. The right to enqueue is the caller's.
    pub(crate) fn enqueue(&self, work: &mut LentWork) -> Result<()> {
        let [reads, writes] = &self.places;
        let reads: Vec<_> = reads.iter().map(|&address| address as *const c_void).collect();
        let writes: Vec<_> = writes.iter().map(|&address| address as *mut c_void).collect();
        self.context.runtime.lend(&mut |stream| work(&Lent { reads: &reads, writes: &writes, stream }))
    }

    /// Captures the work. The right to enqueue is the caller's.
    pub(crate) fn capture(self, work: &mut LentWork) -> Result<LentGraph> {
        let captured = Captured::of(&self.context.runtime, || self.enqueue(work))?;
        raise(&self.context.counters.captures, 1);
        Ok(LentGraph { captured, loan: self })
    }
}

/// Lent work, captured.
pub(crate) struct LentGraph {
    /// Goes before the memory that it works on.
    captured: Captured,
    loan: Loan,
}

impl Replay for LentGraph {
    fn replay(&self) -> Result<()> {
        let context = &self.loan.context;
        let _stream = context.stream()?;
        self.captured.replay()?;
        raise(&context.counters.replays, 1);
        Ok(())
    }
}
