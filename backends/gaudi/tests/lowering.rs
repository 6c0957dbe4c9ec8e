//! Lowering without a library or a device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tintype_accel::LaunchMode;
use tintype_conformance::cases;
use tintype_gaudi::{AttentionKind, Options, outline};

#[test]
fn every_case_of_the_suite_becomes_recipes_in_every_mode() {
    let mut failed = Vec::new();
    for attention in [AttentionKind::Fused, AttentionKind::Retained, AttentionKind::Composed] {
        let mut options = Options::default();
        options.attention = attention;
        for case in cases::all().unwrap() {
            for launch in LaunchMode::ALL {
                if let Err(error) = outline(&case.program, launch, &options) {
                    failed.push(format!("{} {launch}: {error}", case.name));
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} failed: {:#?}", failed.len(), &failed[..failed.len().min(20)]);
}
