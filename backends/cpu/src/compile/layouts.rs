//! The layouts of a block's values, and what follows for its memory.

use super::lower::Callees;
use super::packing::{self, Packs};
use std::collections::HashMap;
use tintype_accel::Buffer;
use tintype_program::memory::{Layout, Need, Scratch, Storage};
use tintype_program::{Block, Node, Op, ValueId};

/// How the elements of each value lie, and which values are views.
pub(super) struct Layouts {
    layouts: Vec<Layout>,
    is_view: Vec<bool>,
    /// Values that their reader reads as another, and that one.
    unmade: HashMap<ValueId, ValueId>,
}

impl Layouts {
    pub(super) fn new(block: &Block, packs: &Packs) -> Self {
        let layouts = block.values.iter().map(|ty| Layout::contiguous(&ty.shape)).collect();
        let unmade = packing::unmade(block, packs);
        let mut made = Self { layouts, is_view: vec![false; block.values.len()], unmade };
        for node in &block.nodes {
            if let [output] = node.outputs[..]
                && let Some(from) = made.unmade.get(&output)
            {
                made.layouts[output.index()] = made.of(*from).clone();
                made.is_view[output.index()] = true;
            }
            if !node.op.is_view() {
                continue;
            }
            if let ([input], [output]) = (&node.inputs[..], &node.outputs[..])
                && let Some(view) = made.of(*input).view(&node.op, block.ty(*input), block.ty(*output))
            {
                made.layouts[output.index()] = view;
                made.is_view[output.index()] = true;
            }
        }
        made
    }

    /// How a value lies, relative to the start of its memory.
    pub(super) fn of(&self, value: ValueId) -> &Layout {
        &self.layouts[value.index()]
    }

    /// What is read in a value's place: mostly itself.
    pub(super) fn read_as(&self, value: ValueId) -> ValueId {
        self.unmade.get(&value).copied().unwrap_or(value)
    }

    /// What the memory planner is asked for.
    pub(super) fn need(&self, block: &Block, node: &Node, callees: &Callees) -> Need {
        let storage = if self.is_view(node) { Storage::View { operand: 0 } } else { Storage::Fresh };
        let scratch = match node.op {
            Op::Call { .. } => {
                let index = block.nodes.iter().position(|other| std::ptr::eq(other, node));
                let arena = index.and_then(|index| callees.get(&index)).map_or(0, |callee| callee.arena);
                let packed = node.inputs.iter().filter(|&&value| self.is_scattered(block, value));
                arena + packed.map(|&value| padded(block.ty(value).bytes())).sum::<usize>()
            }
            _ => 0,
        };
        Need { storage, scratch: Scratch::Bytes(scratch) }
    }

    /// Whether a node computes nothing, since its result is a view.
    pub(super) fn is_view(&self, node: &Node) -> bool {
        node.outputs.iter().any(|value| self.is_view[value.index()])
    }

    /// Whether a value has to be packed before a block can take it as an argument.
    pub(super) fn is_scattered(&self, block: &Block, value: ValueId) -> bool {
        !self.of(value).is_contiguous(&block.ty(value).shape)
    }
}

/// So many bytes, up to the next place where a tensor may start.
pub(super) fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(Buffer::ALIGNMENT)
}
