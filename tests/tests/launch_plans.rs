//! What a GPU would launch for the models, made without one and held against kept text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod plans;

use plans::{bundled, large, plans, plans_on, published};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};
use tintype::program::memory::Home;
use tintype::{LaunchMode, Request};
use tintype_gpu::{Action, BlockPlan};
use tintype_tests::full_size::Published;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/launch_plans").join(format!("{name}.txt"))
}

/// Holds plans against the kept text. `TINTYPE_KEEP_PLANS=1` writes it anew, to be looked at and committed by itself.
fn hold(name: &str, plans: &[(&'static str, Arc<BlockPlan>)]) {
    hold_text(name, &written(plans));
}

/// Plans as text.
fn written(plans: &[(&'static str, Arc<BlockPlan>)]) -> String {
    plans.iter().map(|(stage, plan)| format!("# {stage}\n\n{plan}\n")).collect()
}

fn hold_text(name: &str, text: &str) {
    let path = kept(name);
    if env::var_os("TINTYPE_KEEP_PLANS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
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

/// Bytes that a block must read and write at least: what it is given and gives, each once.
fn least(plan: &BlockPlan) -> u64 {
    let spans = plan.steps.iter().flat_map(|step| step.reads.iter().chain(&step.writes));
    let outside = spans.filter(|span| !matches!(span.home, Home::Arena(_)));
    let once: HashMap<_, _> = outside.map(|span| ((span.home, span.offset), span.least as u64)).collect();
    once.values().sum()
}

#[test]
fn flux_dev_and_schnell_launch_what_they_did() {
    for model in [Published::Dev, Published::Schnell] {
        let Some((inspector, _folder)) = published(model) else { return };
        hold(model.name(), &plans(&inspector, &large(), LaunchMode::Compiled));
    }
}

#[test]
fn the_model_in_the_box_launches_what_it_did() {
    hold("emoji", &plans(&bundled(), &Request::default(), LaunchMode::Compiled));
}

#[test]
fn flux_blocks_launch_little_and_move_little() {
    let Some((inspector, _folder)) = published(Published::Dev) else { return };
    let plans = plans(&inspector, &large(), LaunchMode::Compiled);
    let (_, step) = plans.iter().find(|(name, _)| *name == "transformer").unwrap();
    // The factor is what a block moves beyond its own weights, inputs and outputs; megabytes hold it where those change.
    for (name, launches, megabytes, factor) in
        [("flux_double", 14, 1_364, 2.40), ("flux_single", 6, 996, 3.25)]
    {
        let plan = block(step, name).unwrap_or_else(|| panic!("there is no block {name} in {step}"));
        let (moved, least) = (plan.bytes_moved(), least(plan));
        let times = moved as f64 / least as f64;
        println!(
            "{name}: {} launches, {moved} bytes moved, {times:.2} of the {least} at least",
            plan.launches()
        );
        assert_eq!(plan.launches(), launches, "{name}");
        assert!(times < factor, "{name}: {times} of the bytes that must be moved");
        assert!(moved <= megabytes * 1_000_000, "{name}: {moved} bytes moved");
    }
}

/// Lines of two texts that differ, in pairs; both have as many.
fn differences(old: &str, new: &str) -> String {
    assert_eq!(old.lines().count(), new.lines().count());
    let pairs = old.lines().zip(new.lines()).filter(|(old, new)| old != new);
    pairs.map(|(old, new)| format!("- {old}\n+ {new}\n")).collect()
}

/// CUDA's plan and ROCm's of one Program are the same launches of the same kernels on the same memory, but for how many threads a
/// block has where a wave is of 64, and how a group norm is shared out among other numbers of multiprocessors.
#[test]
fn rocm_launches_what_cuda_does() {
    let Some((inspector, _folder)) = published(Published::Dev) else { return };
    let cuda = plans(&inspector, &large(), LaunchMode::Compiled);
    for (name, units) in [("gfx942", 304), ("gfx1100", 96)] {
        let device = tintype_rocm::architecture(name, units).unwrap();
        let rocm = plans_on(&device, &inspector, &large(), LaunchMode::Compiled);
        let steps = |plans: &[(&'static str, Arc<BlockPlan>)]| {
            plans.iter().map(|(_, plan)| plan.launches()).sum::<usize>()
        };
        assert_eq!(steps(&cuda), steps(&rocm));
        hold_text(&format!("FLUX.1-dev.{name}"), &differences(&written(&cuda), &written(&rocm)));
    }
}
