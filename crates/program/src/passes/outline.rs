//! Outlining: several operations as one, for a plugin that runs them in one launch.

use super::dead::drop_values;
use super::intern::Interner;
use crate::{Attribute, Block, BlockId, Node, Op, Port, Program, ValueId};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Operations of one block that become one [`Op::Custom`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// The custom operation's name.
    pub name: String,
    /// What its kernel is told.
    pub attributes: BTreeMap<String, Attribute>,
    /// The nodes, by their place in the block.
    pub members: Vec<usize>,
    /// Operands in an order that the kernel wants, before those that are not listed, which follow as they are first
    /// read. Only what the members read from outside is an operand.
    pub operands: Vec<ValueId>,
}

/// Puts an [`Op::Custom`] in the place of each of the outlines that `find` gives for a block, with the operations as its
/// decomposition: what the Program computes stays the same. `find` is asked for every block that is called, after what it
/// gave for the blocks that come before; it is given those as well.
///
/// An outline is passed over where its members cannot be brought together: where another operation stands between two
/// of them, reading one and read by the other, where one calls a block or is a member of an earlier outline, or where none of
/// their results is used.
pub fn outline(program: Program, find: impl Fn(&[Block], &Block) -> Vec<Outline>) -> Program {
    let called = called(&program);
    let Program { version, blocks, sources } = program;
    let mut interner = Interner::default();
    let mut ids: Vec<BlockId> = Vec::with_capacity(blocks.len());
    for (mut block, called) in blocks.into_iter().zip(called) {
        for node in &mut block.nodes {
            if let Some(id) = node.op.block().and_then(|callee| ids.get(callee.index()).copied()) {
                node.op = node.op.clone().with_block(id);
            }
        }
        if called {
            for outline in find(&interner.blocks, &block) {
                replace(&mut block, &outline, &mut interner);
            }
            // Members left holes in the list until here, so that places stay what `find` saw.
            block.nodes.retain(|node| !node.outputs.is_empty());
            drop_values(&mut block);
        }
        ids.push(interner.push(block));
    }
    Program { version, blocks: interner.blocks, sources }
}

/// The blocks that run by calls, rather than as what one operation stands for.
fn called(program: &Program) -> Vec<bool> {
    let mut called = vec![false; program.blocks.len()];
    if let Some(entry) = called.last_mut() {
        *entry = true;
    }
    for index in (0..program.blocks.len()).rev() {
        let Some(block) = program.blocks.get(index).filter(|_| called[index]) else { continue };
        for node in &block.nodes {
            if let Op::Call { block } = node.op {
                called[block.index()] = true;
            }
        }
    }
    called
}

fn replace(block: &mut Block, outline: &Outline, interner: &mut Interner) {
    let mut members = outline.members.clone();
    members.sort_unstable();
    members.dedup();
    let Some((&first, &last)) = members.first().zip(members.last()) else { return };
    let usable = |&member: &usize| {
        block
            .nodes
            .get(member)
            .is_some_and(|node| !node.outputs.is_empty() && !matches!(node.op, Op::Call { .. }))
    };
    if !members.iter().all(usable) {
        return;
    }
    let is_member: HashSet<usize> = members.iter().copied().collect();
    let made: HashSet<ValueId> =
        members.iter().flat_map(|&member| block.nodes[member].outputs.iter().copied()).collect();
    let others = || (0..block.nodes.len()).filter(|index| !is_member.contains(index));
    // What stands between the first and the last member would come before the values that it reads.
    if others()
        .filter(|index| (first..last).contains(index))
        .any(|index| block.nodes[index].inputs.iter().any(|value| made.contains(value)))
    {
        return;
    }
    let used: HashSet<ValueId> =
        block.results().chain(others().flat_map(|index| block.nodes[index].inputs.iter().copied())).collect();

    let mut reads: Vec<ValueId> = Vec::new();
    let all = members.iter().flat_map(|&member| block.nodes[member].inputs.iter().copied());
    let outside: Vec<ValueId> = all.filter(|value| !made.contains(value)).collect();
    let wanted = outline.operands.iter().copied().filter(|value| outside.contains(value));
    for value in wanted.chain(outside.iter().copied()) {
        if !reads.contains(&value) {
            reads.push(value);
        }
    }

    let mut inner = Block { name: outline.name.clone(), ..Block::default() };
    let mut inside: HashMap<ValueId, ValueId> = HashMap::new();
    for (position, &value) in reads.iter().enumerate() {
        let id = inner.push_value(block.ty(value).clone());
        inside.insert(value, id);
        inner.inputs.push(Port { name: format!("operand_{position}"), value: id });
    }
    let mut results = Vec::new();
    for &member in &members {
        let node = &block.nodes[member];
        let inputs = node.inputs.iter().filter_map(|value| inside.get(value).copied()).collect();
        let mut outputs = Vec::with_capacity(node.outputs.len());
        for &value in &node.outputs {
            let id = inner.push_value(block.ty(value).clone());
            inside.insert(value, id);
            outputs.push(id);
            if used.contains(&value) {
                results.push(value);
                inner.outputs.push(Port { name: format!("result_{}", results.len() - 1), value: id });
            }
        }
        inner.nodes.push(Node { op: node.op.clone(), inputs, outputs });
    }
    if results.is_empty() {
        return;
    }
    let decomposition = interner.intern(inner);
    let op = Op::Custom { name: outline.name.clone(), attributes: outline.attributes.clone(), decomposition };
    for &member in &members {
        block.nodes[member].outputs.clear();
        block.nodes[member].inputs.clear();
    }
    block.nodes[last] = Node { op, inputs: reads, outputs: results };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, TensorType, passes};

    fn two_layers() -> Program {
        let program = Program::trace("layers", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [2, 4]))?;
            let w = scope.param("w", &[4, 4])?;
            let y = x.linear(&w, None)?.silu()?;
            scope.output("y", &(&y + &x)?)
        });
        program.unwrap()
    }

    fn linear_and_silu(_: &[Block], block: &Block) -> Vec<Outline> {
        let position = block.nodes.iter().position(|node| matches!(node.op, Op::Linear { .. }));
        let outline =
            |first| Outline { name: "both".into(), members: vec![first, first + 1], ..Outline::default() };
        position.map(outline).into_iter().collect()
    }

    #[test]
    fn members_become_one_operation_that_stands_for_them() {
        let before = two_layers();
        let after = outline(before.clone(), linear_and_silu);
        after.check().unwrap();
        let names: Vec<_> = after.entry().nodes.iter().map(|node| node.op.name()).collect();
        assert_eq!(names, ["both", "binary"]);
        let back = passes::decompose(after, |_, node| !matches!(node.op, Op::Custom { .. })).unwrap();
        assert_eq!(back.entry().nodes, before.entry().nodes);
    }

    #[test]
    fn members_that_others_stand_between_are_left() {
        let program = Program::trace("between", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [2, 4]))?;
            let a = x.silu()?;
            let b = a.softmax(1)?;
            scope.output("y", &(&a + &b)?)
        });
        let find = |_: &[Block], _: &Block| {
            vec![Outline { name: "both".into(), members: vec![0, 2], ..Outline::default() }]
        };
        let program = program.unwrap();
        assert_eq!(outline(program.clone(), find).entry().nodes, program.entry().nodes);
    }
}
