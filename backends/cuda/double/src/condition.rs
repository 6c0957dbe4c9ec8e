//! Nodes that do the work of a graph which they hold, if a condition holds.

use crate::abi::{Answer, Handle, Out};
use crate::capture::{Graph, Node};
use crate::state::Double;
use crate::status::*;
use crate::stream::Op;

/// `CU_GRAPH_NODE_TYPE_CONDITIONAL`.
const CONDITIONAL: u64 = 13;
/// `CU_GRAPH_COND_TYPE_IF`.
const IF: u64 = 0;
/// `CU_GRAPH_COND_ASSIGN_DEFAULT`: the condition is set to its default at each launch.
const ASSIGN_DEFAULT: u32 = 1;

/// `CUgraphNodeParams` as 8-byte words. Of a conditional node: the kind of node; two words reserved with it; the condition;
/// the kind of condition and the number of graphs; where the driver puts their addresses; the context.
pub type NodeParams = [u64; 32];

/// One condition.
#[derive(Debug, Clone, Copy)]
pub struct Condition {
    /// The graph that may ask it.
    pub graph: Handle,
    /// Whether a node asks it already.
    pub used: bool,
}

impl Double {
    /// Makes a condition. One that nothing sets would be undefined: a kernel of the vendor's would have to, and kernels do
    /// nothing here.
    pub fn new_condition(&mut self, graph: Handle, default: u32, flags: u32) -> Answer<Handle> {
        self.graph(graph)?;
        if flags != ASSIGN_DEFAULT || default == 0 {
            return refuse(NOT_SUPPORTED, format!("a condition with default {default} and flags {flags}"));
        }
        let handle = self.new_handle();
        self.conditions.insert(handle, Condition { graph, used: false });
        Ok(handle)
    }

    /// Adds a node that holds an empty graph, and says which in the parameters.
    pub fn add_conditional(&mut self, graph: Handle, params: Out<NodeParams>) -> Answer<Handle> {
        self.graph(graph)?;
        let Some(mut asked) = params.get() else { return refuse(INVALID_VALUE, "no parameters") };
        let [kind, reserved, condition, what, ..] = asked;
        if kind as u32 != CONDITIONAL as u32 {
            return refuse(NOT_SUPPORTED, format!("a node of kind {}", kind as u32));
        }
        if kind >> 32 != 0 || reserved != 0 || asked[6..].iter().any(|word| *word != 0) {
            return refuse(INVALID_VALUE, "reserved parameters that are not zero");
        }
        if what != IF | 1 << 32 {
            return refuse(
                NOT_SUPPORTED,
                format!("condition of kind {}, {} graphs", what as u32, what >> 32),
            );
        }
        match self.conditions.get_mut(&condition) {
            Some(known) if known.graph == graph && !known.used => known.used = true,
            _ => {
                return refuse(INVALID_VALUE, format!("condition {condition:#x} is not this graph's to ask"));
            }
        }
        let (node, body) = (self.new_handle(), self.new_handle());
        self.graphs.insert(body, Graph::default());
        // The caller reads it from memory that the vendor owns; here it is never given back.
        asked[4] = Box::leak(Box::new(body)) as *const Handle as u64;
        params.put(asked)?;
        if let Some(graph) = self.graphs.get_mut(&graph) {
            graph.nodes.push(Node { handle: node, op: Op::If(body), after: Vec::new() });
        }
        Ok(node)
    }

    /// Remembers whose node holds a graph, of the parameters of a node that was added.
    pub fn note_body(&mut self, graph: Handle, params: Out<NodeParams>) {
        let Some([kind, _, _, _, at, ..]) = params.get() else { return };
        if kind as u32 == CONDITIONAL as u32
            && let Some(body) = Out::<Handle>::at(at).get()
        {
            self.bodies.insert(body, graph);
        }
    }

    /// Destroys a graph, and those that its nodes hold.
    pub fn destroy_graph(&mut self, graph: Handle) -> Answer {
        self.graph(graph)?;
        if let Some(owner) = self.bodies.get(&graph) {
            return refuse(INVALID_VALUE, format!("a node of graph {owner:#x} holds it"));
        }
        let held: Vec<Handle> =
            self.bodies.iter().filter(|(_, owner)| **owner == graph).map(|(body, _)| *body).collect();
        for body in held {
            self.bodies.remove(&body);
            self.graphs.remove(&body);
        }
        self.conditions.retain(|_, condition| condition.graph != graph);
        self.graphs.remove(&graph);
        Ok(())
    }
}
