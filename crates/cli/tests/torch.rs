//! `--engine torch`: what a build without it says, and what one with it does on the CPU.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail};

#[cfg(not(feature = "torch"))]
#[test]
fn a_build_without_it_says_how_to_build_one_with_it() {
    let folder = tempfile::tempdir().unwrap();
    for start in [&["generate", "a red heart"][..], &["bench"], &["conformance"]] {
        let told =
            fail(command(folder.path(), &[start, &["--engine", "torch"]].concat()).output().unwrap(), 1);
        for part in ["--features torch", "LIBTORCH_USE_PYTORCH=1", "torch 2.11"] {
            assert!(told.contains(part), "{part} in: {told}");
        }
    }
}

#[test]
fn packages_are_of_no_use_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let generate = ["generate", "a red heart", "--engine", "torch", "--packages", "packages"];
    let told = fail(command(folder.path(), &generate).output().unwrap(), 1);
    assert!(told.contains("--packages has no effect on --engine torch"), "{told}");
}

#[cfg(feature = "torch")]
mod with_it {
    use super::common::{command, fail, keyword, read, succeed, text};
    use std::path::Path;
    use std::process::Output;

    /// A picture of the model that is built in, on the CPU.
    fn heart(folder: &Path, more: &[&str]) -> Output {
        let start = ["generate", "a red heart", "--backend", "cpu"];
        command(folder, &[&start, more].concat()).output().unwrap()
    }

    #[test]
    fn its_picture_is_the_native_one() {
        let folder = tempfile::tempdir().unwrap();
        succeed(heart(folder.path(), &["-o", "native.png"]));
        let made = succeed(heart(folder.path(), &["--engine", "torch", "--json", "-o", "torch.png"]));
        let report: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
        assert_eq!(report["engine"], "torch");
        assert!(text(&made.stderr).contains("engine: torch, libtorch 2.11.0"), "{}", text(&made.stderr));
        let (native, torch) = (read(folder.path(), "native.png"), read(folder.path(), "torch.png"));
        assert_eq!((native.width, native.height), (torch.width, torch.height));
        let apart = native.rgb.iter().zip(&torch.rgb).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(2), "{apart:?} levels apart");
        assert!(native.rgb.iter().any(|&level| level != native.rgb[0]), "a picture of something");
        assert_eq!(keyword(&native, "parameters"), keyword(&torch, "parameters"));
    }

    #[test]
    fn every_conformance_case_passes() {
        let folder = tempfile::tempdir().unwrap();
        let conformance = ["conformance", "--backend", "cpu", "--engine", "torch"];
        let told = succeed(command(folder.path(), &conformance).output().unwrap());
        let told = text(&told.stdout);
        assert!(told.contains(" 0 failed, 0 unsupported"), "{told}");
    }

    #[test]
    fn what_it_does_not_have_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let told = fail(heart(folder.path(), &["--engine", "torch", "--launch", "graph"]), 1);
        assert!(told.contains("no launch mode `graph`; it has eager"), "{told}");
        let generate = ["generate", "a red heart", "--engine", "torch", "--backend", "gaudi"];
        let told = fail(command(folder.path(), &generate).output().unwrap(), 1);
        assert!(told.contains("libtorch does not drive devices of gaudi"), "{told}");
        // No machine has the GPUs of both vendors for its libtorch.
        let refusals = ["cuda", "rocm"].map(|backend| {
            let generate = ["generate", "a red heart", "--engine", "torch", "--backend", backend];
            command(folder.path(), &[&generate[..], &["-o", "gpu.png"]].concat()).output().unwrap()
        });
        let refused = refusals.into_iter().find(|output| !output.status.success());
        let told = fail(refused.expect("one of the two is not there"), 1);
        assert!(told.contains("libtorch 2.11.0") && told.contains("--backend cpu"), "{told}");
    }

    #[test]
    fn a_benchmark_says_that_it_ran() {
        let folder = tempfile::tempdir().unwrap();
        let bench =
            ["bench", "transformer", "--preset", "tiny", "--backend", "cpu", "--engine", "torch", "--json"];
        let told = succeed(command(folder.path(), &bench).output().unwrap());
        let result: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!((&result["engine"], &result["launch"]), (&"torch".into(), &"eager".into()));
        assert_eq!(result["versions"]["libtorch"], "2.11.0");
    }
}
