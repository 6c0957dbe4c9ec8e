//! Replaying a captured run allocates nothing, on any thread: an allocator that counts bears witness.

#![allow(clippy::unwrap_used)]

mod common;

use common::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use tintype_accel::{LaunchMode, Pacer};

/// The system's allocator, with a count of what it is asked for.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract that this one has.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Runs a few times, then counts what further runs allocate.
fn count(session: &mut Session, runs: u64) -> u64 {
    let mut pacer = Pacer::default();
    let mut step = |session: &mut Session| {
        session.run();
        pacer.step(session.device.as_ref()).unwrap();
    };
    (0..200).for_each(|_| step(session));
    session.device.synchronize().unwrap();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..runs).for_each(|_| step(session));
    session.device.synchronize().unwrap();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

fn main() {
    let device = open();
    // Copies in blocks that are called: what the runtime itself does.
    let copies = trace(|scope| {
        let x = scope.input("x", f32s(&[16, 32]))?;
        let block =
            scope.block("turn", &[x.ty()], |_, x| Ok(vec![x[0].transpose(&[1, 0])?.reshape(&[16, 32])?]))?;
        let y = block.call(scope, &[&x])?;
        scope.output("y", &block.call(scope, &[&y[0]])?[0])
    });
    let mut session = Session::of(&device, &copies, LaunchMode::Graph, &Checkpoint::default());
    session.write("x", &numbers(512, 7));
    let runs = 630;
    let allocated = count(&mut session, runs);
    assert_eq!(allocated, 0);
    let stats = session.instance.stats();
    assert_eq!((stats.captures, stats.replays, stats.runs), (1, 200 + runs, 200 + runs));

    let group = trace(|scope| {
        let x = scope.input("x", f32s(&[16, 32]))?;
        scope.output("y", &(&x.silu()? + &x)?)
    });
    let linear = trace(|scope| {
        let x = scope.input("x", f32s(&[16, 32]))?;
        scope.output("y", &x.linear(&scope.param("w", &[32, 32])?, None)?)
    });
    let weight = Checkpoint::default().with("w", &[32, 32], &numbers(1024, 3));
    for (name, program, from) in [("group", group, Checkpoint::default()), ("linear", linear, weight)] {
        let mut session = Session::of(&device, &program, LaunchMode::Graph, &from);
        session.write("x", &numbers(512, 7));
        assert_eq!(count(&mut session, runs), 0, "{name}");
    }
    println!("test replays_allocate_nothing ... ok");
}
