//! Encoding the weights of linear layers, and rounding what goes into them.

#[cfg(test)]
mod tests;

use crate::{Activation, Block, Encoding, Node, Op, Program, Source, ValueId};
use std::collections::HashSet;
use std::mem;

/// Stores the weights of linear layers encoded, and has those layers treat what goes into them as `activation` says.
///
/// `may` is given each linear layer with its block, and leaves out those that stay as they are. A weight is encoded where it is a
/// parameter that `encoding` can store, and where nothing but such layers reads it, in its block and in every caller up to the
/// entry. There its [`Source`] becomes a [`Source::Quantize`] of what it was. Types stay as they are, and so does all else.
///
/// The Program must be one that [`Program::check`] accepts.
pub fn quantize(
    mut program: Program,
    encoding: &Encoding,
    activation: Activation,
    may: impl Fn(&Block, &Node) -> bool,
) -> Program {
    let weights = weights(&program, encoding, &may);
    for (block, weights) in program.blocks.iter_mut().zip(&weights) {
        for node in &mut block.nodes {
            if let Op::Linear { activation: own } = &mut node.op
                && node.inputs.get(1).is_some_and(|weight| weights.contains(weight))
            {
                *own = activation;
            }
        }
        for param in block.params.iter_mut().filter(|param| weights.contains(&param.value)) {
            param.encoding = encoding.clone();
        }
    }
    let encoded: Vec<bool> = program
        .entry()
        .params
        .iter()
        .map(|param| weights.last().is_some_and(|own| own.contains(&param.value)))
        .collect();
    for (source, _) in program.sources.iter_mut().zip(encoded).filter(|(_, encoded)| *encoded) {
        let of = Box::new(mem::replace(source, Source::Zeros));
        *source = Source::Quantize { encoding: encoding.clone(), of };
    }
    program
}

/// Of each block, the parameters that can be encoded: all that could be, less what something else reads, less what that leaves
/// without a caller or a reader, until nothing more has to go.
fn weights(
    program: &Program,
    encoding: &Encoding,
    may: &impl Fn(&Block, &Node) -> bool,
) -> Vec<HashSet<ValueId>> {
    let storable = |block: &Block| {
        let params = block.params.iter().filter(|param| {
            let ty = block.ty(param.value);
            param.encoding.is_plain() && ty.elements() > 0 && encoding.layout(ty).is_ok()
        });
        params.map(|param| param.value).collect::<HashSet<_>>()
    };
    let mut weights: Vec<_> = program.blocks.iter().map(storable).collect();
    let size = |weights: &[HashSet<ValueId>]| weights.iter().map(HashSet::len).sum::<usize>();
    let mut before = usize::MAX;
    while size(&weights) < before {
        before = size(&weights);
        for (index, block) in program.blocks.iter().enumerate() {
            let Some(own) = weights.get_mut(index).map(mem::take) else { continue };
            let left = read_by_layers_alone(program, block, &own, &weights, may);
            for node in &block.nodes {
                keep_what_is_handed_on(program, node, &left, &mut weights);
            }
            if let Some(slot) = weights.get_mut(index) {
                *slot = left;
            }
        }
    }
    weights
}

/// Those of a block's weights that layers read, or calls of blocks that take them encoded, and nothing else.
fn read_by_layers_alone(
    program: &Program,
    block: &Block,
    own: &HashSet<ValueId>,
    weights: &[HashSet<ValueId>],
    may: &impl Fn(&Block, &Node) -> bool,
) -> HashSet<ValueId> {
    let (mut read, mut otherwise): (HashSet<_>, HashSet<_>) = (HashSet::new(), block.results().collect());
    for node in &block.nodes {
        for (position, value) in node.inputs.iter().enumerate().filter(|(_, value)| own.contains(value)) {
            let fits = match node.op {
                Op::Linear { activation: Activation::Keep } => position == 1 && may(block, node),
                Op::Call { block: callee } => param_at(program, node, position)
                    .is_some_and(|param| weights.get(callee.index()).is_some_and(|own| own.contains(&param))),
                _ => false,
            };
            if fits {
                read.insert(*value)
            } else {
                otherwise.insert(*value)
            };
        }
    }
    read.retain(|value| !otherwise.contains(value));
    read
}

/// Drops those of a called block's weights that this caller does not hand over encoded.
fn keep_what_is_handed_on(
    program: &Program,
    node: &Node,
    callers: &HashSet<ValueId>,
    weights: &mut [HashSet<ValueId>],
) {
    let Some(callee) = node.op.block() else { return };
    let is_call = matches!(node.op, Op::Call { .. });
    let Some(own) = weights.get_mut(callee.index()) else { return };
    for (position, argument) in node.inputs.iter().enumerate() {
        if let Some(param) = param_at(program, node, position)
            && !(is_call && callers.contains(argument))
        {
            own.remove(&param);
        }
    }
}

/// The parameter of the called block that an operand becomes, unless it becomes an input.
fn param_at(program: &Program, node: &Node, position: usize) -> Option<ValueId> {
    let callee = program.block(node.op.block()?);
    callee.params.get(position.checked_sub(callee.inputs.len())?).map(|param| param.value)
}
