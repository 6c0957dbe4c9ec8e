//! Every kernel that the conformance suite launches compiles for five generations of AMD's devices, without one and without
//! a warning.

#![allow(clippy::unwrap_used, clippy::panic)]

mod compiled;

use compiled::{ALL, Kernels, compile, device, instructions};
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

#[test]
fn products_are_by_the_instructions_of_the_matrix_unit() {
    for (name, instruction) in [
        ("gfx90a", "v_mfma_f32_16x16x16"),
        ("gfx942", "v_mfma_f32_16x16x16"),
        ("gfx1100", "v_wmma_f32_16x16x16"),
        ("gfx1201", "v_wmma_f32_16x16x16"),
    ] {
        let Some(text) = instructions(&of_the_suite(name), "matmul_bias", name) else {
            println!("NOT RUN, products_are_by_the_instructions_of_the_matrix_unit: there is no clang");
            return;
        };
        for dtype in ["bf16", "f16"] {
            let found = text.lines().any(|line| line.contains(instruction) && line.contains(dtype));
            assert!(found, "{name}: {instruction} of {dtype}");
        }
    }
    let text = instructions(&of_the_suite("gfx1030"), "matmul_bias", "gfx1030").unwrap();
    assert!(!text.contains("mfma") && !text.contains("wmma"), "RDNA 2 has none");
}
