//! Launches.

use super::api;
use crate::abi::tensors::SynLaunchTensorInfo;
use crate::abi::{BY_NAME, Outcome, Status, fault};
use crate::guard::{list, text};
use crate::launch::prepare;
use crate::state::{Handle, state};
use crate::stream::Job;

/// The arguments all ways to launch have.
struct Given {
    stream: Handle,
    tensors: *const SynLaunchTensorInfo,
    count: u32,
    workspace: u64,
    recipe: Handle,
    flags: u32,
}

fn launch(given: Given, function: &str, facts: &mut String) -> Outcome {
    let Given { stream, tensors, count, workspace, recipe, flags } = given;
    *facts = format!(
        "stream={stream:#x} recipe={recipe:#x} tensors={count} workspace={workspace:#x} flags={flags}"
    );
    let infos = list(tensors, count as usize)?;
    let mut state = state();
    let stream = state.stream(stream)?;
    let recipe = state.recipe(recipe)?;
    if flags & !BY_NAME != 0 {
        return fault(Status::INVALID_ARGUMENT, format!("flags {flags}"));
    }
    let mut addresses = Vec::with_capacity(infos.len());
    for info in infos {
        let id = if flags & BY_NAME != 0 {
            let name = text(info.tensor_name)?;
            match recipe.named(&name) {
                Some(index) => recipe.id(index),
                None => return fault(Status::INVALID_ARGUMENT, format!("the recipe has no tensor {name}")),
            }
        } else {
            info.tensor_id
        };
        if let Some(index) = recipe.index(id)
            && recipe.tensors[index].kind != info.tensor_type
        {
            // The runtime looks at the type in dynamic recipes only; a wrong one is a mistake in any.
            crate::misuse::note(format!(
                "launch: {} given as type {}",
                recipe.tensors[index].name, info.tensor_type
            ));
        }
        addresses.push((id, info.p_tensor_address));
    }
    let device = state.device(0)?;
    if device.kind != recipe.kind {
        return fault(Status::INVALID_ARGUMENT, format!("the recipe is for device type {}", recipe.kind));
    }
    let prepared = prepare(&device.memory, recipe, &addresses, workspace)?;
    let failure = crate::inject::on_stream(function);
    stream.push(Job::Work(
        "launch",
        Box::new(move || match failure {
            Some(status) => fault(status, "made to fail on its stream"),
            None => prepared.run(),
        }),
    ));
    Ok(())
}

api! {
    fn synLaunch(
        stream: Handle, tensors: *const SynLaunchTensorInfo, count: u32, workspace: u64, recipe: Handle, flags: u32,
    ) |facts| {
        launch(Given { stream, tensors, count, workspace, recipe, flags }, "synLaunch", facts)
    }

    fn synLaunchExt(
        stream: Handle, tensors: *const SynLaunchTensorInfo, count: u32, workspace: u64, recipe: Handle, flags: u32,
    ) |facts| {
        launch(Given { stream, tensors, count, workspace, recipe, flags }, "synLaunchExt", facts)
    }
}
