//! One scenario for each group of functions, as a careful program calls them.

mod support;

use support::{fresh, ready};

#[test]
fn a_machine_is_described() {
    let driver = fresh("devices=2,memory=24GiB,capability=120,driver=12080,name=Card");
    driver.ok("cuInit", &[0]);
    assert_eq!(driver.made("cuDeviceGetCount", &[]), 2);
    assert_eq!(driver.made("cuDriverGetVersion", &[]), 12080);
    assert_eq!(driver.made("cuDeviceTotalMem_v2", &[1]), 24 << 30);
    let attribute = |which: u64| driver.made("cuDeviceGetAttribute", &[which, 1]);
    assert_eq!((attribute(75), attribute(76), attribute(97)), (12, 0, 99 << 10));
    let mut name = [0u8; 16];
    driver.ok("cuDeviceGetName", &[name.as_mut_ptr() as u64, 16, 0]);
    assert!(name.starts_with(b"Card\0"));
    driver.fails("cuDeviceGetName", &[name.as_mut_ptr() as u64, 16, 2], 101);
}

#[test]
fn machines_that_cannot_be_used_say_so() {
    for (machine, status) in [("no_device", 100), ("mismatch", 803), ("init=802", 802), ("nonsense", 999)] {
        fresh(machine).fails("cuInit", &[0], status);
    }
    let driver = fresh("busy");
    driver.ok("cuInit", &[0]);
    let mut context = 0u64;
    driver.fails("cuDevicePrimaryCtxRetain", &[&raw mut context as u64, 0], 46);
    drop(driver);
    assert_eq!(fresh("old_driver").made("cuDriverGetVersion", &[]), 11040);
}

#[test]
fn bytes_go_to_the_device_and_come_back() {
    let (driver, stream) = ready("");
    let memory = driver.made("cuMemAlloc_v2", &[70 << 30]);
    let (source, back) = (driver.pinned(200_000), driver.pinned(200_000));
    source.iter_mut().enumerate().for_each(|(index, byte)| *byte = (index % 251) as u8);
    let far = memory + (60 << 30) + 12_346;
    driver.ok("cuMemcpyHtoDAsync_v2", &[far, source.as_ptr() as u64, 200_000, stream]);
    driver.ok("cuMemsetD16Async", &[far, 0x0201, 3, stream]);
    driver.ok("cuMemcpyDtoDAsync_v2", &[memory, far, 200_000, stream]);
    driver.ok("cuMemcpyDtoHAsync_v2", &[back.as_mut_ptr() as u64, memory, 200_000, stream]);
    assert!(back.iter().all(|byte| *byte == 0), "nothing is done before it is waited for");
    driver.ok("cuStreamSynchronize", &[stream]);
    assert_eq!((&back[..6], &back[6..]), (&[1, 2, 1, 2, 1, 2][..], &source[6..]));
    driver.fails("cuMemAlloc_v2", &[source.as_mut_ptr() as u64, 20 << 30], 2);
    driver.ok("cuMemFree_v2", &[memory]);
    assert_eq!(driver.live("allocations"), 0);
}

#[test]
fn queries_say_not_ready_once() {
    let (driver, stream) = ready("");
    let event = driver.made("cuEventCreate", &[0]);
    let memory = driver.made("cuMemAllocAsync", &[4096, stream]);
    driver.ok("cuMemsetD8Async", &[memory, 1, 4096, stream]);
    driver.ok("cuEventRecord", &[event, stream]);
    driver.fails("cuEventQuery", &[event], 600);
    driver.ok("cuEventQuery", &[event]);
    driver.ok("cuMemFreeAsync", &[memory, stream]);
    driver.fails("cuStreamQuery", &[stream], 600);
    driver.ok("cuStreamQuery", &[stream]);
}

