//! Faults on demand, and the log that shows them.

mod support;

use support::{call_at, ready};

#[test]
fn the_nth_call_fails() {
    let (driver, _) = ready("");
    driver.call("tintype_double_fail", &[c"cuMemAlloc_v2".as_ptr() as u64, 2, 2]);
    let mut out = 0u64;
    for status in [0, 2, 0] {
        driver.fails("cuMemAlloc_v2", &[&raw mut out as u64, 64], status);
    }
    let counts = driver.json("tintype_double_counts");
    assert_eq!(
        (&counts["calls"]["cuMemAlloc_v2"], &counts["failed"]["cuMemAlloc_v2"]),
        (&3.into(), &1.into())
    );
    driver.call("tintype_double_reset_counts", &[]);
    assert!(driver.json("tintype_double_counts")["calls"].as_object().unwrap().is_empty());
}

#[test]
fn every_function_can_fail() {
    // The library's own table, by way of cuGetProcAddress, would miss versions: names as they are exported.
    let names = include_str!("data/functions.txt");
    let (driver, _) = ready("");
    let mut scratch = [0u64; 64];
    let room = scratch.as_mut_ptr() as u64;
    for name in names.lines() {
        driver.call("tintype_double_fail", &[std::ffi::CString::new(name).unwrap().as_ptr() as u64, 1, 702]);
        assert_eq!(call_at(driver.symbol(name), &[room; 12]), 702, "{name}");
        assert!(driver.last().contains(&format!(" {name} 702 [")), "{}", driver.last());
    }
}

#[test]
fn a_fault_behind_the_back_surfaces_and_stays() {
    for status in [700, 719, 214, 46] {
        let (driver, stream) = ready("");
        let memory = driver.made("cuMemAlloc_v2", &[64]);
        driver.call("tintype_double_fail_later", &[c"cuMemsetD8Async".as_ptr() as u64, 1, status]);
        driver.ok("cuMemsetD8Async", &[memory, 0, 64, stream]);
        let event = driver.made("cuEventCreate", &[0]);
        driver.fails("cuStreamSynchronize", &[stream], status as u32);
        driver.fails("cuEventRecord", &[event, stream], status as u32);
        driver.ok("cuEventDestroy_v2", &[event]);
        driver.ok("cuMemFree_v2", &[memory]);
        driver.ok("cuDevicePrimaryCtxRelease_v2", &[0]);
        let context = driver.made("cuDevicePrimaryCtxRetain", &[0]);
        driver.ok("cuCtxSetCurrent", &[context]);
        driver.ok("cuCtxSynchronize", &[]);
    }
}

#[test]
fn the_log_is_exact() {
    let (driver, stream) = ready("");
    driver.call("tintype_double_mark", &[c"loop".as_ptr() as u64]);
    let memory = driver.made("cuMemAlloc_v2", &[64]);
    driver.ok("cuMemsetD8Async", &[memory, 0, 64, stream]);
    driver.ok("cuStreamBeginCapture_v2", &[stream, 1]);
    driver.ok("cuMemsetD8Async", &[memory, 0, 64, stream]);
    driver.fails("cuMemFree_v2", &[memory], 900);
    let context = 0x00c0_de00_0000_0010u64;
    let why = "not allowed while a capture is under way";
    assert_eq!(
        driver.log(),
        [
            "1 cuInit 0 []".to_string(),
            format!("2 cuDevicePrimaryCtxRetain 0 [device=0 context={context:#x}]"),
            format!("3 cuCtxSetCurrent 0 [context={context:#x}]"),
            format!("4 cuStreamCreate 0 [flags=1 made={stream:#x}]"),
            "# loop".into(),
            format!("5 cuMemAlloc_v2 0 [bytes=64 address={memory:#x}]"),
            format!("6 cuMemsetD8Async 0 [stream={stream:#x} idle bytes=64 to={memory:#x}]"),
            format!("7 cuStreamBeginCapture_v2 0 [stream={stream:#x} idle mode=1]"),
            format!("8 cuMemsetD8Async 0 [stream={stream:#x} capturing bytes=64 to={memory:#x}]"),
            format!("9 cuMemFree_v2 900 [address={memory:#x} why=\"{why}\"]"),
        ]
    );
}
