//! Memory and stream lent to another engine, which here is a call of the driver's, under its software double.

#![allow(clippy::unwrap_used, clippy::panic)]

mod double;

use double::{Witness, alive, emulated};
use std::ffi::c_void;
use std::sync::Arc;
use tintype_accel::{Accelerator, Buffer, Driver, Lease, Lent, LentWork, OpenOptions, Purpose, Replayed};
use tintype_cuda::CudaDriver;
use tintype_program::{DType, TensorType};

type Copy = unsafe extern "C" fn(u64, u64, usize, *mut c_void) -> i32;

/// Another engine: it copies what it may read over what it may write, and does nothing before.
fn copying(bytes: usize) -> LentWork {
    let copy: Copy = Witness::new().function(b"cuMemcpyDtoDAsync_v2\0");
    Box::new(move |lent: &Lent<'_>| {
        let ([from], [to]) = (lent.reads, lent.writes) else { panic!("{lent:?}") };
        // SAFETY: both are memory of the double's, of at least so many bytes; the stream is one of its.
        assert_eq!(unsafe { copy(*to as u64, *from as u64, bytes, lent.stream) }, 0);
        Ok(())
    })
}

fn row(device: &Arc<dyn Accelerator>, value: f32) -> Buffer {
    let bytes: Vec<u8> = (0..64).flat_map(|i| (value + i as f32).to_le_bytes()).collect();
    device.buffer_from(&TensorType::new(DType::F32, [64]), bytes).unwrap()
}

fn first(device: &Arc<dyn Accelerator>, buffer: &Buffer) -> f32 {
    f32::from_le_bytes(device.download(buffer).unwrap()[..4].try_into().unwrap())
}

#[test]
fn what_is_lent_is_worked_on_in_order_and_again_when_it_was_captured() {
    if !emulated("what_is_lent_is_worked_on_in_order_and_again_when_it_was_captured", "") {
        return;
    }
    let witness = Witness::new();
    let device = CudaDriver.open(0, &OpenOptions::default()).unwrap();
    let (from, to) = (row(&device, 10.0), row(&device, 0.0));
    let [reads, writes] = [[Lease::of(&from)], [Lease::of(&to)]];
    device.lend(&reads, &writes, copying(256)).unwrap();
    assert_eq!(first(&device, &to), 10.0);

    let ty = from.ty().clone();
    let write = |value: f32| {
        let bytes: Vec<u8> = (0..64).flat_map(|_| value.to_le_bytes()).collect();
        device.write(&from, bytes).unwrap();
    };
    write(20.0);
    let graph = device.capture(&reads, &writes, copying(256)).unwrap();
    assert_eq!(first(&device, &to), 10.0, "a capture does nothing yet");
    for value in [20.0, 30.0] {
        write(value);
        graph.replay().unwrap();
        assert_eq!(first(&device, &to), value);
    }
    let stats = device.stats();
    assert_eq!((stats.captures, stats.replays), (1, 2));
    assert_eq!(witness.calls("cuStreamSynchronize"), 0, "nobody waits for the stream");

    // The graph keeps what it works on.
    let before = device.memory().held();
    drop((from, to, reads, writes));
    assert_eq!(device.memory().held(), before);
    drop(graph);
    assert!(device.memory().held() < before);

    let short = device.buffer(&ty, Purpose::Data).unwrap();
    let beyond = [Lease { range: 128..512, ..Lease::of(&short) }];
    let told = device.lend(&beyond, &[], copying(1)).unwrap_err().to_string();
    assert!(told.contains("a range of its 256 bytes") && told.contains("128..512"), "{told}");
    drop((short, beyond, device));
    assert_eq!(alive(&witness), [""; 0]);
}

#[test]
fn what_cannot_be_captured_is_enqueued_as_it_is_and_told() {
    if !emulated("what_cannot_be_captured_is_enqueued_as_it_is_and_told", "") {
        return;
    }
    let witness = Witness::new();
    let upload = "cuGraphUpload";
    for strict in [false, true] {
        let mut options = OpenOptions::default();
        options.strict = strict;
        let device = CudaDriver.open(0, &options).unwrap();
        let (from, to) = (row(&device, 10.0), row(&device, 0.0));
        let work = device.capture(&[Lease::of(&from)], &[Lease::of(&to)], copying(256)).unwrap();
        witness.fail(upload, 1, 900);
        let first_time = work.replay();
        if strict {
            let told = first_time.unwrap_err().to_string();
            assert!(told.contains("900"), "{told}");
            continue;
        }
        assert_eq!(first_time.unwrap(), Replayed { fallbacks: 1, ..Replayed::default() });
        assert_eq!(first(&device, &to), 10.0);
        assert_eq!(work.replay().unwrap(), Replayed::default(), "it is told once, and not tried again");
        let told = device.fallbacks();
        assert!(told.len() == 1 && told[0].contains("900") && told[0].contains("--strict"), "{told:?}");
        assert_eq!((device.stats().captures, device.stats().fallbacks), (0, 1));
    }
    assert_eq!(alive(&witness), [""; 0]);
}
