//! Tensors of a graph: made, placed, given data.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::api;
use crate::abi::{DataType, Status, fault};
use crate::graph::Tensor;
use crate::guard::{list, put, text};
use crate::state::{Handle, state};

api! {
    fn synTensorHandleCreate(out: *mut Handle, graph: Handle, kind: i32, name: *const c_char) |facts| {
        put(out, 0)?;
        let name = if name.is_null() { None } else { Some(text(name)?) };
        let mut state = state();
        if !(0..7).contains(&kind) {
            return fault(Status::INVALID_ARGUMENT, format!("tensor type {kind}"));
        }
        if name.as_ref().is_some_and(|name| name.len() >= crate::abi::NAME_MAX) {
            return fault(Status::INVALID_ARGUMENT, "a name that is too long for a launch");
        }
        let existing = name.as_ref().and_then(|name| state.graph(graph).ok()?.names.get(name).copied());
        if let Some(existing) = existing {
            put(out, existing)?;
            return fault(Status::NAME_IS_ALREADY_USED, name.unwrap_or_default());
        }
        state.graph(graph)?;
        let handle = state.handle();
        *facts = format!("tensor={handle:#x} graph={graph:#x} name={}", name.as_deref().unwrap_or("-"));
        let owner = state.graph(graph)?;
        owner.tensors.push(handle);
        if let Some(name) = &name {
            owner.names.insert(name.clone(), handle);
        }
        state.tensors.insert(handle, Tensor::new(graph, kind, name));
        put(out, handle)
    }

    fn synTensorDestroy(tensor: Handle) |_facts| {
        let mut state = state();
        if state.gone.contains(&tensor) {
            return Ok(());
        }
        let (graph, name) = {
            let tensor = state.tensor(tensor)?;
            (tensor.graph, tensor.name.clone())
        };
        state.tensors.remove(&tensor);
        if let (Ok(graph), Some(name)) = (state.graph(graph), name) {
            graph.names.remove(&name);
        }
        Ok(())
    }

    fn synTensorAssignToSection(tensor: Handle, section: Handle, offset: u64) |_facts| {
        let mut state = state();
        let of_section = state.section(section)?.graph;
        let tensor = state.tensor(tensor)?.open()?;
        if tensor.graph != of_section {
            return fault(Status::INVALID_ARGUMENT, "tensor and section are of two graphs");
        }
        if tensor.section.is_some() {
            return fault(Status::OBJECT_ALREADY_INITIALIZED, "the tensor has its section");
        }
        tensor.section = Some((section, offset));
        state.section(section)?.used = true;
        Ok(())
    }

    fn synTensorSetSectionOffset(tensor: Handle, offset: u64) |_facts| {
        let mut state = state();
        match &mut state.tensor(tensor)?.open()?.section {
            Some((_, kept)) => {
                *kept = offset;
                Ok(())
            }
            None => fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no section"),
        }
    }

    fn synTensorGetSection(tensor: Handle, section: *mut Handle, offset: *mut u64) |_facts| {
        match state().tensor(tensor)?.section {
            Some((kept, at)) => {
                put(section, kept)?;
                put(offset, at)
            }
            None => fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no section"),
        }
    }

    fn synTensorSetHostPtr(tensor: Handle, data: *const u8, size: u64, dtype: i32, copied: u8) |_facts| {
        let mut state = state();
        let tensor = state.tensor(tensor)?.open()?;
        let Some(dtype) = DataType::of(dtype) else {
            return fault(Status::INVALID_ARGUMENT, format!("data type {dtype}"));
        };
        if tensor.dtype.is_some_and(|kept| kept != dtype) {
            return fault(Status::INVALID_ARGUMENT, "the buffer has another type: casts of buffers are not done here");
        }
        let _ = copied; // The bytes are copied either way: what changes later could not be seen on the device.
        tensor.data = Some((Arc::new(list(data, size as usize)?), data as u64));
        tensor.dtype.get_or_insert(dtype);
        Ok(())
    }

    fn synTensorGetHostPtr(tensor: Handle, data: *mut u64, size: *mut u64, dtype: *mut i32) |_facts| {
        let mut state = state();
        let tensor = state.tensor(tensor)?;
        match (&tensor.data, tensor.dtype) {
            (Some((bytes, from)), Some(kept)) => {
                put(data, *from)?;
                put(size, bytes.len() as u64)?;
                put(dtype, kept.number())
            }
            _ => fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no host data"),
        }
    }

    fn synTensorCreate(out: *mut Handle, descriptor: *const c_void, section: Handle, offset: u64) |_facts| {
        let _ = (descriptor, section, offset);
        put(out, 0)?;
        fault(Status::UNSUPPORTED, "tensors are made by synTensorHandleCreate here")
    }

    fn synConstTensorCreate(out: *mut Handle, descriptor: *const c_void) |_facts| {
        let _ = descriptor;
        put(out, 0)?;
        fault(Status::UNSUPPORTED, "tensors are made by synTensorHandleCreate here")
    }
}
