//! The suite that every plugin must pass, in both launch modes.

mod common;

use tintype_conformance::suite::{Options, run};

#[test]
fn the_suite_passes() {
    let report = run(&common::open(), &Options::default()).unwrap();
    assert!(report.passed(), "{report}");
    assert_eq!(report.launch, common::MODES);
    let (_, _, unsupported) = report.totals();
    assert_eq!(unsupported, 0, "{report}");
}
