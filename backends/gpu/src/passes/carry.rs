//! Norms that a block begins with, done at the end of the call before.

mod head;

use head::{Head, Variant};
use std::collections::{HashMap, HashSet};
use std::mem;
use tintype_program::{Block, BlockId, Node, Op, Program, ValueId};

/// Takes the norm that a block begins with to the end of the call before, where calls of the block follow one another and each
/// norms what the last one gave. There it stands beside the sum that makes what it norms, and [`super::fuse_norms`] does both in
/// one pass. The first call's norm is done before the first call. Wants elementwise operations grouped.
pub fn carry_norms(program: Program) -> Program {
    let Program { version, blocks, sources } = program;
    let mut built: Vec<Block> = Vec::with_capacity(blocks.len());
    let mut ids: Vec<BlockId> = Vec::with_capacity(blocks.len());
    for mut block in blocks {
        for node in &mut block.nodes {
            if let Some(id) = node.op.block().and_then(|callee| ids.get(callee.index()).copied()) {
                node.op = node.op.clone().with_block(id);
            }
        }
        for chain in chains(&block, &built) {
            block = Rewrite { built: &mut built, chain }.of(block);
        }
        ids.push(BlockId(built.len() as u32));
        built.push(block);
    }
    Program { version, blocks: built, sources }
}

/// Calls that follow one another.
struct Chain {
    callee: BlockId,
    /// The calls, by their place in the caller.
    calls: Vec<usize>,
    heads: Vec<Head>,
}

/// The chains of a block whose callees are there.
fn chains(block: &Block, built: &[Block]) -> Vec<Chain> {
    let calls = |index: &usize| match block.nodes[*index].op {
        Op::Call { block } => Some(block),
        _ => None,
    };
    let mut taken = HashSet::new();
    let mut chains = Vec::new();
    for first in (0..block.nodes.len()).filter(|index| calls(index).is_some()) {
        let Some(callee) = calls(&first).filter(|_| !taken.contains(&first)) else { continue };
        let mut chain = Chain { callee, calls: vec![first], heads: Vec::new() };
        let mut last = first;
        for next in (first + 1..block.nodes.len()).filter(|index| calls(index) == Some(callee)) {
            let linked = links(&block.nodes[last], &block.nodes[next]);
            let heads = Head::all(&built[callee.index()], &linked);
            let same = chain.heads.is_empty() || chain.heads == heads;
            if heads.is_empty() || !same || !is_ready(block, &chain.calls, next, &heads) {
                break;
            }
            chain.heads = heads;
            chain.calls.push(next);
            last = next;
        }
        if chain.calls.len() > 1 {
            taken.extend(chain.calls.iter().copied());
            chains.push(chain);
        }
    }
    // From behind, so that the places of those before stay.
    chains.reverse();
    chains
}

/// Which arguments of one call are results of another: argument, result.
fn links(from: &Node, to: &Node) -> Vec<(usize, usize)> {
    let of = |(argument, value): (usize, &ValueId)| {
        Some((argument, from.outputs.iter().position(|output| output == value)?))
    };
    to.inputs.iter().enumerate().filter_map(of).collect()
}

/// Whether what a call's norms read beside the last one's results can be had before that one.
fn is_ready(block: &Block, calls: &[usize], next: usize, heads: &[Head]) -> bool {
    let mut late: HashSet<ValueId> = HashSet::new();
    let Some(&last) = calls.last() else { return false };
    for (index, node) in block.nodes.iter().enumerate().skip(last) {
        if index == last || node.inputs.iter().any(|value| late.contains(value)) {
            late.extend(node.outputs.iter().copied());
        }
    }
    let reads = |head: &Head| head.reads.clone();
    heads
        .iter()
        .flat_map(reads)
        .all(|argument| block.nodes[next].inputs.get(argument).is_some_and(|value| !late.contains(value)))
}

/// A caller as it is rewritten.
struct Rewrite<'b> {
    built: &'b mut Vec<Block>,
    chain: Chain,
}

impl Rewrite<'_> {
    fn of(self, mut block: Block) -> Block {
        let Self { built, chain: Chain { callee, calls, heads } } = self;
        let body = built[callee.index()].clone();
        let add = |built: &mut Vec<Block>, block: Block| {
            let known = built.iter().position(|known| *known == block);
            BlockId(known.unwrap_or_else(|| {
                built.push(block);
                built.len() - 1
            }) as u32)
        };
        let (steady, last) = (Variant::of(&body, &heads, true), Variant::of(&body, &heads, false));
        let (steady, last) = (add(built, steady), add(built, last));
        let nodes = mem::take(&mut block.nodes);
        let mut order = Order { emitted: vec![false; nodes.len()], nodes: &nodes };
        // What the coming call's norms give.
        let mut normed: Vec<ValueId> = Vec::new();
        for index in 0..nodes.len() {
            let Some(position) = calls.iter().position(|&call| call == index) else {
                order.emit(index, &mut block);
                continue;
            };
            let arguments = &nodes[index].inputs;
            if position == 0 {
                normed = heads.iter().map(|head| head.copy(&body, arguments, &mut block)).collect();
            }
            let next = calls.get(position + 1).and_then(|&next| nodes.get(next));
            let reads = || heads.iter().flat_map(|head| &head.reads);
            let ahead: Vec<ValueId> = match next {
                Some(next) => reads().filter_map(|&read| next.inputs.get(read).copied()).collect(),
                None => Vec::new(),
            };
            ahead.iter().for_each(|&value| order.emit_value(value, &mut block));
            let mut outputs = nodes[index].outputs.clone();
            let given = Variant::arguments(&body, &heads, arguments, &normed, &ahead);
            if next.is_some() {
                normed = heads.iter().map(|head| block.push_value(body.ty(head.made).clone())).collect();
                outputs.extend(&normed);
            }
            let op = Op::Call { block: if next.is_some() { steady } else { last } };
            block.nodes.push(Node { op, inputs: given, outputs });
        }
        block
    }
}

/// The other nodes of a caller, in their order but for those that are wanted earlier.
struct Order<'n> {
    nodes: &'n [Node],
    emitted: Vec<bool>,
}

impl Order<'_> {
    fn emit(&mut self, index: usize, block: &mut Block) {
        if !mem::replace(&mut self.emitted[index], true) {
            block.nodes.push(self.nodes[index].clone());
        }
    }

    /// A value and what it is made of.
    fn emit_value(&mut self, value: ValueId, block: &mut Block) {
        let nodes = self.nodes;
        let Some(index) = nodes.iter().position(|node| node.outputs.contains(&value)) else { return };
        // A call of the chain is there already: what depends on the last one is not asked for.
        if !self.emitted[index] && !block.nodes.iter().any(|node| node.outputs.contains(&value)) {
            nodes[index].inputs.iter().for_each(|&input| self.emit_value(input, block));
            self.emit(index, block);
        }
    }
}

/// By value, what another block calls it.
type Renamed = HashMap<ValueId, ValueId>;
