//! Fusing linear layers that read the same activation: queries, keys and values in one product.

mod apply;
#[cfg(test)]
mod tests;
mod tuples;

use super::dead::drop_values;
use crate::{Activation, Block, BlockId, Encoding, Op, Program, ScaleGranularity, ValueId};
use std::collections::HashSet;
use tuples::Tuples;

/// Replaces linear layers of one block that share their activation by one layer over joined parameters, whose result is
/// sliced.
///
/// Layers are fused where they agree in what is done to the activation, in the weights' encoding and in having a bias
/// or none, and where their weights and biases are parameters that nothing else reads, in their block and in
/// every caller up to the entry. There the joined parameter's [`crate::Source`] is a concat of the old ones along
/// axis 0 (of what they quantize, where they quantize). Weights with one scale a tensor are left alone, as joined ones
/// would share a scale and be other numbers.
///
/// A joined parameter is named for what its parts share and what they do not: `attn.to_q.weight`, `attn.to_k.weight` and
/// `attn.to_v.weight` become `attn.to_q+to_k+to_v.weight`. A block called from several places stays one block.
pub fn fuse_qkv(program: Program) -> Program {
    fuse_linears(program, |_, _| true)
}

/// As [`fuse_qkv`], of those linear layers that `may` does not leave out: it is given each with its block and its place there.
pub fn fuse_linears(mut program: Program, may: impl Fn(&Block, usize) -> bool) -> Program {
    for index in 0..program.blocks.len() {
        let id = BlockId(index as u32);
        let mut refused: HashSet<Vec<usize>> = HashSet::new();
        // Nodes move with each fusion, so groups are looked for anew after it.
        while let Some(group) = find_group(&program, id, &refused, &may) {
            match Tuples::of_group(&program, id, &group) {
                Some(tuples) => {
                    apply::fuse(&mut program, id, &group, &tuples);
                    refused.clear();
                }
                None => {
                    refused.insert(group);
                }
            }
        }
    }
    program.blocks.iter_mut().for_each(drop_values);
    program
}

/// What linear layers of a group have in common.
#[derive(PartialEq)]
struct Key<'b> {
    x: ValueId,
    activation: Activation,
    encoding: &'b Encoding,
    biased: bool,
}

fn key(block: &Block, index: usize) -> Option<Key<'_>> {
    let node = block.nodes.get(index)?;
    let Op::Linear { activation } = node.op else { return None };
    let (x, weight) = (*node.inputs.first()?, *node.inputs.get(1)?);
    // One parameter that two layers of a group share cannot be joined with itself, nor can a computed weight.
    let is_param = |value: ValueId| block.params.iter().any(|param| param.value == value);
    let encoding = block.encoding(weight);
    let per_tensor = matches!(encoding, Encoding::Fp8 { scales: ScaleGranularity::Tensor, .. });
    let fits = node.inputs[1..].iter().all(|&value| is_param(value)) && !per_tensor;
    fits.then_some(Key { x, activation, encoding, biased: node.inputs.len() == 3 })
}

/// The first group of at least two linear layers that was not refused yet, as node indices.
///
/// A layer whose parameters are read elsewhere is left out, so that it keeps no others apart.
fn find_group(
    program: &Program,
    id: BlockId,
    refused: &HashSet<Vec<usize>>,
    may: &impl Fn(&Block, usize) -> bool,
) -> Option<Vec<usize>> {
    let block = program.block(id);
    let key = |index: usize| key(block, index).filter(|_| may(block, index));
    let joins = |index: &usize| Tuples::of_group(program, id, &[*index]).is_some();
    (0..block.nodes.len()).find_map(|first| {
        let wanted = key(first)?;
        let mut group: Vec<usize> =
            (first..block.nodes.len()).filter(|&i| key(i).as_ref() == Some(&wanted)).collect();
        if group.len() > 1 {
            group.retain(joins);
        }
        (group.len() > 1 && !refused.contains(&group)).then_some(group)
    })
}
