//! `--backend cuda` where there is no driver, and under the driver's software double.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{command, fail, small, succeed, text};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Output;

/// Cargo builds the double beside the tests.
fn double() -> PathBuf {
    let path = env::current_exe().unwrap().with_file_name("libtintype_cuda_double.so");
    assert!(path.exists(), "{} is not there", path.display());
    path
}

/// Runs the program with this driver, on a machine that it pretends.
fn with(driver: &Path, machine: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), arguments);
    command.env("TINTYPE_CUDA_DRIVER", driver).env("TINTYPE_CUDA_DOUBLE", machine);
    command.env("TINTYPE_KERNEL_CACHE", folder.path().join("kernels"));
    command.output().unwrap()
}

#[test]
fn without_a_driver_one_error_says_what_was_looked_for_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = small(&["generate", "a red heart", "--backend", "cuda"], &[]);
    let output = command(folder.path(), &arguments).env_remove("TINTYPE_CUDA_DRIVER").output().unwrap();
    if output.status.success() {
        println!("NOT RUN: this machine has a CUDA device");
        return;
    }
    let told = fail(output, 1);
    assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    assert!(told.starts_with("tintype: backend `cuda`") && told.contains("no libcuda.so.1"), "{told}");
    assert!(told.contains("/usr/lib") && told.contains("Install NVIDIA's driver"), "{told}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
}

#[test]
fn a_driver_that_is_not_where_it_was_said_to_be_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("libcuda.so.1");
    let told = fail(with(&absent, "", &small(&["generate", "a red heart", "--backend", "cuda"], &[])), 1);
    assert!(told.contains(&format!("TINTYPE_CUDA_DRIVER names {}", absent.display())), "{told}");
}

#[test]
fn devices_tells_what_stands_in_the_way() {
    for (machine, kind, words) in [
        ("no_device", "no_device", "CUDA_ERROR_NO_DEVICE"),
        ("old_driver", "driver_too_old", "CUDA 11.4 at most, and CUDA 12.0"),
        ("mismatch", "driver_too_old", "803"),
        ("capability=75", "unsupported", "7.5, and 8.0"),
        ("busy", "busy", "exclusive"),
    ] {
        let told = text(&succeed(with(&double(), machine, &["devices"])).stdout);
        let line = told.lines().find(|line| line.starts_with("cuda")).unwrap_or_else(|| panic!("{told}"));
        assert!(line.contains("not available") && line.contains(words), "{machine}: {told}");
        let json = succeed(with(&double(), machine, &["devices", "--json"])).stdout;
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let cuda = json.as_array().unwrap().iter().find(|entry| entry["backend"] == "cuda").unwrap();
        assert_eq!(cuda["probe"]["obstacle"]["kind"], kind, "{machine}: {cuda}");
        // Asked for by name it is an error, that says the same.
        let arguments = small(&["generate", "a red heart", "--backend", "cuda"], &[]);
        let told = fail(with(&double(), machine, &arguments), 1);
        assert!(told.contains(words), "{machine}: {told}");
    }
}

#[test]
fn a_double_is_told_as_one() {
    let told = text(&succeed(with(&double(), "devices=2,memory=24GiB,capability=89", &["devices"])).stdout);
    assert!(told.contains("cuda:0") && told.contains("cuda:1") && told.contains("(emulated)"), "{told}");
    assert!(told.contains("sm_89") && told.contains("24.0 GiB"), "{told}");
}
