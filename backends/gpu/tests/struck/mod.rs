//! Programs under a software double of a driver: whichever call of a run fails. Which vendor's that is, `super::VENDOR` says.

mod each;

use super::VENDOR;
use super::double::{Witness, alive};
use std::collections::BTreeMap;
use std::sync::Arc;
use tintype_accel::{
    Accelerator, Bindings, CompileOptions, Error, FlushReason, HostTensor, LaunchMode, OpenOptions, Purpose,
    Result, Signature, Stats, TensorSource, WaitReason, Weights,
};
use tintype_program::{DType, Program, TensorType};

/// What a vendor calls the functions that these tests name.
pub struct Vendor {
    /// Opens a device.
    pub open: fn(&OpenOptions) -> Result<Arc<dyn Accelerator>>,
    /// Asks after an event, which is no failure where it is not there yet.
    pub query: &'static str,
    /// Those that enqueue a kernel, which is the first, or a library's.
    pub launch: &'static [&'static str],
    /// Those without which a graph is not made. The first begins its capture.
    pub graph: &'static [&'static str],
    pub replay: &'static str,
    /// Those that put a kernel on the device, the first of which takes its code.
    pub load: &'static [&'static str],
    /// Whether what spoils a context spoils the process.
    pub stays: bool,
}

/// One weight, of ones.
struct Checkpoint;

impl TensorSource for Checkpoint {
    fn origin(&self) -> String {
        "a test".into()
    }

    fn names(&self) -> Vec<String> {
        vec!["weight".into()]
    }

    fn get(&self, name: &str) -> std::result::Result<Option<HostTensor>, String> {
        let bytes: Vec<u8> = [1.0_f32; 64].iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensor = HostTensor { dtype: DType::F32, shape: vec![8, 8], bytes: bytes.into() };
        Ok((name == "weight").then_some(tensor))
    }
}

/// A step of one block: a state that moves by what a layer makes of it.
pub fn step() -> Program {
    let traced = Program::trace("step", |scope| {
        let latents = scope.state("latents", TensorType::new(DType::F32, [4, 8]))?;
        let guidance = scope.input("guidance", TensorType::new(DType::F32, []))?;
        let weight = scope.param("weight", &[8, 8])?;
        let next = (&latents.value().linear(&weight, None)?.softmax(1)? * &guidance)?;
        scope.update(&latents, &next)?;
        scope.output("latents", &next)
    });
    traced.unwrap()
}

/// What a device has done, and what it told of its fallbacks.
pub type Done = (Stats, Vec<String>);

/// Opens the device, loads, compiles, runs a step three times as a pipeline does, and lets everything go.
pub fn whole(program: &Program, launch: LaunchMode) -> Result<Done> {
    whole_with(program, launch, &OpenOptions::default())
}

pub fn whole_with(program: &Program, launch: LaunchMode, options: &OpenOptions) -> Result<Done> {
    let accelerator = (VENDOR.open)(options)?;
    let signature = Arc::new(Signature::of(program));
    let weights = Weights::load(&accelerator, &signature.params, &Checkpoint, &|_| false, &mut |_, _| {})?;
    let module = accelerator.compile(program, &CompileOptions { launch })?;
    let mut instance = module.bind(&weights)?;
    let latents = accelerator.buffer_from(&signature.states[0].ty, vec![0; 128])?;
    let guidance = accelerator.buffer_from(&signature.inputs[0].ty, vec![0; 4])?;
    let output = accelerator.buffer(&signature.outputs[0].ty, Purpose::Data)?;
    let mut bindings = Bindings::new(Arc::clone(module.signature()));
    bindings.state("latents", &latents)?.input("guidance", &guidance)?.output("latents", &output)?;
    for _ in 0..3 {
        instance.run(&mut bindings)?;
        accelerator.flush(FlushReason::Step)?;
        let fence = accelerator.record()?;
        fence.wait(WaitReason::Pacing)?;
    }
    accelerator.download(&output)?;
    accelerator.synchronize()?;
    Ok((accelerator.stats(), accelerator.fallbacks()))
}

