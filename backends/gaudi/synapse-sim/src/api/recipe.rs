//! Recipes: attributes, files, sections.

use std::ffi::c_char;
use std::sync::Arc;

use super::api;
use crate::abi::{Outcome, Status, fault};
use crate::guard::{list, put, text};
use crate::recipe::{FIRST_SECTION, Recipe};
use crate::state::{Handle, lock, state};

fn attribute(recipe: &Recipe, attribute: i32) -> Outcome<u64> {
    let sections = |constant| {
        recipe
            .sections
            .iter()
            .filter(|section| section.constant == constant)
            .map(|section| section.size)
            .sum::<u64>()
    };
    let (persistent, constant) = (sections(false), sections(true));
    Ok(match attribute {
        0 => recipe.workspace,
        1 => recipe.persistent().count() as u64,
        2 => recipe.constants.iter().map(|data| data.len() as u64).sum(),
        3 => recipe.tensors.iter().filter(|tensor| tensor.external).count() as u64,
        4 => persistent,
        5 => constant,
        6 => recipe.workspace + persistent + constant,
        _ => return fault(Status::INVALID_ARGUMENT, format!("no recipe attribute {attribute}")),
    })
}

api! {
    fn synRecipeDestroy(recipe: Handle) |facts| {
        *facts = format!("recipe={recipe:#x}");
        let mut state = state();
        if Arc::strong_count(&state.recipe(recipe)?) > 2 {
            crate::misuse::note(format!("use after free: recipe {recipe:#x} destroyed while a launch of it is queued"));
            return fault(Status::FAIL, "a launch of the recipe is queued");
        }
        state.recipes.remove(&recipe);
        Ok(())
    }

    fn synWorkspaceGetSize(size: *mut u64, recipe: Handle) |_facts| { put(size, state().recipe(recipe)?.workspace) }

    fn synRecipeGetAttribute(values: *mut u64, attributes: *const i32, count: u32, recipe: Handle) |_facts| {
        let recipe = state().recipe(recipe)?;
        for (index, wanted) in list(attributes, count as usize)?.into_iter().enumerate() {
            put(values.wrapping_add(index), attribute(&recipe, wanted)?)?;
        }
        Ok(())
    }

    fn synRecipeSerialize(recipe: Handle, file: *const c_char) |facts| {
        let file = text(file)?;
        *facts = format!("recipe={recipe:#x} file={file}");
        let recipe = state().recipe(recipe)?;
        crate::file::write(&recipe, file.as_ref())
    }

    fn synRecipeDeSerialize(out: *mut Handle, file: *const c_char) |facts| {
        put(out, 0)?;
        let file = text(file)?;
        *facts = format!("file={file}");
        let recipe = crate::file::read(file.as_ref())?;
        let mut state = state();
        let handle = state.handle();
        state.recipes.insert(handle, Arc::new(recipe));
        *facts += &format!(" recipe={handle:#x}");
        put(out, handle)
    }

    fn synRecipeSectionGetProp(recipe: Handle, section: u32, property: i32, value: *mut u64) |_facts| {
        let recipe = state().recipe(recipe)?;
        let slot = section.checked_sub(FIRST_SECTION).map(|slot| slot as usize);
        let Some((slot, kept)) = slot.and_then(|slot| recipe.sections.get(slot).map(|kept| (slot, kept))) else {
            return fault(Status::INVALID_ARGUMENT, format!("the recipe has no section {section}"));
        };
        match property {
            0 => put(value, kept.size),
            1 => match lock(&recipe.section_data).get(slot) {
                Some(Some(data)) => put(value, data.as_ptr() as u64),
                _ => fault(Status::FAIL, "the section has no data"),
            },
            2 => put(value, u64::from(kept.constant)),
            _ => fault(Status::INVALID_ARGUMENT, format!("no section property {property}")),
        }
    }

    fn synRecipeSectionHostBuffersClear(recipe: Handle, sections: *const u32, count: usize) |_facts| {
        let recipe = state().recipe(recipe)?;
        let mut data = lock(&recipe.section_data);
        for section in list(sections, count)? {
            let slot = section.checked_sub(FIRST_SECTION).map_or(usize::MAX, |slot| slot as usize);
            match data.get_mut(slot) {
                Some(bytes) => *bytes = None,
                None => return fault(Status::INVALID_ARGUMENT, format!("section {section} has no data")),
            }
        }
        Ok(())
    }
}
