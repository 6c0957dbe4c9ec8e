//! Every kernel that the conformance suite launches compiles for five generations of AMD's devices, without one and without
//! a warning.

#![allow(clippy::unwrap_used, clippy::panic)]

mod compiled;

use compiled::{ALL, Kernels, compile, device};
use tintype_accel::LaunchMode;
use tintype_conformance::cases;
use tintype_gpu::launch_plan;

fn of_the_suite(name: &str) -> Kernels {
    let mut kernels = Kernels::default();
    for case in cases::all().unwrap() {
        for launch in [LaunchMode::Compiled, LaunchMode::Eager] {
            kernels.add(&case.name, &launch_plan(&case.program, launch, &device(name)).unwrap());
        }
    }
    kernels
}

#[test]
fn every_kernel_of_the_conformance_suite_compiles_without_a_warning() {
    let test = "every_kernel_of_the_conformance_suite_compiles_without_a_warning";
    for name in ALL {
        compile(&of_the_suite(name), test, name);
    }
}
