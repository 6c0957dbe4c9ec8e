//! Rotary embeddings of what is joined of norms.

use super::Uses;
use super::edit::Edit;
use tintype_program::{Block, Node, Op, Program, ValueId};

/// Turns each part of a joined sequence by itself, where a norm makes every part and nothing else reads it: then a norm and
/// the turning are one pass, and the result is written where it is joined. Tables of angles are cut to fit.
pub fn split_rotary(program: Program) -> Program {
    Edit::each_node(program, |block, index, edit| {
        let node = &block.nodes[index];
        let Op::RotaryEmbedding { pairing } = node.op else { return None };
        let &[x, cos, sin] = &node.inputs[..] else { return None };
        let Joined { axis, permutation, parts } = joined(block, index, x)?;
        let mut start = 0;
        let mut turned = Vec::with_capacity(parts.len());
        for part in parts {
            let end = start + block.ty(part).shape.get(axis)?;
            let mut table = |table| edit.part(table, 0, start, end);
            let (cos, sin) = (table(cos)?, table(sin)?);
            start = end;
            let part = match &permutation {
                Some(there) => edit.add(Op::Transpose { permutation: there.clone() }, &[part])?,
                None => part,
            };
            let part = edit.add(Op::RotaryEmbedding { pairing }, &[part, cos, sin])?;
            turned.push(match &permutation {
                Some(there) => edit.add(Op::Transpose { permutation: inverse(there)? }, &[part])?,
                None => part,
            });
        }
        // Joined as they were, so that a token's heads stay side by side.
        let whole = edit.add(Op::Concat { axis }, &turned)?;
        match permutation {
            Some(permutation) => edit.add(Op::Transpose { permutation }, &[whole]),
            None => Some(whole),
        }
    })
}

/// What is joined along the axis that a rotary embedding goes along.
struct Joined {
    axis: usize,
    /// The axes' turning between the joining and the embedding.
    permutation: Option<Vec<usize>>,
    parts: Vec<ValueId>,
}

fn joined(block: &Block, reader: usize, x: ValueId) -> Option<Joined> {
    const SEQUENCE: usize = 2;
    let uses = Uses::of(block);
    // The node that makes a value for this reader alone.
    let made = |value: ValueId, reader: usize| -> Option<(usize, &Node)> {
        let index = block.nodes.iter().position(|node| node.outputs == [value])?;
        (uses.only_reader(index)?.0 == reader).then(|| (index, &block.nodes[index]))
    };
    let (mut index, mut node) = made(x, reader)?;
    let mut permutation = None;
    if let Op::Transpose { permutation: there } = &node.op {
        permutation = Some(there.clone());
        (index, node) = made(*node.inputs.first()?, index)?;
    }
    let Op::Concat { axis } = node.op else { return None };
    let along = permutation.as_ref().map_or(Some(SEQUENCE), |there| there.get(SEQUENCE).copied())?;
    let is_norm = |&part: &ValueId| {
        made(part, index)
            .is_some_and(|(_, node)| matches!(node.op, Op::LayerNorm { .. } | Op::RmsNorm { .. }))
    };
    let all = axis == along && node.inputs.iter().all(is_norm);
    all.then(|| Joined { axis, permutation, parts: node.inputs.clone() })
}

fn inverse(permutation: &[usize]) -> Option<Vec<usize>> {
    let mut inverse = vec![0; permutation.len()];
    for (to, &from) in permutation.iter().enumerate() {
        *inverse.get_mut(from)? = to;
    }
    Some(inverse)
}
