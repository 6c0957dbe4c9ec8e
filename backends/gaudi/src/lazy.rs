//! Runs that accumulate until a flush, and then reach the device as one Program.

mod merge;

use crate::compile::{Prepared, compile, cut_of};
use crate::context::{Context, Queue};
use crate::enqueue::{Frame, Tables, enqueue};
use crate::module::Compiled;
use crate::storage::Memory;
use merge::{Merged, merge};
use std::collections::HashMap;
use std::sync::Arc;
use tintype_accel::{Counters, FlushReason, LaunchMode, Result, raise};
use tintype_program::DType;

/// A buffer of a run.
#[derive(Clone)]
pub(crate) struct Seat {
    pub(crate) memory: Arc<Memory>,
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
    pub(crate) dtype: DType,
}

impl Seat {
    pub(crate) fn whole(memory: &Arc<Memory>, dtype: DType) -> Self {
        Self { memory: Arc::clone(memory), offset: 0, bytes: memory.bytes(), dtype }
    }

    pub(crate) fn address(&self) -> u64 {
        self.memory.address() + self.offset as u64
    }

    fn place(&self) -> (usize, usize, usize) {
        (Arc::as_ptr(&self.memory) as usize, self.offset, self.bytes)
    }
}

/// A run that was asked for.
pub(crate) struct PendingRun {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) inputs: Vec<Seat>,
    pub(crate) params: Vec<Seat>,
    pub(crate) states: Vec<Seat>,
    pub(crate) outputs: Vec<Seat>,
    pub(crate) counters: Arc<Counters>,
}

impl PendingRun {
    fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.inputs.iter().chain(&self.params).chain(&self.states).chain(&self.outputs)
    }
}

/// What has accumulated, and what was made of what accumulated before.
#[derive(Default)]
pub(crate) struct Pending {
    runs: Vec<PendingRun>,
    /// Buffers by where they lie.
    places: HashMap<(usize, usize, usize), usize>,
    buffers: Vec<Seat>,
    known: HashMap<Shape, Arc<(Merged, Prepared)>>,
}

/// What tells accumulated work apart: the Programs, which of their buffers are the same, and which of them somebody still
/// holds.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(crate) programs: Vec<String>,
    pub(crate) buffers: Vec<usize>,
    pub(crate) alive: Vec<bool>,
}

/// How many runs accumulate before they are flushed unasked.
const MOST_RUNS: usize = 64;
/// How many operations do.
const MOST_NODES: usize = 200_000;
/// How many merged Programs are kept.
const KEPT: usize = 64;

impl Pending {
    /// Whether a run can be put together with what is there: its buffers are the same as those there, or apart.
    fn takes(&self, run: &PendingRun) -> bool {
        run.seats().all(|seat| {
            let (memory, start, bytes) = seat.place();
            self.buffers.iter().all(|other| {
                let (whose, from, length) = other.place();
                whose != memory
                    || ((from, length) == (start, bytes) && other.dtype == seat.dtype)
                    || from + length <= start
                    || start + bytes <= from
            })
        })
    }

    fn add(&mut self, run: PendingRun) {
        for seat in run.seats() {
            let next = self.buffers.len();
            if *self.places.entry(seat.place()).or_insert(next) == next {
                self.buffers.push(seat.clone());
            }
        }
        self.runs.push(run);
    }

    fn is_full(&self) -> bool {
        let nodes =
            |run: &PendingRun| run.compiled.program.blocks.iter().map(|b| b.nodes.len()).sum::<usize>();
        self.runs.len() >= MOST_RUNS || self.runs.iter().map(nodes).sum::<usize>() >= MOST_NODES
    }

    /// What tells this work apart.
    fn shape(&self) -> Shape {
        let mut held: HashMap<usize, usize> = HashMap::new();
        let all = || self.runs.iter().flat_map(PendingRun::seats);
        for seat in all().chain(&self.buffers) {
            *held.entry(Arc::as_ptr(&seat.memory) as usize).or_default() += 1;
        }
        let alive = self.buffers.iter().map(|seat| {
            let ours = held.get(&(Arc::as_ptr(&seat.memory) as usize)).copied().unwrap_or(0);
            Arc::strong_count(&seat.memory) > ours
        });
        Shape {
            programs: self.runs.iter().map(|run| run.compiled.key.clone()).collect(),
            alive: alive.collect(),
            buffers: all().filter_map(|seat| self.places.get(&seat.place()).copied()).collect(),
        }
    }
}

/// Adds a run to what accumulates.
pub(crate) fn push(context: &Arc<Context>, run: PendingRun) -> Result<()> {
    let mut queue = context.accumulate();
    let fits = queue.pending.takes(&run) && merge::fits(&queue.pending.runs, &run);
    if !fits {
        flush(context, &mut queue, FlushReason::Write)?;
    }
    queue.pending.add(run);
    if queue.pending.is_full() {
        flush(context, &mut queue, FlushReason::Size)?;
    }
    Ok(())
}

/// Compiles what one run of a Program by itself will need, so that flushing it compiles nothing.
pub(crate) fn foresee(context: &Context, program: &tintype_program::Program) -> Result<Prepared> {
    let merged = merge::alone(program);
    compile(context, &merged.program, cut_of(LaunchMode::Lazy, &context.options))
}

/// Hands what has accumulated to the device. What cannot be enqueued is dropped, with the error.
pub(crate) fn flush(context: &Arc<Context>, queue: &mut Queue, reason: FlushReason) -> Result<()> {
    if queue.pending.runs.is_empty() {
        return Ok(());
    }
    let pending = &mut queue.pending;
    let shape = pending.shape();
    let runs = std::mem::take(&mut pending.runs);
    let buffers = std::mem::take(&mut pending.buffers);
    pending.places.clear();
    tracing::debug!("{} runs are flushed: {reason:?}", runs.len());
    let made = match pending.known.get(&shape) {
        Some(made) => Arc::clone(made),
        None => {
            let programs: Vec<_> = runs.iter().map(|run| &run.compiled.program).collect();
            let merged = merge(&programs, &shape);
            let at = cut_of(LaunchMode::Lazy, &context.options);
            let prepared = compile(context, &merged.program, at)?;
            let made = Arc::new((merged, prepared));
            if pending.known.len() >= KEPT {
                pending.known.clear();
            }
            pending.known.insert(shape, Arc::clone(&made));
            made
        }
    };
    let (merged, prepared) = &*made;
    let addresses = |classes: &[usize]| {
        classes.iter().filter_map(|&class| buffers.get(class).map(Seat::address)).collect::<Vec<u64>>()
    };
    let (arguments, outputs) = (addresses(&merged.arguments), addresses(&merged.outputs));
    let frame = Frame { arguments: &arguments, outputs: &outputs };
    enqueue(context, &mut queue.scratch, prepared, &frame, &mut Tables::new())?;
    raise(&context.counters.flushes, 1);
    raise(&context.counters.launches, prepared.launches());
    if let Some(run) = runs.first() {
        raise(&run.counters.flushes, 1);
        raise(&run.counters.launches, prepared.launches());
    }
    Ok(())
}
