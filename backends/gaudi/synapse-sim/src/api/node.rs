//! Nodes of a graph.

use std::ffi::c_char;

use super::api;
use crate::abi::{Outcome, Status, fault};
use crate::graph::{self, Node};
use crate::guard::{get, list, put, text};
use crate::state::{Handle, State, state};

/// The arguments both ways of creating a node have.
struct Given {
    graph: Handle,
    inputs: *const Handle,
    outputs: *const Handle,
    counts: [u32; 2],
    params: *const u8,
    size: u32,
    guid: *const c_char,
    name: *const c_char,
    layouts: [*const *const c_char; 2],
}

fn create(given: Given, facts: &mut String) -> Outcome<u64> {
    let (guid, name) =
        (text(given.guid)?, if given.name.is_null() { String::new() } else { text(given.name)? });
    *facts = format!("graph={:#x} guid={guid} name={name} params={}", given.graph, given.size);
    let handles = |from, count: u32| -> Outcome<Vec<Option<Handle>>> {
        Ok(list(from, count as usize)?.into_iter().map(|handle| (handle != 0).then_some(handle)).collect())
    };
    let layouts = |from: *const *const c_char, count: u32| -> Outcome<Vec<String>> {
        if from.is_null() {
            return Ok(Vec::new());
        }
        let one = |layout: *const c_char| if layout.is_null() { Ok(String::new()) } else { text(layout) };
        list(from, count as usize)?.into_iter().map(one).collect()
    };
    if given.params.is_null() != (given.size == 0) {
        return fault(Status::INVALID_ARGUMENT, "parameters and their size do not agree");
    }
    let node = Node {
        id: 0,
        guid,
        name,
        inputs: handles(given.inputs, given.counts[0])?,
        outputs: handles(given.outputs, given.counts[1])?,
        params: list(given.params, given.size as usize)?,
        input_layouts: layouts(given.layouts[0], given.counts[0])?,
        output_layouts: layouts(given.layouts[1], given.counts[1])?,
        deterministic: false,
        rounding: 0,
    };
    let id = graph::create(&mut state(), given.graph, node)?;
    *facts += &format!(" node={id:#x}");
    Ok(id)
}

fn node(state: &mut State, graph: Handle, id: u64) -> Outcome<&mut Node> {
    match state.graph(graph)?.nodes.iter_mut().find(|node| node.id == id) {
        Some(node) => Ok(node),
        None => fault(Status::INVALID_ARGUMENT, format!("{id:#x} is no node of the graph")),
    }
}

api! {
    fn synNodeCreate(
        graph: Handle, inputs: *const Handle, outputs: *const Handle, input_count: u32, output_count: u32,
        params: *const u8, size: u32, guid: *const c_char, name: *const c_char,
        input_layouts: *const *const c_char, output_layouts: *const *const c_char,
    ) |facts| {
        let (counts, layouts) = ([input_count, output_count], [input_layouts, output_layouts]);
        create(Given { graph, inputs, outputs, counts, params, size, guid, name, layouts }, facts).map(drop)
    }

    fn synNodeCreateWithId(
        graph: Handle, inputs: *const Handle, outputs: *const Handle, input_count: u32, output_count: u32,
        params: *const u8, size: u32, guid: *const c_char, name: *const c_char, id: *mut u64,
        input_layouts: *const *const c_char, output_layouts: *const *const c_char,
    ) |facts| {
        let (counts, layouts) = ([input_count, output_count], [input_layouts, output_layouts]);
        put(id, 0)?;
        let made = create(Given { graph, inputs, outputs, counts, params, size, guid, name, layouts }, facts)?;
        put(id, made)
    }

    fn synNodeDependencySet(
        graph: Handle, blocking: *const u64, blocked: *const u64, blocking_count: u32, blocked_count: u32,
    ) |_facts| {
        let (blocking, blocked) = (list(blocking, blocking_count as usize)?, list(blocked, blocked_count as usize)?);
        let mut state = state();
        for &id in blocking.iter().chain(&blocked) {
            node(&mut state, graph, id)?;
        }
        for &first in &blocking {
            state.graph(graph)?.dependencies.extend(blocked.iter().map(|&second| (first, second)));
        }
        Ok(())
    }

    fn synNodeSetDeterministic(graph: Handle, id: u64, deterministic: u8) |_facts| {
        node(&mut state(), graph, id)?.deterministic = deterministic != 0;
        Ok(())
    }

    fn synNodeGetDeterministic(graph: Handle, id: u64, deterministic: *mut u8) |_facts| {
        put(deterministic, u8::from(node(&mut state(), graph, id)?.deterministic))
    }

    fn synNodeSetRoundingMode(graph: Handle, id: u64, mode: i32) |_facts| {
        if mode != 0 {
            return fault(Status::UNSUPPORTED, "only rounding to nearest is computed here");
        }
        node(&mut state(), graph, id)?.rounding = mode;
        Ok(())
    }

    fn synNodeGetRoundingMode(graph: Handle, id: u64, mode: *mut i32) |_facts| {
        put(mode, node(&mut state(), graph, id)?.rounding)
    }

    fn synNodeSetUserParams(graph: Handle, id: u64, params: *const u8, size: u32) |_facts| {
        let params = list(params, size as usize)?;
        node(&mut state(), graph, id)?.params = params;
        Ok(())
    }

    fn synNodeGetUserParams(graph: Handle, id: u64, params: *mut u8, size: *mut u32) |_facts| {
        let mut state = state();
        let kept = &node(&mut state, graph, id)?.params;
        if params.is_null() {
            return put(size, kept.len() as u32);
        }
        if (get(size)? as usize) < kept.len() {
            return fault(Status::INVALID_ARGUMENT, format!("{} bytes of parameters", kept.len()));
        }
        for (index, &byte) in kept.iter().enumerate() {
            put(params.wrapping_add(index), byte)?;
        }
        put(size, kept.len() as u32)
    }

    fn synNodeTypeSetPrecision(graph: Handle, guid: *const c_char, precision: i32) |_facts| {
        let _ = (text(guid)?, precision);
        state().graph(graph)?;
        fault(Status::UNSUPPORTED, "precision is what the tensors declare here")
    }
}
