//! Memory that every run uses in turn: the stream runs one after the other.

use crate::context::Context;
use tintype_accel::{Purpose, Result, raise};

/// A piece of memory that grows.
#[derive(Default)]
pub(crate) struct Piece {
    pub(crate) address: u64,
    bytes: usize,
}

/// The pieces.
#[derive(Default)]
pub(crate) struct Scratch {
    /// What recipes work in.
    pub(crate) workspace: Piece,
    /// What one recipe hands to another.
    pub(crate) arena: Piece,
    /// Copies of operands that a recipe is given twice: it takes no memory twice.
    pub(crate) spare: Piece,
}

impl Piece {
    /// Has it hold so many bytes. What it was is given back once the stream has passed what uses it.
    pub(crate) fn reserve(&mut self, context: &Context, bytes: usize, what: &str) -> Result<()> {
        if bytes <= self.bytes {
            return Ok(());
        }
        let address = context.take(bytes, what)?;
        raise(&context.counters.allocations, 1);
        context.account.add(Purpose::Arena, bytes as u64);
        context.account.remove(Purpose::Arena, self.bytes as u64);
        context.release(self.address);
        *self = Self { address, bytes };
        Ok(())
    }
}

impl Scratch {
    /// Where the pieces lie; 0 for those that are empty.
    pub(crate) fn addresses(&self) -> [u64; 3] {
        [self.workspace.address, self.arena.address, self.spare.address]
    }
}
