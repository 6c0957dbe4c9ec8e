//! `--backend rocm` where there is no ROCm, and under the software double of HIP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, small, succeed, text};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Cargo builds the double beside the tests.
fn double() -> PathBuf {
    let path = env::current_exe().unwrap().with_file_name("libtintype_rocm_double.so");
    assert!(path.exists(), "{} is not there", path.display());
    path
}

/// The program with this library in HIP's place, on a machine that it pretends.
fn prepared(folder: &Path, hip: &Path, machine: &str, arguments: &[&str]) -> Command {
    let mut command = command(folder, arguments);
    command.env("TINTYPE_ROCM_DRIVER", hip).env("TINTYPE_ROCM_DOUBLE", machine);
    command.env("TINTYPE_KERNEL_CACHE", folder.join("kernels")).env_remove("HSA_OVERRIDE_GFX_VERSION");
    command
}

fn with(hip: &Path, machine: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    prepared(folder.path(), hip, machine, arguments).output().unwrap()
}

#[test]
fn without_rocm_one_error_says_what_was_looked_for_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = small(&["generate", "a red heart", "--backend", "rocm"], &[]);
    let mut command = command(folder.path(), &arguments);
    let output = command.env_remove("TINTYPE_ROCM_DRIVER").output().unwrap();
    if output.status.success() {
        println!("NOT RUN: this machine has a ROCm device");
        return;
    }
    let told = fail(output, 1);
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    assert!(told.starts_with("tintype: backend `rocm`") && told.contains("no libamdhip64.so.7"), "{told}");
    assert!(told.contains("Install ROCm") && told.contains("ROCM_PATH"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn devices_tells_what_stands_in_the_way() {
    for (machine, kinds, words) in [
        // What is said then is what the machine's own /dev/kfd says.
        ("no_device", &["no_device", "no_permission"][..], "hipErrorNoDevice"),
        ("init=101", &["no_device", "no_permission"], "hipErrorInvalidDevice"),
        ("init=3", &["no_device"], "hipErrorNotInitialized"),
        ("arch=gfx803", &["unsupported"], "gfx803, which kernels are not made for"),
    ] {
        let told = text(&succeed(with(&double(), machine, &["devices"])).stdout);
        let line = told.lines().find(|line| line.starts_with("rocm")).unwrap_or_else(|| panic!("{told}"));
        assert!(line.contains("not available") && line.contains(words), "{machine}: {told}");
        let json = succeed(with(&double(), machine, &["devices", "--json"])).stdout;
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let rocm = json.as_array().unwrap().iter().find(|entry| entry["backend"] == "rocm").unwrap();
        let kind = rocm["probe"]["obstacle"]["kind"].as_str().unwrap();
        assert!(kinds.contains(&kind), "{machine}: {rocm}");
        let arguments = small(&["generate", "a red heart", "--backend", "rocm"], &[]);
        let told = fail(with(&double(), machine, &arguments), 1);
        assert!(told.contains(words), "{machine}: {told}");
    }
}

#[test]
fn a_double_is_told_as_one_and_so_is_an_architecture_that_is_pretended() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = prepared(folder.path(), &double(), "arch=gfx90a:sramecc+:xnack-", &["devices"]);
    let told = text(&succeed(command.output().unwrap()).stdout);
    assert!(told.contains("rocm:0") && told.contains("(emulated)") && told.contains("gfx90a"), "{told}");
    assert!(!told.contains("xnack") && !told.contains("HSA_OVERRIDE"), "{told}");
    let told = text(&succeed(command.env("HSA_OVERRIDE_GFX_VERSION", "10.3.0").output().unwrap()).stdout);
    assert!(told.contains("HSA_OVERRIDE_GFX_VERSION") && told.contains("10.3.0"), "{told}");
}

#[test]
fn a_library_without_hips_functions_is_told_by_their_names() {
    // Any library will do that is not HIP's.
    let other = double().with_file_name("libtintype_cuda_double.so");
    let told = text(&succeed(with(&other, "", &["devices"])).stdout);
    let line = told.lines().find(|line| line.starts_with("rocm")).unwrap_or_else(|| panic!("{told}"));
    assert!(line.contains("lacks hipInit, hipRuntimeGetVersion"), "{told}");
}
