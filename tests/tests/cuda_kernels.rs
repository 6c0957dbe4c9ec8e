//! Every kernel that the models launch compiles for three generations of devices, without one and without a warning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../backends/cuda/tests/compiled/mod.rs"]
mod compiled;
mod plans;

use compiled::{Kernels, compile};
use plans::{bundled, large, plans, published};
use tintype::{LaunchMode, Request};
use tintype_tests::full_size::Published;

#[test]
fn every_kernel_of_the_models_compiles_without_a_warning() {
    let mut kernels = Kernels::default();
    for launch in [LaunchMode::Compiled, LaunchMode::Eager] {
        let mut models = plans(&bundled(), &Request::default(), launch);
        if let Some((inspector, _folder)) = published(Published::Dev) {
            models.extend(plans(&inspector, &large(), launch));
        }
        models.iter().for_each(|(stage, plan)| kernels.add(stage, plan));
    }
    for name in ["sm_90a", "sm_80", "sm_120"] {
        compile(&kernels, "every_kernel_of_the_models_compiles_without_a_warning", name);
    }
}
