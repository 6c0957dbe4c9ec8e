//! Modules with weights.

use crate::context::Context;
use crate::enqueue::{Frame, Tables, enqueue};
use crate::lazy::{PendingRun, Seat};
use crate::module::Compiled;
use crate::storage::Memory;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tintype_accel::{
    Bindings, Buffer, Counters, Error, FlushReason, Instance, LaunchMode, Result, Stats, raise,
};

/// A module with its weights.
pub(crate) struct GaudiInstance {
    context: Arc<Context>,
    compiled: Arc<Compiled>,
    params: Vec<Arc<Memory>>,
    counters: Arc<Counters>,
}

impl GaudiInstance {
    pub(crate) fn new(context: Arc<Context>, compiled: Arc<Compiled>, params: Vec<Arc<Memory>>) -> Self {
        Self { context, compiled, params, counters: Arc::default() }
    }

    fn count(&self, counter: impl Fn(&Counters) -> &AtomicU64, by: u64) {
        [&self.context.counters, &self.counters].iter().for_each(|counters| raise(counter(counters), by));
    }

    /// Where the buffers of a run lie, once they are found to be fit.
    fn seats(&self, bindings: &Bindings) -> Result<PendingRun> {
        let complete = bindings.complete()?;
        let seats = |role: &'static str, buffers: &[&Buffer]| {
            let seat = |buffer: &&Buffer| {
                let memory = self.context.own(role, &buffer.ty().to_string(), buffer.storage())?;
                let (offset, ty) = (buffer.offset(), buffer.ty());
                Ok(Seat { memory: Arc::clone(memory), offset, bytes: ty.bytes(), dtype: ty.dtype })
            };
            buffers.iter().map(seat).collect::<Result<Vec<Seat>>>()
        };
        let run = PendingRun {
            compiled: Arc::clone(&self.compiled),
            inputs: seats("input", &complete.inputs)?,
            params: self
                .params
                .iter()
                .zip(&self.compiled.signature.params)
                .map(|(memory, slot)| Seat::whole(memory, slot.ty.dtype))
                .collect(),
            states: seats("state", &complete.states)?,
            outputs: seats("output", &complete.outputs)?,
            counters: Arc::clone(&self.counters),
        };
        let signature = &self.compiled.signature;
        let slots = signature.states.iter().chain(&signature.outputs);
        for (slot, seat) in slots.zip(run.states.iter().chain(&run.outputs)) {
            if self.params.iter().any(|param| Arc::ptr_eq(param, &seat.memory)) {
                return Err(Error::Binding {
                    role: "result",
                    name: slot.name.clone(),
                    wanted: "memory of its own, since the run writes it".into(),
                    given: "the memory of a weight".into(),
                });
            }
        }
        Ok(run)
    }
}

impl Instance for GaudiInstance {
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        bindings.expect(&self.compiled.signature)?;
        let run = self.seats(bindings)?;
        let compiled = &self.compiled;
        if compiled.launch == LaunchMode::Lazy {
            self.count(|counters| &counters.runs, 1);
            return crate::lazy::push(&self.context, run);
        }
        let addresses = |seats: &[Seat]| seats.iter().map(Seat::address).collect::<Vec<u64>>();
        let arguments = [&run.inputs[..], &run.params[..], &run.states[..]].map(addresses).concat();
        let outputs = addresses(&run.outputs);
        let frame = Frame { arguments: &arguments, outputs: &outputs };
        let mut queue = self.context.queue(FlushReason::Capture)?;
        let queue = &mut *queue;
        if compiled.launch == LaunchMode::Graph {
            let (context, scratch) = (&self.context, &mut queue.scratch);
            let recorded =
                queue.graphs.replay(context, scratch, &compiled.key, &compiled.prepared, &frame)?;
            self.count(|counters| &counters.captures, u64::from(recorded));
            self.count(|counters| &counters.replays, u64::from(!recorded));
        } else {
            let tables = &mut Tables::new();
            enqueue(&self.context, &mut queue.scratch, &compiled.prepared, &frame, tables)?;
        }
        self.count(|counters| &counters.runs, 1);
        self.count(|counters| &counters.launches, compiled.prepared.launches());
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

impl Drop for GaudiInstance {
    fn drop(&mut self) {
        if self.compiled.launch == LaunchMode::Lazy {
            // What has accumulated may read this instance's weights. What fails here is somebody else's to report.
            let queue = self.context.queue(FlushReason::Fence);
            if let Err(error) = queue.map(drop) {
                tracing::warn!("{error}");
            }
        }
    }
}
