//! What a careless program does, and what it is told.

mod support;

use support::{fresh, ready};

#[test]
fn nothing_works_without_a_context() {
    let driver = fresh("");
    let mut out = 0u64;
    driver.fails("cuMemAlloc_v2", &[&raw mut out as u64, 4], 3);
    driver.ok("cuInit", &[0]);
    driver.fails("cuMemAlloc_v2", &[&raw mut out as u64, 4], 201);
    driver.fails("cuCtxSetCurrent", &[0x1234], 201);
}

#[test]
fn memory_is_used_while_it_lives_and_inside_its_bounds() {
    let (driver, stream) = ready("");
    let memory = driver.made("cuMemAlloc_v2", &[1000]);
    driver.fails("cuMemsetD8Async", &[memory + 1, 0, 1000, stream], 1);
    driver.fails("cuMemsetD32Async", &[memory + 2, 0, 1, stream], 1);
    driver.fails("cuMemsetD8Async", &[0xdead, 0, 1, stream], 1);
    driver.fails("cuMemFree_v2", &[memory + 8], 1);
    driver.ok("cuMemFree_v2", &[memory]);
    driver.fails("cuMemFree_v2", &[memory], 1);
    driver.fails("cuMemsetD8Async", &[memory, 0, 1, stream], 1);
    assert!(driver.last().contains("was freed"), "{}", driver.last());
}

#[test]
fn memory_freed_in_a_stream_is_gone_at_once_for_new_work() {
    let (driver, stream) = ready("");
    let memory = driver.made("cuMemAllocAsync", &[64, stream]);
    driver.ok("cuMemFreeAsync", &[memory, stream]);
    driver.fails("cuMemsetD8Async", &[memory, 0, 64, stream], 1);
    driver.fails("cuMemFreeAsync", &[memory, stream], 1);
}

#[test]
fn another_stream_must_wait_for_memory() {
    let (driver, first) = ready("");
    let second = driver.made("cuStreamCreate", &[1]);
    let memory = driver.made("cuMemAllocAsync", &[64, first]);
    driver.ok("cuMemsetD8Async", &[memory, 0, 64, second]);
    driver.fails("cuStreamSynchronize", &[second], 700);
    driver.fails("cuMemGetInfo_v2", &[0, 0], 700);
    driver.ok("cuDevicePrimaryCtxReset_v2", &[0]);
}

#[test]
fn host_pointers_are_checked() {
    let (driver, stream) = ready("");
    let memory = driver.made("cuMemAlloc_v2", &[64]);
    driver.fails("cuMemcpyHtoDAsync_v2", &[memory, 0x10, 64, stream], 1);
    driver.fails("cuMemcpyDtoHAsync_v2", &[memory, memory, 64, stream], 1);
    let ordinary = [7u8; 64];
    driver.ok("cuMemcpyHtoDAsync_v2", &[memory, ordinary.as_ptr() as u64, 64, stream]);
    assert!(driver.last().contains("pageable"), "{}", driver.last());
    let pinned = driver.pinned(64).as_ptr() as u64;
    driver.ok("cuMemFreeHost", &[pinned]);
    driver.fails("cuMemFreeHost", &[pinned], 1);
}

#[test]
fn handles_that_are_gone_are_known_as_such() {
    let (driver, stream) = ready("");
    let event = driver.made("cuEventCreate", &[2]);
    driver.fails("cuEventElapsedTime", &[&mut 0f32 as *mut f32 as u64, event, event], 400);
    driver.ok("cuEventDestroy_v2", &[event]);
    driver.fails("cuEventRecord", &[event, stream], 400);
    driver.ok("cuStreamDestroy_v2", &[stream]);
    driver.fails("cuStreamSynchronize", &[stream], 400);
    driver.fails("cuStreamDestroy_v2", &[0x77], 400);
}

#[test]
fn launches_stay_in_the_devices_limits() {
    let (driver, stream) = ready("");
    let (module, tile) = driver.probe("tile");
    let memory = driver.made("cuMemAlloc_v2", &[4096]);
    assert_eq!(driver.launch(tile, (1, 256), stream, &[memory]), 0);
    assert_eq!(driver.launch(tile, (1, 512), stream, &[memory]), 701, "compiled for 256 threads");
    assert_eq!(driver.launch(tile, (0, 256), stream, &[memory]), 1);
    assert_eq!(driver.launch(tile, (1, 2048), stream, &[memory]), 1);
    driver.ok("cuFuncSetAttribute", &[tile, 8, 200 << 10]);
    driver.fails("cuFuncSetAttribute", &[tile, 8, 227 << 10], 1);
    assert_eq!(driver.launch(tile, (1, 256), stream, &[memory + 8192]), 700, "{}", driver.last());
    assert!(driver.last().contains("parameter 0"), "{}", driver.last());
    driver.ok("cuModuleUnload", &[module]);
    assert_eq!(driver.launch(tile, (1, 256), stream, &[memory]), 700, "the error stays");
}

#[test]
fn images_are_looked_at() {
    let (driver, _) = ready("capability=80");
    let cubin = include_bytes!("data/probe.sm_90a.cubin");
    let mut module = 0u64;
    let out = &raw mut module as u64;
    driver.fails("cuModuleLoadData", &[out, cubin.as_ptr() as u64], 209);
    for (image, status) in [
        (&b"nonsense\0"[..], 200),
        (&b"\x7fELF\0"[..], 200),
        (&b".version 9.0\n.target sm_90\n.entry a()\n{\n}\0"[..], 209),
        (&b".version 9.0\n.target sm_80\n\0"[..], 200),
    ] {
        let mut padded = image.to_vec();
        padded.resize(4096, 0);
        driver.fails("cuModuleLoadData", &[out, padded.as_ptr() as u64], status);
    }
    let ptx = c".version 9.0\n.target sm_80\n.visible .entry scale(\n.param .u64 scale_0,\n.param .f32 scale_1\n)\n.maxntid 128, 1, 1\n{\nret;\n}\n";
    let module = driver.made("cuModuleLoadData", &[ptx.as_ptr() as u64]);
    let function = driver.made("cuModuleGetFunction", &[module, c"scale".as_ptr() as u64]);
    let (mut offset, mut size) = (0u64, 0u64);
    driver.ok("cuFuncGetParamInfo", &[function, 1, &raw mut offset as u64, &raw mut size as u64]);
    assert_eq!((offset, size), (8, 4));
    assert_eq!(driver.made("cuFuncGetAttribute", &[0, function]), 128);
}
