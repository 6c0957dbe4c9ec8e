//! Which parameters a block takes packed: in a layout of the kernel's own, in place of the one they are bound in.

use super::plan::Packing;
use crate::kernels::{convolution, panels};
use crate::level::Level;
use std::collections::HashMap;
use tintype_program::{Activation, Block, BlockId, Op, Program, TensorType, ValueId};

/// How a block takes each of its parameters; `None` as they are bound.
pub(super) type Packs = Box<[Option<Packing>]>;

/// What every block could take packed, if its caller has it so.
pub(super) struct Packable(HashMap<BlockId, Packs>);

impl Packable {
    /// Looks at the blocks of a checked Program, in which a block stands behind those that it calls.
    pub(super) fn of(program: &Program) -> Self {
        let mut found = Self(HashMap::new());
        for (index, block) in program.blocks.iter().enumerate() {
            let packs = block.params.iter().map(|param| match param.encoding.is_plain() {
                true => found.uses(block, param.value),
                false => None,
            });
            let packs = packs.collect();
            found.0.insert(BlockId(index as u32), packs);
        }
        found
    }

    /// What a block could take packed.
    pub(super) fn block(&self, id: BlockId) -> Packs {
        self.0.get(&id).cloned().unwrap_or_default()
    }

    /// How a call takes its parameters in a block that takes its own as `packs` says: packed where both sides can.
    pub(super) fn call(&self, block: &Block, packs: &Packs, callee: BlockId, inputs: &[ValueId]) -> Packs {
        let mut taken = self.block(callee);
        let first = inputs.len() - taken.len().min(inputs.len());
        for (taken, &value) in taken.iter_mut().zip(&inputs[first..]) {
            if own(block, packs, value) != *taken {
                *taken = None;
            }
        }
        taken
    }

    /// The one packing that every use of a parameter agrees on.
    fn uses(&self, block: &Block, value: ValueId) -> Option<Packing> {
        if block.results().any(|result| result == value) {
            return None;
        }
        let mut agreed = None;
        for node in &block.nodes {
            for position in (0..node.inputs.len()).filter(|&position| node.inputs[position] == value) {
                let use_ = match node.op {
                    Op::Call { block: callee } => {
                        let packs = self.0.get(&callee)?;
                        let first = node.inputs.len().checked_sub(packs.len())?;
                        *packs.get(position.checked_sub(first)?)?
                    }
                    ref op => packing(op, position, block.ty(value)),
                };
                if use_.is_none() || agreed.is_some_and(|agreed| Some(agreed) != use_) {
                    return None;
                }
                agreed = use_;
            }
        }
        agreed
    }
}

/// How a block takes a value, if that is one of its parameters.
pub(super) fn own(block: &Block, packs: &Packs, value: ValueId) -> Option<Packing> {
    let position = block.params.iter().position(|param| param.value == value)?;
    packs.get(position).copied().flatten()
}

/// The packing that an operation wants of an operand. Kernels with layouts of their own are named here and in
/// [`Packing`], nowhere else in the compiler.
fn packing(op: &Op, position: usize, ty: &TensorType) -> Option<Packing> {
    match (op, position) {
        (Op::Linear { activation: Activation::Keep }, 1) if ty.shape.len() == 2 && ty.bytes() > 0 => {
            Some(Packing::Panels)
        }
        (Op::Convolution { groups: 1, .. }, 1) if ty.bytes() > 0 => Some(Packing::Convolution),
        _ => None,
    }
}

impl Packing {
    /// Bytes of a packed parameter.
    pub(crate) fn bytes(self, level: Level, ty: &TensorType) -> usize {
        match (self, &ty.shape[..]) {
            (Packing::Panels, &[n, k]) => panels::packed_bytes(level, ty.dtype, n, k),
            (Packing::Panels, _) => 0,
            (Packing::Convolution, shape) => convolution::packed_bytes(level, ty.dtype, shape),
        }
    }
}
