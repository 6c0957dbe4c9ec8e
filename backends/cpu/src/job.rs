//! A run on its way through the queue.

use crate::compile::BlockPlan;
use crate::context::Description;
use crate::memory::{HostMemory, Place, Refusal, Regions, Span};
use crate::run::{Frame, Recording};
use std::ops::Range;
use std::sync::Arc;
use tintype_accel::Error;

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
    /// The memory to open, and where in it everything lies.
    pub(crate) fn regions(&self) -> Result<(Regions, Spans), Refusal> {
        let mut written = places(&self.results);
        written.push((&self.arena, 0..self.arena.bytes()));
        let mut read = places(&self.inputs);
        read.extend(self.params.iter().map(|param| (param, 0..param.bytes())));
        let (regions, mut results, mut arguments) = Regions::of(&written, &read)?;
        let arena = results.pop().ok_or(Refusal::Range)?;
        arguments.extend_from_slice(&results[results.len().saturating_sub(self.states)..]);
        Ok((regions, Spans { arguments, results, arena }))
    }

    /// Everything that a run will launch, and the memory that it will open.
    pub(crate) fn record(&self, describe: &Description) -> Result<(Regions, Recording), Error> {
        let (regions, spans) = self.regions().map_err(|refusal| describe.explain(refusal))?;
        let frame = Frame { arguments: &spans.arguments, results: &spans.results, arena: spans.arena };
        Ok((regions, Recording::of(&self.plan, &frame)?))
    }
}

fn places(pieces: &[Piece]) -> Vec<Place<'_>> {
    pieces.iter().map(|(memory, range)| (memory, range.clone())).collect()
}
