//! Graphs made executable, and replayed.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::abi::{Answer, Handle};
use crate::capture::{Exec, Graph};
use crate::memory::is_device;
use crate::state::Double;
use crate::status::*;
use crate::stream::{Op, Place};

impl Op {
    /// `CUgraphNodeType`.
    pub fn kind(&self) -> u32 {
        match self {
            Op::Kernel { .. } => 0,
            Op::Copy { .. } => 1,
            Op::Set { .. } => 2,
            Op::Host(_) => 3,
            Op::Graph(_) => 4,
            Op::Wait(_) | Op::Record(_) => 5,
            Op::Allocate(_) => 10,
            Op::Free(_) => 11,
            Op::If(_) => 13,
        }
    }
}

impl Double {
    /// A graph that must be alive.
    pub fn graph(&self, graph: Handle) -> Answer<&Graph> {
        match self.graphs.get(&graph) {
            Some(graph) => Ok(graph),
            None => refuse(INVALID_HANDLE, format!("graph {graph:#x} is not alive")),
        }
    }

    /// An executable graph that must be alive.
    pub fn exec(&self, exec: Handle) -> Answer<&Exec> {
        match self.execs.get(&exec) {
            Some(exec) => Ok(exec),
            None => refuse(INVALID_HANDLE, format!("executable graph {exec:#x} is not alive")),
        }
    }

    /// Makes a graph executable.
    pub fn instantiate(&mut self, graph: Handle, flags: u64) -> Answer<Handle> {
        self.current()?;
        if flags & !15 != 0 {
            return refuse(INVALID_VALUE, format!("flags {flags:#x}"));
        }
        let exec = self.executable(graph)?;
        let handle = self.new_handle();
        self.execs.insert(handle, exec);
        Ok(handle)
    }

    fn executable(&mut self, graph: Handle) -> Answer<Exec> {
        let nodes = &self.graph(graph)?.nodes;
        let kinds: Vec<u32> = nodes.iter().map(|node| node.op.kind()).collect();
        let ops = self.flat(graph)?;
        self.note(format!("nodes={}", ops.len()));
        self.replayable(&ops)?;
        Ok(Exec { ops, kinds })
    }

    /// The work of a graph and of those that its nodes hold, in order.
    fn flat(&self, graph: Handle) -> Answer<Arc<[Op]>> {
        let mut ops = Vec::new();
        for node in &self.graph(graph)?.nodes {
            match &node.op {
                Op::If(body) => ops.extend(self.flat(*body)?.iter().cloned()),
                op => ops.push(op.clone()),
            }
        }
        Ok(ops.into())
    }

    /// Puts another graph of the same shape in an executable graph's place.
    pub fn update(&mut self, exec: Handle, graph: Handle) -> Answer {
        let kinds = self.exec(exec)?.kinds.clone();
        let fresh = self.executable(graph)?;
        if fresh.kinds != kinds {
            return refuse(GRAPH_EXEC_UPDATE_FAILURE, "the graphs have different nodes");
        }
        self.execs.insert(exec, fresh);
        Ok(())
    }

    /// Replays an executable graph, after a look at what it captured.
    pub fn replay(&mut self, exec: Handle, stream: Handle) -> Answer {
        let ops = self.exec(exec)?.ops.clone();
        self.enqueueable(stream)?;
        self.note(format!("nodes={}", ops.len()));
        if let Err(refusal) = self.replayable(&ops) {
            self.sticky.get_or_insert(refusal.status);
            return Err(refusal);
        }
        self.enqueue(stream, Op::Graph(ops))
    }

    /// Whether all that was captured is still there.
    fn replayable(&self, ops: &[Op]) -> Answer {
        let mut seen = BTreeSet::new();
        for (index, op) in ops.iter().enumerate() {
            let checked = match op {
                Op::Kernel { function, addresses, .. } => self.loaded(*function).and_then(|_| {
                    let mut fresh = addresses.iter().filter(|address| seen.insert(**address));
                    fresh.try_for_each(|address| self.memory.find(*address, 0).map(drop))
                }),
                Op::Set { to, pattern, count } => {
                    self.memory.find(*to, count * pattern.len() as u64).map(drop)
                }
                Op::Copy { to, from, bytes } => {
                    [to, from].iter().try_for_each(|place| self.captured(**place, *bytes))
                }
                Op::Graph(ops) => self.replayable(ops),
                Op::If(body) => self.graph(*body).map(drop),
                Op::Host(_) | Op::Record(_) | Op::Wait(_) | Op::Allocate(_) | Op::Free(_) => Ok(()),
            };
            if let Err(refusal) = checked {
                let status = if refusal.status == INVALID_VALUE { ILLEGAL_ADDRESS } else { refusal.status };
                return refuse(status, format!("node {index}: {}", refusal.why));
            }
        }
        Ok(())
    }

    fn captured(&self, place: Place, bytes: u64) -> Answer {
        match place {
            Place::Device(address) => self.memory.find(address, bytes).map(drop),
            Place::Host(address) if is_device(address) => refuse(INVALID_VALUE, "a device address"),
            Place::Host(address) if self.host.locked(address, bytes).is_some() => Ok(()),
            Place::Host(address) => {
                refuse(INVALID_VALUE, format!("host memory {address:#x} is no longer page-locked"))
            }
        }
    }
}
