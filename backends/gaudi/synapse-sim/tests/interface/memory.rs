//! Device and host memory.

use crate::harness::*;

#[test]
fn sizes_of_nothing_flags_and_too_much() {
    let session = Session::open();
    assert_eq!(session.malloc(0), 0);
    let mut address = 7;
    assert_eq!(
        call!(synDeviceMalloc(0 => u32, 1u64 << 50 => u64, 0 => u64, 0 => u32, &mut address => *mut u64)),
        FAIL
    );
    assert_eq!(address, 0);
    assert_eq!(
        call!(synDeviceMalloc(0 => u32, 16 => u64, 0 => u64, 1 => u32, &mut address => *mut u64)),
        FAIL
    );
    must!(synDeviceFree(0 => u32, 0 => u64, 0 => u32));
    assert_eq!(call!(synDeviceFree(0 => u32, 4096 => u64, 0 => u32)), FAIL);
    let (mut free, mut total) = (0, 0);
    let big = session.malloc(24 << 30); // Untouched, so it takes no memory here.
    must!(synDeviceGetMemoryInfo(0 => u32, &mut free => *mut u64, &mut total => *mut u64));
    assert_eq!((free, total), (72 << 30, 96 << 30));
    must!(synDeviceFree(0 => u32, big => u64, 0 => u32));
}

#[test]
fn unmapped_host_memory_is_not_reached() {
    let session = Session::open();
    let (device, host) = (session.malloc(64), [0u8; 64]);
    let copy = |size: u64| call!(synMemCopyAsync(session.stream => u64, host.as_ptr() as u64 => u64, size => u64, device => u64, 0 => i32));
    assert_eq!(copy(64), 34);
    assert_eq!(copy(0), SUCCESS);
    must!(synHostMap(0 => u32, 64 => u64, host.as_ptr() => *const u8));
    must!(synHostMap(0 => u32, 64 => u64, host.as_ptr() => *const u8));
    assert_eq!(copy(64), SUCCESS);
    must!(synStreamSynchronize(session.stream => u64));
    assert_eq!(call!(synHostFree(0 => u32, host.as_ptr() => *const u8, 0 => u32)), INVALID);
    must!(synHostUnmap(0 => u32, host.as_ptr() => *const u8));
    assert_eq!(copy(64), 34);
}

#[test]
fn fills_count_elements() {
    let session = Session::open();
    let device = session.malloc(16);
    must!(synMemsetD32Async(device => u64, 0x0102_0304 => u32, 4 => usize, session.stream => u64));
    must!(synMemsetD16Async(device => u64, 0 => u16, 2 => usize, session.stream => u64));
    assert_eq!(session.download(device, 16), [0, 0, 0, 0, 4, 3, 2, 1, 4, 3, 2, 1, 4, 3, 2, 1]);
    assert_eq!(call!(synMemsetD32Async(device => u64, 0 => u32, 5 => usize, session.stream => u64)), INVALID);
}

#[test]
fn one_device_a_process() {
    let _session = Session::open();
    let mut id = 0;
    assert_eq!(call!(synDeviceAcquireByDeviceType(&mut id => *mut u32, 4 => i32)), 20);
    assert_eq!(id, u32::MAX);
    must!(synDeviceRelease(0 => u32));
    assert_eq!(call!(synDeviceRelease(0 => u32)), 8);
    assert_eq!(call!(synDeviceAcquireByDeviceType(&mut id => *mut u32, 5 => i32)), 9);
}
