//! What this library has beyond the vendor's: counters, live objects, marks, failures on request.

use std::ffi::c_char;

use serde_json::json;

use super::api;
use crate::abi::{Outcome, Status, fault};
use crate::guard::{put, put_text, text};
use crate::state::state;

/// Writes a text with its NUL; `size` always gets the room it needs. With NULL for `out` that is all.
fn give(out: *mut c_char, room: usize, size: *mut usize, text: &str) -> Outcome {
    if !size.is_null() {
        put(size, text.len() + 1)?;
    }
    if out.is_null() {
        return Ok(());
    }
    if room <= text.len() {
        return fault(Status::INVALID_ARGUMENT, format!("{} bytes are needed", text.len() + 1));
    }
    put_text(out, room, text)
}

api! {
    fn synapse_sim_counts(out: *mut c_char, room: usize, size: *mut usize) |_facts| {
        give(out, room, size, &json!(crate::counters::all()).to_string())
    }

    fn synapse_sim_reset() |_facts| {
        crate::counters::reset();
        crate::misuse::clear();
        crate::inject::clear();
        Ok(())
    }

    fn synapse_sim_live(out: *mut c_char, room: usize, size: *mut usize) |_facts| {
        let state = state();
        let device = state.device.as_ref();
        let live = json!({
            "graphs": state.graphs.len(),
            "tensors": state.tensors.len(),
            "sections": state.sections.len(),
            "recipes": state.recipes.len(),
            "streams": state.streams.len(),
            "events": state.events.len(),
            "allocations": device.map_or(0, |device| device.memory.live().count()),
            "allocated_bytes": device.map_or(0, |device| device.memory.used()),
            "host_ranges": device.map_or(0, |device| device.host.live().count()),
            "device": device.is_some(),
        });
        give(out, room, size, &live.to_string())
    }

    fn synapse_sim_misuse(out: *mut c_char, room: usize, size: *mut usize) |_facts| {
        give(out, room, size, &json!(crate::misuse::all()).to_string())
    }

    fn synapse_sim_mark(line: *const c_char) |facts| {
        *facts = text(line)?;
        Ok(())
    }

    fn synapse_sim_inject(plan: *const c_char) |facts| {
        *facts = text(plan)?;
        if crate::inject::add(facts) {
            Ok(())
        } else {
            fault(Status::INVALID_ARGUMENT, "a plan is function:nth[:async]:status")
        }
    }
}
