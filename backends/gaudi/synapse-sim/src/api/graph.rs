//! Graphs: made, compiled, destroyed.

use std::ffi::c_char;
use std::sync::Arc;

use super::api;
use super::device::{GAUDI2, GAUDI3};
use crate::abi::{Outcome, Status, fault};
use crate::graph::{Graph, compile};
use crate::guard::{list, put, text};
use crate::state::{Handle, state};

fn create(out: *mut Handle, kind: i32, facts: &mut String) -> Outcome {
    put(out, 0)?;
    let mut state = state();
    if !state.initialized {
        return fault(Status::UNINITIALIZED, "synInitialize was not called");
    }
    if kind != GAUDI2 && kind != GAUDI3 {
        return fault(Status::INVALID_ARGUMENT, format!("no compiler for device type {kind}"));
    }
    let handle = state.handle();
    state.graphs.insert(handle, Graph::new(kind));
    *facts = format!("graph={handle:#x} type={kind}");
    put(out, handle)
}

api! {
    fn synGraphCreate(out: *mut Handle, kind: i32) |facts| { create(out, kind, facts) }

    fn synGraphCreateEager(out: *mut Handle, kind: i32) |facts| { create(out, kind, facts) }

    fn synGraphDestroy(graph: Handle) |facts| {
        *facts = format!("graph={graph:#x}");
        let mut state = state();
        state.graph(graph)?;
        if let Some(gone) = state.graphs.remove(&graph) {
            for handle in gone.tensors {
                state.tensors.remove(&handle);
                state.gone.insert(handle);
            }
            for handle in gone.sections {
                state.sections.remove(&handle);
                state.gone.insert(handle);
            }
        }
        Ok(())
    }

    fn synGraphCompile(out: *mut Handle, graph: Handle, name: *const c_char, log: *const c_char) |facts| {
        let _ = log; // The compiler's messages go to the log of this library.
        put(out, 0)?;
        let name = text(name)?;
        *facts = format!("graph={graph:#x} name={name}");
        let mut state = state();
        let recipe = compile(&state, graph, &name)?;
        let handle = state.handle();
        *facts += &format!(
            " recipe={handle:#x} nodes={} tensors={} workspace={}",
            recipe.steps.len(), recipe.tensors.len(), recipe.workspace
        );
        state.recipes.insert(handle, Arc::new(recipe));
        put(out, handle)
    }

    fn synGraphGetDeviceType(graph: Handle, kind: *mut i32) |_facts| { put(kind, state().graph(graph)?.kind) }

    fn synGraphInferShapes(graph: Handle) |_facts| {
        state().graph(graph)?;
        fault(Status::UNSUPPORTED, "shapes are not inferred here")
    }

    fn synGraphSetAttribute(graph: Handle, attributes: *const i32, values: *const u64, count: u32) |_facts| {
        set(graph, attributes, values, count)
    }

    fn synGraphSetAttributes(graph: Handle, attributes: *const i32, values: *const u64, count: u32) |_facts| {
        set(graph, attributes, values, count)
    }

    fn synGraphGetAttribute(graph: Handle, attributes: *const i32, values: *mut u64, count: u32) |_facts| {
        read(graph, attributes, values, count)
    }

    fn synGraphGetAttributes(graph: Handle, attributes: *const i32, values: *mut u64, count: u32) |_facts| {
        read(graph, attributes, values, count)
    }
}

fn set(graph: Handle, attributes: *const i32, values: *const u64, count: u32) -> Outcome {
    let (attributes, values) = (list(attributes, count as usize)?, list(values, count as usize)?);
    let mut state = state();
    let graph = state.graph(graph)?;
    for (attribute, value) in attributes.into_iter().zip(values) {
        if !(0..=2).contains(&attribute) {
            return fault(Status::INVALID_ARGUMENT, format!("no graph attribute {attribute}"));
        }
        graph.attributes.insert(attribute, value);
    }
    Ok(())
}

fn read(graph: Handle, attributes: *const i32, values: *mut u64, count: u32) -> Outcome {
    let attributes = list(attributes, count as usize)?;
    let mut state = state();
    let graph = state.graph(graph)?;
    for (index, attribute) in attributes.iter().enumerate() {
        put(values.wrapping_add(index), graph.attributes.get(attribute).copied().unwrap_or(0))?;
    }
    Ok(())
}