/// Whether there is an NVRTC, without which nothing runs.
pub fn compiler() -> bool {
    match whole(&step(), LaunchMode::Compiled) {
        Err(error @ Error::Unavailable { .. }) => {
            assert!(std::env::var_os("TINTYPE_EXPECT_NVRTC").is_none(), "{error}");
            println!("NOT RUN: {error}");
            false
        }
        outcome => outcome.map(|_| true).unwrap(),
    }
}

/// Calls of each function so far.
fn calls(witness: &Witness) -> BTreeMap<String, u64> {
    let counts = witness.counts();
    let each = counts["calls"].as_object().unwrap().iter();
    each.map(|(name, count)| (name.clone(), count.as_u64().unwrap())).collect()
}

/// Which calls are failed in turn: all of them, or, where there are many, the first, the middle and the last of each function.
fn strikes(calls: &BTreeMap<String, u64>) -> Vec<(String, u64)> {
    let all: u64 = calls.values().sum();
    let of = |(name, &count): (&String, &u64)| -> Vec<(String, u64)> {
        let mut numbers: Vec<u64> = match all {
            ..=500 => (1..=count).collect(),
            _ => vec![1, count.div_ceil(2), count],
        };
        numbers.dedup();
        numbers.into_iter().map(|nth| (name.clone(), nth)).collect()
    };
    calls.iter().flat_map(of).collect()
}

/// What an error must say: which call gave which code, or how much memory was asked for.
pub fn tells(error: &Error, function: &str, status: u32) -> bool {
    let text = error.to_string();
    // Several libraries are asked for by their exact names; a version's suffix is no part of what people look up.
    let function = function.split("_v").next().unwrap();
    match error {
        Error::OutOfMemory { needed, .. } => status == 2 && *needed > 0,
        _ => text.contains(function) && text.contains(&status.to_string()),
    }
}

/// What is left after a run in which `function` failed: nothing, or, if it is one that lets things go, what it could not.
fn excused(function: &str, left: &[String]) -> bool {
    let letting_go = ["Destroy", "Free", "Unload", "Release"];
    let few = left.iter().filter(|kind| !kind.contains("_bytes")).count() <= 1;
    left.is_empty() || few && letting_go.iter().any(|word| function.contains(word))
}

pub fn any_call_may_fail(launch: LaunchMode) {
    let (witness, program) = (Witness::new(), step());
    let run = || whole(&program, launch);
    if !compiler() {
        return;
    }
    run().unwrap();
    // The second run finds its kernels on disk, as every later one does.
    witness.restart("");
    run().unwrap();
    assert_eq!(alive(&witness), [""; 0]);
    let calls = calls(&witness);
    let (mut errors, strikes) = (0, strikes(&calls));
    for (function, nth) in &strikes {
        for status in [2, 700, 719] {
            let what = format!("{launch}: call {nth} of {function} gave {status}");
            witness.restart("");
            witness.fail(function, *nth, status);
            let outcome = run();
            let left = alive(&witness);
            assert!(excused(function, &left), "{what}: {left:?}");
            match outcome {
                Err(error) => {
                    errors += 1;
                    assert!(tells(&error, function, status), "{what}: {error}");
                }
                Ok(done) if captures(launch, function) => told(&done, function, status, &what),
                Ok((_, told)) => assert_eq!(told, [""; 0], "{what}"),
            }
            // A call that was not made this time, when another thread loaded what it was for, would fail in the next run.
            // (Of queries some fail by themselves: the event is not there yet.)
            if witness.counts()["failed"].get(function).is_none() || function == VENDOR.query {
                witness.restart("");
            }
            run().unwrap_or_else(|error| panic!("{what}; the next run: {error}"));
        }
    }
    let all: u64 = calls.values().sum();
    println!("{launch}: {all} calls, {} failed with each of three codes: {errors} errors", strikes.len());
    assert!(errors > strikes.len());
}

/// Whether a function is called in this mode to make a graph, and for nothing else.
fn captures(launch: LaunchMode, function: &str) -> bool {
    let graphs = matches!(launch, LaunchMode::Graph | LaunchMode::Lazy);
    graphs && (VENDOR.launch.contains(&function) || VENDOR.graph.contains(&function))
}

