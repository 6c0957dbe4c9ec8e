//! Blocks that a pass adds: equal ones are one.

use crate::hash::hash_block;
use crate::{Block, BlockHash, BlockId};
use std::collections::HashMap;

/// The blocks of a Program that is being rebuilt, callees first.
#[derive(Default)]
pub(super) struct Interner {
    pub(super) blocks: Vec<Block>,
    hashes: Vec<BlockHash>,
    known: HashMap<BlockHash, BlockId>,
}

impl Interner {
    /// Adds a block whose callees are here already. One that computes the same as an earlier one is that one.
    pub(super) fn intern(&mut self, block: Block) -> BlockId {
        let hash = self.hash(&block);
        match self.known.get(&hash) {
            Some(&id) => id,
            None => self.append(block, hash),
        }
    }

    /// Adds a block whatever else is here.
    pub(super) fn push(&mut self, block: Block) -> BlockId {
        let hash = self.hash(&block);
        self.append(block, hash)
    }

    fn hash(&self, block: &Block) -> BlockHash {
        hash_block(block, |id| self.hashes.get(id.index()).copied())
    }

    fn append(&mut self, block: Block, hash: BlockHash) -> BlockId {
        let id = BlockId(self.blocks.len() as u32);
        self.blocks.push(block);
        self.hashes.push(hash);
        self.known.entry(hash).or_insert(id);
        id
    }
}
