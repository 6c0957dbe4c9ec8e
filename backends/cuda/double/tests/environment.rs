//! What the environment asks for is read when the first function is called, so each case is a process of its own.

#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;

use support::{Driver, folder};

/// Runs one of the ignored tests below with these variables.
fn child(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env("TEST_CHILD", "1")
        .envs(variables.iter().copied())
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{test}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether this process was started by `child`; run on their own the ignored tests have nothing to say.
fn is_child() -> bool {
    std::env::var_os("TEST_CHILD").is_some()
}

fn loaded() -> Driver {
    let folder = folder();
    Driver::load(&folder.path().join("libcuda.so.1"), folder)
}

#[test]
fn machine_faults_and_log() {
    let log = tempfile::NamedTempFile::new().unwrap();
    let path = log.path().to_str().unwrap();
    child(
        "child_machine",
        &[
            ("TINTYPE_CUDA_DOUBLE", "devices=3"),
            ("TINTYPE_CUDA_DOUBLE_FAIL", "cuDeviceGetCount:2:46"),
            ("TINTYPE_CUDA_DOUBLE_LOG", path),
        ],
    );
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(
        text,
        "1 cuInit 0 []\n2 cuDeviceGetCount 0 [count=3]\n3 cuDeviceGetCount 46 [why=\"injected\"]\n"
    );
}

#[test]
#[ignore = "run by machine_faults_and_log"]
fn child_machine() {
    if !is_child() {
        return;
    }
    let driver = loaded();
    driver.ok("cuInit", &[0]);
    assert_eq!(driver.made("cuDeviceGetCount", &[]), 3);
    driver.fails("cuDeviceGetCount", &[&mut 0i32 as *mut i32 as u64], 46);
}

#[test]
fn a_real_driver_that_is_not_there_is_no_emulation() {
    child("child_missing", &[("TINTYPE_CUDA_DOUBLE_FORWARD", "/nowhere/libcuda.so.1")]);
}

#[test]
#[ignore = "run by a_real_driver_that_is_not_there_is_no_emulation"]
fn child_missing() {
    if !is_child() {
        return;
    }
    loaded().fails("cuInit", &[0], 303);
}

/// The real driver is a second double here: a copy of the file, which keeps its own state.
#[test]
fn calls_are_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let (real, log) = (folder.path().join("real.so"), folder.path().join("log"));
    std::fs::copy(support::built(), &real).unwrap();
    child(
        "child_forward",
        &[
            ("TINTYPE_CUDA_DOUBLE_FORWARD", real.to_str().unwrap()),
            ("TINTYPE_CUDA_DOUBLE", "devices=2"),
            ("TEST_LOG", log.to_str().unwrap()),
        ],
    );
    let text = std::fs::read_to_string(log).unwrap();
    assert!(text.contains("cuStreamCreate 0 [flags=1 made=0xc0de0000000020]"), "{text}");
    assert!(text.contains("cuMemsetD8Async 0 [stream=0xc0de0000000020 capturing bytes=64 to="), "{text}");
    assert!(text.ends_with("[device=0 leaks=allocations:1,streams:1,graphs:1]\n"), "{text}");
}

#[test]
#[ignore = "run by calls_are_passed_on"]
fn child_forward() {
    if !is_child() {
        return;
    }
    let driver = loaded();
    let log = std::ffi::CString::new(std::env::var("TEST_LOG").unwrap()).unwrap();
    driver.call("tintype_double_configure", &[c"".as_ptr() as u64, c"".as_ptr() as u64, log.as_ptr() as u64]);
    driver.ok("cuInit", &[0]);
    assert_eq!(driver.made("cuDeviceGetCount", &[]), 2, "the real driver's devices");
    let context = driver.made("cuDevicePrimaryCtxRetain", &[0]);
    driver.ok("cuCtxSetCurrent", &[context]);
    let stream = driver.made("cuStreamCreate", &[1]);
    let memory = driver.made("cuMemAlloc_v2", &[64]);
    driver.ok("cuStreamBeginCapture_v2", &[stream, 1]);
    driver.ok("cuMemsetD8Async", &[memory, 1, 64, stream]);
    let mut graph = 0u64;
    driver.ok("cuStreamEndCapture", &[stream, &raw mut graph as u64]);
    // By cuGetProcAddress too it is the outer double that answers, for what it has; the rest is jumped to.
    let mut address = 0u64;
    driver.ok("cuGetProcAddress", &[c"cuMemAlloc".as_ptr() as u64, &raw mut address as u64, 13000, 0]);
    assert_eq!(address, driver.symbol("cuMemAlloc_v2") as u64);
    driver.fails("cuArrayCreate_v2", &[0, 0], 801);
    // A fault is injected without the real driver's knowledge.
    driver.call("tintype_double_fail", &[c"cuMemFree_v2".as_ptr() as u64, 1, 700]);
    driver.fails("cuMemFree_v2", &[memory], 700);
    driver.ok("cuDevicePrimaryCtxRelease_v2", &[0]);
}
