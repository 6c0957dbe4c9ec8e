//! What is emulated is called so.

use crate::common::{command, succeed, text};
use tintype_tests::synapse;

#[test]
fn what_is_emulated_is_said_to_be() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &["devices"]).env("TINTYPE_SYNAPSE", &library).output().unwrap();
    assert!(text(&succeed(output).stdout).contains("emulated"));
    let nowhere = folder.path().join("nothing.so");
    let output = command(folder.path(), &["devices"]).env("TINTYPE_SYNAPSE", &nowhere).output().unwrap();
    let told = text(&succeed(output).stdout);
    assert!(told.contains("nothing.so") && told.contains("TINTYPE_SYNAPSE"), "{told}");
}

#[test]
fn a_verdict_says_that_it_is_emulated() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let conformance = |more: &[&str]| {
        let arguments = [&["conformance", "--backend", "gaudi", "--only", "attention"], more].concat();
        text(
            &succeed(command(folder.path(), &arguments).env("TINTYPE_SYNAPSE", &library).output().unwrap())
                .stdout,
        )
    };
    let told = conformance(&["--attention", "composed", "--region", "step"]);
    assert!(told.contains(", emulated)") && told.contains("eager, lazy, graph"), "{told}");
    let told: serde_json::Value =
        serde_json::from_str(&conformance(&["--json", "--launch", "lazy"])).unwrap();
    assert_eq!(told["device"]["emulated"], true);
    let versions = told["device"]["versions"].to_string();
    assert!(versions.contains("driver") && versions.contains("libSynapse"), "{versions}");
    let arguments = ["bench", "transformer", "--preset", "tiny", "--backend", "gaudi", "--repeats", "1"];
    let output = command(folder.path(), &arguments).env("TINTYPE_SYNAPSE", &library).output().unwrap();
    let told = text(&succeed(output).stdout);
    assert!(told.contains(", emulated") && told.contains("sdpa_recomp_fwd_f32"), "{told}");
}
