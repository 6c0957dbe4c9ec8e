//! Streams and events.

use crate::harness::*;

fn event(timed: u32) -> u64 {
    let mut event = 0;
    must!(synEventCreate(&mut event => *mut u64, 0 => u32, timed => u32));
    event
}

#[test]
fn events_hold_streams_apart_and_tell_time() {
    let session = Session::open();
    let mut other = 0;
    must!(synStreamCreateGeneric(&mut other => *mut u64, 0 => u32, 0 => u32));
    let (start, end) = (event(1), event(1));
    let device = session.malloc(64 << 20);
    must!(synEventQuery(start => u64));
    must!(synStreamWaitEvent(other => u64, start => u64, 0 => u32));
    let mut time = 0;
    assert_eq!(call!(synEventElapsedTime(&mut time => *mut u64, start => u64, end => u64)), 6);
    must!(synEventRecord(start => u64, session.stream => u64));
    must!(synMemsetD8Async(device => u64, 5 => u8, 64 << 20 => usize, session.stream => u64));
    must!(synEventRecord(end => u64, session.stream => u64));
    must!(synStreamWaitEvent(other => u64, end => u64, 0 => u32));
    must!(synMemsetD8Async(device => u64, 6 => u8, 4 => usize, other => u64));
    must!(synStreamSynchronize(other => u64));
    assert_eq!(session.download(device, 5), [6, 6, 6, 6, 5]);
    must!(synEventElapsedTime(&mut time => *mut u64, start => u64, end => u64));
    assert!(time > 0);
    let plain = event(0);
    must!(synEventRecord(plain => u64, other => u64));
    must!(synEventSynchronize(plain => u64));
    assert_eq!(call!(synEventElapsedTime(&mut time => *mut u64, plain => u64, 0 => u64)), INVALID);
    for handle in [start, end, plain] {
        must!(synEventDestroy(handle => u64));
    }
    assert_eq!(call!(synEventQuery(start => u64)), 33);
    must!(synStreamDestroy(other => u64));
}

#[test]
fn copies_return_before_they_are_done() {
    let session = Session::open();
    let device = session.malloc(256 << 20);
    must!(synMemsetD8Async(device => u64, 1 => u8, 256 << 20 => usize, session.stream => u64));
    assert_eq!(call!(synStreamQuery(session.stream => u64)), BUSY);
    assert_eq!(call!(synStreamSetAffinity(0 => u32, session.stream => u64, 1 => u64)), FAIL);
    must!(synStreamSynchronize(session.stream => u64));
    must!(synStreamQuery(session.stream => u64));
    assert_eq!(call!(synStreamSynchronize(12 => u64)), INVALID);
}
