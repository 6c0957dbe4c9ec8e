//! A block's identity: what it computes, whatever it is called and wherever it is called from.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::{Block, BlockId, ValueId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 over a block's structure: types of inputs, parameters and states, encodings, operations with their
/// attributes, and the hashes of the blocks it calls. Names do not count, nor does any call site.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockHash(pub [u8; 32]);

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockHash({self})")
    }
}

/// The hash of a block whose callees' hashes are known.
pub(crate) fn hash_block(block: &Block, callee: impl Fn(BlockId) -> Option<BlockHash>) -> BlockHash {
    // Values are numbered by the order in which they are defined, so that ids left over from passes do not count.
    let mut number = vec![u32::MAX; block.values.len()];
    let defined = block
        .arguments()
        .chain(block.states.iter().map(|state| state.value))
        .chain(block.nodes.iter().flat_map(|node| node.outputs.iter().copied()));
    for (i, value) in defined.enumerate() {
        if let Some(slot) = number.get_mut(value.index()) {
            *slot = i as u32;
        }
    }
    let mut hasher = Sha256::new();
    let mut line = |text: String| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    };
    let id = |value: ValueId| number.get(value.index()).copied().unwrap_or(u32::MAX);
    let ids = |values: &[ValueId]| values.iter().map(|&value| id(value)).collect::<Vec<_>>();
    let ty = |value: ValueId| block.values.get(value.index()).map(ToString::to_string).unwrap_or_default();
    for input in &block.inputs {
        line(format!("input {}", ty(input.value)));
    }
    for param in &block.params {
        line(format!("param {} {:?}", ty(param.value), param.encoding));
    }
    for state in &block.states {
        line(format!("state {} {}", ty(state.value), id(state.next)));
    }
    for node in &block.nodes {
        let callee = node.op.block().and_then(&callee);
        // The id of a callee is a detail of one Program; its hash stands for it.
        let op = node.op.clone().with_block(BlockId(0));
        line(format!("node {op:?} {callee:?} {:?} {:?}", ids(&node.inputs), ids(&node.outputs)));
    }
    let outputs: Vec<_> = block.outputs.iter().map(|port| id(port.value)).collect();
    line(format!("outputs {outputs:?}"));
    BlockHash(hasher.finalize().into())
}
