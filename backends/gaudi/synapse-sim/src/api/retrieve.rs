//! What a recipe says of its tensors.

use std::ffi::c_char;

use super::api;
use crate::abi::tensors::SynRetrievedLaunchTensorInfo;
use crate::abi::{DIM_MAX, NAME_MAX, Outcome, Status, TENSOR_INVALID_ID, fault};
use crate::guard::{get, list, put, put_text, text};
use crate::recipe::Recipe;
use crate::state::{Handle, state};

/// The description of one tensor, or what an unknown id gets: the invalid one.
fn describe(recipe: &Recipe, id: u64) -> SynRetrievedLaunchTensorInfo {
    let mut info = SynRetrievedLaunchTensorInfo {
        tensor_name: [0; NAME_MAX],
        tensor_id: TENSOR_INVALID_ID,
        tensor_type: 7,
        tensor_data_type: 0,
        tensor_dims: 0,
        tensor_max_size: [0; DIM_MAX],
        tensor_min_size: [0; DIM_MAX],
        tensor_permutation: [0; DIM_MAX],
        tensor_section_id: 0,
        tensor_offset_in_section: 0,
        is_input: 0,
        reserved: [0; 10],
    };
    let Some(tensor) = recipe.index(id).map(|index| &recipe.tensors[index]) else { return info };
    let Some((section, offset)) = tensor.section() else { return info };
    let length = tensor.name.len().min(NAME_MAX - 1);
    info.tensor_name[..length].copy_from_slice(&tensor.name.as_bytes()[..length]);
    info.tensor_id = id;
    info.tensor_type = tensor.kind;
    info.tensor_data_type = tensor.desc.dtype.number();
    info.tensor_dims = tensor.desc.rank() as u32;
    info.tensor_max_size[..tensor.desc.rank()].copy_from_slice(&tensor.desc.sizes);
    info.tensor_min_size = info.tensor_max_size;
    for (dim, slot) in info.tensor_permutation.iter_mut().enumerate() {
        *slot = dim as u8;
    }
    info.tensor_section_id = section;
    info.tensor_offset_in_section = offset;
    info.is_input = u8::from(tensor.is_input);
    info
}

fn amount(recipe: Handle, count: *mut u32) -> Outcome {
    put(count, state().recipe(recipe)?.persistent().count() as u32)
}

fn by_id(recipe: Handle, count: u32, infos: *mut SynRetrievedLaunchTensorInfo) -> Outcome {
    let recipe = state().recipe(recipe)?;
    for index in 0..count as usize {
        let info = infos.wrapping_add(index);
        let id = get(info)?.tensor_id;
        put(info, describe(&recipe, id))?;
    }
    Ok(())
}

api! {
    fn synTensorRetrieveLaunchAmount(recipe: Handle, count: *mut u32) |_facts| { amount(recipe, count) }

    fn synTensorRetrievePersistentAmount(recipe: Handle, count: *mut u32) |_facts| { amount(recipe, count) }

    fn synTensorRetrieveLaunchIds(recipe: Handle, ids: *mut u64, count: u32) |_facts| {
        let recipe = state().recipe(recipe)?;
        let kept: Vec<u64> = recipe.persistent().map(|(index, _)| recipe.id(index)).collect();
        if kept.len() != count as usize {
            return fault(Status::FAIL, format!("{count} ids asked, the recipe has {}", kept.len()));
        }
        for (index, id) in kept.into_iter().enumerate() {
            put(ids.wrapping_add(index), id)?;
        }
        Ok(())
    }

    fn synTensorRetrieveLaunchInfoById(recipe: Handle, count: u32, infos: *mut SynRetrievedLaunchTensorInfo) |_facts| {
        by_id(recipe, count, infos)
    }

    fn synTensorRetrieveLaunchInfoByIdExt(
        recipe: Handle, count: u32, infos: *mut SynRetrievedLaunchTensorInfo,
    ) |_facts| {
        by_id(recipe, count, infos)
    }

    fn synTensorRetrieveNames(recipe: Handle, names: *mut [c_char; NAME_MAX], count: u32) |_facts| {
        let recipe = state().recipe(recipe)?;
        let kept: Vec<&str> = recipe.persistent().map(|(_, tensor)| tensor.name.as_str()).collect();
        if kept.len() != count as usize {
            return fault(Status::FAIL, format!("{count} names asked, the recipe has {}", kept.len()));
        }
        for (index, name) in kept.into_iter().enumerate() {
            put_text(names.wrapping_add(index).cast(), NAME_MAX, name)?;
        }
        Ok(())
    }

    fn synTensorRetrieveIds(recipe: Handle, names: *const *const c_char, ids: *mut u64, count: u32) |_facts| {
        let recipe = state().recipe(recipe)?;
        for (index, name) in list(names, count as usize)?.into_iter().enumerate() {
            // An unknown name is the invalid id, and synSuccess (section 5).
            let id = recipe.named(&text(name)?).map_or(TENSOR_INVALID_ID, |index| recipe.id(index));
            put(ids.wrapping_add(index), id)?;
        }
        Ok(())
    }
}
