//! Every kernel that the models launch compiles for five generations of AMD's devices, without one and without a warning.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../backends/rocm/tests/compiled/mod.rs"]
mod compiled;
mod plans;

use compiled::{ALL, Kernels, compile, device};
use plans::{bundled, large, plans_on, published};
use tintype::{LaunchMode, Request};
use tintype_tests::full_size::Published;

#[test]
fn every_kernel_of_the_models_compiles_without_a_warning() {
    let flux = published(Published::Dev);
    for name in ALL {
        let mut kernels = Kernels::default();
        for launch in [LaunchMode::Compiled, LaunchMode::Eager] {
            let mut models = plans_on(&device(name), &bundled(), &Request::default(), launch);
            if let Some((inspector, _folder)) = &flux {
                models.extend(plans_on(&device(name), inspector, &large(), launch));
            }
            models.iter().for_each(|(stage, plan)| kernels.add(stage, plan));
        }
        compile(&kernels, "every_kernel_of_the_models_compiles_without_a_warning", name);
    }
}
