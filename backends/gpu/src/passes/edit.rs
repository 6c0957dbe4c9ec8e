//! Blocks whose nodes are gone through once, each of them kept or replaced.

use std::collections::HashMap;
use std::mem;
use tintype_program::{Block, Node, Op, Program, TensorType, ValueId, infer};

/// A block as far as it is rewritten.
pub(super) struct Edit {
    block: Block,
    replaced: HashMap<ValueId, ValueId>,
}

impl Edit {
    /// Every block of a Program with the nodes that `change` replaces. It is given the block as it was, a node's place in it,
    /// and where to put what computes the same; it gives what stands for the node's one result, or nothing, and the node is
    /// kept. What nothing reads any more is dropped.
    pub(super) fn each_node(
        mut program: Program,
        change: impl Fn(&Block, usize, &mut Edit) -> Option<ValueId>,
    ) -> Program {
        for block in &mut program.blocks {
            let old = mem::take(block);
            let mut edit =
                Edit { block: Block { nodes: Vec::new(), ..old.clone() }, replaced: HashMap::new() };
            for (index, node) in old.nodes.iter().enumerate() {
                let (nodes, values) = (edit.block.nodes.len(), edit.block.values.len());
                match (change(&old, index, &mut edit), &node.outputs[..]) {
                    (Some(by), &[output]) => {
                        edit.replaced.insert(output, by);
                    }
                    _ => {
                        // What was begun and given up.
                        edit.block.nodes.truncate(nodes);
                        edit.block.values.truncate(values);
                        let inputs = node.inputs.iter().map(|&value| edit.current(value)).collect();
                        edit.block.nodes.push(Node { inputs, ..node.clone() });
                    }
                }
            }
            *block = if edit.replaced.is_empty() { old } else { edit.finish() };
        }
        program
    }

    /// What now stands for a value of the old block.
    fn current(&self, value: ValueId) -> ValueId {
        self.replaced.get(&value).copied().unwrap_or(value)
    }

    /// An operation on values of the old block or on what was added; its result.
    pub(super) fn add(&mut self, op: Op, inputs: &[ValueId]) -> Option<ValueId> {
        let inputs: Vec<ValueId> = inputs.iter().map(|&value| self.current(value)).collect();
        let types: Vec<TensorType> = inputs.iter().map(|&value| self.block.ty(value).clone()).collect();
        let [ty] = <[TensorType; 1]>::try_from(infer(&op, &types).ok()?).ok()?;
        let output = self.block.push_value(ty);
        self.block.nodes.push(Node { op, inputs, outputs: vec![output] });
        Some(output)
    }

    /// As [`Edit::add`], or the result of the same operation on the same values that is there already.
    pub(super) fn once(&mut self, op: Op, inputs: &[ValueId]) -> Option<ValueId> {
        let current: Vec<ValueId> = inputs.iter().map(|&value| self.current(value)).collect();
        let known = self.block.nodes.iter().find(|node| node.op == op && node.inputs == current);
        match known {
            Some(node) => node.outputs.first().copied(),
            None => self.add(op, inputs),
        }
    }

    /// Part of a value along an axis.
    pub(super) fn part(&mut self, value: ValueId, axis: usize, start: usize, end: usize) -> Option<ValueId> {
        let shape = self.block.ty(self.current(value)).shape.clone();
        let (mut starts, mut ends) = (vec![0; shape.len()], shape.to_vec());
        (*starts.get_mut(axis)?, *ends.get_mut(axis)?) = (start, end);
        let steps = vec![1; shape.len()];
        self.add(Op::Slice { starts, ends, steps }, &[value])
    }

    fn finish(mut self) -> Block {
        let replaced = &self.replaced;
        let renew = |value: &mut ValueId| *value = replaced.get(value).copied().unwrap_or(*value);
        self.block.outputs.iter_mut().for_each(|port| renew(&mut port.value));
        self.block.states.iter_mut().for_each(|state| renew(&mut state.next));
        let used = self.block.used_values();
        self.block.nodes.retain(|node| node.outputs.iter().any(|value| used[value.index()]));
        self.block
    }
}
