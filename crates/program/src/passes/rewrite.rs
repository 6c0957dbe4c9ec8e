//! What passes share that replace nodes of a block.

use super::dead::drop_values;
use crate::{Block, Node, Op, TensorType, ValueId};
use std::collections::HashMap;
use std::mem;

/// A block whose nodes are gone through once, each of them kept or replaced.
pub(super) struct Rewrite {
    block: Block,
    replaced: HashMap<ValueId, ValueId>,
}

impl Rewrite {
    /// The block without its nodes, and the nodes.
    pub(super) fn new(mut block: Block) -> (Self, Vec<Node>) {
        let nodes = mem::take(&mut block.nodes);
        (Self { block, replaced: HashMap::new() }, nodes)
    }

    /// The block as far as it is rewritten.
    pub(super) fn block(&self) -> &Block {
        &self.block
    }

    /// What now stands for a value of the old block.
    pub(super) fn current(&self, value: ValueId) -> ValueId {
        self.replaced.get(&value).copied().unwrap_or(value)
    }

    /// The node with its operands as they are now.
    pub(super) fn updated(&self, mut node: Node) -> Node {
        node.inputs.iter_mut().for_each(|value| *value = self.current(*value));
        node
    }

    /// Keeps a node.
    pub(super) fn keep(&mut self, node: Node) {
        let node = self.updated(node);
        self.block.nodes.push(node);
    }

    /// Adds a node whose operands are values of the rewritten block; its results stay what they are.
    pub(super) fn add_as(&mut self, node: Node) {
        self.block.nodes.push(node);
    }

    /// Adds an operation on values of the rewritten block, to a value of this type.
    pub(super) fn add(&mut self, op: Op, inputs: Vec<ValueId>, ty: TensorType) -> ValueId {
        let output = self.block.push_value(ty);
        self.block.nodes.push(Node { op, inputs, outputs: vec![output] });
        output
    }

    /// Has `by`, a value of the rewritten block, stand for `old` from here on.
    pub(super) fn replace(&mut self, old: ValueId, by: ValueId) {
        self.replaced.insert(old, by);
    }

    /// Puts the nodes of `callee` in the place of a node that computes the same.
    pub(super) fn splice(&mut self, node: &Node, callee: &Block) {
        let arguments = callee.arguments().zip(node.inputs.iter().map(|&value| self.current(value)));
        let mut ids: HashMap<ValueId, ValueId> = arguments.collect();
        for inner in &callee.nodes {
            let mut copy = inner.clone();
            copy.inputs.iter_mut().for_each(|value| *value = ids.get(value).copied().unwrap_or(*value));
            for value in &mut copy.outputs {
                let new = self.block.push_value(callee.ty(*value).clone());
                ids.insert(*value, new);
                *value = new;
            }
            self.block.nodes.push(copy);
        }
        for (&old, port) in node.outputs.iter().zip(&callee.outputs) {
            let new = ids.get(&port.value).copied().unwrap_or(port.value);
            self.replace(old, new);
        }
    }

    /// The rewritten block, its values renumbered.
    pub(super) fn finish(mut self) -> Block {
        let mut block = mem::take(&mut self.block);
        block.outputs.iter_mut().for_each(|port| port.value = self.current(port.value));
        block.states.iter_mut().for_each(|state| state.next = self.current(state.next));
        drop_values(&mut block);
        block
    }
}
