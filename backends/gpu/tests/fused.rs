//! What passes of this crate bring together, run on the host and held against the float64 interpreter.
#![allow(clippy::unwrap_used)]

mod host;

use host::Host;
use std::sync::Arc;
use tintype_accel::{Accelerator, OpenOptions};
use tintype_conformance::cases;
use tintype_conformance::suite::{Options, run_cases};
use tintype_gpu::{Architecture, Dialect, GpuAccelerator, Joins, MatrixUnit};

/// Runs the suite's cases whose name holds a text: a text each kernel is compiled for.
fn run(wanted: &str, warp: u32) {
    run_on(Host::new(warp), wanted, &format!("warps of {warp}"));
}

fn run_on(host: Host, wanted: &str, what: &str) {
    let accelerator: Arc<dyn Accelerator> =
        Arc::new(GpuAccelerator::new(Arc::new(host), &OpenOptions::default(), Joins::default()));
    let options = Options { only: Some(wanted.into()), ..Options::default() };
    let report = run_cases(&accelerator, &cases::all().unwrap(), &options).unwrap();
    println!("{what}: {report}");
    assert!(report.passed(), "{what}: {report}");
}

/// The cases of `TINTYPE_HOST_CASES`, or those that bring most together.
#[test]
fn fused_passes_compute_what_the_operations_say() {
    if host::available("fused_passes_compute_what_the_operations_say") {
        run(&std::env::var("TINTYPE_HOST_CASES").unwrap_or_else(|_| "transformer bf16".into()), 32);
    }
}

/// A case of each kernel that adds or compares across a warp.
const WIDTHS: [&str; 7] = [
    "softmax f32 [2",
    "reduce f32 Sum",
    "reduce f32 Max [4",
    "layer_norm f32 [4",
    "rms_norm f32 [2",
    "group_norm f32 [1",
    "attention f32 [1, 1, 66",
];

/// NVIDIA's and RDNA's warps are of 32 threads, CDNA's of 64.
#[test]
fn reductions_compute_the_same_in_warps_of_32_and_64() {
    if host::available("reductions_compute_the_same_in_warps_of_32_and_64") {
        for (wanted, warp) in WIDTHS.iter().flat_map(|wanted| [(wanted, 32), (wanted, 64)]) {
            run(wanted, warp);
        }
    }
}

/// MFMA of CDNA, WMMA of RDNA 3 and of RDNA 4, each with its elements in other lanes.
#[test]
fn products_and_attention_by_matrix_units_are_those_of_the_operations() {
    if !host::available("products_and_attention_by_matrix_units_are_those_of_the_operations") {
        return;
    }
    for (name, warp, matrix) in [
        ("gfx942", 64, MatrixUnit::Mfma),
        ("gfx1100", 32, MatrixUnit::Wmma),
        ("gfx1201", 32, MatrixUnit::Wmma),
    ] {
        for wanted in ["mat_mul bf16", "mat_mul f16", "attention bf16", "attention f16 [1, 1, 66"] {
            let architecture = Architecture {
                name: name.into(),
                dialect: Dialect::Hip,
                warp,
                matrix,
                ..Architecture::hopper()
            };
            run_on(Host::of(architecture), wanted, name);
        }
    }
}
