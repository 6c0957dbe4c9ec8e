//! Compiled blocks.

use crate::kernels::elementwise::Group;
use std::sync::Arc;
pub(crate) use tintype_program::memory::Home;
use tintype_program::{DType, Encoding, Op, TensorType, contiguous_strides};

/// A block, ready to run. Holds no weights and no memory; it may run for any caller, one call at a time an arena.
pub(crate) struct BlockPlan {
    /// The block's name.
    pub(crate) name: String,
    /// How it takes each parameter; `None` as bound.
    pub(crate) packs: Box<[Option<Packing>]>,
    /// What to do, in order.
    pub(crate) steps: Vec<Step>,
    /// Bytes of intermediate results, those of called blocks included.
    pub(crate) arena: usize,
    /// How deep calls nest, itself included.
    pub(crate) depth: usize,
}

/// One launch, or one call.
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) reads: Vec<Operand>,
    pub(crate) writes: Vec<Target>,
}

/// What a step does with its operands.
pub(crate) enum Action {
    /// Elements from one layout to row-major order.
    Copy,
    /// Given bytes.
    Fill(Vec<u8>),
    /// Elementwise operations in one pass.
    Group(Group),
    /// A kernel of the operation's own.
    Kernel(Op),
    /// Another block, its arena at this offset of the caller's. All that is read lies in row-major order.
    Call { callee: Arc<BlockPlan>, arena: usize },
}

/// A layout of a kernel's own that a parameter is brought into once, when it is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Packing {
    /// The weight of a plain linear layer.
    Panels,
    /// The weight of a convolution of one group.
    Convolution,
    /// The same, of a convolution by three taps an axis of what an upsampling by two makes.
    Doubled,
}

impl Packing {
    /// What tells it apart from other things derived from a weight.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Packing::Panels => "panels",
            Packing::Convolution => "convolution",
            Packing::Doubled => "doubled convolution",
        }
    }
}

/// A tensor to read.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) home: Home,
    /// The first byte, and how many there are from the first element to the last.
    pub(crate) offset: usize,
    pub(crate) bytes: usize,
    pub(crate) ty: TensorType,
    pub(crate) strides: Vec<usize>,
    /// For an encoded parameter, the bytes are codes and scales.
    pub(crate) encoding: Encoding,
    /// For a packed parameter, the bytes are as its kernel wants them.
    pub(crate) packing: Option<Packing>,
}

/// Memory to write, in row-major order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) home: Home,
    pub(crate) dtype: DType,
    pub(crate) bytes: usize,
}

impl Action {
    /// What a message calls it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Action::Copy => "copy",
            Action::Fill(_) => "constant",
            Action::Group(_) => "elementwise",
            Action::Kernel(op) => op.name(),
            Action::Call { callee, .. } => &callee.name,
        }
    }
}

impl Operand {
    /// A plain tensor in row-major order at the start of its home.
    pub(crate) fn packed(home: Home, ty: &TensorType) -> Self {
        let (ty, strides) = (ty.clone(), contiguous_strides(&ty.shape));
        Self { home, offset: 0, bytes: ty.bytes(), ty, strides, encoding: Encoding::Plain, packing: None }
    }
}
