//! Which parameters have to be joined, in every block that passes them on.

use crate::{Block, BlockId, Encoding, Op, Program, Source, ValueId};
use std::collections::HashSet;

/// Parameters of one block that are joined in this order, as positions among [`Block::params`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tuple {
    pub(super) block: BlockId,
    pub(super) params: Vec<usize>,
}

/// All tuples that a fusion joins: the fused block's, and its callers' up to the entry.
pub(super) struct Tuples(pub(super) Vec<Tuple>);

impl Tuples {
    /// The tuples for a group of linear layers, or none where a parameter of one is read by something else.
    pub(super) fn of_group(program: &Program, id: BlockId, group: &[usize]) -> Option<Tuples> {
        let block = program.block(id);
        let operands = block.nodes[group[0]].inputs.len();
        let mut tuples = Vec::new();
        for operand in 1..operands {
            let values: Vec<_> = group.iter().map(|&node| block.nodes[node].inputs[operand]).collect();
            tuples.push(Tuple { block: id, params: positions(block, &values)? });
        }
        let mut known: HashSet<Tuple> = tuples.iter().cloned().collect();
        let mut next = 0;
        while let Some(tuple) = tuples.get(next).cloned() {
            next += 1;
            for (caller, values) in arguments(program, &tuple)? {
                let params = positions(program.block(caller), &values)?;
                let tuple = Tuple { block: caller, params };
                if known.insert(tuple.clone()) {
                    tuples.push(tuple);
                }
            }
        }
        let sound = tuples.iter().all(|tuple| {
            let group = if tuple.block == id { group } else { &[] };
            only_used_together(program, tuple, group, &known) && can_join_sources(program, tuple)
        });
        sound.then_some(Tuples(tuples))
    }
}

/// The values as parameters, each another one.
fn positions(block: &Block, values: &[ValueId]) -> Option<Vec<usize>> {
    let position = |value: &ValueId| block.params.iter().position(|param| param.value == *value);
    let positions: Vec<usize> = values.iter().map(position).collect::<Option<_>>()?;
    let distinct: HashSet<_> = positions.iter().collect();
    (distinct.len() == positions.len()).then_some(positions)
}

/// What each call of the tuple's block passes for it. None where something other than a call names the block.
fn arguments(program: &Program, tuple: &Tuple) -> Option<Vec<(BlockId, Vec<ValueId>)>> {
    let mut found = Vec::new();
    for (index, caller) in program.blocks.iter().enumerate() {
        for node in caller.nodes.iter().filter(|node| node.op.block() == Some(tuple.block)) {
            if !matches!(node.op, Op::Call { .. }) {
                return None;
            }
            let inputs = program.block(tuple.block).inputs.len();
            let values = tuple.params.iter().map(|p| node.inputs.get(inputs + p).copied());
            found.push((BlockId(index as u32), values.collect::<Option<_>>()?));
        }
    }
    Some(found)
}

/// Whether every reader of the tuple's parameters is a fused layer or a call that takes them joined.
fn only_used_together(program: &Program, tuple: &Tuple, group: &[usize], known: &HashSet<Tuple>) -> bool {
    let block = program.block(tuple.block);
    let values: Vec<ValueId> = tuple.params.iter().map(|&p| block.params[p].value).collect();
    let reads = |list: &[ValueId]| list.iter().filter(|value| values.contains(value)).count();
    let uses_are_joined = block.nodes.iter().enumerate().all(|(index, node)| {
        let uses = reads(&node.inputs);
        if uses == 0 || group.contains(&index) {
            return uses <= 1;
        }
        let Op::Call { block: callee } = node.op else { return false };
        let inputs = program.block(callee).inputs.len();
        let joined = known.iter().filter(|inner| inner.block == callee);
        let joined = joined.filter(|inner| {
            inner.params.iter().map(|p| node.inputs.get(inputs + p)).eq(values.iter().map(Some))
        });
        joined.count() * values.len() == uses
    });
    uses_are_joined && !block.results().any(|value| values.contains(&value))
}

/// Whether the entry's sources can be joined: plain ones can, and encoded ones that are quantized when bound.
fn can_join_sources(program: &Program, tuple: &Tuple) -> bool {
    let entry = program.entry_id() == tuple.block;
    !entry
        || tuple.params.iter().all(|&p| {
            let encoding = &program.entry().params[p].encoding;
            let quantized =
                matches!(program.sources.get(p), Some(Source::Quantize { encoding: e, .. }) if e == encoding);
            if *encoding == Encoding::Plain {
                !matches!(program.sources.get(p), Some(Source::Quantize { .. }) | None)
            } else {
                quantized
            }
        })
}
