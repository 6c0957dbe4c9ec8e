//! The suite that every plugin must pass, through libtorch on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use tintype_accel::{Accelerator, LaunchMode, OpenOptions};
use tintype_conformance::suite::{Options, run};
use tintype_cpu::CpuDriver;

fn device() -> Arc<dyn Accelerator> {
    let mut options = OpenOptions::default();
    options.threads = Some(2);
    tintype_torch::registry([Arc::new(CpuDriver::default()) as _])
        .open("cpu", None, &options)
        .unwrap()
        .accelerator
}

#[test]
fn every_case_passes() {
    let device = device();
    assert_eq!(device.device().capabilities.launch, [LaunchMode::Eager]);
    let report = run(&device, &Options::default()).unwrap();
    assert!(report.passed(), "{report}");
    let (passed, _, unsupported) = report.totals();
    assert!(passed > 0);
    assert_eq!(unsupported, 0, "{report}");
}
