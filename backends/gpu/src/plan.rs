//! Launch plans: compiled blocks.

use crate::lower::Rim;
use crate::{Launch, LibraryOp};
use std::sync::Arc;
use tintype_program::memory::Home;

/// A block, ready to be prepared for a device. Holds no weights and no memory; it may run for any caller, one call at a
/// time an arena.
#[derive(Debug)]
pub struct BlockPlan {
    /// The block's name.
    pub name: String,
    /// What to do, in order.
    pub steps: Vec<Step>,
    /// Bytes of intermediate results, those of called blocks included.
    pub arena: usize,
    /// How deep calls nest, itself included.
    pub depth: usize,
    /// How arguments and results lie.
    pub(crate) rim: Rim,
}

/// One launch, or one call.
#[derive(Clone, Debug)]
pub struct Step {
    /// The operation that it does, or a part of it.
    pub name: String,
    /// What is done.
    pub action: Action,
    /// What is read.
    pub reads: Vec<Span>,
    /// What is written.
    pub writes: Vec<Span>,
}

/// What a step does with its operands.
#[derive(Clone, Debug)]
pub enum Action {
    /// A kernel of this crate.
    Launch(Launch),
    /// Work for a vendor's library; a kernel of this crate where it refuses. Addresses are what is read, then what is
    /// written.
    Library {
        /// What is asked of the library.
        op: LibraryOp,
        /// The kernel that stands behind it.
        own: Launch,
    },
    /// Another block, its arena at this offset of the caller's. All that is read lies as the block wants it.
    Call {
        /// The block.
        callee: Arc<BlockPlan>,
        /// Where its arena starts, in bytes.
        arena: usize,
    },
}

/// Memory that a step reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Where it lies.
    pub home: Home,
    /// Its first byte there.
    pub offset: usize,
    /// From its first byte to its last.
    pub bytes: usize,
    /// What is moved of it at least: each element once, however often a stride of 0 repeats it.
    pub least: usize,
}

impl BlockPlan {
    /// Kernels and library calls of one run, those of called blocks included.
    pub fn launches(&self) -> usize {
        let of = |step: &Step| match &step.action {
            Action::Call { callee, .. } => callee.launches(),
            _ => 1,
        };
        self.steps.iter().map(of).sum()
    }

    /// Bytes that the launches of one run read and write, each operand of a launch once.
    pub fn bytes_moved(&self) -> u64 {
        let of = |step: &Step| match &step.action {
            Action::Call { callee, .. } => callee.bytes_moved(),
            _ => step.reads.iter().chain(&step.writes).map(|span| span.least as u64).sum(),
        };
        self.steps.iter().map(of).sum()
    }
}
