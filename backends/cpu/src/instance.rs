//! Modules with weights.

use crate::compile::BlockPlan;
use crate::context::Context;
use crate::graph::{Graph, Graphs};
use crate::job::{Job, Piece};
use crate::memory::HostMemory;
use crate::params::Params;
use crate::run::Desk;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tintype_accel::{
    Bindings, Buffer, Counters, Error, Instance, LaunchMode, Result, Signature, Stats, raise,
};

/// A module with its weights and an arena of its own.
pub(crate) struct CpuInstance {
    context: Arc<Context>,
    signature: Arc<Signature>,
    plan: Arc<BlockPlan>,
    params: Params,
    arena: Arc<HostMemory>,
    counters: Arc<Counters>,
    launch: LaunchMode,
    graphs: Graphs,
}

impl CpuInstance {
    pub(crate) fn new(
        context: Arc<Context>,
        signature: Arc<Signature>,
        plan: Arc<BlockPlan>,
        params: Params,
        arena: Arc<HostMemory>,
        launch: LaunchMode,
    ) -> Self {
        let (counters, graphs) = (Arc::default(), Graphs::default());
        Self { context, signature, plan, params, arena, counters, launch, graphs }
    }

    /// What a run on these buffers works on, once they are found to be fit.
    fn job(&self, bindings: &Bindings) -> Result<Job> {
        let complete = bindings.complete()?;
        let inputs = self.pieces("input", &complete.inputs)?;
        let mut results = self.pieces("output", &complete.outputs)?;
        results.extend(self.pieces("state", &complete.states)?);
        self.refuse_weights(&results)?;
        Ok(Job {
            plan: Arc::clone(&self.plan),
            inputs,
            params: Arc::clone(self.params.read()),
            states: complete.states.len(),
            results,
            arena: Arc::clone(&self.arena),
        })
    }

    /// The device's counters, and this instance's.
    fn books(&self) -> [Arc<Counters>; 2] {
        [Arc::clone(&self.context.counters), Arc::clone(&self.counters)]
    }

    fn count(&self, counter: impl Fn(&Counters) -> &AtomicU64) {
        [&self.context.counters, &self.counters].iter().for_each(|counters| raise(counter(counters), 1));
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
        let position = written.iter().position(|(memory, _)| self.params.contain(memory));
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
        bindings.expect(&self.signature)?;
        if self.params.refresh(&self.context, &self.signature)? {
            self.graphs.clear();
        }
        if self.launch == LaunchMode::Graph {
            let known = self.graphs.get(bindings).map(Arc::clone);
            let graph = match known {
                Some(graph) => graph,
                None => {
                    let (level, describe) = (self.context.level, self.context.description());
                    let graph = Graph::capture(&self.job(bindings)?, level, describe, self.books())?;
                    let graph = Arc::new(graph);
                    self.count(|counters| &counters.captures);
                    self.graphs.insert(bindings, Arc::clone(&graph));
                    graph
                }
            };
            self.count(|counters| &counters.runs);
            self.count(|counters| &counters.replays);
            self.context.queue.enqueue_again(graph);
            return Ok(());
        }
        let job = self.job(bindings)?;
        let (level, describe, books) = (self.context.level, self.context.description(), self.books());
        self.count(|counters| &counters.runs);
        self.context.queue.enqueue(Box::new(move |owner| {
            let (mut regions, recording) = job.record(&describe)?;
            let mut access = regions.open(owner).map_err(|refusal| describe.explain(refusal))?;
            recording.run(level, &mut access, &mut Desk::default())?;
            books.iter().for_each(|counters| raise(&counters.launches, recording.launches()));
            Ok(())
        }));
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}
