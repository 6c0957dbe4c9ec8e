//! Norms with the elementwise work around them.

use super::{NORM, Uses};
use std::collections::HashSet;
use tintype_program::passes::{Outline, outline};
use tintype_program::{Block, Op, Program, ValueId};

/// Gathers each layer norm and RMS norm into one operation with
/// - what alone reads it, a rotary embedding (behind a transpose, if there is one) or an elementwise pass of the same shape;
/// - the elementwise pass that makes what it norms, whose result is handed out as well where others read it: a sum that goes
///   on past the norm is written, but not read again.
///
/// So a row is read once and written once. Wants elementwise operations grouped.
pub fn fuse_norms(program: Program) -> Program {
    outline(program, |_, block| {
        let uses = Uses::of(block);
        let mut taken = HashSet::new();
        let mut found = Vec::new();
        for index in 0..block.nodes.len() {
            let outline = around(block, &uses, &taken, index);
            taken.extend(outline.iter().flat_map(|outline| &outline.members).copied());
            found.extend(outline);
        }
        found
    })
}

/// What goes together with a norm, of what no earlier one took.
fn around(block: &Block, uses: &Uses<'_>, taken: &HashSet<usize>, index: usize) -> Option<Outline> {
    let norm = &block.nodes[index];
    if !matches!(norm.op, Op::LayerNorm { .. } | Op::RmsNorm { .. }) {
        return None;
    }
    let mut members = vec![index];
    members.extend(after(block, uses, index));
    let turns = members.len() > 2;
    if let Some(earlier) = before(block, index).filter(|earlier| !turns && !taken.contains(earlier)) {
        let with: Vec<usize> = [&[earlier][..], &members].concat();
        if come_together(block, uses, &with) {
            members = with;
        }
    }
    (members.len() > 1).then(|| Outline { name: NORM.into(), members, ..Outline::default() })
}

/// What follows a norm.
fn after(block: &Block, uses: &Uses<'_>, norm: usize) -> Vec<usize> {
    let Some((next, follower)) = uses.only_reader(norm) else { return Vec::new() };
    match &follower.op {
        Op::Elementwise { .. } if shape(block, next) == shape(block, norm) => vec![next],
        Op::RotaryEmbedding { .. } if turned(block, follower.inputs.first(), norm) => vec![next],
        // Rows stay rows.
        Op::Transpose { permutation } if permutation.last() == Some(&(permutation.len() - 1)) => {
            match uses.only_reader(next) {
                Some((last, reader))
                    if matches!(reader.op, Op::RotaryEmbedding { .. })
                        && turned(block, reader.inputs.first(), next) =>
                {
                    vec![next, last]
                }
                _ => Vec::new(),
            }
        }
        _ => Vec::new(),
    }
}

/// Whether a value is the result of a node.
fn turned(block: &Block, value: Option<&ValueId>, node: usize) -> bool {
    value.is_some() && block.nodes[node].outputs.first() == value
}

/// The elementwise pass that makes the rows that are normed, and nothing else.
fn before(block: &Block, norm: usize) -> Option<usize> {
    let x = block.nodes[norm].inputs.first()?;
    let earlier = block.nodes[..norm].iter().position(|node| node.outputs == [*x])?;
    let whole = matches!(block.nodes[earlier].op, Op::Elementwise { .. });
    // Weights that it makes too would have to be written first.
    let only_rows = block.nodes[norm].inputs.iter().filter(|value| *value == x).count() == 1;
    (whole && only_rows).then_some(earlier)
}

/// Whether one launch may do what these nodes do, in their order: nothing between them reads what they make, none but the
/// first hands its result to others before the last, and the last is read.
fn come_together(block: &Block, uses: &Uses<'_>, members: &[usize]) -> bool {
    let Some((&first, &last)) = members.first().zip(members.last()) else { return false };
    let made = |node: usize| block.nodes[node].outputs.iter().copied();
    let read = |value: ValueId| uses.readers_of(value);
    let inside = members.iter().flat_map(|&member| made(member)).flat_map(|value| read(value).iter());
    let clear =
        inside.filter(|reader| (first..=last).contains(reader)).all(|reader| members.contains(reader));
    let first_only = made(first).all(|value| {
        // The norm is all that reads it of those that go together.
        read(value).iter().filter(|reader| members.contains(reader)).count() == 1
    });
    let floats =
        members.iter().flat_map(|&member| made(member)).all(|value| block.ty(value).dtype.is_float());
    clear && first_only && floats && made(last).all(|value| !read(value).is_empty())
}

fn shape(block: &Block, node: usize) -> Option<&[usize]> {
    Some(&block.ty(*block.nodes.get(node)?.outputs.first()?).shape)
}
