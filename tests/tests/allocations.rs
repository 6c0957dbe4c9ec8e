//! The denoising loop allocates nothing after the first picture, on any thread: an allocator that counts bears witness.
#![allow(clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use tintype::{CancelToken, DType, Event, LaunchMode, Pipeline, PipelineOptions, Request, Steps};
use tintype_tests::{cases, open_cpu, request_of};

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

/// What the process allocated between the first and the last step of a run, and how many launches it captured.
fn loop_allocations(pipeline: &mut Pipeline, request: &Request) -> (u64, u64) {
    let (mut first, mut last) = (None, 0);
    let mut watch = |event| {
        if let Event::Step { .. } = event {
            last = ALLOCATIONS.load(Ordering::Relaxed);
            first.get_or_insert(last);
        }
    };
    let made = pipeline.generate(request, &mut watch, &CancelToken::default()).unwrap();
    (last - first.unwrap(), made.stats.captures)
}

/// Two pictures; the second is judged.
fn check(name: &str, mut pipeline: Pipeline, request: &Request) {
    let (first, captures) = loop_allocations(&mut pipeline, request);
    assert!(captures > 0, "{name}: nothing was captured");
    let (later, captures) = loop_allocations(&mut pipeline, &Request { seed: 1, ..request.clone() });
    println!("{name}: {first} allocations in the loop of the first picture, {later} in the second's");
    assert_eq!((later, captures), (0, 0), "{name}");
}

fn the_denoising_loop_allocates_nothing() {
    let base = request_of(cases().iter().find(|case| case.case == "base").unwrap());
    let base = Request { steps: Some(Steps::Count(100)), ..base };
    let guided = Request { negative: Some("blurry".into()), true_cfg: Some(3.0), ..base.clone() };
    for dtype in [DType::F32, DType::Bf16] {
        for (name, request) in [("one pass a step", &base), ("true CFG", &guided)] {
            let pipeline = open_cpu("flux-base", dtype, Some(LaunchMode::Graph));
            check(&format!("{dtype:?}, {name}"), pipeline, request);
        }
    }
}

/// The same with a model of full width, whose layers take other kernels. It needs a folder, and an optimised build.
fn the_denoising_loop_of_a_given_model_allocates_nothing() {
    let Some(model) = std::env::var_os("TINTYPE_MODEL") else {
        println!(
            "test the_denoising_loop_of_a_given_model_allocates_nothing ... not run: TINTYPE_MODEL names no folder"
        );
        return;
    };
    let request = Request {
        prompt: "a red heart".into(),
        width: Some(512),
        height: Some(512),
        steps: Some(Steps::Count(6)),
        max_sequence_length: Some(128),
        ..Request::default()
    };
    for dtype in [DType::F32, DType::Bf16] {
        let device = tintype::backends().open("cpu", None, &Default::default()).unwrap().accelerator;
        let options = PipelineOptions {
            dtype: Some(dtype),
            launch: Some(LaunchMode::Graph),
            ..PipelineOptions::default()
        };
        check(&format!("{dtype:?}"), Pipeline::open(Path::new(&model), device, options).unwrap(), &request);
    }
}

fn main() {
    the_denoising_loop_allocates_nothing();
    println!("test the_denoising_loop_allocates_nothing ... ok");
    the_denoising_loop_of_a_given_model_allocates_nothing();
}
