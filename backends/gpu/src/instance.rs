//! Modules with weights.

use crate::capture::Way;
use crate::context::Context;
use crate::lazy::Recorded;
use crate::ready::Ready;
use crate::recording::{Frame, Recording};
use crate::storage::{GpuStorage, Memory};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tintype_accel::{
    Bindings, Buffer, Counters, Error, Instance, LaunchMode, Replayed, Result, Signature, Stats, raise,
};

/// What a parameter lies in, and its first byte there.
pub(crate) type Param = (Arc<Memory>, usize);

/// A module with its weights and an arena of its own.
pub(crate) struct GpuInstance {
    context: Arc<Context>,
    signature: Arc<Signature>,
    ready: Arc<Ready>,
    params: Vec<Param>,
    /// The arena, and what libraries work in.
    scratch: [Arc<Memory>; 2],
    counters: Arc<Counters>,
    launch: LaunchMode,
    /// By the buffers that they are of, the last used in front.
    runs: Vec<Run>,
}

/// A run on certain buffers.
struct Run {
    key: Box<[Seat]>,
    recorded: Arc<Recorded>,
    way: Way,
}

impl GpuInstance {
    /// How many runs on other buffers an instance keeps recorded.
    const KEPT: usize = 4;

    pub(crate) fn new(
        context: Arc<Context>,
        signature: Arc<Signature>,
        ready: Arc<Ready>,
        params: Vec<Param>,
        scratch: [Arc<Memory>; 2],
        launch: LaunchMode,
    ) -> Self {
        let (counters, runs) = (Arc::default(), Vec::new());
        Self { context, signature, ready, params, scratch, counters, launch, runs }
    }

    fn count(&self, counter: impl Fn(&Counters) -> &AtomicU64, by: u64) {
        [&self.context.counters, &self.counters].iter().for_each(|counters| raise(counter(counters), by));
    }

    /// The run on these buffers, recorded now if it is not among the last ones.
    fn recorded(&mut self, bindings: &Bindings) -> Result<&mut Run> {
        let found = self.runs.iter().position(|run| places(bindings).eq(run.key.iter().copied().map(Some)));
        match found {
            Some(found) => self.runs[..=found].rotate_right(1),
            None => {
                let recorded = Arc::new(self.record(bindings)?);
                let key = places(bindings).flatten().collect();
                self.runs.truncate(Self::KEPT - 1);
                self.runs.insert(0, Run { key, recorded, way: Way::New });
            }
        }
        self.runs.first_mut().ok_or_else(|| Error::Internal {
            backend: self.context.backend().into(),
            reason: "a recorded run is gone".into(),
        })
    }

    /// Everything that a run on these buffers enqueues, once they are found to be fit.
    fn record(&self, bindings: &Bindings) -> Result<Recorded> {
        let complete = bindings.complete()?;
        let mut holds = Vec::new();
        let mut addresses = |role, buffers: &[&Buffer]| -> Result<Vec<u64>> {
            let each = buffers.iter().map(|buffer| {
                let memory = self.context.own(role, &buffer.ty().to_string(), buffer.storage())?;
                holds.push(Arc::clone(memory));
                Ok(memory.address() + buffer.offset() as u64)
            });
            each.collect()
        };
        let mut arguments = addresses("input", &complete.inputs)?;
        let mut results = addresses("output", &complete.outputs)?;
        let states = addresses("state", &complete.states)?;
        let written = holds.iter().skip(arguments.len());
        if let Some(position) = written.clone().position(|memory| self.is_weight(memory)) {
            let slots = self.signature.outputs.iter().chain(&self.signature.states);
            return Err(Error::Binding {
                role: "result",
                name: slots.map(|slot| slot.name.clone()).nth(position).unwrap_or_default(),
                wanted: "memory of its own, since the run writes it".into(),
                given: "the memory of a weight".into(),
            });
        }
        arguments.extend(self.params.iter().map(|(memory, start)| memory.address() + *start as u64));
        arguments.extend(&states);
        results.extend(&states);
        let [arena, workspace] = &self.scratch;
        let frame = Frame {
            arguments: &arguments,
            results: &results,
            arena: arena.address(),
            workspace: workspace.address(),
        };
        let recording = Recording::of(self.context.backend(), &self.ready, &frame)?;
        holds.extend(self.params.iter().map(|(memory, _)| memory).chain(&self.scratch).cloned());
        let counters = [Arc::clone(&self.context.counters), Arc::clone(&self.counters)];
        Ok(Recorded::new(recording, counters, holds))
    }

    fn is_weight(&self, memory: &Arc<Memory>) -> bool {
        self.params.iter().any(|(param, _)| Arc::ptr_eq(param, memory))
    }
}

/// Where a buffer lies: whose memory, its address, and how far into it.
type Seat = (usize, u64, usize);

/// Where each buffer lies. A recorded run keeps its buffers alive, so that an address never comes to mean another.
fn places(bindings: &Bindings) -> impl Iterator<Item = Option<Seat>> {
    bindings.buffers().map(|buffer| {
        let buffer = buffer?;
        let GpuStorage(memory) = buffer.storage().as_any().downcast_ref::<GpuStorage>()?;
        // Two devices may give the same address.
        Some((Arc::as_ptr(memory.context()) as usize, memory.address(), buffer.offset()))
    })
}

impl Instance for GpuInstance {
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        bindings.expect(&self.signature)?;
        let context = Arc::clone(&self.context);
        let launch = self.launch;
        let run = self.recorded(bindings)?;
        let recorded = Arc::clone(&run.recorded);
        match launch {
            LaunchMode::Lazy => {
                let mut stream = context.accumulate();
                let full = stream.pending.push(recorded);
                self.count(|counters| &counters.runs, 1);
                return if full { stream.flush() } else { Ok(()) };
            }
            LaunchMode::Graph => {
                let _stream = context.stream()?;
                let runtime = &context.runtime;
                let work = || recorded.recording.enqueue(runtime.as_ref());
                let Replayed { captures, replays, fallbacks } =
                    run.way.enqueue(runtime, &context.refusals, &work)?;
                self.count(|counters| &counters.captures, captures);
                self.count(|counters| &counters.replays, replays);
                self.count(|counters| &counters.fallbacks, fallbacks);
            }
            LaunchMode::Compiled | LaunchMode::Eager => {
                let _stream = context.stream()?;
                recorded.recording.enqueue(context.runtime.as_ref())?;
            }
        }
        self.count(|counters| &counters.runs, 1);
        self.count(|counters| &counters.launches, recorded.recording.launches());
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

impl Drop for GpuInstance {
    fn drop(&mut self) {
        // Graphs of accumulated runs must not keep the memory of an instance that is gone. What fails here fails again
        // where somebody waits for it.
        self.runs.clear();
        let mut stream = self.context.accumulate();
        let _ = stream.flush();
        stream.pending.sweep();
    }
}
