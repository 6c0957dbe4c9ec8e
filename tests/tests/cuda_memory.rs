//! Memory that is short, on the CUDA backend under the software double of the driver, which counts memory as a device does:
//! found in plan, while a component is put on the device, and in the middle of a run. The next run works each time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../backends/cuda/tests/double/mod.rs"]
mod double;

use double::{Witness, alive, emulated};
use std::sync::Arc;
use tintype::accel::{Accelerator, Purpose, Storage};
use tintype::pipeline::inspect::{Fit, Phase};
use tintype::{
    CancelToken, Error, Event, LaunchMode, Moment, OpenOptions, Pipeline, PipelineOptions, Request, Result,
    Shortage, Steps, VaeTile,
};
use tintype_tests::full_size::{Published, has_sparse_files};

/// What every allocation may be rounded up by, all of them together.
const SLACK: u64 = 1 << 20;

fn device() -> Arc<dyn Accelerator> {
    tintype::backends().open("cuda", None, &OpenOptions::default()).unwrap().accelerator
}

fn open(launch: LaunchMode) -> Pipeline {
    let options = PipelineOptions { dtype: None, launch: Some(launch), ..PipelineOptions::default() };
    Pipeline::open(tintype::bundled().unwrap(), device(), options).unwrap()
}

fn square(side: usize) -> Request {
    Request {
        prompt: "a red heart".into(),
        width: Some(side),
        height: Some(side),
        steps: Some(Steps::Count(3)),
        ..Request::default()
    }
}

fn draw(pipeline: &mut Pipeline, request: &Request) -> Result<()> {
    pipeline.generate(request, &mut |_| {}, &CancelToken::default()).map(drop)
}

/// Whether there is an NVRTC, without which nothing runs.
fn compiler() -> bool {
    match draw(&mut open(LaunchMode::Graph), &square(64)) {
        Err(error) if error.to_string().contains("NVRTC") => {
            assert!(std::env::var_os("TINTYPE_EXPECT_NVRTC").is_none(), "{error}");
            println!("NOT RUN: {error}");
            false
        }
        drawn => drawn.map(|()| true).unwrap(),
    }
}

/// The peak of a run, and of its denoising.
fn peaks(request: &Request) -> [u64; 2] {
    let forecast = open(LaunchMode::Graph).forecast(request).unwrap();
    let denoising = forecast.phases.iter().find(|phase| phase.phase == Phase::Denoising).unwrap();
    [forecast.peak, denoising.peak]
}

/// Another program's memory: all but `left` bytes of what is free.
struct Hog {
    device: Arc<dyn Accelerator>,
    held: Option<Arc<dyn Storage>>,
}

impl Hog {
    fn new() -> Self {
        Self { device: device(), held: None }
    }

    fn take(&mut self, bytes: u64) {
        self.held = Some(self.device.allocate(bytes as usize, Purpose::Data).unwrap());
    }

    fn give_back(&mut self) {
        self.held = None;
        self.device.synchronize().unwrap();
    }
}

