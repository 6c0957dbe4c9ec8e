//! Other properties of tensors.

use std::ffi::{c_char, c_void};

use super::api;
use crate::abi::{Status, fault};
use crate::guard::{put, put_text};
use crate::state::{Handle, state};

api! {
    fn synTensorSetExternal(tensor: Handle, external: u8) |_facts| {
        state().tensor(tensor)?.open()?.external = external != 0;
        Ok(())
    }

    fn synTensorGetExternal(tensor: Handle, external: *mut u8) |_facts| {
        put(external, u8::from(state().tensor(tensor)?.external))
    }

    fn synTensorSetAllowPermutation(tensor: Handle, allowed: i8) |_facts| {
        state().tensor(tensor)?.open()?.allow_permutation = allowed; // Allowed, and never made use of here.
        Ok(())
    }

    fn synTensorGetAllowPermutation(tensor: Handle, allowed: *mut i8) |_facts| {
        put(allowed, state().tensor(tensor)?.allow_permutation)
    }

    fn synTensorGetName(tensor: Handle, size: u64, name: *mut c_char) |_facts| {
        match &state().tensor(tensor)?.name {
            Some(kept) => put_text(name, size as usize, kept),
            None => fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no name"),
        }
    }

    fn synTensorGetType(tensor: Handle, kind: *mut i32) |_facts| { put(kind, state().tensor(tensor)?.kind) }

    fn synTensorSetQuantizationData(tensor: Handle, property: i32, value: *const c_void, size: u64) |_facts| {
        let _ = (property, value, size);
        state().tensor(tensor)?;
        fault(Status::UNSUPPORTED, "quantisation by the graph compiler is not done here")
    }

    fn synTensorGetQuantizationData(tensor: Handle, property: i32, value: *mut c_void, size: u64) |_facts| {
        let _ = (property, value, size);
        state().tensor(tensor)?;
        fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no quantisation data")
    }
}