/// A capture that was refused has been counted, and told with the call and its code.
fn told((stats, told): &Done, function: &str, status: u32, what: &str) {
    assert_eq!((stats.fallbacks, stats.captures, stats.replays), (1, 0, 0), "{what}");
    let [told] = &told[..] else { panic!("{what}: {told:?}") };
    let function = function.split("_v").next().unwrap();
    assert!(told.contains(function) && told.contains(&status.to_string()), "{what}: {told}");
}

/// Where a capture is refused, the work runs without a graph, and that is told and counted once; or it is an error, where that
/// was asked for.
pub fn a_capture_is_refused() {
    let (witness, program) = (Witness::new(), step());
    let mut strict = OpenOptions::default();
    strict.strict = true;
    for launch in [LaunchMode::Graph, LaunchMode::Lazy] {
        for function in VENDOR.graph {
            for status in [2, 900] {
                let what = format!("{launch}: {function} gave {status}");
                witness.restart("");
                witness.fail(function, 1, status);
                told(&whole(&program, launch).unwrap(), function, status, &what);
                let begun = witness.calls(VENDOR.graph[0]);
                assert!(begun <= 1, "{what}: it is tried again");
                assert_eq!(alive(&witness), [""; 0], "{what}");
                witness.restart("");
                witness.fail(function, 1, status);
                let error = whole_with(&program, launch, &strict).unwrap_err();
                assert!(tells(&error, function, status), "{what}: {error}");
                assert_eq!(alive(&witness), [""; 0], "{what}");
            }
        }
        // What is refused without a graph too is an error.
        witness.restart("");
        witness.fail(VENDOR.graph[0], 1, 900);
        witness.fail(VENDOR.launch[0], 1, 719);
        let error = whole(&program, launch).unwrap_err();
        assert!(tells(&error, VENDOR.launch[0], 719), "{launch}: {error}");
    }
}

/// An error of the device itself is told, and nothing is left.
pub fn an_error_of_the_device() {
    let (witness, program) = (Witness::new(), step());
    if !compiler() {
        return;
    }
    for (launch, function) in [(LaunchMode::Compiled, VENDOR.launch[0]), (LaunchMode::Graph, VENDOR.replay)] {
        for (status, nth) in [(700, 1), (719, 2), (700, 3)] {
            witness.restart("");
            witness.fail_later(function, nth, status);
            let error = whole(&program, launch).unwrap_err().to_string();
            assert!(error.contains(&status.to_string()), "{launch}: {error}");
            assert_eq!(alive(&witness), [""; 0], "{launch}, {status} behind {function} {nth}");
            // It goes with the context that it spoilt, so that another may be made; HIP's stays with the process.
            if !VENDOR.stays {
                whole(&program, launch).unwrap();
            }
        }
    }
}

/// A kernel that fails to load once is told, and one of another device is compiled again.
pub fn a_kernel_fails_to_load() {
    let (witness, program) = (Witness::new(), step());
    let load = VENDOR.load[0];
    witness.restart("");
    whole(&program, LaunchMode::Eager).unwrap();
    let kernels = witness.calls(load);
    assert!(kernels > 1, "{kernels}");
    for function in VENDOR.load {
        for nth in 1..=kernels {
            for status in [2, 700, 719] {
                witness.restart("");
                witness.fail(function, nth, status);
                let error = whole(&program, LaunchMode::Eager).unwrap_err();
                assert!(tells(&error, function, status), "call {nth} of {function} gave {status}: {error}");
                assert_eq!(alive(&witness), [""; 0]);
            }
        }
    }
    // What the device does not take from the disk is compiled and loaded again, by design; twice is an error.
    for status in [200, 209] {
        witness.restart("");
        witness.fail(load, kernels, status);
        whole(&program, LaunchMode::Eager).unwrap();
        assert_eq!(witness.calls(load), kernels + 1);
    }
    // A copy of ours that has just been compiled is not compiled again.
    let folder = std::env::var_os("TINTYPE_KERNEL_CACHE").unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    witness.restart("");
    witness.fail(load, 1, 209);
    let error = whole(&program, LaunchMode::Eager).unwrap_err();
    assert!(tells(&error, load, 209), "{error}");
}
