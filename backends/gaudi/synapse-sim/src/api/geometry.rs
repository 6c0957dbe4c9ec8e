//! Geometry and layout of tensors.

use super::api;
use crate::abi::tensors::{
    SynTensorDeviceFullLayout, SynTensorDeviceLayout, SynTensorGeometry, SynTensorPermutation,
};
use crate::abi::{DIM_MAX, DataType, Outcome, Status, fault};
use crate::guard::{get, put};
use crate::state::{Handle, state};

fn set(tensor: Handle, geometry: *const SynTensorGeometry, kind: i32, facts: &mut String) -> Outcome {
    let geometry = get(geometry)?;
    *facts =
        format!("tensor={tensor:#x} sizes={:?}", &geometry.sizes[..(geometry.dims as usize).min(DIM_MAX)]);
    state().tensor(tensor)?.open()?.set_geometry(&geometry.sizes, geometry.dims, kind)
}

fn read(tensor: Handle, out: *mut SynTensorGeometry, kind: i32) -> Outcome {
    let mut state = state();
    let tensor = state.tensor(tensor)?;
    let kept = if kind == 0 { &tensor.min_sizes } else { &tensor.sizes };
    let Some(kept) = kept else {
        return fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no geometry");
    };
    let mut geometry = SynTensorGeometry { sizes: [0; DIM_MAX], dims: kept.len() as u32 };
    geometry.sizes[..kept.len()].copy_from_slice(kept);
    put(out, geometry)
}

/// Sets the type. Strides other than 0 are refused: only dense tensors are computed here.
fn layout(tensor: Handle, strides: &[u32], dtype: i32) -> Outcome {
    let mut state = state();
    let tensor = state.tensor(tensor)?.open()?;
    if strides.iter().any(|&stride| stride != 0) {
        return fault(Status::UNSUPPORTED, "strides of tensors are not computed here");
    }
    let Some(dtype) = DataType::of(dtype) else {
        return fault(Status::INVALID_ARGUMENT, format!("data type {dtype}"));
    };
    tensor.dtype = Some(dtype);
    Ok(())
}

fn dtype(tensor: Handle) -> Outcome<i32> {
    match state().tensor(tensor)?.dtype {
        Some(dtype) => Ok(dtype.number()),
        None => fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no type"),
    }
}

api! {
    fn synTensorSetGeometry(tensor: Handle, geometry: *const SynTensorGeometry, kind: i32) |facts| {
        set(tensor, geometry, kind, facts)
    }

    fn synTensorSetGeometryExt(tensor: Handle, geometry: *const SynTensorGeometry, kind: i32) |facts| {
        set(tensor, geometry, kind, facts)
    }

    fn synTensorGetGeometry(tensor: Handle, geometry: *mut SynTensorGeometry, kind: i32) |_facts| {
        read(tensor, geometry, kind)
    }

    fn synTensorGetGeometryExt(tensor: Handle, geometry: *mut SynTensorGeometry, kind: i32) |_facts| {
        read(tensor, geometry, kind)
    }

    fn synTensorSetDeviceDataType(tensor: Handle, dtype: i32) |_facts| { layout(tensor, &[], dtype) }

    fn synTensorGetDeviceDataType(tensor: Handle, out: *mut i32) |_facts| { put(out, dtype(tensor)?) }

    fn synTensorSetDeviceFullLayout(tensor: Handle, given: *const SynTensorDeviceFullLayout) |_facts| {
        let given = get(given)?;
        layout(tensor, &given.strides, given.device_data_type)
    }

    fn synTensorGetDeviceFullLayout(tensor: Handle, out: *mut SynTensorDeviceFullLayout) |_facts| {
        put(out, SynTensorDeviceFullLayout { strides: [0; DIM_MAX], device_data_type: dtype(tensor)? })
    }

    fn synTensorSetDeviceLayout(tensor: Handle, given: *const SynTensorDeviceLayout) |_facts| {
        let given = get(given)?;
        layout(tensor, &given.strides, given.device_data_type)
    }

    fn synTensorGetDeviceLayout(tensor: Handle, out: *mut SynTensorDeviceLayout) |_facts| {
        put(out, SynTensorDeviceLayout { strides: [0; DIM_MAX - 1], device_data_type: dtype(tensor)? })
    }

    fn synTensorSetPermutation(tensor: Handle, given: *const SynTensorPermutation) |_facts| {
        let given = get(given)?;
        let mut state = state();
        let tensor = state.tensor(tensor)?.open()?;
        let dims = given.dims as usize;
        let order = given.permutation.get(..dims).unwrap_or_default().to_vec();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        if dims == 0 || !sorted.iter().enumerate().all(|(at, &dim)| at == dim as usize) || sorted.len() != dims {
            return fault(Status::INVALID_ARGUMENT, format!("{order:?} is no permutation of {dims} dimensions"));
        }
        tensor.permutation = Some(order);
        Ok(())
    }

    fn synTensorGetPermutation(tensor: Handle, out: *mut SynTensorPermutation) |_facts| {
        let mut state = state();
        let Some(kept) = &state.tensor(tensor)?.permutation else {
            return fault(Status::OBJECT_NOT_INITIALIZED, "the tensor has no permutation");
        };
        let mut given = SynTensorPermutation { permutation: [0; DIM_MAX], dims: kept.len() as u8 };
        given.permutation[..kept.len()].copy_from_slice(kept);
        put(out, given)
    }
}
