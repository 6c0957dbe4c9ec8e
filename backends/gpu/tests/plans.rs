//! Every conformance case has a launch plan; `TINTYPE_KERNELS=folder` keeps the kernels' text there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::{env, fs};
use tintype_accel::LaunchMode;
use tintype_conformance::cases;
use tintype_gpu::{Action, Architecture, BlockPlan, KernelSource, launch_plan, prelude};

fn kernels(plan: &BlockPlan, into: &mut BTreeMap<String, KernelSource>) {
    for step in &plan.steps {
        match &step.action {
            Action::Launch(launch) | Action::Library { own: launch, .. } => {
                let number = into.len();
                if !into.values().any(|known| *known == launch.kernel) {
                    into.insert(format!("{}_{number}", launch.kernel.entry), launch.kernel.clone());
                }
            }
            Action::Call { callee, .. } => kernels(callee, into),
        }
    }
}

#[test]
fn every_case_has_a_plan() {
    let architecture = Architecture::hopper();
    let mut found = BTreeMap::new();
    for case in cases::all().unwrap() {
        for launch in [LaunchMode::Eager, LaunchMode::Compiled] {
            let plan = launch_plan(&case.program, launch, &architecture);
            kernels(&plan.unwrap_or_else(|error| panic!("{}, {launch}: {error}", case.name)), &mut found);
        }
    }
    println!("{} kernels", found.len());
    if let Some(folder) = env::var_os("TINTYPE_KERNELS") {
        fs::create_dir_all(&folder).unwrap();
        for (name, source) in &found {
            let text = prelude::text(&architecture) + &source.code;
            fs::write(std::path::Path::new(&folder).join(format!("{name}.cu")), text).unwrap();
        }
    }
}
