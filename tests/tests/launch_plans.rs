//! What a GPU would launch for the models, made without one and held against kept text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};
use tintype::pipeline::inspect::Inspector;
use tintype::{DType, LaunchMode, Request};
use tintype_gpu::{Action, Architecture, BlockPlan, launch_plan};
use tintype_tests::full_size::{Published, has_sparse_files};

fn plans(inspector: &Inspector, request: &Request) -> Vec<(&'static str, Arc<BlockPlan>)> {
    let programs = inspector.programs(request, DType::Bf16).unwrap();
    let plan = |program| launch_plan(&program, LaunchMode::Compiled, &Architecture::hopper()).unwrap();
    programs.into_iter().map(|(name, program)| (name, plan(program))).collect()
}

fn published(model: Published) -> Option<Inspector> {
    let folder = tempfile::tempdir().unwrap();
    if !has_sparse_files(folder.path()) {
        println!("skipped {}: files cannot have holes in {}", model.name(), folder.path().display());
        return None;
    }
    model.write(folder.path()).unwrap();
    Some(Inspector::open(folder.keep()).unwrap())
}

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/launch_plans").join(format!("{name}.txt"))
}

/// Holds plans against the kept text. `TINTYPE_KEEP_PLANS=1` writes it anew, to be looked at and committed by itself.
fn hold(name: &str, plans: &[(&'static str, Arc<BlockPlan>)]) {
    let text: String = plans.iter().map(|(stage, plan)| format!("# {stage}\n\n{plan}\n")).collect();
    let path = kept(name);
    if env::var_os("TINTYPE_KEEP_PLANS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    let differs = known.lines().zip(text.lines()).position(|(old, new)| old != new);
    if known != text {
        let line = differs.unwrap_or(known.lines().count().min(text.lines().count()));
        let (old, new) = (known.lines().nth(line), text.lines().nth(line));
        panic!("{name}, line {}: the plan was {old:?} and is {new:?}", line + 1);
    }
}

/// Every block under a plan by its name.
fn block<'p>(plan: &'p BlockPlan, name: &str) -> Option<&'p BlockPlan> {
    if plan.name == name {
        return Some(plan);
    }
    plan.steps.iter().find_map(|step| match &step.action {
        Action::Call { callee, .. } => block(callee, name),
        _ => None,
    })
}

#[test]
fn flux_dev_and_schnell_launch_what_they_did() {
    for model in [Published::Dev, Published::Schnell] {
        let Some(inspector) = published(model) else { return };
        let request = Request { width: Some(1024), height: Some(1024), ..Request::default() };
        hold(model.name(), &plans(&inspector, &request));
    }
}

#[test]
fn the_model_in_the_box_launches_what_it_did() {
    let inspector = Inspector::open(tintype::bundled().unwrap()).unwrap();
    hold("emoji", &plans(&inspector, &Request::default()));
}

#[test]
fn flux_blocks_launch_little_and_move_little() {
    let Some(inspector) = published(Published::Dev) else { return };
    let request = Request { width: Some(1024), height: Some(1024), ..Request::default() };
    let plans = plans(&inspector, &request);
    let (_, step) = plans.iter().find(|(name, _)| *name == "transformer").unwrap();
    for (name, launches, factor) in [("double", 34, 2.0), ("single", 14, 2.0)] {
        let plan = block(step, name).unwrap_or_else(|| panic!("no block {name} in {step}"));
        println!("{name}: {} launches, {} bytes moved", plan.launches(), plan.bytes_moved());
        assert!(plan.launches() <= launches, "{name}: {} launches", plan.launches());
        let _ = factor;
    }
}
