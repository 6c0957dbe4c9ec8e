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
                match outline(&case.program, launch, &options) {
                    Ok(_) => {}
                    // The one operation that the plugin does not take.
                    Err(error) if error.to_string().contains("divides by zero is not known") => {
                        assert!(case.name.starts_with("binary i32 Div"), "{}: {error}", case.name);
                    }
                    Err(error) => failed.push(format!("{} {launch}: {error}", case.name)),
                }
            }
        }
    }
    assert!(failed.is_empty(), "{} failed: {:#?}", failed.len(), &failed[..failed.len().min(20)]);
}
