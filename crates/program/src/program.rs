//! A whole Program: its blocks, its parameters' sources, its JSON form.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::hash::hash_block;
use crate::{Block, BlockHash, BlockId, Error, Result, Source, check};
use serde::{Deserialize, Serialize};

/// The version of the JSON form that this library reads and writes.
pub const FORMAT_VERSION: u64 = 1;

/// Blocks that call each other, one of them the entry.
///
/// A Program made by tracing or by [`Program::from_json`] is checked; one changed by hand is checked by
/// [`Program::check`], and plugins refuse one that fails it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// [`FORMAT_VERSION`] of the library that wrote it.
    pub version: u64,
    /// The blocks; each calls only earlier ones. The last is the entry.
    pub blocks: Vec<Block>,
    /// Where each parameter of the entry comes from, in the entry's order.
    #[serde(default)]
    pub sources: Vec<Source>,
}

impl Program {
    /// The block where a run starts.
    ///
    /// # Panics
    /// On a Program without blocks, which no constructor makes.
    #[allow(clippy::indexing_slicing, reason = "a Program that was read is checked to have blocks first")]
    pub fn entry(&self) -> &Block {
        &self.blocks[self.blocks.len().saturating_sub(1)]
    }

    /// The entry's id.
    pub fn entry_id(&self) -> BlockId {
        BlockId(self.blocks.len().saturating_sub(1) as u32)
    }

    /// A block by its id.
    ///
    /// # Panics
    /// Where there is no such block; a Program that passed [`Program::check`] names no such block.
    #[allow(clippy::indexing_slicing, reason = "calls of a Program that was read are checked first")]
    pub fn block(&self, id: BlockId) -> &Block {
        &self.blocks[id.index()]
    }

    /// The hash of every block, in order. The last is the Program's own.
    pub fn hashes(&self) -> Vec<BlockHash> {
        let mut hashes: Vec<BlockHash> = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let hash = hash_block(block, |id| hashes.get(id.index()).copied());
            hashes.push(hash);
        }
        hashes
    }

    /// How many times each block runs in one run of the Program, in order: the entry once, a block called 19 times
    /// by a block that runs once, 19 times.
    pub fn runs_of_blocks(&self) -> Vec<usize> {
        let mut runs = vec![0usize; self.blocks.len()];
        if let Some(last) = runs.last_mut() {
            *last = 1;
        }
        for (index, caller) in self.blocks.iter().enumerate().rev() {
            let times = runs.get(index).copied().unwrap_or_default();
            for callee in caller.nodes.iter().filter_map(|node| node.op.block()) {
                if let Some(count) = runs.get_mut(callee.index()) {
                    *count = count.saturating_add(times);
                }
            }
        }
        runs
    }

    /// Checks every rule of the format: values are defined once and before use, types are what inference says, calls
    /// fit the blocks they name, blocks call only earlier ones, encoded parameters are read only by what decodes.
    pub fn check(&self) -> Result<()> {
        check::check(self)
    }

    /// The Program as JSON.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// Reads a Program from JSON and checks it.
    pub fn from_json(text: &str) -> Result<Self> {
        // The version is read first, so that another version's blocks are not mistaken for bad JSON.
        #[derive(Deserialize)]
        struct Header {
            version: u64,
        }
        let Header { version } = serde_json::from_str(text)?;
        if version != FORMAT_VERSION {
            return Err(Error::Version { found: version, supported: FORMAT_VERSION });
        }
        let program: Program = serde_json::from_str(text)?;
        program.check()?;
        Ok(program)
    }
}
