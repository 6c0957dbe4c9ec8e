//! The suite that every plugin must pass, through libtorch on the CPU.

use super::device;
use tintype_accel::LaunchMode;
use tintype_conformance::suite::{Options, run};

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
