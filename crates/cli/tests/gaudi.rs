//! Pictures on the software Synapse: everything here is emulated.
#![cfg(feature = "gaudi")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, files, read, small, succeed, text};
use std::fs;
use std::path::Path;
use tintype_tests::synapse;

fn picture(folder: &Path, library: &Path, arguments: &[&str], log: Option<&Path>) {
    let mut command = command(folder, arguments);
    command.env("TINTYPE_SYNAPSE", library);
    if let Some(log) = log {
        command.env("SYNAPSE_SIM_LOG", log);
    }
    succeed(command.output().unwrap());
}

/// The largest difference of two pictures' levels.
fn difference(folder: &Path, a: &str, b: &str) -> u8 {
    let (a, b) = (read(folder, a), read(folder, b));
    assert_eq!((a.width, a.height), (b.width, b.height));
    a.rgb.iter().zip(&b.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn pictures_are_the_cpus_in_every_mode() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let generate = |more: &[&str]| {
        let arguments = small(&["generate", "a red heart", "--dtype", "f32"], more);
        picture(folder.path(), &library, &arguments, None);
    };
    generate(&["--backend", "cpu", "-o", "cpu.png"]);
    for launch in ["eager", "compiled", "lazy", "graph"] {
        let name = format!("{launch}.png");
        generate(&["--backend", "gaudi", "--launch", launch, "-o", &name]);
        let largest = difference(folder.path(), "cpu.png", &name);
        assert!(largest <= 2, "{launch}: {largest} levels");
    }
}

#[test]
fn every_fixture_draws_what_the_cpu_draws() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    for name in files(common::model("flux-base").parent().unwrap()) {
        let model = common::model(&name);
        let arguments = ["generate", "a red heart", "--model", model.to_str().unwrap()];
        let more = ["--width", "48", "--height", "32", "--steps", "2", "--seed", "3", "--dtype", "f32"];
        let arguments = [&arguments[..], &more].concat();
        for backend in ["cpu", "gaudi"] {
            let output = format!("{backend}.png");
            let more = ["--backend", backend, "-o", &output];
            picture(folder.path(), &library, &[&arguments[..], &more].concat(), None);
        }
        let largest = difference(folder.path(), "cpu.png", "gaudi.png");
        assert!(largest <= 2, "{name}: {largest} levels");
    }
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

#[test]
fn the_model_in_the_box_draws_what_the_cpu_draws() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    if tintype::bundled().is_none() {
        println!("skipped: this build has no model in it");
        return;
    }
    for backend in ["cpu", "gaudi"] {
        let name = format!("{backend}.png");
        let arguments =
            ["generate", "a red apple", "--steps", "2", "--dtype", "f32", "--backend", backend, "-o", &name];
        picture(folder.path(), &library, &arguments, None);
    }
    assert!(difference(folder.path(), "cpu.png", "gaudi.png") <= 2);
}

#[test]
fn a_step_is_one_launch_and_waits_for_nothing_in_lazy_mode() {
    let Some(library) = synapse() else { return };
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let launches = |steps: &str| {
        let _ = fs::remove_file(&log);
        let arguments = small(
            &["generate", "a red heart", "--backend", "gaudi", "--launch", "lazy"],
            &["-o", "lazy.png"],
        );
        let arguments: Vec<_> =
            arguments.into_iter().map(|text| if text == "2" { steps } else { text }).collect();
        picture(folder.path(), &library, &arguments, Some(&log));
        let text = fs::read_to_string(&log).unwrap();
        let count = |call: &str| text.lines().filter(|line| line.contains(call)).count();
        [count("synLaunch syn"), count("synGraphCompile syn"), count("synStreamSynchronize syn")]
    };
    let (two, six) = (launches("2"), launches("6"));
    assert_eq!(six[0] - two[0], 4, "one launch a step");
    assert_eq!(six[1], two[1], "the number of steps compiles nothing");
    assert_eq!(six[2], two[2], "steps drain nothing");
}

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
