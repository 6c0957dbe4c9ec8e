//! Which parameters a block takes packed: in a layout of the kernel's own, in place of the one they are bound in.

use super::plan::Packing;
use crate::kernels::{convolution, panels};
use crate::level::Level;
use std::collections::HashMap;
use tintype_program::{Activation, Block, BlockId, Node, Op, Program, TensorType, ValueId};

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
                    _ => packing(block, node, position),
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

/// The packing that a node wants of an operand. Kernels with layouts of their own are named here and in [`Packing`], nowhere
/// else in the compiler.
fn packing(block: &Block, node: &Node, position: usize) -> Option<Packing> {
    let ty = block.ty(*node.inputs.get(position)?);
    match (&node.op, position) {
        (Op::Linear { activation: Activation::Keep }, 1) if ty.shape.len() == 2 && ty.bytes() > 0 => {
            Some(Packing::Panels)
        }
        (Op::Convolution { groups: 1, .. }, 1) if ty.bytes() > 0 => match upsampling(block, node) {
            Some(_) => Some(Packing::Doubled),
            None => Some(Packing::Convolution),
        },
        _ => None,
    }
}

/// The upsampling by two that only a convolution by three taps an axis, in steps of one and padded by one, sees.
fn upsampling<'b>(block: &'b Block, node: &Node) -> Option<&'b Node> {
    let Op::Convolution { stride, padding, dilation, groups: 1, .. } = &node.op else { return None };
    let (x, weight) = (*node.inputs.first()?, *node.inputs.get(1)?);
    let by_three = block.ty(weight).shape.get(2..)?.iter().all(|taps| *taps == 3);
    let by_one = stride.iter().chain(dilation).all(|step| *step == 1);
    if !by_three || !by_one || padding.iter().any(|padding| *padding != [1, 1]) {
        return None;
    }
    let upsampling = block.nodes.iter().find(|other| other.outputs.contains(&x))?;
    let Op::Upsample { factors } = &upsampling.op else { return None };
    let uses = block.nodes.iter().flat_map(|other| &other.inputs).filter(|value| **value == x).count();
    let alone = uses == 1 && !block.results().any(|result| result == x);
    (alone && factors.iter().all(|factor| *factor == 2)).then_some(upsampling)
}

/// The values of a block that are not made, since a convolution with a weight packed for it reads what they are upsampled
/// from, and that.
pub(super) fn unmade(block: &Block, packs: &Packs) -> HashMap<ValueId, ValueId> {
    let doubled = |node: &&Node| {
        node.inputs.get(1).is_some_and(|&weight| own(block, packs, weight) == Some(Packing::Doubled))
    };
    let convolutions = block.nodes.iter().filter(doubled);
    let pair = |node: &Node| Some((*node.inputs.first()?, *upsampling(block, node)?.inputs.first()?));
    convolutions.filter_map(pair).collect()
}

impl Packing {
    /// Bytes of a packed parameter.
    pub(crate) fn bytes(self, level: Level, ty: &TensorType) -> usize {
        match (self, &ty.shape[..]) {
            (Packing::Panels, &[n, k]) => panels::packed_bytes(level, ty.dtype, n, k),
            (Packing::Panels, _) => 0,
            (Packing::Convolution, shape) => convolution::packed_bytes(level, ty.dtype, shape),
            (Packing::Doubled, shape) => convolution::doubled_bytes(level, ty.dtype, shape),
        }
    }
}
