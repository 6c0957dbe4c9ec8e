//! Sections of a graph.

use super::api;
use crate::abi::{Status, fault};
use crate::graph::Section;
use crate::guard::put;
use crate::state::{Handle, state};

api! {
    fn synSectionCreate(out: *mut Handle, descriptor: u64, graph: Handle) |facts| {
        put(out, 0)?;
        let mut state = state();
        state.graph(graph)?;
        if descriptor != 0 {
            return fault(Status::INVALID_ARGUMENT, format!("section descriptor {descriptor}, only 0 is known"));
        }
        let handle = state.handle();
        state.sections.insert(handle, Section::new(graph));
        state.graph(graph)?.sections.push(handle);
        *facts = format!("section={handle:#x} graph={graph:#x}");
        put(out, handle)
    }

    fn synSectionDestroy(section: Handle) |_facts| {
        let mut state = state();
        if state.gone.contains(&section) {
            return Ok(());
        }
        state.section(section)?;
        state.sections.remove(&section);
        Ok(())
    }

    fn synSectionSetGroup(section: Handle, group: u64) |_facts| {
        if group > 255 {
            return fault(Status::UNSUPPORTED, format!("group {group}: up to 255"));
        }
        state().section(section)?.open()?.group = group;
        Ok(())
    }

    fn synSectionGetGroup(section: Handle, group: *mut u64) |_facts| { put(group, state().section(section)?.group) }

    fn synSectionSetPersistent(section: Handle, persistent: u8) |_facts| {
        let mut state = state();
        let section = state.section(section)?.open()?;
        if persistent != 0 && section.rmw {
            return fault(Status::UNSUPPORTED, "persistent and RMW");
        }
        section.persistent = persistent != 0;
        Ok(())
    }

    fn synSectionGetPersistent(section: Handle, persistent: *mut u8) |_facts| {
        put(persistent, u8::from(state().section(section)?.persistent))
    }

    fn synSectionSetConst(section: Handle, constant: u8) |_facts| {
        state().section(section)?.open()?.constant = constant != 0;
        Ok(())
    }

    fn synSectionGetConst(section: Handle, constant: *mut u8) |_facts| {
        put(constant, u8::from(state().section(section)?.constant))
    }

    fn synSectionSetRMW(section: Handle, rmw: u8) |_facts| {
        let mut state = state();
        let section = state.section(section)?.open()?;
        if rmw != 0 && section.persistent {
            return fault(Status::UNSUPPORTED, "persistent and RMW");
        }
        section.rmw = rmw != 0;
        Ok(())
    }

    fn synSectionGetRMW(section: Handle, rmw: *mut u8) |_facts| {
        put(rmw, u8::from(state().section(section)?.rmw))
    }
}
