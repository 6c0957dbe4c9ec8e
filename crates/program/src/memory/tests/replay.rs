//! Random programs, run on labels in place of numbers: what a node reads must still be there.

use super::{entry, f32, strided, trace};
use crate::memory::{BlockPlan, Need, Place, Scratch};
use crate::{Block, Program, ValueId};
use proptest::prelude::*;
use std::collections::HashMap;

/// Where a byte is, in units of 64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Arena(usize),
    Result(usize, usize),
    Argument(usize, usize),
}

/// The whole of a value's memory.
fn cells(block: &Block, plan: &BlockPlan, value: ValueId) -> Vec<At> {
    let units = block.ty(value).bytes().div_ceil(64);
    (0..units)
        .map(|i| match plan.places[value.index()] {
            Place::Arena { offset } => At::Arena(offset / 64 + i),
            Place::Result { position } => At::Result(position, i),
            Place::Argument => {
                let state = block.states.iter().position(|state| state.value == value);
                state.map_or(At::Argument(value.index(), i), |s| At::Result(block.outputs.len() + s, i))
            }
            Place::View { of } => cells(block, plan, of)[i],
            Place::Nowhere => At::Argument(usize::MAX, i),
        })
        .collect()
}

/// The value whose content a view shows.
fn root(plan: &BlockPlan, value: ValueId) -> ValueId {
    match plan.places[value.index()] {
        Place::View { of } => root(plan, of),
        _ => value,
    }
}

fn write(memory: &mut HashMap<At, ValueId>, cells: impl IntoIterator<Item = At>, content: ValueId) {
    memory.extend(cells.into_iter().map(|at| (at, content)));
}

fn replay(program: &Program, plan: &BlockPlan, scratch: usize) {
    let block = program.entry();
    let mut memory: HashMap<At, ValueId> = HashMap::new();
    let starts = block.arguments().chain(block.states.iter().map(|state| state.value));
    starts.for_each(|value| write(&mut memory, cells(block, plan, value), value));
    let read = |memory: &HashMap<At, ValueId>, value: ValueId| {
        let root = root(plan, value);
        for at in cells(block, plan, root) {
            assert_eq!(
                memory.get(&at),
                Some(&root),
                "{value:?} is no longer at {at:?}\n{block:#?}\n{plan:#?}"
            );
        }
    };
    for (node, offset) in block.nodes.iter().zip(&plan.scratch) {
        node.inputs.iter().for_each(|&value| read(&memory, value));
        let noise = ValueId(u32::MAX);
        write(&mut memory, (0..scratch / 64).map(|i| At::Arena(offset.unwrap() / 64 + i)), noise);
        node.inputs.iter().filter(|v| !written_over(block, plan, node, **v)).for_each(|&v| read(&memory, v));
        for &value in &node.outputs {
            if root(plan, value) == value {
                write(&mut memory, cells(block, plan, value), value);
            }
        }
    }
    for copy in plan.copies.iter().filter(|copy| copy.stage.is_some()) {
        read(&memory, copy.from);
    }
    let size = |value: ValueId| block.ty(value).bytes() / 64;
    for copy in &plan.copies {
        if copy.stage.is_none() {
            read(&memory, copy.from);
        }
        let label = root(plan, copy.from);
        write(&mut memory, (0..size(copy.from)).map(|i| At::Result(copy.to, i)), label);
    }
    for (position, value) in block.results().enumerate() {
        let there = memory.get(&At::Result(position, 0));
        assert_eq!(there, Some(&root(plan, value)), "result {position}\n{block:#?}\n{plan:#?}");
    }
}

fn written_over(block: &Block, plan: &BlockPlan, node: &crate::Node, value: ValueId) -> bool {
    node.outputs.iter().any(|&output| cells(block, plan, output) == cells(block, plan, value))
}

/// A Program from a list of choices: an operation, its operands among the values so far, its results.
fn random(steps: &[(u8, usize, usize)], results: &[usize]) -> Program {
    trace(|scope| {
        let states = [
            scope.state("a", f32(&[8, 8]))?,
            scope.state("b", f32(&[8, 8]))?,
            scope.state("c", f32(&[8, 8]))?,
        ];
        let mut values = vec![scope.input("x", f32(&[8, 8]))?, scope.param("w", &[8, 8])?];
        values.extend(states.iter().map(|state| state.value().clone()));
        for &(op, a, b) in steps {
            let (a, b) = (&values[a % values.len()], &values[b % values.len()]);
            let value = match op % 6 {
                0 => a.silu()?,
                1 => (a + b)?,
                2 => a.transpose(&[1, 0])?,
                3 => a.matmul(b)?,
                4 => a.reshape(&[4, 16])?.reshape(&[8, 8])?,
                _ => a.reshape(&[4, 16])?.silu()?.reshape(&[8, 8])?,
            };
            values.push(value);
        }
        for (i, &pick) in results.iter().enumerate() {
            let value = &values[pick % values.len()];
            match states.get(i) {
                Some(state) => scope.update(state, value)?,
                None => scope.output(&format!("y{i}"), value)?,
            }
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn what_is_read_is_still_there(
        steps in prop::collection::vec((any::<u8>(), 0usize..1000, 0usize..1000), 0..14),
        results in prop::collection::vec(0usize..1000, 1..6),
    ) {
        let program = random(&steps, &results);
        let with_scratch = |need: Need| need.with_scratch(Scratch::Bytes(128));
        replay(&program, &entry(&program, |block, node| with_scratch(strided(block, node))), 128);
        replay(&program, &entry(&program, |_, node| with_scratch(Need::fresh(&node.op))), 128);
    }
}
