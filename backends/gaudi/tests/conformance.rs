//! The conformance suite, on the software Synapse: everything here is emulated.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use tintype_accel::LaunchMode;
use tintype_conformance::suite::{self, Options};

#[test]
fn the_suite_passes_in_every_mode() {
    for launch in LaunchMode::ALL {
        for (attention, region) in
            [("fused", "block"), ("composed", "step"), ("retained", ""), ("fast", "step")]
        {
            // Every mode with what it does unasked; the other ways in one mode each.
            if attention == "fused" || launch == LaunchMode::Compiled {
                common::passes(
                    "examined",
                    &[
                        ("EXAMINED_MODE", launch.name()),
                        ("TINTYPE_GAUDI_ATTENTION", attention),
                        ("TINTYPE_GAUDI_REGION", if attention == "fused" { "" } else { region }),
                    ],
                );
            }
        }
    }
}

/// In a process of its own: the library reads its variables once.
#[test]
#[ignore = "run by the_suite_passes_in_every_mode"]
fn examined() {
    let device = common::open();
    assert!(device.device().emulated);
    let launch: LaunchMode = std::env::var("EXAMINED_MODE").unwrap().parse().unwrap();
    let only = std::env::var("EXAMINED_ONLY").ok();
    let report = suite::run(&device, &Options { launch: vec![launch], only }).unwrap();
    println!("{report}");
    let failures = report.failures().count();
    assert_eq!(failures, 0, "{failures} failures");
}
