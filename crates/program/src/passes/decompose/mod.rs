//! Decomposition: composite operations as core ones.
//!
//! Each definition computes in f32 and casts once at the end, as a composite operation accumulates in f32 and rounds
//! once.

mod attention;
mod contraction;
mod fp8;
mod norm;
mod pointwise;

use super::dead::drop_blocks;
use super::rewrite::Rewrite;
use crate::trace::fragment;
use crate::{Block, Node, Op, Program, Result, TensorType};

/// Replaces every composite operation for which `keep` is false by core operations, in every block.
///
/// A definition may use other composite operations (attention uses softmax); those are offered to `keep` in turn,
/// with the definition as their block. The decomposition of an [`Op::Custom`] is put in its place. Fails where a type
/// inside a definition is too large for a Program, such as the scores of an enormous attention.
pub fn decompose(program: Program, keep: impl Fn(&Block, &Node) -> bool) -> Result<Program> {
    let Program { version, blocks, sources } = program;
    let mut finished: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks {
        let block = decompose_block(block, &finished, &keep)?;
        finished.push(block);
    }
    Ok(drop_blocks(Program { version, blocks: finished, sources }))
}

fn decompose_block(block: Block, finished: &[Block], keep: &dyn Fn(&Block, &Node) -> bool) -> Result<Block> {
    let replaced: Vec<bool> =
        block.nodes.iter().map(|node| node.op.is_composite() && !keep(&block, node)).collect();
    let (mut rewrite, nodes) = Rewrite::new(block);
    for (node, replaced) in nodes.into_iter().zip(replaced) {
        if !replaced {
            rewrite.keep(node);
        } else if let Op::Custom { decomposition, .. } = node.op {
            rewrite.splice(&node, &finished[decomposition.index()]);
        } else {
            let types: Vec<_> = node.inputs.iter().map(|&value| rewrite.block().ty(value).clone()).collect();
            let encoded = node.inputs.iter().any(|&value| !rewrite.block().encoding(value).is_plain());
            let definition = define(&node.op, &types, encoded)?;
            rewrite.splice(&node, &decompose_block(definition, finished, keep)?);
        }
    }
    Ok(rewrite.finish())
}

/// The block that computes what a composite operation stands for, one step down.
fn define(op: &Op, types: &[TensorType], encoded: bool) -> Result<Block> {
    fragment(op.name(), types, |scope, x| match op {
        Op::Linear { activation } => contraction::linear(&x[0], &x[1], x.get(2), *activation, encoded),
        Op::Attention { scale } => attention::attention(&x[0], &x[1], &x[2], x.get(3), *scale),
        Op::Softmax { axis } => attention::softmax(&x[0], *axis),
        Op::LayerNorm { eps } => norm::layer_norm(&x[0], x.get(1), x.get(2), *eps),
        Op::RmsNorm { eps } => norm::rms_norm(&x[0], x.get(1), *eps),
        Op::GroupNorm { groups, eps } => norm::group_norm(&x[0], x.get(1), x.get(2), *groups, *eps),
        Op::RotaryEmbedding { pairing } => attention::rotary_embedding(&x[0], &x[1], &x[2], *pairing),
        Op::Gelu { form } => pointwise::gelu(&x[0], *form),
        Op::Silu => pointwise::silu(&x[0]),
        Op::Upsample { factors } => pointwise::upsample(&x[0], factors),
        // Only composite operations come here.
        _ => scope.constant(0.0, crate::DType::F32),
    })
}

#[cfg(test)]
mod tests;
