//! What a GPU would launch for the models.

use std::sync::Arc;
use tempfile::TempDir;
use tintype::pipeline::inspect::Inspector;
use tintype::{DType, LaunchMode, Request};
use tintype_gpu::{Architecture, BlockPlan, launch_plan};
use tintype_tests::full_size::{Published, has_sparse_files};

/// The launch plans of every stage of a request in bf16 on a device.
pub fn plans_on(
    device: &Architecture,
    inspector: &Inspector,
    request: &Request,
    launch: LaunchMode,
) -> Vec<(&'static str, Arc<BlockPlan>)> {
    let programs = inspector.programs(request, DType::Bf16).unwrap();
    let plan = |program| launch_plan(&program, launch, device).unwrap();
    programs.into_iter().map(|(name, program)| (name, plan(program))).collect()
}

/// The same on a Hopper device.
#[allow(dead_code, reason = "no test uses all of it")]
pub fn plans(
    inspector: &Inspector,
    request: &Request,
    launch: LaunchMode,
) -> Vec<(&'static str, Arc<BlockPlan>)> {
    plans_on(&Architecture::hopper(), inspector, request, launch)
}

/// A published model without its weights, as long as its folder is there. Says so where there can be none.
pub fn published(model: Published) -> Option<(Inspector, TempDir)> {
    let folder = tempfile::tempdir().unwrap();
    if !has_sparse_files(folder.path()) {
        println!("NOT RUN, {}: files cannot have holes in {}", model.name(), folder.path().display());
        return None;
    }
    model.write(folder.path()).unwrap();
    Some((Inspector::open(folder.path()).unwrap(), folder))
}

/// The model in the program.
pub fn bundled() -> Inspector {
    Inspector::open(tintype::bundled().unwrap()).unwrap()
}

/// A picture of 1024 by 1024.
pub fn large() -> Request {
    Request { width: Some(1024), height: Some(1024), ..Request::default() }
}
