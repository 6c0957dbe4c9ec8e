//! Grouping: elementwise operations that can share one pass over memory.

mod body;
#[cfg(test)]
mod tests;

use super::dead::drop_values;
use super::intern::Interner;
use crate::{Block, BlockId, Node, Op, Program, ValueId};
use body::Body;
use std::collections::HashSet;
use std::mem;

/// Gathers elementwise operations into [`Op::Elementwise`] nodes, each of a block with one output.
///
/// - A group grows from its result towards its operands: an operation joins where the group's other members are the only
///   users of its result, and where it has the group's shape. So nothing is computed twice and nothing but the result is
///   written to memory.
/// - Every elementwise operation ends up in a group, if need be alone: a plugin has one path for them.
/// - Broadcasts are taken in, since inside a group they are but an index: the block's input is the small tensor,
///   and a broadcast of a broadcast is one. Scalar constants are taken in likewise. Either may be taken into several
///   groups, and stays outside as well where something else reads it.
/// - Inside the block every value has the group's shape, but for inputs that are broadcast there and scalar constants.
/// - Groups that compute the same share a block. Groups never reach across a call, since calls are no members.
///
/// Blocks that are elementwise already stay as they are.
pub fn group_elementwise(program: Program) -> Program {
    let Program { version, blocks, sources } = program;
    let grouped: HashSet<BlockId> = blocks
        .iter()
        .flat_map(|block| &block.nodes)
        .filter_map(|node| match node.op {
            Op::Elementwise { block } => Some(block),
            _ => None,
        })
        .collect();
    let mut interner = Interner::default();
    let mut ids = Vec::with_capacity(blocks.len());
    for (index, mut block) in blocks.into_iter().enumerate() {
        for node in &mut block.nodes {
            if let Some(callee) = node.op.block() {
                node.op = node.op.clone().with_block(ids[callee.index()]);
            }
        }
        if !grouped.contains(&BlockId(index as u32)) {
            group_block(&mut block, &mut interner);
        }
        ids.push(interner.push(block));
    }
    Program { version, blocks: interner.blocks, sources }
}

fn group_block(block: &mut Block, interner: &mut Interner) {
    let producers = producers(block);
    let roots = roots(block, &producers);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); block.nodes.len()];
    for (index, root) in roots.iter().enumerate() {
        if let Some(root) = root {
            members[*root].push(index);
        }
    }
    let nodes = mem::take(&mut block.nodes);
    for (index, node) in nodes.iter().enumerate() {
        match roots[index] {
            None => block.nodes.push(node.clone()),
            Some(root) if root == index => {
                let body = Body::new(block, &nodes, &producers, &node.outputs).fill(&members[index]);
                let op = Op::Elementwise { block: interner.intern(body.block) };
                block.nodes.push(Node { op, inputs: body.arguments, outputs: node.outputs.clone() });
            }
            Some(_) => {}
        }
    }
    drop_absorbed(block);
    drop_values(block);
}

/// The node that defines each value.
fn producers(block: &Block) -> Vec<Option<usize>> {
    let mut producers = vec![None; block.values.len()];
    for (index, node) in block.nodes.iter().enumerate() {
        node.outputs.iter().for_each(|value| producers[value.index()] = Some(index));
    }
    producers
}

/// The last member of each elementwise node's group.
fn roots(block: &Block, producers: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); block.nodes.len()];
    for (index, node) in block.nodes.iter().enumerate() {
        for producer in node.inputs.iter().filter_map(|value| producers[value.index()]) {
            users[producer].push(index);
        }
    }
    let results: HashSet<ValueId> = block.results().collect();
    let mut roots: Vec<Option<usize>> = vec![None; block.nodes.len()];
    // Backwards, so that every user of a result has its group already.
    for (index, node) in block.nodes.iter().enumerate().rev() {
        let [output] = node.outputs[..] else { continue };
        if !node.op.is_elementwise() {
            continue;
        }
        let mut groups = users[index].iter().map(|&user| roots[user]);
        let only = groups.next().flatten().filter(|first| groups.all(|other| other == Some(*first)));
        let joined = only.filter(|&root| {
            let same_shape = |value: &ValueId| block.ty(*value).shape == block.ty(output).shape;
            !results.contains(&output) && block.nodes[root].outputs.iter().all(same_shape)
        });
        roots[index] = Some(joined.unwrap_or(index));
    }
    roots
}

/// Drops broadcasts and constants that only groups read.
fn drop_absorbed(block: &mut Block) {
    let mut used: HashSet<ValueId> = block.results().collect();
    let mut keep = vec![true; block.nodes.len()];
    for (index, node) in block.nodes.iter().enumerate().rev() {
        let absorbable = matches!(node.op, Op::Broadcast { .. } | Op::Constant { .. });
        keep[index] = !absorbable || node.outputs.iter().any(|value| used.contains(value));
        if keep[index] {
            used.extend(&node.inputs);
        }
    }
    let mut flags = keep.into_iter();
    block.nodes.retain(|_| flags.next().unwrap_or(true));
}
