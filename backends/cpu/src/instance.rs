//! Modules with weights.

use crate::compile::BlockPlan;
use crate::context::Context;
use crate::job::{Job, Piece};
use crate::memory::HostMemory;
use crate::run::{self, Frame};
use std::sync::Arc;
use tintype_accel::{Bindings, Buffer, Counters, Error, Instance, Result, Signature, Stats, raise};

/// A module with its weights and an arena of its own.
pub(crate) struct CpuInstance {
    context: Arc<Context>,
    signature: Arc<Signature>,
    plan: Arc<BlockPlan>,
    params: Arc<[Arc<HostMemory>]>,
    arena: Arc<HostMemory>,
    counters: Arc<Counters>,
}

impl CpuInstance {
    pub(crate) fn new(
        context: Arc<Context>,
        signature: Arc<Signature>,
        plan: Arc<BlockPlan>,
        params: Vec<Arc<HostMemory>>,
        arena: Arc<HostMemory>,
    ) -> Self {
        Self { context, signature, plan, params: params.into(), arena, counters: Arc::default() }
    }

    fn pieces(&self, role: &'static str, buffers: &[&Buffer]) -> Result<Vec<Piece>> {
        let piece = |buffer: &&Buffer| {
            let memory = self.context.own(role, &buffer.ty().to_string(), buffer.storage())?;
            Ok((Arc::clone(memory), buffer.range()))
        };
        buffers.iter().map(piece).collect()
    }

    /// Refuses results in memory that a weight lies in: the run would change what it reads.
    fn refuse_weights(&self, written: &[Piece]) -> Result<()> {
        let is_weight = |memory: &Arc<HostMemory>| self.params.iter().any(|param| Arc::ptr_eq(param, memory));
        let position = written.iter().position(|(memory, _)| is_weight(memory));
        let slots = || self.signature.outputs.iter().chain(&self.signature.states);
        match position.and_then(|position| slots().nth(position)) {
            Some(slot) => Err(Error::Binding {
                role: "result",
                name: slot.name.clone(),
                wanted: "memory of its own, since the run writes it".into(),
                given: "the memory of a weight".into(),
            }),
            None => Ok(()),
        }
    }
}

impl Instance for CpuInstance {
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        if !Arc::ptr_eq(bindings.signature(), &self.signature) && **bindings.signature() != *self.signature {
            return Err(Error::Binding {
                role: "bindings",
                name: "of a run".into(),
                wanted: "made for this module's signature".into(),
                given: "bindings of another signature".into(),
            });
        }
        let complete = bindings.complete()?;
        let inputs = self.pieces("input", &complete.inputs)?;
        let mut results = self.pieces("output", &complete.outputs)?;
        results.extend(self.pieces("state", &complete.states)?);
        self.refuse_weights(&results)?;
        let job = Job {
            plan: Arc::clone(&self.plan),
            inputs,
            params: Arc::clone(&self.params),
            states: complete.states.len(),
            results,
            arena: Arc::clone(&self.arena),
        };
        let description = self.context.description();
        let (device, own) = (Arc::clone(&self.context.counters), Arc::clone(&self.counters));
        [&device, &own].iter().for_each(|counters| raise(&counters.runs, 1));
        self.context.queue.enqueue(Box::new(move |owner| {
            let opened = job.open(owner).map_err(|refusal| description.explain(refusal));
            let (mut access, spans) = opened?;
            let mut launches = 0;
            let frame = Frame { arguments: &spans.arguments, results: &spans.results, arena: spans.arena };
            let result = run::run(&job.plan, &mut access, &frame, &mut launches);
            [&device, &own].iter().for_each(|counters| raise(&counters.launches, launches));
            result
        }));
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}
