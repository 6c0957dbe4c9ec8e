//! Compiling: a graph becomes a recipe, or synFail with the reason in the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::order::order;
use super::plan::plan;
use crate::abi::{Outcome, Status, fault};
use crate::nodes::{self, Call, Desc};
use crate::recipe::{FIRST_SECTION, Place, Recipe, RecipeSection, RecipeTensor, Step};
use crate::state::{Handle, State};

/// Compiles `graph`. Any error of the compiler is synFail (section 5).
pub fn compile(state: &State, graph: Handle, name: &str) -> Outcome<Recipe> {
    let Some(built) = state.graphs.get(&graph) else {
        return fault(Status::INVALID_ARGUMENT, format!("{graph:#x} is no graph"));
    };
    if built.nodes.is_empty() {
        return fault(Status::FAIL, "the graph has no nodes");
    }
    let mut recipe = Recipe { name: name.to_owned(), kind: built.kind, ..Recipe::default() };
    let mut index_of: HashMap<Handle, usize> = HashMap::new();
    let mut sections: HashMap<Handle, u32> = HashMap::new();
    for index in order(built)? {
        let node = &built.nodes[index];
        let mut indices = [Vec::new(), Vec::new()];
        for (side, handles) in [&node.inputs, &node.outputs].into_iter().enumerate() {
            for handle in handles {
                let Some(handle) = handle else {
                    indices[side].push(None);
                    continue;
                };
                let index = match index_of.get(handle) {
                    Some(&index) => index,
                    None => {
                        let index = place(state, &mut recipe, &mut sections, *handle, side == 0)?;
                        index_of.insert(*handle, index);
                        index
                    }
                };
                if side == 1 && matches!(recipe.tensors[index].place, Place::Constant(_)) {
                    return fault(Status::FAIL, format!("{}: its output is a constant", node.guid));
                }
                indices[side].push(Some(index));
            }
        }
        let [inputs, outputs] = indices;
        let step = Step {
            guid: node.guid.clone(),
            name: node.name.clone(),
            inputs,
            outputs,
            params: node.params.clone(),
            input_layouts: node.input_layouts.clone(),
            output_layouts: node.output_layouts.clone(),
        };
        check(&recipe, &step)?;
        recipe.steps.push(step);
    }
    recipe.workspace = plan(&mut recipe.tensors, &recipe.steps);
    Ok(recipe)
}

/// Adds a tensor that is met for the first time to the recipe.
fn place(
    state: &State,
    recipe: &mut Recipe,
    sections: &mut HashMap<Handle, u32>,
    handle: Handle,
    read_first: bool,
) -> Outcome<usize> {
    let index = recipe.tensors.len();
    let Some(tensor) = state.tensors.get(&handle) else {
        return fault(
            Status::FAIL,
            format!("tensor {handle:#x} was destroyed before its graph was compiled"),
        );
    };
    let name = tensor.name.clone().unwrap_or_else(|| format!("tensor {handle:#x}"));
    let (Some(sizes), Some(dtype), Some(bytes)) = (&tensor.sizes, tensor.dtype, tensor.bytes()) else {
        return fault(Status::FAIL, format!("{name} has no geometry or no type"));
    };
    if tensor.min_sizes.as_ref() != Some(sizes) || tensor.kind != 0 {
        return fault(Status::FAIL, format!("{name}: this library compiles static data tensors only"));
    }
    if tensor
        .permutation
        .as_ref()
        .is_some_and(|order| order.iter().enumerate().any(|(at, &to)| at != to as usize))
    {
        return fault(Status::FAIL, format!("{name}: this library compiles no permuted tensors"));
    }
    let place = match (tensor.section, &tensor.data) {
        (Some((section, offset)), data) => {
            let Some(kept) = state.sections.get(&section) else {
                return fault(Status::FAIL, format!("{name}: its section was destroyed"));
            };
            if !kept.persistent || kept.rmw {
                return fault(
                    Status::FAIL,
                    format!("{name}: this library compiles persistent sections only"),
                );
            }
            let id = *sections.entry(section).or_insert_with(|| {
                recipe.sections.push(RecipeSection { constant: kept.constant, size: 0 });
                FIRST_SECTION + recipe.sections.len() as u32 - 1
            });
            let slot = (id - FIRST_SECTION) as usize;
            let end = offset.saturating_add(bytes);
            recipe.sections[slot].size = recipe.sections[slot].size.max(end);
            if kept.constant {
                let Some((data, _)) = data else {
                    return fault(Status::FAIL, format!("{name}: in a constant section without host data"));
                };
                constant_data(&recipe.section_data, slot, offset, data);
            }
            Place::Section(id, offset)
        }
        (None, Some((data, _))) => {
            recipe.constants.push(data.clone());
            Place::Constant(recipe.constants.len() - 1)
        }
        (None, None) if read_first => {
            return fault(Status::FAIL, format!("{name} is read, but nothing writes it"));
        }
        (None, None) => Place::Workspace(0),
    };
    if let Some((_, data)) = tensor.data.as_ref().map(|(data, from)| (from, data))
        && data.len() as u64 != bytes
    {
        return fault(
            Status::FAIL,
            format!("{name}: {} bytes of host data, its geometry is {bytes}", data.len()),
        );
    }
    recipe.tensors.push(RecipeTensor {
        name,
        kind: tensor.kind,
        desc: Desc { sizes: sizes.clone(), dtype },
        place,
        is_input: read_first,
        external: tensor.external,
    });
    Ok(index)
}

/// Puts the data of one tensor into the bytes of its constant section.
fn constant_data(all: &Mutex<Vec<Option<Arc<Vec<u8>>>>>, slot: usize, offset: u64, data: &[u8]) {
    let mut all = crate::state::lock(all);
    if all.len() <= slot {
        all.resize(slot + 1, None);
    }
    let bytes = Arc::make_mut(all[slot].get_or_insert_default());
    let end = offset as usize + data.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset as usize..end].copy_from_slice(data);
}

/// Tensors of a node on either side, at most (section 1).
const MAX_TENSOR_NR: usize = 16;

/// Has the node's kind look at its tensors and parameters.
fn check(recipe: &Recipe, step: &Step) -> Outcome {
    let Some(found) = nodes::find(&step.guid) else {
        return fault(Status::FAIL, format!("{}: no such node", step.guid));
    };
    for (tensors, what) in [(&step.inputs, "operands"), (&step.outputs, "results")] {
        if tensors.len() > MAX_TENSOR_NR {
            let many = tensors.len();
            return fault(Status::FAIL, format!("{} ({}): {many} {what}", step.guid, step.name));
        }
    }
    let describe = |list: &[Option<usize>]| -> Vec<Option<Desc>> {
        list.iter().map(|index| index.map(|index| recipe.tensors[index].desc.clone())).collect()
    };
    let call = Call {
        base: found.base,
        dtype: found.dtype,
        inputs: &describe(&step.inputs),
        outputs: &describe(&step.outputs),
        params: &step.params,
        input_layouts: &step.input_layouts,
        output_layouts: &step.output_layouts,
    };
    match (found.kind.check)(&call) {
        Ok(()) => Ok(()),
        Err(why) => fault(Status::FAIL, format!("{} ({}): {why}", step.guid, step.name)),
    }
}
