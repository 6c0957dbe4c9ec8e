//! A run on its way through the queue.

use crate::compile::BlockPlan;
use crate::memory::{Access, HostMemory, Owner, Place, Refusal, Span};
use std::ops::Range;
use std::sync::Arc;

/// A buffer as a job holds it: its memory stays alive until the job is done.
pub(crate) type Piece = (Arc<HostMemory>, Range<usize>);

/// Everything that one run works on.
pub(crate) struct Job {
    pub(crate) plan: Arc<BlockPlan>,
    pub(crate) inputs: Vec<Piece>,
    pub(crate) params: Arc<[Arc<HostMemory>]>,
    /// Outputs, then states.
    pub(crate) results: Vec<Piece>,
    /// How many of the results are states.
    pub(crate) states: usize,
    pub(crate) arena: Arc<HostMemory>,
}

/// Where a job's memory lies.
pub(crate) struct Spans {
    /// Inputs, parameters, then states.
    pub(crate) arguments: Vec<Span>,
    /// Outputs, then states.
    pub(crate) results: Vec<Span>,
    pub(crate) arena: Span,
}

impl Job {
    /// Opens the memory.
    pub(crate) fn open<'o>(&self, owner: &'o mut Owner) -> Result<(Access<'o>, Spans), Refusal> {
        let mut written = places(&self.results);
        written.push((&self.arena, 0..self.arena.bytes()));
        let mut read = places(&self.inputs);
        read.extend(self.params.iter().map(|param| (param, 0..param.bytes())));
        let (access, mut results, mut arguments) = Access::open(owner, &written, &read)?;
        let arena = results.pop().ok_or(Refusal::Range)?;
        arguments.extend_from_slice(&results[results.len().saturating_sub(self.states)..]);
        Ok((access, Spans { arguments, results, arena }))
    }
}

fn places(pieces: &[Piece]) -> Vec<Place<'_>> {
    pieces.iter().map(|(memory, range)| (memory, range.clone())).collect()
}
