//! Every kernel that the conformance suite launches compiles for five generations of AMD's devices, without one and without
//! a warning.

#![allow(clippy::unwrap_used, clippy::panic)]

mod compiled;

use compiled::{ALL, Kernels, compile, device, instructions};
use tintype_accel::LaunchMode;
use tintype_conformance::cases;
use tintype_gpu::launch_plan;
use tintype_program::{DType, Program, TensorType};

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

const TEST: &str = "products_and_attention_are_by_the_instructions_of_the_matrix_unit";

#[test]
fn products_and_attention_are_by_the_instructions_of_the_matrix_unit() {
    for (name, instruction) in [
        ("gfx90a", "v_mfma_f32_16x16x16"),
        ("gfx942", "v_mfma_f32_16x16x16"),
        ("gfx1100", "v_wmma_f32_16x16x16"),
        ("gfx1201", "v_wmma_f32_16x16x16"),
    ] {
        for entry in ["matmul_bias", "attention"] {
            let Some(text) = instructions(&of_the_suite(name), entry, name) else {
                println!("NOT RUN, {TEST}: there is no clang");
                return;
            };
            for dtype in ["bf16", "f16"] {
                let found = text.lines().any(|line| line.contains(instruction) && line.contains(dtype));
                assert!(found, "{name}: {instruction} of {dtype} in {entry}");
            }
        }
    }
    for entry in ["matmul_bias", "attention"] {
        let text = instructions(&of_the_suite("gfx1030"), entry, "gfx1030").unwrap();
        assert!(!text.contains("mfma") && !text.contains("wmma"), "RDNA 2 has none");
    }
}

/// Attention as FLUX.1 has it, heads of 128: within the registers and the LDS with which two blocks run side by side.
#[test]
fn wide_attention_leaves_room_for_another_block() {
    let program = Program::trace("attention", |scope| {
        let of = |name: &str| scope.input(name, TensorType::new(DType::Bf16, [1, 24, 4608, 128]));
        let (q, k, v) = (of("q")?, of("k")?, of("v")?);
        scope.output("o", &q.attention(&k, &v, None, 0.088)?)
    });
    let program = program.unwrap();
    for name in ALL {
        let mut kernels = Kernels::default();
        kernels.add("FLUX.1", &launch_plan(&program, LaunchMode::Compiled, &device(name)).unwrap());
        let Some(made) = compile(&kernels, "wide_attention_leaves_room_for_another_block", name) else {
            return;
        };
        let taken = made.iter().find(|taken| taken.name == "attention").unwrap();
        println!("{name}: {taken:?}");
        assert!(taken.lds <= 32 << 10, "{name}: {taken:?}");
        // Of a block's four waves each runs on a unit of its own, whose file has so many registers for each lane at least.
        let file = if name.starts_with("gfx9") { 512 } else { 1024 };
        assert!(2 * taken.vgprs <= file, "{name}: {taken:?}");
    }
}
