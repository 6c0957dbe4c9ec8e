//! What passes of this crate bring together, run on the host and held against the float64 interpreter.
#![allow(clippy::unwrap_used)]

mod host;

use host::Host;
use std::sync::Arc;
use tintype_accel::Accelerator;
use tintype_conformance::cases;
use tintype_conformance::suite::{Options, run_cases};
use tintype_gpu::{GpuAccelerator, Joins};

/// Runs the suite's cases whose name holds a text: a text each kernel is compiled for.
fn run(wanted: &str, warp: u32) {
    let accelerator: Arc<dyn Accelerator> =
        Arc::new(GpuAccelerator::new(Arc::new(Host::new(warp)), false, Joins::default()));
    let options = Options { only: Some(wanted.into()), ..Options::default() };
    let report = run_cases(&accelerator, &cases::all().unwrap(), &options).unwrap();
    println!("warps of {warp}: {report}");
    assert!(report.passed(), "warps of {warp}: {report}");
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
