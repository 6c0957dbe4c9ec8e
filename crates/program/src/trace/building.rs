//! What tracing writes into.

use crate::hash::hash_block;
use crate::{Block, BlockHash, BlockId, Encoding, Error, Param, Result, Source, TensorType, ValueId};
use std::cell::RefCell;
use std::mem;

/// The finished blocks of a Program that is being traced.
#[derive(Default)]
pub(super) struct Tracing {
    finished: RefCell<Vec<(Block, BlockHash)>>,
}

impl Tracing {
    /// Adds a finished block; one that computes the same as an earlier one is that one.
    pub(super) fn intern(&self, block: Block) -> BlockId {
        let mut finished = self.finished.borrow_mut();
        let hash = hash_block(&block, |id| finished.get(id.index()).map(|(_, hash)| *hash));
        if let Some(known) = finished.iter().position(|(_, known)| *known == hash) {
            return BlockId(known as u32);
        }
        finished.push((block, hash));
        BlockId(finished.len() as u32 - 1)
    }

    pub(super) fn take(&self) -> Vec<Block> {
        mem::take(&mut *self.finished.borrow_mut()).into_iter().map(|(block, _)| block).collect()
    }
}

/// A block that is being traced.
pub(super) struct Building {
    pub(super) name: String,
    pub(super) is_entry: bool,
    pub(super) block: RefCell<Block>,
    /// Where each parameter comes from, in the block's own names.
    pub(super) sources: RefCell<Vec<Source>>,
}

impl Building {
    pub(super) fn new(name: &str, is_entry: bool) -> Self {
        let block = RefCell::new(Block { name: name.into(), ..Block::default() });
        Self { name: name.into(), is_entry, block, sources: RefCell::default() }
    }

    pub(super) fn take(&self) -> (Block, Vec<Source>) {
        (mem::take(&mut *self.block.borrow_mut()), mem::take(&mut *self.sources.borrow_mut()))
    }

    /// Declares a parameter. The same declaration made again is the same parameter; another one of its name is refused.
    pub(super) fn param(
        &self,
        name: String,
        ty: TensorType,
        encoding: Encoding,
        source: Source,
    ) -> Result<ValueId> {
        let mut block = self.block.borrow_mut();
        let refuse = |reason: String| Error::Declaration {
            what: "parameter",
            name: name.clone(),
            block: self.name.clone(),
            reason,
        };
        ty.check().map_err(refuse)?;
        encoding.layout(&ty).map_err(refuse)?;
        if let Some(position) = block.params.iter().position(|param| param.name == name) {
            let known = &block.params[position];
            let same = *block.ty(known.value) == ty
                && known.encoding == encoding
                && self.sources.borrow().get(position) == Some(&source);
            let value = known.value;
            return if same {
                Ok(value)
            } else {
                Err(refuse(format!("it is declared otherwise too; now {ty}")))
            };
        }
        let value = block.push_value(ty);
        block.params.push(Param { name, value, encoding });
        self.sources.borrow_mut().push(source);
        Ok(value)
    }
}
