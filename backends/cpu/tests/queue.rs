//! The queue: order, waits, errors, threads, and the end of it all.

mod common;

use common::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use tintype_accel::{HostBytes, LaunchMode, Pacer, Purpose, WaitReason};

/// Bytes that are there only once somebody opens the gate, and that are gone where `broken` says so.
struct Gate {
    barrier: Barrier,
    reads: AtomicUsize,
    broken: bool,
}

impl Gate {
    fn new(broken: bool) -> Arc<Self> {
        Arc::new(Self { barrier: Barrier::new(2), reads: AtomicUsize::new(0), broken })
    }
}

impl AsRef<[u8]> for Gate {
    fn as_ref(&self) -> &[u8] {
        // The first look is the caller's, for the length; the second is the queue's.
        match self.reads.fetch_add(1, Ordering::Relaxed) {
            0 => &[1; 4],
            _ if self.broken => &[],
            _ => {
                self.barrier.wait();
                &[1; 4]
            }
        }
    }
}

#[test]
fn a_run_only_enqueues_and_fences_are_real() {
    let device = open();
    let program = trace(|scope| scope.output("y", &(&scope.input("x", f32s(&[1]))? + 1.0)?));
    let mut session = Session::of(&device, &program, LaunchMode::Compiled, &Checkpoint::default());
    let gate = Gate::new(false);
    let x = session.buffers["x"].clone();
    device.upload(x.storage(), 0, HostBytes::Shared(Arc::clone(&gate) as _, 0..4)).unwrap();
    let before = device.stats();
    session.run().run();
    let fence = device.record().unwrap();
    let read = device.read(&session.buffers["y"]).unwrap();
    assert!(!fence.poll().unwrap() && !read.poll().unwrap());
    assert_eq!((device.stats() - before).host_synchronizations, 0);
    gate.barrier.wait();
    fence.wait(WaitReason::Pacing).unwrap();
    assert!(fence.poll().unwrap());
    let after = device.stats() - before;
    assert_eq!((after.runs, after.launches), (2, 2));
    assert!(after.pacing_waits <= 1 && after.host_synchronizations == 0);
    read.wait().unwrap();
    device.synchronize().unwrap();
    assert!((device.stats() - before).host_synchronizations >= 1);
}

#[test]
fn pacing_waits_for_the_step_before_last_and_never_drains() {
    let device = open();
    let program = trace(|scope| {
        let x = scope.state("x", f32s(&[128, 128]))?;
        scope.update(&x, &x.value().matmul(x.value())?.softmax(1)?)
    });
    let mut session = Session::of(&device, &program, LaunchMode::Compiled, &Checkpoint::default());
    session.write("x", &numbers(128 * 128, 1));
    let (mut pacer, before) = (Pacer::default(), device.stats());
    for _ in 0..20 {
        session.run();
        pacer.step(device.as_ref()).unwrap();
        assert!(pacer.in_flight() <= Pacer::DEPTH);
    }
    let during = device.stats() - before;
    assert_eq!((during.host_synchronizations, during.compiles, during.allocations), (0, 0, 0));
    assert!(during.pacing_waits <= 18);
}

#[test]
fn an_error_of_a_job_comes_out_of_the_next_wait_and_the_next_run_works() {
    let device = open();
    let program = trace(|scope| scope.output("y", &(&scope.input("x", f32s(&[1]))? + 1.0)?));
    let mut session = Session::of(&device, &program, LaunchMode::Compiled, &Checkpoint::default());
    session.write("x", &[1.0]).run();
    assert_eq!(session.read("y"), [2.0]);
    let x = session.buffers["x"].clone();
    device.upload(x.storage(), 0, HostBytes::Shared(Gate::new(true) as _, 0..4)).unwrap();
    let launches = session.instance.stats().launches;
    session.run();
    let lost = device.read(&session.buffers["y"]).unwrap();
    let error = device.synchronize().unwrap_err();
    assert!(error.to_string().contains("changed their number"), "{error}");
    assert_eq!(session.instance.stats().launches, launches, "what follows a failure does not run");
    let error = lost.wait().unwrap_err();
    assert!(error.to_string().contains("dropped"), "{error}");
    device.synchronize().unwrap();
    session.write("x", &[5.0]).run();
    assert_eq!(session.read("y"), [6.0]);
}

#[test]
fn instances_run_from_many_threads() {
    let device = open();
    let program = trace(|scope| {
        let x = scope.input("x", f32s(&[4, 8]))?;
        scope.output("y", &layer(scope, &x)?)
    });
    let module = compile(&device, &program, LaunchMode::Compiled);
    let from =
        ["0.w", "1.w"].iter().fold(Checkpoint::default(), |c, name| c.with(name, &[8, 8], &numbers(64, 3)));
    let set = weights(&device, module.as_ref(), &from);
    let expected: Vec<Vec<f32>> = (0..8)
        .map(|seed| {
            Session::new(&device, module.as_ref(), &set).write("x", &numbers(32, seed)).run().read("y")
        })
        .collect();
    thread::scope(|threads| {
        for (seed, expected) in expected.iter().enumerate() {
            let (device, module, set) = (&device, &module, &set);
            threads.spawn(move || {
                let mut session = Session::new(device, module.as_ref(), set);
                for _ in 0..20 {
                    assert_eq!(&session.write("x", &numbers(32, seed as u64)).run().read("y"), expected);
                }
                assert_eq!(session.instance.stats().runs, 20);
            });
        }
    });
}

#[test]
fn two_accelerators_have_queues_of_their_own() {
    let (one, other) = (open(), open());
    let gate = Gate::new(false);
    let storage = one.allocate(4, Purpose::Data).unwrap();
    one.upload(&storage, 0, HostBytes::Shared(Arc::clone(&gate) as _, 0..4)).unwrap();
    // One is held up; the other goes on.
    let buffer = other.buffer_from(&f32s(&[1]), vec![0; 4]).unwrap();
    assert_eq!(other.download(&buffer).unwrap(), [0; 4]);
    gate.barrier.wait();
    one.synchronize().unwrap();
    assert_eq!((one.stats().bytes_downloaded, other.stats().bytes_downloaded), (0, 4));
}

#[test]
fn everything_may_be_dropped_in_any_order() {
    let program = trace(|scope| {
        let x = scope.input("x", f32s(&[4, 8]))?;
        scope.output("y", &layer(scope, &x)?)
    });
    let from =
        ["0.w", "1.w"].iter().fold(Checkpoint::default(), |c, name| c.with(name, &[8, 8], &numbers(64, 3)));
    let expected = {
        let mut session = Session::of(&open(), &program, LaunchMode::Compiled, &from);
        session.write("x", &numbers(32, 4)).run().read("y")
    };
    let device = open();
    let mut session = Session::of(&device, &program, LaunchMode::Compiled, &from);
    session.write("x", &numbers(32, 4)).run();
    let read = device.read(&session.buffers["y"]).unwrap();
    // All but the reading goes, while the run may still be on its way.
    drop(device);
    drop(session);
    let bytes = read.wait().unwrap();
    assert_eq!(tintype_accel::to_f32(tintype_program::DType::F32, &bytes), expected);
    // An instance alone keeps the queue.
    let device = open();
    let Session { mut instance, mut bindings, buffers, device: again } =
        Session::of(&device, &program, LaunchMode::Compiled, &from);
    drop((again, device));
    instance.run(&mut bindings).unwrap();
    drop((buffers, bindings));
    drop(instance);
}
