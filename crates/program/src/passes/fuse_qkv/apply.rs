//! The change itself: parameters joined, calls adjusted, layers fused.

use super::tuples::{Tuple, Tuples};
use crate::{Block, BlockId, Node, Op, Param, Program, Source, ValueId};
use std::collections::HashMap;

/// Joins every tuple, then fuses the group.
pub(super) fn fuse(program: &mut Program, id: BlockId, group: &[usize], tuples: &Tuples) {
    let mut joined: HashMap<&Tuple, ValueId> = HashMap::new();
    for tuple in &tuples.0 {
        joined.insert(tuple, add_joined(program, tuple));
    }
    let operands = program.block(id).nodes[group[0]].inputs.len() - 1;
    let parameters: Vec<ValueId> =
        tuples.0.iter().take(operands).filter_map(|tuple| joined.get(tuple).copied()).collect();
    fuse_layers(&mut program.blocks[id.index()], group, &parameters);
    for tuple in &tuples.0 {
        extend_calls(program, tuple, &joined);
    }
    remove_parts(program, &tuples.0);
}

/// Adds the joined parameter behind all others, so that positions stay as they are.
fn add_joined(program: &mut Program, tuple: &Tuple) -> ValueId {
    if tuple.block == program.entry_id() {
        let parts = tuple.params.iter().filter_map(|&p| program.sources.get(p).cloned());
        let source = join_sources(parts.collect());
        program.sources.push(source);
    }
    let block = &mut program.blocks[tuple.block.index()];
    let first = &block.params[tuple.params[0]];
    let encoding = first.encoding.clone();
    let mut ty = block.ty(first.value).clone();
    ty.shape[0] = tuple.params.iter().map(|&p| block.ty(block.params[p].value).shape[0]).sum();
    let names: Vec<_> = tuple.params.iter().map(|&p| block.params[p].name.as_str()).collect();
    let mut name = join_names(&names);
    let taken = |name: &str| {
        block.params.iter().any(|param| param.name == name)
            || block.inputs.iter().any(|port| port.name == name)
            || block.states.iter().any(|state| state.name == name)
    };
    while taken(&name) {
        name.push('+');
    }
    let value = block.push_value(ty);
    block.params.push(Param { name, value, encoding });
    value
}

/// One layer in the place of the first of the group, its result sliced into what each layer gave.
fn fuse_layers(block: &mut Block, group: &[usize], parameters: &[ValueId]) {
    let first = block.nodes[group[0]].clone();
    let outputs: Vec<ValueId> =
        group.iter().filter_map(|&i| block.nodes[i].outputs.first().copied()).collect();
    let widths: Vec<usize> =
        outputs.iter().map(|&value| block.ty(value).shape.last().copied().unwrap_or(1)).collect();
    let mut ty = block.ty(outputs[0]).clone();
    let axis = ty.rank().saturating_sub(1);
    ty.shape[axis] = widths.iter().sum();
    let whole = ty.shape.clone();
    let fused = block.push_value(ty);
    let inputs = [&first.inputs[..1], parameters].concat();
    let mut new = vec![Node { op: first.op, inputs, outputs: vec![fused] }];
    let mut start = 0;
    for (&output, &width) in outputs.iter().zip(&widths) {
        let (mut starts, mut ends) = (vec![0; whole.len()], whole.clone());
        starts[axis] = start;
        start += width;
        ends[axis] = start;
        let op = Op::Slice { starts, ends, steps: vec![1; whole.len()] };
        new.push(Node { op, inputs: vec![fused], outputs: vec![output] });
    }
    let mut index = 0;
    block.nodes.retain(|_| {
        index += 1;
        !group.contains(&(index - 1))
    });
    block.nodes.splice(group[0]..group[0], new);
}

/// Has every call of the tuple's block pass the caller's joined parameter as well.
fn extend_calls(program: &mut Program, tuple: &Tuple, joined: &HashMap<&Tuple, ValueId>) {
    let inputs = program.block(tuple.block).inputs.len();
    for (index, caller) in program.blocks.iter_mut().enumerate() {
        let positions: HashMap<ValueId, usize> =
            caller.params.iter().enumerate().map(|(position, param)| (param.value, position)).collect();
        for node in caller.nodes.iter_mut().filter(|node| node.op.block() == Some(tuple.block)) {
            let passed = tuple.params.iter().filter_map(|p| node.inputs.get(inputs + p));
            let params = passed.filter_map(|value| positions.get(value).copied()).collect();
            let outer = Tuple { block: BlockId(index as u32), params };
            node.inputs.extend(joined.get(&outer));
        }
    }
}

/// Drops the parameters that were joined, from their blocks, from calls and from the sources.
fn remove_parts(program: &mut Program, tuples: &[Tuple]) {
    let mut gone: HashMap<BlockId, Vec<usize>> = HashMap::new();
    for tuple in tuples {
        gone.entry(tuple.block).or_default().extend(&tuple.params);
    }
    let inputs: Vec<usize> = program.blocks.iter().map(|block| block.inputs.len()).collect();
    let entry = program.entry_id();
    for (index, block) in program.blocks.iter_mut().enumerate() {
        if let Some(gone) = gone.get(&BlockId(index as u32)) {
            retain_positions(&mut block.params, 0, gone);
        }
        for node in &mut block.nodes {
            if let Some(callee) = node.op.block()
                && let Some(gone) = gone.get(&callee)
            {
                retain_positions(&mut node.inputs, inputs[callee.index()], gone);
            }
        }
    }
    if let Some(gone) = gone.get(&entry) {
        retain_positions(&mut program.sources, 0, gone);
    }
}

fn retain_positions<T>(list: &mut Vec<T>, offset: usize, gone: &[usize]) {
    let mut index = 0;
    list.retain(|_| {
        index += 1;
        !(index > offset && gone.contains(&(index - 1 - offset)))
    });
}

/// A concat of the parts; of what they quantize, where all do.
fn join_sources(parts: Vec<Source>) -> Source {
    let quantized = parts.iter().find_map(|part| match part {
        Source::Quantize { encoding, .. } => Some(encoding.clone()),
        _ => None,
    });
    let Some(encoding) = quantized else { return Source::Concat { axis: 0, parts } };
    let parts = parts.into_iter().map(|part| match part {
        Source::Quantize { of, .. } => *of,
        other => other,
    });
    Source::Quantize { encoding, of: Box::new(Source::Concat { axis: 0, parts: parts.collect() }) }
}

/// The components that all names begin and end with, and between them what differs, joined by `+`.
pub(super) fn join_names(names: &[&str]) -> String {
    let split: Vec<Vec<&str>> = names.iter().map(|name| name.split('.').collect()).collect();
    let shortest = split.iter().map(Vec::len).min().unwrap_or(0);
    let same = |of: &dyn Fn(&Vec<&str>) -> String| split.iter().all(|name| of(name) == of(&split[0]));
    let head = (0..shortest).take_while(|&i| same(&|name| name[i].to_string())).count();
    let tail = (1..=shortest - head).take_while(|&i| same(&|name| name[name.len() - i].to_string())).count();
    let middle: Vec<String> = split.iter().map(|name| name[head..name.len() - tail].join(".")).collect();
    let first = &split[0];
    let ends = first[first.len() - tail..].iter().map(ToString::to_string);
    let parts = first[..head].iter().map(ToString::to_string).chain([middle.join("+")]).chain(ends);
    parts.collect::<Vec<_>>().join(".")
}
