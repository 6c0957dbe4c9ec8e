//! The cost of one operation.

use super::Cost;
use crate::{Block, Node, Op, ValueId};
use std::collections::HashSet;

/// FLOPs of each element: a maximum, a difference, an exponential, a sum and a quotient.
const SOFTMAX: u64 = 5;
/// Mean, difference, square, mean, root and product.
const STANDARDISE: u64 = 7;
/// Square, mean, and the product with the root.
const RMS: u64 = 4;

/// What one run of a node costs. `callees` are the costs of earlier blocks, by id.
pub fn of_node(block: &Block, node: &Node, callees: &[Cost]) -> Cost {
    let callee = node.op.block().and_then(|id| callees.get(id.index())).copied().unwrap_or_default();
    match node.op {
        Op::Call { .. } => callee,
        Op::Elementwise { .. } | Op::Custom { .. } => Cost { flops: callee.flops, bytes: bytes(block, node) },
        _ => Cost { flops: flops(block, node), bytes: bytes(block, node) },
    }
}

fn flops(block: &Block, node: &Node) -> u64 {
    let elements = |value: Option<&ValueId>| value.map_or(0, |&value| block.ty(value).elements() as u64);
    let (x, y) = (elements(node.inputs.first()), elements(node.outputs.first()));
    let extent = |operand: usize, axis: usize| {
        let shape = node.inputs.get(operand).map(|&value| &block.ty(value).shape);
        shape.and_then(|shape| shape.get(axis)).map_or(0, |&extent| extent as u64)
    };
    let product = |factors: &[u64]| factors.iter().fold(1u64, |all, &factor| all.saturating_mul(factor));
    let affine = node.inputs.len().saturating_sub(1) as u64;
    match &node.op {
        Op::Unary { .. } | Op::Binary { .. } | Op::Cast { .. } | Op::Decode => y,
        Op::Gelu { .. } | Op::Silu => y,
        Op::Reduce { .. } => x,
        Op::MatMul => {
            let rank = node.inputs.first().map_or(0, |&value| block.ty(value).rank());
            product(&[2, y, extent(0, rank.saturating_sub(1))])
        }
        Op::Linear { .. } => product(&[2, y, extent(1, 1)]).saturating_add(with_bias(node, y)),
        Op::Convolution { .. } => {
            // Each output element takes one filter.
            let filter = elements(node.inputs.get(1)).checked_div(extent(1, 0)).unwrap_or(0);
            product(&[2, y, filter]).saturating_add(with_bias(node, y))
        }
        Op::Attention { .. } => {
            let scores = product(&[extent(0, 0), extent(0, 1), extent(0, 2), extent(1, 2)]);
            let masked = u64::from(node.inputs.len() == 4);
            // Both products, then scale, mask and softmax of each score.
            let each = 2 * extent(0, 3) + 2 * extent(2, 3) + 1 + masked + SOFTMAX;
            product(&[scores, each])
        }
        Op::Softmax { .. } => product(&[SOFTMAX, y]),
        Op::LayerNorm { .. } | Op::GroupNorm { .. } => product(&[STANDARDISE + affine, y]),
        Op::RmsNorm { .. } => product(&[RMS + affine, y]),
        Op::RotaryEmbedding { .. } => product(&[3, y]),
        Op::Constant { .. }
        | Op::Reshape { .. }
        | Op::Transpose { .. }
        | Op::Slice { .. }
        | Op::Concat { .. }
        | Op::Pad { .. }
        | Op::Broadcast { .. }
        | Op::Gather { .. }
        | Op::Upsample { .. }
        | Op::Custom { .. }
        | Op::Call { .. }
        | Op::Elementwise { .. } => 0,
    }
}

fn with_bias(node: &Node, elements: u64) -> u64 {
    if node.inputs.len() == 3 { elements } else { 0 }
}

fn bytes(block: &Block, node: &Node) -> u64 {
    // Encoded parameters are read as they are stored.
    let size = |value: ValueId| {
        let ty = block.ty(value);
        block.encoding(value).layout(ty).map_or(ty.bytes(), |layout| layout.bytes()) as u64
    };
    let results = || node.outputs.iter().map(|&value| size(value)).sum::<u64>();
    match &node.op {
        op if op.is_view() => 0,
        Op::Constant { .. } => 0,
        // Of a table only the entries named are read.
        Op::Gather { .. } => node.inputs.get(1).map_or(0, |&indices| size(indices)) + 2 * results(),
        _ => {
            let operands: HashSet<ValueId> = node.inputs.iter().copied().collect();
            operands.into_iter().map(size).sum::<u64>() + results()
        }
    }
}
