//! Fusion: operations that one launch does together, as passes over Programs.
//!
//! Each gathers operations into a custom operation whose decomposition they are ([`tintype_program::passes::outline`]),
//! so a fused Program computes what it computed before, and can be printed and taken apart again.

mod carry;
mod concat;
mod edit;
mod gelu;
mod norm;
mod rotary;
mod widen;

pub use carry::carry_norms;
pub use concat::join_products;
pub use gelu::fuse_gelu;
pub use norm::fuse_norms;
pub use rotary::split_rotary;
pub use widen::widen;

use tintype_program::{Block, Node, Op, ValueId};

/// A linear layer with the Gaussian error linear unit in its form with a hyperbolic tangent.
pub const LINEAR_GELU: &str = "gpu.linear_gelu";
/// A norm over the innermost axis with what comes before and after it.
pub const NORM: &str = "gpu.norm";

/// Whether a custom operation was made by a pass of this crate.
pub(crate) fn is_fused(op: &Op) -> bool {
    matches!(op, Op::Custom { name, .. } if name == LINEAR_GELU || name == NORM)
}

/// Who reads what in a block.
pub(crate) struct Uses<'b> {
    block: &'b Block,
    /// By value: the nodes that read it, one entry a reading; a result of the block is read by a node past the last.
    readers: Vec<Vec<usize>>,
}

impl<'b> Uses<'b> {
    pub(crate) fn of(block: &'b Block) -> Self {
        let mut readers = vec![Vec::new(); block.values.len()];
        for (index, node) in block.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|value| readers[value.index()].push(index));
        }
        block.results().for_each(|value| readers[value.index()].push(block.nodes.len()));
        Self { block, readers }
    }

    /// The nodes that read a value.
    fn readers_of(&self, value: ValueId) -> &[usize] {
        &self.readers[value.index()]
    }

    /// The node that alone reads the one result of a node, and reads it once.
    pub(crate) fn only_reader(&self, node: usize) -> Option<(usize, &'b Node)> {
        let &[output] = &self.block.nodes.get(node)?.outputs[..] else { return None };
        match self.readers[output.index()][..] {
            [reader] => Some((reader, self.block.nodes.get(reader)?)),
            _ => None,
        }
    }
}
