//! What passes of this crate bring together, run on the host and held against the float64 interpreter.
#![allow(clippy::unwrap_used)]

mod host;

use host::Host;
use std::sync::Arc;
use tintype_accel::Accelerator;
use tintype_conformance::cases;
use tintype_conformance::suite::{Options, run_cases};
use tintype_gpu::{GpuAccelerator, Joins};

/// The suite's cases whose name holds this text, or that of `TINTYPE_HOST_CASES`: a text each kernel is compiled for.
#[test]
fn fused_passes_compute_what_the_operations_say() {
    let test = "fused_passes_compute_what_the_operations_say";
    if !host::available(test) {
        return;
    }
    let wanted = std::env::var("TINTYPE_HOST_CASES").unwrap_or_else(|_| "transformer bf16".into());
    let accelerator: Arc<dyn Accelerator> =
        Arc::new(GpuAccelerator::new(Arc::new(Host::new()), false, Joins::default()));
    let options = Options { only: Some(wanted), ..Options::default() };
    let report = run_cases(&accelerator, &cases::all().unwrap(), &options).unwrap();
    println!("{report}");
    assert!(report.passed(), "{report}");
}