/// A size that the message offers.
fn offered(told: &str) -> usize {
    let (_, behind) = told.split_once("--width ").unwrap_or_else(|| panic!("no size in: {told}"));
    behind.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn what_does_not_fit_is_refused_in_plan_and_the_size_that_is_offered_fits() {
    if !emulated("what_does_not_fit_is_refused_in_plan_and_the_size_that_is_offered_fits", "") {
        return;
    }
    if !compiler() {
        return;
    }
    let witness = Witness::new();
    let request = Request { vae_tile: VaeTile::Off, ..square(256) };
    let [peak, _] = peaks(&request);
    witness.restart(&format!("memory={}", peak - 1));
    let mut pipeline = open(LaunchMode::Graph);
    assert_eq!(pipeline.forecast(&request).unwrap().fit, Fit::DoesNotFit);
    let mut events = 0;
    let error = pipeline.generate(&request, &mut |_| events += 1, &CancelToken::default()).unwrap_err();
    let told = error.to_string();
    println!("in plan: {told}");
    let Error::DoesNotFit { needed, free, .. } = error else { panic!("{told}") };
    assert_eq!((needed, free, events), (peak, peak - 1, 0));
    assert!(told.contains("it would fit with") && told.contains("--vae-tile 192"), "{told}");
    for function in ["cuMemAllocAsync", "cuModuleLoadData", "cuMemcpyHtoDAsync_v2"] {
        assert_eq!(witness.calls(function), 0, "{function} before it was known");
    }
    draw(&mut pipeline, &square(offered(&told))).unwrap();
    drop(pipeline);
    assert_eq!(alive(&witness), [""; 0]);
}

#[test]
fn a_model_of_34_gigabytes_is_refused_at_once_where_10_are_free() {
    let name = "a_model_of_34_gigabytes_is_refused_at_once_where_10_are_free";
    if !emulated(name, "memory=10GiB") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    if !has_sparse_files(folder.path()) {
        println!("NOT RUN: files cannot have holes in {}", folder.path().display());
        return;
    }
    Published::Dev.write(folder.path()).unwrap();
    let witness = Witness::new();
    let mut pipeline = Pipeline::open(folder.path(), device(), PipelineOptions::default()).unwrap();
    let told = draw(&mut pipeline, &square(1024)).unwrap_err().to_string();
    println!("in plan: {told}");
    assert!(
        told.contains("a picture of 1024 x 1024 in bf16") && told.contains("10.00 GiB are free"),
        "{told}"
    );
    assert!(told.contains("no smaller picture of this model fits either"), "{told}");
    assert_eq!(witness.calls("cuMemAllocAsync"), 0);
    assert_eq!(pipeline.accelerator().memory().held(), 0);
}

#[test]
fn memory_that_another_takes_while_a_component_is_put_on_the_device_is_told_with_what_would_fit() {
    let name = "memory_that_another_takes_while_a_component_is_put_on_the_device_is_told_with_what_would_fit";
    if !emulated(name, "") || !compiler() {
        return;
    }
    let (witness, request) = (Witness::new(), square(1024));
    let ([peak, denoising], [small, _]) = (peaks(&request), peaks(&square(128)));
    assert!(small < denoising && denoising < peak, "{small} {denoising} {peak}");
    let memory = peak + SLACK;
    witness.restart(&format!("memory={memory}"));
    let (mut pipeline, mut hog) = (open(LaunchMode::Graph), Hog::new());
    let mut watch = |event| {
        if let Event::Loading { component: "transformer", .. } = event
            && hog.held.is_none()
        {
            // A small picture still fits, the denoiser of this one does not.
            hog.take(memory - (small + denoising) / 2);
        }
    };
    let error = pipeline.generate(&request, &mut watch, &CancelToken::default()).unwrap_err();
    let told = error.to_string();
    println!("put on the device: {told}");
    let Error::OutOfMemory(shortage) = error else { panic!("{told}") };
    let Shortage { moment, needed, free, .. } = *shortage;
    assert_eq!(moment, Moment::Binding { component: "transformer" });
    assert!(needed > free && told.contains("it would fit with"), "{told}");
    // With the memory still taken, what is offered fits, and the same again is refused in plan.
    draw(&mut pipeline, &square(offered(&told))).unwrap();
    let again = draw(&mut pipeline, &request).unwrap_err();
    assert!(matches!(again, Error::DoesNotFit { .. }), "{again}");
    hog.give_back();
    draw(&mut pipeline, &request).unwrap();
    drop((pipeline, hog));
    assert_eq!(alive(&witness), [""; 0]);
}

#[test]
fn an_allocation_that_fails_anywhere_is_told_by_its_moment_and_the_next_run_works() {
    let name = "an_allocation_that_fails_anywhere_is_told_by_its_moment_and_the_next_run_works";
    if !emulated(name, "") || !compiler() {
        return;
    }
    let (witness, request) = (Witness::new(), square(64));
    witness.restart("");
    draw(&mut open(LaunchMode::Graph), &request).unwrap();
    let allocations = witness.calls("cuMemAllocAsync");
    // Once it fails, what is kept unused is given back and it is tried again: only the second time is told.
    witness.restart("");
    witness.fail("cuMemAllocAsync", allocations / 2, 2);
    draw(&mut open(LaunchMode::Graph), &request).unwrap();
    // The denoiser's weights are many; the last allocations, of its inputs and of the decoder, are tried one by one.
    let late = allocations.saturating_sub(12)..=allocations;
    let inputs = (1..allocations).step_by(allocations as usize / 24 + 1);
    let (mut binding, mut running, mut unfinished) = (0, 0, 0);
    for nth in inputs.chain(late) {
        witness.restart("");
        let mut pipeline = open(LaunchMode::Graph);
        witness.fail("cuMemAllocAsync", nth, 2);
        witness.fail("cuMemAllocAsync", nth + 1, 2);
        match draw(&mut pipeline, &request).unwrap_err() {
            Error::OutOfMemory(shortage) if shortage.needed.is_some() => match shortage.moment {
                Moment::Binding { .. } => binding += 1,
                _ => running += 1,
            },
            Error::Unfinished { source, .. } if matches!(*source, Error::OutOfMemory(_)) => unfinished += 1,
            other => panic!("allocation {nth} of {allocations}: {other}"),
        }
        draw(&mut pipeline, &request)
            .unwrap_or_else(|error| panic!("allocation {nth}, the next run: {error}"));
        drop(pipeline);
        assert_eq!(alive(&witness), [""; 0], "allocation {nth}");
    }
    println!(
        "{allocations} allocations: {binding} told of binding, {running} of running, {unfinished} of decoding"
    );
    assert!(binding > 0 && running > 0 && unfinished > 0, "{binding} {running} {unfinished}");
}

#[test]
fn a_driver_without_memory_for_a_step_is_told_and_the_next_run_works() {
    if !emulated("a_driver_without_memory_for_a_step_is_told_and_the_next_run_works", "") || !compiler() {
        return;
    }
    let witness = Witness::new();
    for (launch, function) in [
        (LaunchMode::Graph, "cuGraphLaunch"),
        (LaunchMode::Lazy, "cuGraphLaunch"),
        (LaunchMode::Compiled, "cuLaunchKernel"),
        (LaunchMode::Eager, "cuLaunchKernel"),
    ] {
        witness.restart("");
        let mut pipeline = open(launch);
        let mut struck = false;
        let mut watch = |event| {
            if let Event::Step { .. } = event
                && !std::mem::replace(&mut struck, true)
            {
                witness.fail(function, 1, 2);
            }
        };
        let request = Request { steps: Some(Steps::Count(6)), ..square(128) };
        let error = pipeline.generate(&request, &mut watch, &CancelToken::default()).unwrap_err();
        let told = error.to_string();
        println!("{launch}: {told}");
        let moment = match error {
            Error::OutOfMemory(shortage) if shortage.needed.is_none() => shortage.moment,
            other => panic!("{launch}: {other}"),
        };
        assert_eq!(moment, Moment::Running, "{launch}");
        assert!(
            told.contains(&format!("{function}: code 2")) && told.contains("less is taken with"),
            "{told}"
        );
        draw(&mut pipeline, &request).unwrap();
        drop(pipeline);
        assert_eq!(alive(&witness), [""; 0], "{launch}");
    }
}

#[test]
fn arenas_of_other_shapes_make_room() {
    if !emulated("arenas_of_other_shapes_make_room", "") || !compiler() {
        return;
    }
    let witness = Witness::new();
    // In small tiles, so that the denoiser takes the most.
    let [smaller, larger] = [896, 1024].map(|side| Request { vae_tile: VaeTile::Pixels(64), ..square(side) });
    let [_, denoising] = peaks(&larger);
    let forecast = open(LaunchMode::Graph).forecast(&larger).unwrap();
    let memory = forecast.peak + SLACK;
    assert!(forecast.peak < denoising + denoising / 4, "{} {denoising}", forecast.peak);
    witness.restart(&format!("memory={memory}"));
    let mut pipeline = open(LaunchMode::Graph);
    for request in [&smaller, &larger, &smaller, &larger] {
        draw(&mut pipeline, request).unwrap();
    }
    assert!(pipeline.accelerator().memory().held() <= memory);
    assert!(witness.counts()["failed"]["cuMemAllocAsync"].as_u64().unwrap() > 0, "there was room for both");
}

#[test]
fn two_pipelines_at_once_leave_nothing() {
    if !emulated("two_pipelines_at_once_leave_nothing", "") || !compiler() {
        return;
    }
    let witness = Witness::new();
    for launch in [LaunchMode::Graph, LaunchMode::Lazy, LaunchMode::Compiled, LaunchMode::Eager] {
        for shared in [false, true] {
            witness.restart("");
            let mut first = open(launch);
            let mut second =
                if shared { first.share(PipelineOptions::default()).unwrap() } else { open(launch) };
            std::thread::scope(|threads| {
                threads.spawn(|| (0..3).for_each(|_| draw(&mut first, &square(64)).unwrap()));
                threads.spawn(|| (0..3).for_each(|_| draw(&mut second, &square(96)).unwrap()));
            });
            drop((first, second));
            assert_eq!(alive(&witness), [""; 0], "{launch}");
            let mut failed = witness.counts()["failed"].clone();
            // That an event is not there yet is an answer.
            failed.as_object_mut().unwrap().remove("cuEventQuery");
            assert_eq!(failed, serde_json::Value::Object(Default::default()), "{launch}: calls that failed");
        }
    }
}