#[test]
fn streams_wait_for_events_and_time_passes() {
    let (driver, first) = ready("");
    let second = driver.made("cuStreamCreate", &[1]);
    let events = [driver.made("cuEventCreate", &[0]), driver.made("cuEventCreate", &[0])];
    let memory = driver.made("cuMemAlloc_v2", &[4]);
    let back = driver.pinned(4);
    driver.ok("cuEventRecord", &[events[0], first]);
    driver.ok("cuMemsetD8Async", &[memory, 9, 4, first]);
    driver.ok("cuEventRecord", &[events[1], first]);
    driver.ok("cuStreamWaitEvent", &[second, events[1], 0]);
    driver.ok("cuMemcpyDtoHAsync_v2", &[back.as_mut_ptr() as u64, memory, 4, second]);
    driver.ok("cuStreamSynchronize", &[second]);
    assert_eq!(back, [9; 4]);
    let mut milliseconds = -1f32;
    driver.ok("cuEventElapsedTime", &[&raw mut milliseconds as u64, events[0], events[1]]);
    assert!(milliseconds >= 0.0);
}

extern "C" fn count(data: *mut std::ffi::c_void) {
    // SAFETY: the test passes a counter that outlives the call.
    unsafe { *data.cast::<u32>() += 1 };
}

#[test]
fn host_functions_run_when_the_stream_gets_there() {
    let (driver, stream) = ready("");
    let mut counter = 0u32;
    driver.ok("cuLaunchHostFunc", &[stream, count as *const () as u64, &raw mut counter as u64]);
    assert_eq!(counter, 0);
    driver.ok("cuCtxSynchronize", &[]);
    assert_eq!(counter, 1);
}

#[test]
fn pools_have_thresholds_and_marks() {
    let (driver, stream) = ready("");
    let pool = driver.made("cuDeviceGetDefaultMemPool", &[0]);
    let mut value = u64::MAX;
    driver.ok("cuMemPoolSetAttribute", &[pool, 4, &raw mut value as u64]);
    let memory = driver.made("cuMemAllocFromPoolAsync", &[1 << 20, pool, stream]);
    driver.ok("cuMemPoolGetAttribute", &[pool, 7, &raw mut value as u64]);
    assert_eq!(value, 1 << 20);
    driver.ok("cuMemFreeAsync", &[memory, stream]);
    driver.ok("cuStreamSynchronize", &[stream]);
    driver.ok("cuMemPoolGetAttribute", &[pool, 8, &raw mut value as u64]);
    assert_eq!(value, 1 << 20);
}

#[test]
fn functions_are_found_by_name_and_version() {
    let (driver, _) = ready("");
    for (name, version, exported) in [
        (c"cuMemAlloc", 12000, "cuMemAlloc_v2"),
        (c"cuGraphInstantiate", 12000, "cuGraphInstantiateWithFlags"),
        (c"cuGraphInstantiate", 10000, "cuGraphInstantiate"),
        (c"cuEventElapsedTime", 12000, "cuEventElapsedTime"),
        (c"cuEventElapsedTime", 13000, "cuEventElapsedTime_v2"),
    ] {
        let (mut address, mut status) = (0u64, 9u32);
        let out = &raw mut address as u64;
        driver.ok("cuGetProcAddress_v2", &[name.as_ptr() as u64, out, version, 0, &raw mut status as u64]);
        assert_eq!((address, status), (driver.symbol(exported) as u64, 0), "{name:?}");
    }
    let mut address = 1u64;
    driver.fails("cuGetProcAddress", &[c"cuNothing".as_ptr() as u64, &raw mut address as u64, 12000, 0], 500);
    assert_eq!(address, 0);
}

#[test]
fn a_context_reports_what_it_takes_along() {
    let (driver, _stream) = ready("");
    let _memory = driver.made("cuMemAlloc_v2", &[1024]);
    driver.ok("cuDevicePrimaryCtxRelease_v2", &[0]);
    assert!(driver.last().ends_with("[device=0 leaks=allocations:1,streams:1]"), "{}", driver.last());
    driver.fails("cuCtxSynchronize", &[], 709);
}
