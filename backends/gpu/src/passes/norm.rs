//! Norms with the elementwise work around them.

use super::{NORM, Uses};
use tintype_program::passes::{Outline, outline};
use tintype_program::{Block, Op, Program};

/// Gathers each layer norm and RMS norm with what alone reads it, a rotary embedding (behind a transpose, if there is one)
/// or an elementwise pass of the same shape, into one operation, so that a row is read once and written once. Wants
/// elementwise operations grouped.
pub fn fuse_norms(program: Program) -> Program {
    outline(program, |_, block| {
        let uses = Uses::of(block);
        (0..block.nodes.len()).filter_map(|index| around(block, &uses, index)).collect()
    })
}

fn around(block: &Block, uses: &Uses<'_>, index: usize) -> Option<Outline> {
    let norm = &block.nodes[index];
    if !matches!(norm.op, Op::LayerNorm { .. } | Op::RmsNorm { .. }) {
        return None;
    }
    let shape = |node: usize| Some(&block.ty(*block.nodes.get(node)?.outputs.first()?).shape);
    let mut members = vec![index];
    let (mut next, mut follower) = uses.only_reader(index)?;
    if let Op::Transpose { permutation } = &follower.op {
        // Rows stay rows.
        if permutation.last() != Some(&(permutation.len() - 1)) {
            return None;
        }
        members.push(next);
        (next, follower) = uses.only_reader(next)?;
        if !matches!(follower.op, Op::RotaryEmbedding { .. }) {
            return None;
        }
    }
    let read = block.nodes.get(*members.last()?)?.outputs.first()?;
    match follower.op {
        Op::RotaryEmbedding { .. } if follower.inputs.first() == Some(read) => {}
        Op::Elementwise { .. } if shape(next) == shape(index) => {}
        _ => return None,
    }
    members.push(next);
    // The norm's own operands first, in their order.
    Some(Outline { name: NORM.into(), members, operands: norm.inputs.clone(), ..Outline::default() })
}
